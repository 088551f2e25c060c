//! Sets of flags as bits.

use larder_core::{DescriptorFlags, Follow, OpenFlags};

/// The bits of `access` and `allows`.
const ACCESS: [(u32, DescriptorFlags); 3] =
    [(1, DescriptorFlags::READ), (2, DescriptorFlags::WRITE), (4, DescriptorFlags::MUTATE_DIRECTORY)];

/// The bits of `Open.flags`.
const OPEN: [(u32, OpenFlags); 4] =
    [(1, OpenFlags::CREATE), (2, OpenFlags::DIRECTORY), (4, OpenFlags::EXCLUSIVE), (8, OpenFlags::TRUNCATE)];

/// Flags that have no bit are the caller's own business and stay behind.
pub(crate) fn from_access(flags: DescriptorFlags) -> u32 {
    ACCESS.iter().filter(|(_, flag)| flags.contains(*flag)).fold(0, |bits, (bit, _)| bits | bit)
}

/// None for a bit that is not known.
pub(crate) fn to_access(bits: u32) -> Option<DescriptorFlags> {
    let known = ACCESS.iter().filter(|(bit, _)| bits & bit != 0);
    let flags = known.fold(DescriptorFlags::empty(), |flags, (_, flag)| flags.union(*flag));
    (from_access(flags) == bits).then_some(flags)
}

pub(crate) fn from_open(flags: OpenFlags) -> u32 {
    OPEN.iter().filter(|(_, flag)| flags.contains(*flag)).fold(0, |bits, (bit, _)| bits | bit)
}

/// None for a bit that is not known.
pub(crate) fn to_open(bits: u32) -> Option<OpenFlags> {
    let known = OPEN.iter().filter(|(bit, _)| bits & bit != 0);
    let flags = known.fold(OpenFlags::empty(), |flags, (_, flag)| flags.union(*flag));
    (from_open(flags) == bits).then_some(flags)
}

pub(crate) fn from_follow(follow: Follow) -> bool {
    follow == Follow::Yes
}

pub(crate) const fn to_follow(follow: bool) -> Follow {
    if follow { Follow::Yes } else { Follow::No }
}
