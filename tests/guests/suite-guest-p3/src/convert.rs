//! Between the types of WASI and those of the suite.

use larder_core::{DescriptorFlags, ErrorCode, FileType, Follow, OpenFlags, SetTime, Timestamp};
use larder_suite::{Result, Stat, Times};
use wasip3::clocks::system_clock::Instant;
use wasip3::filesystem::types as wasi;

use crate::code::code;

pub fn coded<T>(result: std::result::Result<T, wasi::ErrorCode>) -> Result<T> {
    result.map_err(|error| {
        let name = code(error);
        let known = ErrorCode::ALL.iter().find(|known| known.wasi_name() == name);
        *known.unwrap_or_else(|| panic!("the store does not know the code {name}"))
    })
}

pub fn followed(follow: Follow) -> wasi::PathFlags {
    match follow {
        Follow::Yes => wasi::PathFlags::SYMLINK_FOLLOW,
        Follow::No => wasi::PathFlags::empty(),
    }
}

pub fn open_flags(flags: OpenFlags) -> wasi::OpenFlags {
    wasi::OpenFlags::from_bits_retain(flags.bits())
}

pub fn to_wasi(flags: DescriptorFlags) -> wasi::DescriptorFlags {
    wasi::DescriptorFlags::from_bits_retain(flags.bits())
}

pub fn from_wasi(flags: wasi::DescriptorFlags) -> DescriptorFlags {
    DescriptorFlags::from_bits_retain(flags.bits())
}

pub fn file_type(file_type: wasi::DescriptorType) -> FileType {
    match file_type {
        wasi::DescriptorType::RegularFile => FileType::RegularFile,
        wasi::DescriptorType::Directory => FileType::Directory,
        wasi::DescriptorType::SymbolicLink => FileType::SymbolicLink,
        other => panic!("a volume holds no {other:?}"),
    }
}

pub fn set_time(time: SetTime) -> wasi::NewTimestamp {
    match time {
        SetTime::Keep => wasi::NewTimestamp::NoChange,
        SetTime::Now => wasi::NewTimestamp::Now,
        SetTime::At(Timestamp { seconds, nanoseconds }) => {
            wasi::NewTimestamp::Timestamp(Instant { seconds, nanoseconds })
        }
    }
}

pub fn stat(stat: wasi::DescriptorStat) -> Stat {
    let time = |time: Option<Instant>| {
        let Instant { seconds, nanoseconds } = time.expect("every inode has three timestamps");
        Timestamp { seconds, nanoseconds }
    };
    Stat {
        file_type: file_type(stat.type_),
        link_count: stat.link_count,
        size: stat.size,
        times: Times {
            accessed: time(stat.data_access_timestamp),
            modified: time(stat.data_modification_timestamp),
            changed: time(stat.status_change_timestamp),
        },
    }
}
