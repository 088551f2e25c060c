//! One inode: its identity, and its state behind a reader-writer lock.

use std::sync::Arc;

use crate::content::Content;
use crate::directory::Directory;
use crate::sync::{AtomicU64, Ordering, RwLock, RwLockReadGuard, RwLockWriteGuard};
use crate::{Attributes, ErrorCode, FileType, NodeId, SetTime, Timestamp};

#[derive(Debug)]
pub(crate) struct Inode {
    id: NodeId,
    file_type: FileType,
    /// Open descriptors. Grows only under the state's lock and while the
    /// inode is not reclaimed; shrinks without it.
    opens: AtomicU64,
    /// For directories: the parent's inode number. Changes only under the
    /// volume's topology lock.
    parent: AtomicU64,
    state: RwLock<State>,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) link_count: u64,
    pub(crate) mode: u32,
    pub(crate) accessed: Timestamp,
    pub(crate) modified: Timestamp,
    pub(crate) changed: Timestamp,
    pub(crate) version: u64,
    /// Bytes charged to the volume for this inode.
    pub(crate) allocated: u64,
    /// Set once, when the last name and the last descriptor are gone; the
    /// inode is then out of the table and its charges are refunded.
    pub(crate) reclaimed: bool,
    pub(crate) body: Body,
}

#[derive(Debug)]
pub(crate) enum Body {
    File(Content),
    Directory(Directory),
    /// A directory whose entries are still in the volume's packed tree (see
    /// `volume::listing`).
    Unlisted,
    Symlink(Arc<str>),
}

impl Body {
    fn file_type(&self) -> FileType {
        match self {
            Self::File(_) => FileType::RegularFile,
            Self::Directory(_) | Self::Unlisted => FileType::Directory,
            Self::Symlink(_) => FileType::SymbolicLink,
        }
    }
}

impl State {
    /// A new inode's state: all times are `now`, one link (two for a
    /// directory), nothing charged.
    pub(crate) fn new(body: Body, mode: u32, now: Timestamp) -> Self {
        let link_count = if matches!(body, Body::Directory(_) | Body::Unlisted) { 2 } else { 1 };
        Self {
            link_count,
            mode,
            accessed: now,
            modified: now,
            changed: now,
            version: 1,
            allocated: 0,
            reclaimed: false,
            body,
        }
    }

    /// Refuses an inode that was found before its last name and descriptor
    /// went: it is out of the table, and nothing may be charged to it.
    pub(crate) const fn check_alive(&self) -> Result<(), ErrorCode> {
        if self.reclaimed { Err(ErrorCode::NoEntry) } else { Ok(()) }
    }

    pub(crate) fn file(&self) -> Result<&Content, ErrorCode> {
        self.check_alive()?;
        match &self.body {
            Body::File(content) => Ok(content),
            Body::Directory(_) | Body::Unlisted => Err(ErrorCode::IsDirectory),
            Body::Symlink(_) => Err(ErrorCode::Invalid),
        }
    }

    pub(crate) fn file_mut(&mut self) -> Result<&mut Content, ErrorCode> {
        self.check_alive()?;
        match &mut self.body {
            Body::File(content) => Ok(content),
            Body::Directory(_) | Body::Unlisted => Err(ErrorCode::IsDirectory),
            Body::Symlink(_) => Err(ErrorCode::Invalid),
        }
    }

    pub(crate) fn directory(&self) -> Result<&Directory, ErrorCode> {
        self.check_alive()?;
        match &self.body {
            Body::Directory(directory) => Ok(directory),
            // Operations list a directory before they lock it.
            Body::Unlisted => Err(ErrorCode::Io),
            _ => Err(ErrorCode::NotDirectory),
        }
    }

    pub(crate) fn directory_mut(&mut self) -> Result<&mut Directory, ErrorCode> {
        self.check_alive()?;
        match &mut self.body {
            Body::Directory(directory) => Ok(directory),
            // Operations list a directory before they lock it.
            Body::Unlisted => Err(ErrorCode::Io),
            _ => Err(ErrorCode::NotDirectory),
        }
    }

    /// A directory that can still take new names: a removed one cannot.
    pub(crate) fn live_directory(&self) -> Result<&Directory, ErrorCode> {
        let directory = self.directory()?;
        if self.link_count == 0 {
            return Err(ErrorCode::NoEntry);
        }
        Ok(directory)
    }

    /// Notes a change of content.
    pub(crate) fn touch_content(&mut self, now: Timestamp) {
        self.modified = now;
        self.touch(now);
    }

    /// Notes a change of attributes.
    pub(crate) fn touch(&mut self, now: Timestamp) {
        self.changed = now;
        self.version += 1;
    }

    pub(crate) fn set_times(&mut self, now: Timestamp, accessed: SetTime, modified: SetTime) {
        let new = |old: Timestamp, set: SetTime| match set {
            SetTime::Keep => old,
            SetTime::Now => now,
            SetTime::At(time) => time,
        };
        self.accessed = new(self.accessed, accessed);
        self.modified = new(self.modified, modified);
        self.touch(now);
    }
}

impl Inode {
    pub(crate) fn new(id: NodeId, parent: u64, opens: u64, state: State) -> Arc<Self> {
        Arc::new(Self {
            id,
            file_type: state.body.file_type(),
            opens: AtomicU64::new(opens),
            parent: AtomicU64::new(parent),
            state: RwLock::new(state),
        })
    }

    pub(crate) const fn id(&self) -> NodeId {
        self.id
    }

    pub(crate) const fn ino(&self) -> u64 {
        self.id.ino
    }

    pub(crate) const fn file_type(&self) -> FileType {
        self.file_type
    }

    pub(crate) fn is_directory(&self) -> bool {
        self.file_type == FileType::Directory
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read()
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write()
    }

    pub(crate) fn parent(&self) -> u64 {
        self.parent.load(Ordering::Acquire)
    }

    pub(crate) fn set_parent(&self, parent: u64) {
        self.parent.store(parent, Ordering::Release);
    }

    /// Adds a descriptor; `false` if the inode is gone.
    pub(crate) fn pin(&self) -> bool {
        let state = self.read();
        if state.reclaimed {
            return false;
        }
        self.opens.fetch_add(1, Ordering::AcqRel);
        true
    }

    /// Takes a descriptor away; returns whether it was the last.
    pub(crate) fn unpin(&self) -> bool {
        self.opens.fetch_sub(1, Ordering::AcqRel) == 1
    }

    pub(crate) fn opens(&self) -> usize {
        usize::try_from(self.opens.load(Ordering::Acquire)).unwrap_or(usize::MAX)
    }

    /// The attributes; `no-entry` if the inode is gone.
    pub(crate) fn attributes(&self) -> Result<Attributes, ErrorCode> {
        let state = self.read();
        state.check_alive()?;
        Ok(self.attributes_of(&state))
    }

    pub(crate) fn attributes_of(&self, state: &State) -> Attributes {
        Attributes {
            id: self.id,
            file_type: self.file_type,
            link_count: state.link_count,
            size: match &state.body {
                Body::File(content) => content.len(),
                Body::Directory(_) | Body::Unlisted => state.allocated,
                Body::Symlink(target) => target.len() as u64,
            },
            allocated: state.allocated,
            mode: state.mode,
            accessed: state.accessed,
            modified: state.modified,
            changed: state.changed,
            version: state.version,
        }
    }
}
