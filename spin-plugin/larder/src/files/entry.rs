//! What the commands show of a file, directory or link.

use larder_core::{Descriptor, FileType, Follow, Result, Timestamp};
use serde::Serialize;

use crate::output::printable;
use crate::units::{format_time, format_time_exact};

/// Entries asked for at a time.
const BATCH: usize = 1024;

/// A file, directory or symbolic link, as `--json` prints it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Entry {
    /// The last name of its path; `/` for the root.
    pub(crate) name: String,
    /// `file`, `directory` or `symlink`.
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    /// Bytes.
    pub(crate) size: u64,
    /// Bytes charged to the volume; not told of remote ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) allocated: Option<u64>,
    /// Hard links.
    pub(crate) links: u64,
    /// Permission bits in octal; kept, not enforced, and not told of remote
    /// volumes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mode: Option<String>,
    /// The inode's number.
    pub(crate) inode: u64,
    /// Last change of content, RFC 3339 in UTC.
    pub(crate) modified: String,
    /// Last read.
    pub(crate) accessed: String,
    /// Last change of content or attributes.
    pub(crate) changed: String,
    /// Where a symbolic link points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<String>,
    #[serde(skip)]
    file_type: FileType,
    #[serde(skip)]
    mode_bits: Option<u32>,
    #[serde(skip)]
    modified_time: Timestamp,
}

impl Entry {
    /// The entry at `path` (empty: `directory` itself), links not followed.
    ///
    /// # Errors
    /// When it is missing.
    pub(crate) fn read(directory: &Descriptor, path: &str) -> Result<Self> {
        let attributes = if path.is_empty() { directory.stat()? } else { directory.stat_at(Follow::No, path)? };
        let target = match attributes.file_type {
            FileType::SymbolicLink => Some(directory.readlink_at(path)?.to_string()),
            _ => None,
        };
        let name = path.trim_end_matches('/').rsplit('/').next().filter(|name| !name.is_empty());
        Ok(Self {
            name: name.unwrap_or("/").to_owned(),
            kind: kind_name(attributes.file_type),
            size: attributes.size,
            allocated: Some(attributes.allocated),
            links: attributes.link_count,
            mode: Some(format!("{:04o}", attributes.mode)),
            inode: attributes.id.ino,
            modified: format_time_exact(attributes.modified),
            accessed: format_time_exact(attributes.accessed),
            changed: format_time_exact(attributes.changed),
            target,
            file_type: attributes.file_type,
            mode_bits: Some(attributes.mode),
            modified_time: attributes.modified,
        })
    }

    /// An entry of a remote volume.
    pub(crate) fn remote(name: &str, attributes: &larder_store_service::Attributes, target: Option<String>) -> Self {
        Self {
            name: name.to_owned(),
            kind: kind_name(attributes.file_type),
            size: attributes.size,
            allocated: None,
            links: attributes.link_count,
            mode: None,
            inode: attributes.node.ino,
            modified: format_time_exact(attributes.modified),
            accessed: format_time_exact(attributes.accessed),
            changed: format_time_exact(attributes.changed),
            target,
            file_type: attributes.file_type,
            mode_bits: None,
            modified_time: attributes.modified,
        }
    }

    /// The name, safe for a terminal, with the target of a link.
    pub(crate) fn label(&self) -> String {
        let name = printable(&self.name);
        match &self.target {
            Some(target) => format!("{name} -> {}", printable(target)),
            None => name,
        }
    }

    /// The columns of `ls -l`: mode, links, size, time, name.
    pub(crate) fn columns(&self) -> Vec<String> {
        vec![
            format!("{}{}", self.type_letter(), self.mode_bits.map_or_else(|| "?????????".to_owned(), permissions)),
            self.links.to_string(),
            self.size.to_string(),
            format_time(self.modified_time),
            self.label(),
        ]
    }

    fn type_letter(&self) -> char {
        match self.file_type {
            FileType::RegularFile => '-',
            FileType::Directory => 'd',
            FileType::SymbolicLink => 'l',
        }
    }
}

/// The name of a file type in `--json`.
fn kind_name(file_type: FileType) -> &'static str {
    match file_type {
        FileType::RegularFile => "file",
        FileType::Directory => "directory",
        FileType::SymbolicLink => "symlink",
    }
}

/// `rwxr-xr-x`.
fn permissions(mode: u32) -> String {
    (0..9).rev().zip("rwxrwxrwx".chars()).map(|(bit, letter)| if mode >> bit & 1 == 1 { letter } else { '-' }).collect()
}

/// The names in a directory, sorted.
///
/// # Errors
/// When it is no directory.
pub(crate) fn list(directory: &Descriptor) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let mut after = 0;
    loop {
        let batch = directory.read_directory(after, BATCH)?;
        let Some(last) = batch.last() else { break };
        after = last.cookie;
        names.extend(batch.iter().map(|entry| entry.name.to_string()));
    }
    names.sort_unstable();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::permissions;

    #[test]
    fn permissions_read_as_in_ls() {
        assert_eq!(permissions(0o755), "rwxr-xr-x");
        assert_eq!(permissions(0o640), "rw-r-----");
    }
}
