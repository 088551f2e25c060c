//! A volume from a snapshot. The snapshot may come from a file that somebody
//! tampered with: its shape is checked, not trusted.

use std::collections::HashMap;
use std::sync::Arc;

use super::{FrozenBody, FrozenNode, MOST_COUNTED, Snapshot, Volume, VolumeOptions};
use crate::content::Content;
use crate::directory::{Directory, entry_cost};
use crate::inode::{Body, Inode, State};
use crate::sync::Ordering;
use crate::{Error, ErrorCode, FileType, Result};

const OPERATION: &str = "load-snapshot";

impl Snapshot {
    /// Makes a volume that holds what the snapshot holds. The options give the
    /// limits, the generation of new inodes, and the name.
    ///
    /// # Errors
    /// `invalid` where the snapshot is no tree: a name for no inode, an inode
    /// without a name, a wrong link count, a directory with two names or in a
    /// loop. Limits that it does not fit in: their codes.
    pub fn into_volume(self, options: VolumeOptions) -> Result<Arc<Volume>> {
        let mut inodes = HashMap::with_capacity(self.nodes.len());
        let mut listings = Vec::new();
        for node in self.nodes {
            if !node.accessed.is_valid() || !node.modified.is_valid() || !node.changed.is_valid() {
                return Err(refused("a timestamp"));
            }
            if node.id.ino == 0 || node.id.ino >= MOST_COUNTED || node.version >= MOST_COUNTED {
                return Err(refused("an inode number or version"));
            }
            let (inode, listing) = thaw_node(node, &options)?;
            if let Some(listing) = listing {
                listings.push((inode.clone(), listing));
            }
            if inodes.insert(inode.ino(), inode).is_some() {
                return Err(refused("two inodes of one number"));
            }
        }
        if self.next_ino >= MOST_COUNTED {
            return Err(refused("the next inode number"));
        }
        let root = inodes.get(&self.root.ino).filter(|root| root.id() == self.root && root.is_directory());
        let root = root.cloned().ok_or_else(|| refused("no root directory"))?;
        if root.parent() != root.ino() {
            return Err(refused("the root's parent"));
        }
        let volume = Volume::with_root(options, root, None);
        let next = inodes.keys().copied().max().unwrap_or(0) + 1;
        volume.next_ino.store(self.next_ino.max(next), Ordering::Relaxed);
        let filled = fill(&volume, &inodes, listings).and_then(|()| check_reachable(&volume, inodes.len()));
        // Directories own their children; see `Volume::drop` for why the table
        // must own everything before anything is dropped.
        for inode in inodes.into_values() {
            volume.inodes.entry(inode.ino()).or_insert(inode);
        }
        filled.map(|()| volume)
    }
}

fn refused(what: &'static str) -> Error {
    Error::new(ErrorCode::Invalid, OPERATION).at(what)
}

struct Listing {
    entries: Vec<crate::DirectoryEntry>,
    last_cookie: u64,
}

fn thaw_node(node: FrozenNode, options: &VolumeOptions) -> Result<(Arc<Inode>, Option<Listing>)> {
    let mut parent = 0;
    let mut listing = None;
    let mut allocated = 0;
    let body = match node.body {
        FrozenBody::File { size, chunks } => {
            let mut content = Content::default();
            for (offset, bytes) in chunks {
                let end = offset.checked_add(bytes.len() as u64).filter(|end| *end <= size);
                if end.is_none() || content.len() > offset {
                    return Err(refused("an extent outside its file, or two that overlap"));
                }
                content.write(offset, &&*bytes).map_err(|_| refused("an extent"))?;
            }
            if size > options.limits.file_bytes {
                return Err(Error::new(ErrorCode::FileTooLarge, OPERATION));
            }
            content.set_len(size).map_err(|_| refused("a file size"))?;
            allocated = content.cost();
            Body::File(content)
        }
        FrozenBody::Directory { parent: above, entries, last_cookie } => {
            parent = above;
            listing = Some(Listing { entries, last_cookie });
            Body::Directory(Directory::default())
        }
        FrozenBody::Symlink { target } => {
            if target.is_empty() || target.contains('\0') {
                return Err(refused("a symlink target"));
            }
            allocated = target.len() as u64;
            Body::Symlink(target)
        }
    };
    let state = State {
        link_count: node.link_count,
        mode: node.mode & super::namespace::MODE_MASK,
        accessed: node.accessed,
        modified: node.modified,
        changed: node.changed,
        version: node.version,
        allocated,
        reclaimed: false,
        body,
    };
    Ok((Inode::new(node.id, parent, 0, state), listing))
}

