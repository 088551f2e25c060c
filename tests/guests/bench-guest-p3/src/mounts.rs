//! Guest paths to descriptors.

use wasip3::filesystem::preopens::get_directories;
use wasip3::filesystem::types::{Descriptor, DescriptorFlags, ErrorCode, OpenFlags, PathFlags};

/// The mount that a guest path is in, and the rest of the path.
pub fn mount(path: &str) -> Result<(Descriptor, String), ErrorCode> {
    get_directories()
        .into_iter()
        .filter_map(|(descriptor, name)| {
            let rest = path.strip_prefix(name.trim_end_matches('/'))?.strip_prefix('/')?;
            Some((name.len(), descriptor, rest.to_owned()))
        })
        .max_by_key(|(length, _, _)| *length)
        .map(|(_, descriptor, rest)| (descriptor, rest))
        .ok_or(ErrorCode::NoEntry)
}

pub async fn open(path: &str, how: OpenFlags) -> Result<Descriptor, ErrorCode> {
    let (root, rest) = mount(path)?;
    let flags = DescriptorFlags::READ | DescriptorFlags::WRITE;
    root.open_at(PathFlags::SYMLINK_FOLLOW, rest, how, flags).await
}

/// `count` names in the case's folder, as paths from the root of their mount.
pub fn names(folder: &str, prefix: &str, count: u64) -> Result<(Descriptor, Vec<String>), ErrorCode> {
    let (root, rest) = mount(folder)?;
    Ok((root, (0..count).map(|number| format!("{rest}/{prefix}-{number}")).collect()))
}
