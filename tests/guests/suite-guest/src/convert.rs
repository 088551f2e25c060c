//! Between the types of WASI and those of the suite.

use larder_core::{DescriptorFlags, ErrorCode, FileType, Follow, OpenFlags, SetTime, Timestamp};
use larder_suite::{Result, Stat, Times};
use wasip2::clocks::wall_clock::Datetime;
use wasip2::filesystem::types as wasi;

pub fn coded<T>(result: std::result::Result<T, wasi::ErrorCode>) -> Result<T> {
    result.map_err(|code| {
        let known = ErrorCode::ALL.iter().find(|known| known.wasi_name() == code.name());
        *known.unwrap_or_else(|| panic!("the store does not know the code {}", code.name()))
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

/// Seconds have no sign in WASI 0.2: [`larder_suite::Form::TIMES_BEFORE_1970`].
pub fn set_time(time: SetTime) -> wasi::NewTimestamp {
    match time {
        SetTime::Keep => wasi::NewTimestamp::NoChange,
        SetTime::Now => wasi::NewTimestamp::Now,
        SetTime::At(Timestamp { seconds, nanoseconds }) => {
            let seconds = u64::try_from(seconds).expect("a time of 1970 or later");
            wasi::NewTimestamp::Timestamp(Datetime { seconds, nanoseconds })
        }
    }
}

pub fn stat(stat: wasi::DescriptorStat) -> Stat {
    let time = |time: Option<Datetime>| {
        let Datetime { seconds, nanoseconds } = time.expect("every inode has three timestamps");
        Timestamp { seconds: i64::try_from(seconds).expect("a time that was set"), nanoseconds }
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