/// Fills the directories, counts names, charges everything.
fn fill(volume: &Arc<Volume>, inodes: &HashMap<u64, Arc<Inode>>, listings: Vec<(Arc<Inode>, Listing)>) -> Result<()> {
    let mut names: HashMap<u64, u64> = HashMap::with_capacity(inodes.len());
    for (directory, listing) in listings {
        let mut state = directory.write();
        let mut subdirectories = 0;
        let mut cookie = 0;
        for entry in listing.entries {
            volume.check_name(&entry.name).map_err(|code| Error::new(code, OPERATION).at(&entry.name))?;
            let child = inodes
                .get(&entry.id.ino)
                .filter(|child| child.id() == entry.id && child.file_type() == entry.file_type)
                .ok_or_else(|| refused("a name for no inode").at(&entry.name))?;
            if entry.cookie <= cookie {
                return Err(refused("cookies out of order"));
            }
            cookie = entry.cookie;
            if child.is_directory() {
                subdirectories += 1;
                if child.parent() != directory.ino() || child.ino() == volume.root.ino() {
                    return Err(refused("a directory in another than its parent"));
                }
            }
            *names.entry(child.ino()).or_default() += 1;
            let entries = state.directory_mut().map_err(|code| Error::new(code, OPERATION))?;
            if entries.get(&entry.name).is_some() {
                return Err(refused("a name twice in one directory"));
            }
            volume.check_room(entries, OPERATION)?;
            entries.insert_at(entry.name.clone(), child.clone(), entry.cookie);
            state.allocated += entry_cost(&entry.name);
        }
        if listing.last_cookie < cookie || listing.last_cookie >= MOST_COUNTED {
            return Err(refused("the last cookie"));
        }
        let entries = state.directory_mut().map_err(|code| Error::new(code, OPERATION))?;
        entries.set_last_cookie(listing.last_cookie);
        if state.link_count != 2 + subdirectories {
            return Err(refused("a directory's link count"));
        }
    }
    for inode in inodes.values() {
        let state = inode.read();
        let named = names.get(&inode.ino()).copied().unwrap_or(0);
        let right = match inode.file_type() {
            FileType::Directory => named == u64::from(inode.ino() != volume.root.ino()),
            _ => named == state.link_count && named > 0,
        };
        if !right {
            return Err(refused("a link count"));
        }
        volume.charge(state.allocated, OPERATION)?;
        if inode.ino() != volume.root.ino() {
            volume.ledger.charge_inode(&volume.limits).map_err(|code| Error::new(code, OPERATION))?;
        }
    }
    Ok(())
}

/// Every inode must be reachable from the root; with the link counts right,
/// what is not reachable is a loop of directories.
fn check_reachable(volume: &Arc<Volume>, total: usize) -> Result<()> {
    let mut seen = std::collections::HashSet::with_capacity(total);
    let mut open = vec![volume.root.clone()];
    seen.insert(volume.root.ino());
    while let Some(directory) = open.pop() {
        let state = directory.read();
        let Ok(entries) = state.directory() else { continue };
        for entry in entries.list(0, usize::MAX) {
            if seen.insert(entry.id.ino)
                && entry.file_type == FileType::Directory
                && let Some(child) = entries.get(&entry.name)
            {
                open.push(child.clone());
            }
        }
    }
    if seen.len() == total { Ok(()) } else { Err(refused("directories in a loop")) }
}
