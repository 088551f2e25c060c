//! What 0.2 and 0.3 spell alike in types of their own.

/// Maps every code of the core to the equally named one of a WASI version;
/// the compiler checks that none is missing.
macro_rules! error_codes {
    ($code:expr => $target:ident { $other:ident => $instead:ident }) => {
        match $code {
            larder_core::ErrorCode::$other => $target::$instead,
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

/// Functions between the flags of the core and those of a WASI version, whose
/// bits are the same in name and order: both follow the WIT.
macro_rules! flags {
    ($types:ident) => {
        pub(super) fn open_flags(wasi: $types::OpenFlags) -> larder_core::OpenFlags {
            larder_core::OpenFlags::from_bits_truncate(wasi.bits())
        }

        pub(super) fn descriptor_flags(wasi: $types::DescriptorFlags) -> larder_core::DescriptorFlags {
            larder_core::DescriptorFlags::from_bits_truncate(wasi.bits())
        }

        pub(super) fn wasi_descriptor_flags(flags: larder_core::DescriptorFlags) -> $types::DescriptorFlags {
            $types::DescriptorFlags::from_bits_truncate(flags.bits())
        }

        // The bits that the two share are at the same places.
        const _: () = {
            use larder_core::{DescriptorFlags as Core, OpenFlags as CoreOpen};
            use $types::{DescriptorFlags as Wasi, OpenFlags as WasiOpen};
            assert!(Core::READ.bits() == Wasi::READ.bits());
            assert!(Core::WRITE.bits() == Wasi::WRITE.bits());
            assert!(Core::FILE_INTEGRITY_SYNC.bits() == Wasi::FILE_INTEGRITY_SYNC.bits());
            assert!(Core::DATA_INTEGRITY_SYNC.bits() == Wasi::DATA_INTEGRITY_SYNC.bits());
            assert!(Core::REQUESTED_WRITE_SYNC.bits() == Wasi::REQUESTED_WRITE_SYNC.bits());
            assert!(Core::MUTATE_DIRECTORY.bits() == Wasi::MUTATE_DIRECTORY.bits());
            assert!(CoreOpen::CREATE.bits() == WasiOpen::CREATE.bits());
            assert!(CoreOpen::DIRECTORY.bits() == WasiOpen::DIRECTORY.bits());
            assert!(CoreOpen::EXCLUSIVE.bits() == WasiOpen::EXCLUSIVE.bits());
            assert!(CoreOpen::TRUNCATE.bits() == WasiOpen::TRUNCATE.bits());
        };
    };
}
pub(crate) use flags;
