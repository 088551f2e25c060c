//! Between the types of WASI and those of the puppet's interface.

use wasip3::clocks::system_clock::Instant;
use wasip3::filesystem::types::{DescriptorStat, DescriptorType, MetadataHashValue, NewTimestamp, PathFlags};

use crate::exports::larder::test::puppet::{Attributes, Hash, Kind, SetTime, Time};

pub fn follow(yes: bool) -> PathFlags {
    if yes { PathFlags::SYMLINK_FOLLOW } else { PathFlags::empty() }
}

pub fn kind(kind: DescriptorType) -> Kind {
    match kind {
        DescriptorType::RegularFile => Kind::RegularFile,
        DescriptorType::Directory => Kind::Directory,
        DescriptorType::SymbolicLink => Kind::SymbolicLink,
        _ => Kind::Other,
    }
}

pub fn time(time: SetTime) -> NewTimestamp {
    match time {
        SetTime::Keep => NewTimestamp::NoChange,
        SetTime::Now => NewTimestamp::Now,
        SetTime::At(Time { seconds, nanoseconds }) => NewTimestamp::Timestamp(Instant { seconds, nanoseconds }),
    }
}

pub fn attributes(stat: DescriptorStat) -> Attributes {
    let time = |time: Instant| Time { seconds: time.seconds, nanoseconds: time.nanoseconds };
    Attributes {
        kind: kind(stat.type_),
        link_count: stat.link_count,
        size: stat.size,
        accessed: stat.data_access_timestamp.map(time),
        modified: stat.data_modification_timestamp.map(time),
        changed: stat.status_change_timestamp.map(time),
    }
}

pub fn hash(hash: MetadataHashValue) -> Hash {
    Hash { lower: hash.lower, upper: hash.upper }
}
