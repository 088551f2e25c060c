//! A directory of a served volume.

use std::rc::Rc;

use larder_core::{DescriptorFlags, FileType, Follow, OpenFlags, Result, SetTime};
use larder_nats_client::{ServedStore, VolumeUsage};
use larder_store_service::{
    Attributes, Change, Content, Entry, MAX_ENTRIES, NewNode, Node, Opened, Opening, Place, Removal, Store, Target,
};

use super::session::Session;
use crate::files::directories::{create_each, kind_or_none};

/// Bytes of content that come along when a file is opened, and that one call
/// reads: 512 KiB, as many as a call takes.
const PIECE: u32 = 512 << 10;

/// A directory that the session holds until this is dropped.
pub(crate) struct RemoteDirectory {
    session: Rc<Session>,
    node: Node,
    is_root: bool,
}

impl Drop for RemoteDirectory {
    fn drop(&mut self) {
        // The root is the session's own.
        if !self.is_root {
            self.session.close(self.node);
        }
    }
}

/// A file that the session holds until this is dropped.
pub(super) struct RemoteFile {
    session: Rc<Session>,
    node: Node,
    pub(super) attributes: Attributes,
}

impl Drop for RemoteFile {
    fn drop(&mut self) {
        self.session.close(self.node);
    }
}

impl RemoteFile {
    pub(super) fn read(&self, offset: u64) -> Result<Content> {
        self.session.ask("read", |store, call| store.read(call, self.node, offset, PIECE))
    }

    /// What the file is now.
    pub(super) fn stat(&self) -> Result<Attributes> {
        self.session.ask("stat", |store, call| store.stat(call, self.node))
    }

    pub(super) fn change<'a>(&self) -> Change<'a> {
        Change::of(Target::Node(self.node))
    }

    pub(super) fn commit(&self, change: &Change<'_>) -> Result<Attributes> {
        self.session.ask("write", |store, call| store.commit(call, change))
    }
}

impl RemoteDirectory {
    /// The root of a served volume, which is shown as `address`.
    ///
    /// # Errors
    /// When the volume cannot be reached, within the options' deadline.
    pub(crate) fn of(store: ServedStore, address: &str) -> anyhow::Result<Self> {
        Session::begin(store, address)
    }

    /// What the volume holds, and may hold.
    ///
    /// # Errors
    /// When the volume cannot be reached.
    pub(crate) fn usage(&self) -> Result<VolumeUsage> {
        self.session.usage()
    }

    pub(super) const fn root(session: Rc<Session>, node: Node) -> Self {
        Self { session, node, is_root: true }
    }

