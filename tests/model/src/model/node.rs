//! What a node is made of.

use std::collections::BTreeMap;

use larder_core::{ENTRY_BYTES, ErrorCode, FileType, NodeId, Timestamp};

use super::{Answer, Content};

/// A file, directory or symbolic link.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the fields are those of larder_core::Attributes")]
pub struct Node {
    pub id: NodeId,
    pub mode: u32,
    pub accessed: Timestamp,
    pub modified: Timestamp,
    pub changed: Timestamp,
    pub version: u64,
    pub body: Body,
}

/// What makes a node the kind that it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Body {
    /// A regular file.
    File(Content),
    /// A directory.
    Directory(Directory),
    /// A symbolic link and its target.
    Symlink(String),
}

/// The names in a directory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Directory {
    /// By name.
    pub entries: BTreeMap<String, Entry>,
    /// Where the directory is, or was until it was removed.
    pub parent: u64,
    last_cookie: u64,
}

/// What a name names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// The inode.
    pub ino: u64,
    /// Its place in listings, never used twice in one directory.
    pub cookie: u64,
}

impl Directory {
    /// An empty directory.
    #[must_use]
    pub fn new(parent: u64) -> Self {
        Self { entries: BTreeMap::new(), parent, last_cookie: 0 }
    }

    /// Adds a name at the end of the listing.
    pub fn add(&mut self, name: &str, ino: u64) {
        self.last_cookie += 1;
        let before = self.entries.insert(name.into(), Entry { ino, cookie: self.last_cookie });
        assert!(before.is_none(), "{name} was there");
    }
}

impl Node {
    /// A new node at a time.
    #[must_use]
    pub fn new(id: NodeId, mode: u32, now: Timestamp, body: Body) -> Self {
        Self { id, mode: mode & 0o7777, accessed: now, modified: now, changed: now, version: 1, body }
    }

    /// Its kind.
    #[must_use]
    pub fn file_type(&self) -> FileType {
        match self.body {
            Body::File(_) => FileType::RegularFile,
            Body::Directory(_) => FileType::Directory,
            Body::Symlink(_) => FileType::SymbolicLink,
        }
    }

    /// Whether it is a directory.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.file_type() == FileType::Directory
    }

    /// The entries of a directory.
    ///
    /// # Errors
    /// `not-directory`.
    pub fn directory(&self) -> Answer<&Directory> {
        match &self.body {
            Body::Directory(directory) => Ok(directory),
            _ => Err(ErrorCode::NotDirectory),
        }
    }

    pub(super) fn directory_mut(&mut self) -> &mut Directory {
        match &mut self.body {
            Body::Directory(directory) => directory,
            body => panic!("no directory: {body:?}"),
        }
    }

    /// The content of a file.
    ///
    /// # Errors
    /// `is-directory`; `invalid` for a symbolic link.
    pub fn file(&self) -> Answer<&Content> {
        match &self.body {
            Body::File(content) => Ok(content),
            Body::Directory(_) => Err(ErrorCode::IsDirectory),
            Body::Symlink(_) => Err(ErrorCode::Invalid),
        }
    }

    pub(super) fn file_mut(&mut self) -> &mut Content {
        match &mut self.body {
            Body::File(content) => content,
            body => panic!("no file: {body:?}"),
        }
    }

    /// What it is charged.
    #[must_use]
    pub fn allocated(&self) -> u64 {
        match &self.body {
            Body::File(content) => content.allocated(),
            Body::Directory(directory) => directory.entries.keys().map(|name| entry_cost(name)).sum(),
            Body::Symlink(target) => target.len() as u64,
        }
    }

    pub(super) fn touch(&mut self, now: Timestamp) {
        self.changed = now;
        self.version += 1;
    }
}

pub(super) fn entry_cost(name: &str) -> u64 {
    ENTRY_BYTES + name.len() as u64
}
