//! The types of `wasi:filesystem` 0.2 from and to the store's.

use larder_core::{Attributes, ErrorCode, FileType, Follow, SetTime, Timestamp};

use super::bindings::exports::wasi::filesystem::types;
use super::bindings::wasi::clocks::wall_clock::Datetime;
use crate::codes::{error_codes, flags};

pub(super) fn error(error: &larder_core::Error) -> types::ErrorCode {
    code(error.code())
}

pub(super) fn code(code: ErrorCode) -> types::ErrorCode {
    use types::ErrorCode as Code;
    error_codes!(code => Code { WouldBlock => WouldBlock })
}

pub(super) fn kind(file_type: FileType) -> types::DescriptorType {
    match file_type {
        FileType::RegularFile => types::DescriptorType::RegularFile,
        FileType::Directory => types::DescriptorType::Directory,
        FileType::SymbolicLink => types::DescriptorType::SymbolicLink,
    }
}

pub(super) fn stat(attributes: &Attributes) -> types::DescriptorStat {
    types::DescriptorStat {
        type_: kind(attributes.file_type),
        link_count: attributes.link_count,
        size: attributes.size,
        data_access_timestamp: datetime(attributes.accessed),
        data_modification_timestamp: datetime(attributes.modified),
        status_change_timestamp: datetime(attributes.changed),
    }
}

pub(super) fn set_time(time: types::NewTimestamp) -> Result<SetTime, types::ErrorCode> {
    Ok(match time {
        types::NewTimestamp::NoChange => SetTime::Keep,
        types::NewTimestamp::Now => SetTime::Now,
        types::NewTimestamp::Timestamp(time) => SetTime::At(timestamp(time)?),
    })
}

pub(super) fn follow(flags: types::PathFlags) -> Follow {
    if flags.contains(types::PathFlags::SYMLINK_FOLLOW) { Follow::Yes } else { Follow::No }
}

flags!(types);

/// 0.2 has no times before 1970: they are reported as unknown.
fn datetime(time: Timestamp) -> Option<Datetime> {
    Some(Datetime { seconds: u64::try_from(time.seconds).ok()?, nanoseconds: time.nanoseconds })
}

/// The store refuses nanoseconds of a second or more, as POSIX `utimensat`.
fn timestamp(time: Datetime) -> Result<Timestamp, types::ErrorCode> {
    let seconds = i64::try_from(time.seconds).map_err(|_| types::ErrorCode::Overflow)?;
    Ok(Timestamp { seconds, nanoseconds: time.nanoseconds })
}