    const fn at<'a>(&self, path: &'a str) -> Place<'a> {
        Place { directory: self.node, path }
    }

    /// What this directory is.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) fn stat(&self) -> Result<Attributes> {
        self.session.ask("stat", |store, call| store.stat(call, self.node))
    }

    /// What `path` names.
    ///
    /// # Errors
    /// When it is missing, and those of the store.
    pub(crate) fn stat_at(&self, follow: Follow, path: &str) -> Result<Attributes> {
        self.session
            .ask("stat-at", |store, call| store.stat_at(call, self.at(path), follow))
            .map_err(|error| error.at(path))
    }

    /// All that is in it, by name.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) fn list(&self) -> Result<Vec<Entry>> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let after = entries.last().map_or(0, |last| last.cookie);
            let more =
                self.session.ask("read-directory", |store, call| store.list(call, self.node, after, MAX_ENTRIES))?;
            if more.is_empty() {
                break;
            }
            entries.extend(more);
        }
        entries.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        Ok(entries)
    }

    fn open(&self, follow: Follow, path: &str, flags: OpenFlags, want: u32) -> Result<Opened> {
        let how = Opening { follow, flags, access: DescriptorFlags::READ, want, known: None };
        self.session.ask("open-at", |store, call| store.open(call, self.at(path), how)).map_err(|error| error.at(path))
    }

    /// Opens the directory `path`, which may be empty for this one.
    ///
    /// # Errors
    /// When it is missing or none.
    pub(crate) fn enter(&self, follow: Follow, path: &str) -> Result<Self> {
        let path = if path.is_empty() { "." } else { path };
        let opened = self.open(follow, path, OpenFlags::DIRECTORY, 0)?;
        Ok(Self { session: Rc::clone(&self.session), node: opened.attributes.node, is_root: false })
    }

    /// Opens a file, with the first of its content.
    pub(super) fn open_file(&self, follow: Follow, path: &str) -> Result<(RemoteFile, Option<Content>)> {
        let opened = self.open(follow, path, OpenFlags::empty(), PIECE)?;
        let (session, attributes) = (Rc::clone(&self.session), opened.attributes);
        Ok((RemoteFile { session, node: attributes.node, attributes }, opened.content))
    }

    /// A change of the regular file `path`, which makes it where it is not
    /// there.
    pub(super) const fn change<'a>(&self, path: &'a str) -> Change<'a> {
        Change::of(Target::File(self.at(path)))
    }

    pub(super) fn commit(&self, change: &Change<'_>) -> Result<Attributes> {
        self.session.ask("write", |store, call| store.commit(call, change))
    }

    /// Makes a file of this size, and holds it.
    pub(super) fn create(&self, path: &str, size: u64) -> Result<RemoteFile> {
        let change = Change { size: Some(size), keep: true, ..self.change(path) };
        let attributes = self.commit(&change)?;
        Ok(RemoteFile { session: Rc::clone(&self.session), node: attributes.node, attributes })
    }

    /// The target of a symbolic link.
    ///
    /// # Errors
    /// When it is missing or none.
    pub(crate) fn read_link(&self, path: &str) -> Result<String> {
        self.session
            .ask("readlink-at", |store, call| store.read_link(call, self.at(path)))
            .map_err(|error| error.at(path))
    }

    /// Makes a directory or symbolic link.
    ///
    /// # Errors
    /// When the name is there, and those of the store.
    pub(crate) fn make(&self, path: &str, what: NewNode<'_>) -> Result<Attributes> {
        let operation = match what {
            NewNode::Directory => "create-directory-at",
            NewNode::SymbolicLink(_) => "symlink-at",
        };
        self.session.ask(operation, |store, call| store.make(call, self.at(path), what)).map_err(|error| error.at(path))
    }

    /// What `path` names (empty: this directory); none where nothing is.
    ///
    /// # Errors
    /// Those of the look-up other than `no-entry`.
    pub(crate) fn kind(&self, follow: Follow, path: &str) -> Result<Option<FileType>> {
        match path {
            "" => Ok(Some(FileType::Directory)),
            path => kind_or_none(self.stat_at(follow, path).map(|found| found.file_type)),
        }
    }

    /// Makes the directory `path` and those above it that are missing.
    ///
    /// # Errors
    /// When something else than a directory is in the way, or a limit is reached.
    pub(crate) fn create_directories(&self, path: &str) -> Result<()> {
        let make = |above: &str| self.make(above, NewNode::Directory).map(drop);
        create_each(path, make, |above| self.kind(Follow::Yes, above))
    }

    /// Removes a name.
    ///
    /// # Errors
    /// When it is missing or something else, or a directory with entries.
    pub(crate) fn remove(&self, path: &str, what: Removal) -> Result<()> {
        let operation = match what {
            Removal::File => "unlink-file-at",
            Removal::Directory => "remove-directory-at",
        };
        self.session
            .ask(operation, |store, call| store.remove(call, self.at(path), what))
            .map_err(|error| error.at(path))
    }

    /// Renames within this directory, replacing what is there.
    pub(super) fn rename(&self, old: &str, new: &str) -> Result<()> {
        self.session
            .ask("rename-at", |store, call| store.rename(call, self.at(old), self.at(new)))
            .map_err(|error| error.at(new))
    }

    /// Gives the file `old` another name, `new` in the directory `to`.
    pub(super) fn link(&self, old: &str, to: &Self, new: &str) -> Result<()> {
        self.session
            .ask("link-at", |store, call| store.link(call, self.at(old), Follow::No, to.at(new)))
            .map_err(|error| error.at(new))
    }

    /// Sets the times of what `path` names, not following a link.
    pub(super) fn set_times(&self, path: &str, accessed: SetTime, modified: SetTime) -> Result<()> {
        self.session
            .ask("set-times-at", |store, call| store.set_times_at(call, self.at(path), Follow::No, accessed, modified))
            .map_err(|error| error.at(path))
    }

    /// Hands the content of a file on, piece by piece.
    ///
    /// # Errors
    /// When it is missing or no file, or `each` fails.
    pub(crate) fn read(&self, path: &str, mut each: impl FnMut(&[u8]) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let (file, mut content) = self.open_file(Follow::Yes, path)?;
        if file.attributes.file_type == FileType::Directory {
            return Err(larder_core::Error::new(larder_core::ErrorCode::IsDirectory, "read").at(path).into());
        }
        let mut offset = 0;
        loop {
            let piece = match content.take() {
                Some(piece) => piece,
                None => file.read(offset)?,
            };
            each(&piece.bytes)?;
            offset += piece.bytes.len() as u64;
            if piece.at_end || piece.bytes.is_empty() {
                return Ok(());
            }
        }
    }

    /// Makes all that the server accepted as durable as it promises.
    ///
    /// # Errors
    /// When it cannot be saved there.
    pub(crate) fn sync(&self) -> Result<()> {
        self.session.ask("sync", |store, call| store.settle(call, true))
    }
}
