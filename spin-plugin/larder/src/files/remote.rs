//! Looking at a remote volume, through the calls that guests make.

use larder_core::{DescriptorFlags, FileType, Follow, OpenFlags, Result};
use larder_nats_client::{Access, Address, NatsStore, Options};
use larder_store_client::{Client, File, Options as ClientOptions};

use super::Entry;

/// Entries asked for at a time.
const BATCH: usize = 1024;

/// Bytes read at a time.
const PIECE: usize = 1 << 20;

/// A remote volume to read from.
pub(crate) struct RemoteTree {
    root: File<NatsStore>,
}

impl RemoteTree {
    /// Connects.
    ///
    /// # Errors
    /// When the volume cannot be reached, within the options' deadline.
    pub(crate) fn open(address: &Address, options: &Options) -> anyhow::Result<Self> {
        let store = NatsStore::connect(address, Options { access: Access::Read, ..options.clone() })?;
        let client = Client::new(store, ClientOptions { write_behind: false, cache: false });
        let root = client.roots()?.into_iter().next();
        let (root, _) = root.ok_or_else(|| anyhow::anyhow!("{address} has no root"))?;
        Ok(Self { root })
    }

    /// What is in the directory `path` (empty for the root), by name, or the
    /// one entry of what is no directory or wanted `itself`.
    ///
    /// # Errors
    /// When it is missing.
    pub(crate) fn entries(&self, path: &str, itself: bool) -> Result<Vec<Entry>> {
        let path = path.trim_end_matches('/');
        if path.is_empty() {
            return if itself {
                Ok(vec![Entry::remote("/", &self.root.stat()?, None)])
            } else {
                entries_of(&self.root)
            };
        }
        if !itself && self.root.stat_at(Follow::Yes, path)?.file_type == FileType::Directory {
            let directory = self.root.open_at(Follow::Yes, path, OpenFlags::DIRECTORY, DescriptorFlags::READ)?;
            return entries_of(&directory);
        }
        let name = path.rsplit('/').next().unwrap_or(path);
        Ok(vec![entry(&self.root, path, name)?])
    }

    /// Hands the content of a file on, piece by piece.
    ///
    /// # Errors
    /// When it is missing or no file, or `each` fails.
    pub(crate) fn read(&self, path: &str, mut each: impl FnMut(&[u8]) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let file = self.root.open_at(Follow::Yes, path, OpenFlags::empty(), DescriptorFlags::READ)?;
        let mut offset = 0;
        loop {
            let pieces = file.read(offset, PIECE)?;
            if pieces.iter().all(|piece| piece.is_empty()) {
                return Ok(());
            }
            for piece in pieces {
                offset += piece.len() as u64;
                each(&piece)?;
            }
        }
    }
}

fn entries_of(directory: &File<NatsStore>) -> Result<Vec<Entry>> {
    let mut names = Vec::new();
    let mut after = 0;
    loop {
        let batch = directory.read_directory(after, BATCH)?;
        let Some(last) = batch.last() else { break };
        after = last.cookie;
        names.extend(batch.iter().map(|entry| entry.name.to_string()));
    }
    names.sort_unstable();
    names.iter().map(|name| entry(directory, name, name)).collect()
}

fn entry(directory: &File<NatsStore>, path: &str, name: &str) -> Result<Entry> {
    let attributes = directory.stat_at(Follow::No, path)?;
    let target = match attributes.file_type {
        FileType::SymbolicLink => Some(directory.readlink_at(path)?.to_string()),
        _ => None,
    };
    Ok(Entry::remote(name, &attributes, target))
}
