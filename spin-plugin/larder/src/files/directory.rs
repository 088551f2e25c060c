//! A directory of a volume, wherever it is: what the commands work on that do
//! the same with volume files and served volumes.

use larder_core::{Descriptor, FileType, Follow, Result};
use larder_store_service::{Attributes, NewNode, Removal};
use larder_transfer::now;

use super::directories::kind_or_none;
use super::{Entry, RemoteDirectory, create_directories, list, open_directory};

/// A directory.
pub(crate) enum Directory {
    /// Of a volume in this process.
    Here(Descriptor),
    /// Of a served one.
    Remote(RemoteDirectory),
}

/// A name in a directory, with what the listing told of it.
pub(crate) struct Named {
    pub(crate) name: String,
    attributes: Option<Attributes>,
}

impl Directory {
    /// The names in it, sorted.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) fn names(&self) -> Result<Vec<Named>> {
        Ok(match self {
            Self::Here(directory) => {
                list(directory)?.into_iter().map(|name| Named { name, attributes: None }).collect()
            }
            Self::Remote(directory) => {
                let entries = directory.list()?.into_iter();
                entries.map(|entry| Named { name: entry.name, attributes: Some(entry.attributes) }).collect()
            }
        })
    }

    /// What is shown of a name that was listed. Of a served volume it is what
    /// the listing brought; only a link's target is asked for.
    ///
    /// # Errors
    /// `no-entry` where it is gone.
    pub(crate) fn entry(&self, named: &Named) -> Result<Entry> {
        match (self, &named.attributes) {
            (Self::Here(directory), _) => Entry::read(directory, &named.name),
            (Self::Remote(directory), Some(attributes)) => remote_entry(directory, &named.name, attributes),
            (Self::Remote(_), None) => self.entry_at(&named.name),
        }
    }

    /// What is shown of what `path` names (empty: the directory itself), links
    /// not followed.
    ///
    /// # Errors
    /// When it is missing.
    pub(crate) fn entry_at(&self, path: &str) -> Result<Entry> {
        match self {
            Self::Here(directory) => Entry::read(directory, path),
            Self::Remote(directory) if path.is_empty() => Ok(Entry::remote("/", &directory.stat()?, None)),
            Self::Remote(directory) => remote_entry(directory, path, &directory.stat_at(Follow::No, path)?),
        }
    }

    /// What `path` names (empty: the directory itself); none where nothing is.
    ///
    /// # Errors
    /// Those of the look-up other than `no-entry`.
    pub(crate) fn kind(&self, follow: Follow, path: &str) -> Result<Option<FileType>> {
        match self {
            _ if path.is_empty() => Ok(Some(FileType::Directory)),
            Self::Here(directory) => kind_or_none(directory.stat_at(follow, path).map(|found| found.file_type)),
            Self::Remote(directory) => directory.kind(follow, path),
        }
    }

    /// Opens the directory `path`; an empty one is this directory.
    ///
    /// # Errors
    /// When it is missing or none.
    pub(crate) fn enter(&self, follow: Follow, path: &str) -> Result<Self> {
        Ok(match self {
            Self::Here(directory) => Self::Here(open_directory(directory, now(), follow, path)?),
            Self::Remote(directory) => Self::Remote(directory.enter(follow, path)?),
        })
    }

    /// Makes a directory.
    ///
    /// # Errors
    /// When the name is there, or a limit is reached.
    pub(crate) fn create_directory(&self, path: &str) -> Result<()> {
        match self {
            Self::Here(directory) => directory.create_directory_at(now(), path),
            Self::Remote(directory) => directory.make(path, NewNode::Directory).map(drop),
        }
    }

    /// Makes the directory `path` and those above it that are missing.
    ///
    /// # Errors
    /// When something else than a directory is in the way, or a limit is reached.
    pub(crate) fn create_directories(&self, path: &str) -> Result<()> {
        match self {
            Self::Here(directory) => create_directories(directory, now(), path),
            Self::Remote(directory) => directory.create_directories(path),
        }
    }

    /// Removes the name of a file or link.
    ///
    /// # Errors
    /// `is-directory`, and those of the store.
    pub(crate) fn unlink(&self, path: &str) -> Result<()> {
        match self {
            Self::Here(directory) => directory.unlink_file_at(now(), path),
            Self::Remote(directory) => directory.remove(path, Removal::File),
        }
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    /// `not-empty`, and those of the store.
    pub(crate) fn remove_directory(&self, path: &str) -> Result<()> {
        match self {
            Self::Here(directory) => directory.remove_directory_at(now(), path),
            Self::Remote(directory) => directory.remove(path, Removal::Directory),
        }
    }
}

fn remote_entry(directory: &RemoteDirectory, path: &str, attributes: &Attributes) -> Result<Entry> {
    let target = match attributes.file_type {
        FileType::SymbolicLink => Some(directory.read_link(path)?),
        _ => None,
    };
    let path = path.trim_end_matches('/');
    Ok(Entry::remote(path.rsplit('/').next().unwrap_or(path), attributes, target))
}
