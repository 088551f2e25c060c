//! What differs between WASI 0.2 and 0.3 in the functions that they share:
//! error codes, times, kinds of files, and how a function is linked.

use larder_core::{Attributes, DescriptorFlags, ErrorCode, Follow, OpenFlags, SetTime};
use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentNamedList, ComponentType, Lift, LinkerInstance, Lower};
use wasmtime_wasi::p2::bindings::filesystem::types as shared;

/// The `flags` and `enum` types that 0.2 and 0.3 define alike: Wasmtime
/// compares them by structure, so that one Rust type serves both.
pub(crate) use shared::{
    Advice, DescriptorFlags as WasiDescriptorFlags, MetadataHashValue, OpenFlags as WasiOpenFlags, PathFlags,
};

/// One version of `wasi:filesystem`.
pub(crate) trait Abi: 'static {
    /// `types.error-code`.
    type ErrorCode: Lower + Send + Sync + 'static;
    /// `types.descriptor-type`.
    type Kind: Lower + Send + Sync + 'static;
    /// `types.descriptor-stat`.
    type Stat: Lower + Send + Sync + 'static;
    /// `types.new-timestamp`.
    type NewTimestamp: Lift + Send + Sync + 'static;

    fn error(code: ErrorCode) -> Self::ErrorCode;
    fn kind(file_type: larder_core::FileType) -> Self::Kind;
    fn stat(attributes: &Attributes) -> Self::Stat;
    fn set_time(time: Self::NewTimestamp) -> Result<SetTime, ErrorCode>;

    /// Links a method of `descriptor` that never waits. In 0.3 these are
    /// `async` functions, which need another entry into Wasmtime.
    fn method<T, P, R, F>(types: &mut LinkerInstance<'_, T>, name: &str, function: F) -> wasmtime::Result<()>
    where
        T: 'static,
        P: ComponentNamedList + Lift + 'static,
        R: ComponentType + Lower + 'static,
        (R,): ComponentNamedList + Lower,
        F: Fn(&mut StoreContextMut<'_, T>, P) -> wasmtime::Result<R> + Copy + Send + Sync + 'static;
}

/// Whether a trailing symbolic link is followed.
pub(crate) fn follow(flags: PathFlags) -> Follow {
    if flags.contains(PathFlags::SYMLINK_FOLLOW) { Follow::Yes } else { Follow::No }
}

const OPEN_FLAGS: [(WasiOpenFlags, OpenFlags); 4] = [
    (WasiOpenFlags::CREATE, OpenFlags::CREATE),
    (WasiOpenFlags::DIRECTORY, OpenFlags::DIRECTORY),
    (WasiOpenFlags::EXCLUSIVE, OpenFlags::EXCLUSIVE),
    (WasiOpenFlags::TRUNCATE, OpenFlags::TRUNCATE),
];

pub(crate) fn open_flags(wasi: WasiOpenFlags) -> OpenFlags {
    OPEN_FLAGS.iter().filter(|(from, _)| wasi.contains(*from)).map(|(_, to)| *to).collect()
}

const DESCRIPTOR_FLAGS: [(WasiDescriptorFlags, DescriptorFlags); 6] = [
    (WasiDescriptorFlags::READ, DescriptorFlags::READ),
    (WasiDescriptorFlags::WRITE, DescriptorFlags::WRITE),
    (WasiDescriptorFlags::FILE_INTEGRITY_SYNC, DescriptorFlags::FILE_INTEGRITY_SYNC),
    (WasiDescriptorFlags::DATA_INTEGRITY_SYNC, DescriptorFlags::DATA_INTEGRITY_SYNC),
    (WasiDescriptorFlags::REQUESTED_WRITE_SYNC, DescriptorFlags::REQUESTED_WRITE_SYNC),
    (WasiDescriptorFlags::MUTATE_DIRECTORY, DescriptorFlags::MUTATE_DIRECTORY),
];

pub(crate) fn from_descriptor_flags(wasi: WasiDescriptorFlags) -> DescriptorFlags {
    DESCRIPTOR_FLAGS.iter().filter(|(from, _)| wasi.contains(*from)).map(|(_, to)| *to).collect()
}

pub(crate) fn to_descriptor_flags(flags: DescriptorFlags) -> WasiDescriptorFlags {
    let mut wasi = WasiDescriptorFlags::empty();
    for (to, from) in DESCRIPTOR_FLAGS {
        if flags.contains(from) {
            wasi |= to;
        }
    }
    wasi
}

/// Maps every code of the core to the equally named one of a WASI version;
/// the compiler checks that none is missing.
macro_rules! error_codes {
    ($code:expr => $target:ident { $($other:ident => $instead:ident)? }) => {
        match $code {
            $(larder_core::ErrorCode::$other => $target::$instead,)?
            larder_core::ErrorCode::Access => $target::Access,
            larder_core::ErrorCode::Already => $target::Already,
            larder_core::ErrorCode::BadDescriptor => $target::BadDescriptor,
            larder_core::ErrorCode::Busy => $target::Busy,
            larder_core::ErrorCode::Deadlock => $target::Deadlock,
            larder_core::ErrorCode::Quota => $target::Quota,
            larder_core::ErrorCode::Exist => $target::Exist,
            larder_core::ErrorCode::FileTooLarge => $target::FileTooLarge,
            larder_core::ErrorCode::IllegalByteSequence => $target::IllegalByteSequence,
            larder_core::ErrorCode::InProgress => $target::InProgress,
            larder_core::ErrorCode::Interrupted => $target::Interrupted,
            larder_core::ErrorCode::Invalid => $target::Invalid,
            larder_core::ErrorCode::Io => $target::Io,
            larder_core::ErrorCode::IsDirectory => $target::IsDirectory,
            larder_core::ErrorCode::Loop => $target::Loop,
            larder_core::ErrorCode::TooManyLinks => $target::TooManyLinks,
            larder_core::ErrorCode::MessageSize => $target::MessageSize,
            larder_core::ErrorCode::NameTooLong => $target::NameTooLong,
            larder_core::ErrorCode::NoDevice => $target::NoDevice,
            larder_core::ErrorCode::NoEntry => $target::NoEntry,
            larder_core::ErrorCode::NoLock => $target::NoLock,
            larder_core::ErrorCode::InsufficientMemory => $target::InsufficientMemory,
            larder_core::ErrorCode::InsufficientSpace => $target::InsufficientSpace,
            larder_core::ErrorCode::NotDirectory => $target::NotDirectory,
            larder_core::ErrorCode::NotEmpty => $target::NotEmpty,
            larder_core::ErrorCode::NotRecoverable => $target::NotRecoverable,
            larder_core::ErrorCode::Unsupported => $target::Unsupported,
            larder_core::ErrorCode::NoTty => $target::NoTty,
            larder_core::ErrorCode::NoSuchDevice => $target::NoSuchDevice,
            larder_core::ErrorCode::Overflow => $target::Overflow,
            larder_core::ErrorCode::NotPermitted => $target::NotPermitted,
            larder_core::ErrorCode::Pipe => $target::Pipe,
            larder_core::ErrorCode::ReadOnly => $target::ReadOnly,
            larder_core::ErrorCode::InvalidSeek => $target::InvalidSeek,
            larder_core::ErrorCode::TextFileBusy => $target::TextFileBusy,
            larder_core::ErrorCode::CrossDevice => $target::CrossDevice,
        }
    };
}
pub(crate) use error_codes;
