//! The types of `wasi:filesystem` 0.3 from and to the store's.

use larder_core::{Attributes, ErrorCode, FileType, Follow, SetTime, Timestamp};

use super::bindings::exports::wasi::filesystem::types;
use super::bindings::wasi::clocks::system_clock::Instant;
use crate::codes::{error_codes, flags};

pub(super) fn error(error: &larder_core::Error) -> types::ErrorCode {
    use types::ErrorCode as Code;
    // 0.3 dropped `would-block`, which the store never answers with.
    error_codes!(error.code() => Code { WouldBlock => InProgress })
}

/// The number of a code in the variant `error-code` of 0.3: that of 0.2,
/// without `would-block`.
pub(super) fn number(code: ErrorCode) -> u8 {
    const WOULD_BLOCK: u8 = ErrorCode::WouldBlock as u8;
    const {
        assert!(ErrorCode::Access as u8 == 0 && WOULD_BLOCK == 1 && ErrorCode::CrossDevice as u8 == 36);
    }
    match code {
        ErrorCode::WouldBlock => number(ErrorCode::InProgress),
        ErrorCode::Access => 0,
        other => other as u8 - 1,
    }
}

pub(super) fn kind(file_type: FileType) -> types::DescriptorType {
    match file_type {
        FileType::RegularFile => types::DescriptorType::RegularFile,
        FileType::Directory => types::DescriptorType::Directory,
        FileType::SymbolicLink => types::DescriptorType::SymbolicLink,
    }
}

/// The number of a kind in the variant `descriptor-type` of 0.3.
pub(super) fn kind_number(file_type: FileType) -> u8 {
    match file_type {
        FileType::Directory => 2,
        FileType::SymbolicLink => 4,
        FileType::RegularFile => 5,
    }
}

pub(super) fn stat(attributes: &Attributes) -> types::DescriptorStat {
    types::DescriptorStat {
        type_: kind(attributes.file_type),
        link_count: attributes.link_count,
        size: attributes.size,
        data_access_timestamp: Some(instant(attributes.accessed)),
        data_modification_timestamp: Some(instant(attributes.modified)),
        status_change_timestamp: Some(instant(attributes.changed)),
    }
}

pub(super) fn set_time(time: types::NewTimestamp) -> SetTime {
    match time {
        types::NewTimestamp::NoChange => SetTime::Keep,
        types::NewTimestamp::Now => SetTime::Now,
        types::NewTimestamp::Timestamp(time) => SetTime::At(timestamp(time)),
    }
}

pub(super) fn follow(flags: types::PathFlags) -> Follow {
    if flags.contains(types::PathFlags::SYMLINK_FOLLOW) { Follow::Yes } else { Follow::No }
}

flags!(types);

fn instant(time: Timestamp) -> Instant {
    Instant { seconds: time.seconds, nanoseconds: time.nanoseconds }
}

/// The store refuses nanoseconds of a second or more, as POSIX `utimensat`.
fn timestamp(time: Instant) -> Timestamp {
    Timestamp { seconds: time.seconds, nanoseconds: time.nanoseconds }
}
