//! Descriptors: the operations of `larder_core::Descriptor`, by the same names
//! and with the same errors.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use larder_core::{
    DescriptorFlags, DirectoryEntry, Error, ErrorCode, FileType, Follow, MetadataHash, NodeId, OpenFlags, Result,
    SetTime, Source,
};
use larder_store_service::{
    Answer, Attributes, Change, Entry, MAX_ENTRIES, MAX_TRANSFER, NewNode, Node, Note, Opened, Opening, Place,
    Position, Removal, Store, Target, Write,
};

use crate::client::{Client, Extra, Inner};
use crate::content::{FIRST_WINDOW, Found};
use crate::names::{Foreseen, Known, Question};
use crate::state::Creation;

/// Most bytes that one read returns: 16 MiB, as larder-core's.
const MOST_READ: usize = 16 << 20;

/// Writes beyond this offset are not deferred: 1 TiB, the usual bound of a
/// file. Their refusal is told at once.
const FAR: u64 = 1 << 40;

/// The longest way, in components, to a directory that is listed because files
/// are created there: 4. Bounds what is spent for calls that are saved later.
const MOST_WAY: usize = 4;

/// Bytes of a name, and of a path, whose creation is deferred: POSIX's
/// `NAME_MAX` and `PATH_MAX`. Longer ones the store judges at once.
const SHORT_NAME: usize = 255;
const SHORT_PATH: usize = 4096;

const DURABLE: DescriptorFlags = DescriptorFlags::FILE_INTEGRITY_SYNC.union(DescriptorFlags::DATA_INTEGRITY_SYNC);

/// An open file or directory. Dropping it closes it, which brings what waits
/// into the store.
pub struct File<S: Store> {
    client: Client<S>,
    opening: u64,
    mount: u32,
    file_type: FileType,
    known: Knowledge,
}

/// What is known of a descriptor.
#[derive(Clone, Copy)]
enum Knowledge {
    /// As the session says of its mount, once it has begun.
    Root,
    Opened {
        flags: DescriptorFlags,
        /// Of directories: who they are, for what is known of names in them.
        identity: MetadataHash,
    },
}

impl<S: Store> fmt::Debug for File<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File").field("file_type", &self.file_type).field("flags", &self.flags()).finish_non_exhaustive()
    }
}

impl<S: Store> Drop for File<S> {
    fn drop(&mut self) {
        self.client.with(|inner| inner.close(self.opening));
    }
}

/// No inode's identity: of a file that is not created yet.
pub(crate) const NOBODY: MetadataHash = MetadataHash { lower: 0, upper: 0 };

impl<S: Store> File<S> {
    pub(crate) const fn new(
        client: Client<S>,
        opening: u64,
        mount: u32,
        file_type: FileType,
        flags: DescriptorFlags,
        identity: MetadataHash,
    ) -> Self {
        Self { client, opening, mount, file_type, known: Knowledge::Opened { flags, identity } }
    }

    /// The root of a mount.
    pub(crate) const fn root(client: Client<S>, opening: u64, mount: u32) -> Self {
        Self { client, opening, mount, file_type: FileType::Directory, known: Knowledge::Root }
    }

    fn identity(&self, inner: &Inner<S>) -> MetadataHash {
        match self.known {
            Knowledge::Root => inner.root_identity(self.mount),
            Knowledge::Opened { identity, .. } => identity,
        }
    }

    /// One operation on this descriptor. The session begins before, if it has
    /// not; what was deferred and failed is reported first, in its place.
    fn on<T>(&self, operation: &'static str, call: impl FnOnce(&mut Inner<S>) -> Answer<T>) -> Result<T> {
        self.client
            .with(|inner| {
                inner.begin()?;
                let inode = inner.opening(self.opening)?.inode;
                inner.report(self.mount, inode)?;
                call(inner)
            })
            .map_err(|code| Error::new(code, operation))
    }

    /// One operation on a name below this directory.
    fn on_path<T>(
        &self,
        operation: &'static str,
        path: &str,
        call: impl FnOnce(&mut Inner<S>, Place<'_>) -> Answer<T>,
    ) -> Result<T> {
        self.on(operation, |inner| {
            inner.settle_creations();
            let directory = inner.node(self.opening)?;
            call(inner, Place { directory, path })
        })
        .map_err(|error| error.at(path))
    }

    /// Whether names below it may be changed, as far as the descriptor says.
    const fn may_change_names(&self) -> bool {
        match self.known {
            Knowledge::Root => true,
            Knowledge::Opened { flags, .. } => flags.contains(DescriptorFlags::MUTATE_DIRECTORY),
        }
    }

    /// Whether each write is to be synced.
    const fn is_durable(&self) -> bool {
        matches!(self.known, Knowledge::Opened { flags, .. } if flags.intersects(DURABLE))
    }

    fn check_file(&self, needed: DescriptorFlags, operation: &'static str) -> Result<()> {
        if self.file_type == FileType::Directory {
            return Err(Error::new(ErrorCode::IsDirectory, operation));
        }
        if !self.flags().contains(needed) {
            return Err(Error::new(ErrorCode::BadDescriptor, operation));
        }
        Ok(())
    }

    /// Another descriptor of the same opening.
    ///
    /// # Errors
    /// None today.
    pub fn dup(&self) -> Result<Self> {
        self.client
            .with(|inner| inner.opening(self.opening).map(|opening| opening.holders += 1))
            .map_err(|code| Error::new(code, "dup"))?;
        let (opening, mount) = (self.opening, self.mount);
        Ok(Self { client: self.client.clone(), opening, mount, file_type: self.file_type, known: self.known })
    }

    /// What it was opened for; for a directory, what it allows.
    #[must_use]
    pub fn flags(&self) -> DescriptorFlags {
        match self.known {
            Knowledge::Root => self.client.with(|inner| inner.root_allows(self.mount)),
            Knowledge::Opened { flags, .. } => flags,
        }
    }

    /// What is open.
    #[must_use]
    pub const fn file_type(&self) -> FileType {
        self.file_type
    }

    /// The attributes. Those that the last answer on the file brought serve
    /// once; then the store is asked.
    ///
    /// # Errors
    /// Those of the store.
    pub fn stat(&self) -> Result<Attributes> {
        self.on("stat", |inner| {
            let opening = inner.opening(self.opening)?;
            let (key, touched) = (opening.inode, std::mem::take(&mut opening.touched));
            if self.file_type == FileType::Directory {
                inner.settle_creations();
            }
            inner.flush(key)?;
            let node = inner.node(self.opening)?;
            if touched {
                inner.note(Note { node, read: true, closed: false });
            }
            let cache = inner.options.cache;
            let inode = inner.inode(key)?;
            let fresh = std::mem::take(&mut inode.fresh) && cache && !touched;
            if fresh && let Some(attributes) = &inode.attributes {
                return Ok(attributes.clone());
            }
            let attributes = inner.ask(|store, call| store.stat(call, node))?;
            let inode = inner.inode(key)?;
            inode.attributes = Some(attributes.clone());
            Ok(attributes)
        })
    }

    /// Sets the access and modification times.
    ///
    /// # Errors
    /// As `larder_core::Descriptor::set_times`.
    pub fn set_times(&self, accessed: SetTime, modified: SetTime) -> Result<()> {
        self.on("set-times", |inner| {
            let opening = inner.opening(self.opening)?;
            // The times that are set replace that of the read.
            opening.touched = false;
            let key = opening.inode;
            if inner.inode(key)?.is_settled() {
                let node = inner.node(self.opening)?;
                let change = Change { accessed, modified, ..Change::of(Target::Node(node)) };
                return inner.send(key, &change, None);
            }
            inner.commit(key, Extra { accessed, modified, ..Extra::default() }, true)
        })
    }

    /// Whether both are descriptors of one inode.
    #[must_use]
    pub fn is_same_object(&self, other: &Self) -> bool {
        match (self.metadata_hash(), other.metadata_hash()) {
            (Ok(one), Ok(another)) => one == another,
            _ => false,
        }
    }

    /// The inode's identity as a hash.
    ///
    /// # Errors
    /// Those of a deferred creation.
    pub fn metadata_hash(&self) -> Result<MetadataHash> {
        self.on("metadata-hash", |inner| {
            inner.node(self.opening)?;
            let key = inner.opening(self.opening)?.inode;
            inner.inode(key)?.attributes.as_ref().map(|attributes| attributes.identity).ok_or(ErrorCode::Io)
        })
    }

    /// Takes an advisory lock on the whole file or directory, shared or
    /// exclusive, and answers its fencing token, as
    /// `larder_core::Descriptor::try_lock`. What others wrote before is seen
    /// from now on: nothing cached is used. It ends with [`unlock`](Self::unlock)
    /// and with the session, not by closing.
    ///
    /// # Errors
    /// As there, and those of the store.
    pub fn try_lock(&self, shared: bool) -> Result<u64> {
        self.on("lock", |inner| {
            let node = inner.node(self.opening)?;
            let token = inner.ask(|store, call| store.lock(call, node, shared))?;
            inner.forget_cached();
            Ok(token)
        })
    }

    /// Ends the lock, if there is one. What the guest wrote before is in the
    /// store then, for whoever locks next.
    ///
    /// # Errors
    /// Those of the store, and of what was deferred: the lock ends all the same.
    pub fn unlock(&self) -> Result<()> {
        self.client
            .with(|inner| {
                inner.flush_all();
                let node = inner.node(self.opening)?;
                let inode = inner.opening(self.opening)?.inode;
                let unlocked = inner.ask(|store, call| store.unlock(call, node));
                inner.report(self.mount, inode).and(unlocked)
            })
            .map_err(|code| Error::new(code, "unlock"))
    }

    /// Makes content and attributes as durable as the volume promises.
    ///
    /// # Errors
    /// Those of what was deferred, and of the volume's durability.
    pub fn sync(&self) -> Result<()> {
        self.on("sync", |inner| {
            let key = inner.opening(self.opening)?.inode;
            if inner.inode(key)?.is_settled() {
                return inner.ask(|store, call| store.settle(call, true));
            }
            inner.commit(key, Extra { sync: true, ..Extra::default() }, true)
        })
    }

    /// As [`sync`](Self::sync): content is never durable without attributes.
    ///
    /// # Errors
    /// As [`sync`](Self::sync).
    pub fn sync_data(&self) -> Result<()> {
        self.sync()
    }

    /// What an output stream's flush is: with write-behind nothing, as data is
    /// where the guest's other descriptors see it; without, nothing waits.
    ///
    /// # Errors
    /// A failure of what was deferred.
    pub fn flush(&self) -> Result<()> {
        self.on("flush", |_| Ok(()))
    }

    /// A hint on future use.
    ///
    /// # Errors
    /// As `larder_core::Descriptor::advise`.
    pub fn advise(&self, offset: u64, length: u64) -> Result<()> {
        const OPERATION: &str = "advise";
        if self.file_type == FileType::Directory {
            return Err(Error::new(ErrorCode::BadDescriptor, OPERATION));
        }
        offset.checked_add(length).map(drop).ok_or_else(|| Error::new(ErrorCode::Invalid, OPERATION))
    }

    /// Up to `length` bytes from `offset`, in pieces; fewer only at the end of
    /// file and beyond 16 MiB.
    ///
    /// # Errors
    /// `bad-descriptor` where it is not open for reading, `is-directory`;
    /// those of the store.
    pub fn read(&self, offset: u64, length: usize) -> Result<Vec<Bytes>> {
        self.check_file(DescriptorFlags::READ, "read")?;
        self.on("read", |inner| {
            let mut pieces = Vec::new();
            let length = length.min(MOST_READ);
            let mut done = 0;
            while done < length {
                let Some(at) = offset.checked_add(done as u64) else { break };
                let Some(piece) = self.read_piece(inner, at, length - done)? else { break };
                done += piece.len();
                pieces.push(piece);
            }
            Ok(pieces)
        })
    }

    /// The next bytes, at most `length` of them; `None` at the end of file.
    fn read_piece(&self, inner: &mut Inner<S>, offset: u64, length: usize) -> Answer<Option<Bytes>> {
        let key = inner.opening(self.opening)?.inode;
        let wanted = match inner.with_cache(key, |cached| cached.find(offset, length))? {
            Found::Bytes(bytes) => {
                let opening = inner.opening(self.opening)?;
                if !std::mem::replace(&mut opening.read_before, true) {
                    opening.touched = true;
                }
                return Ok(Some(bytes));
            }
            Found::End => return Ok(None),
            Found::Missing(wanted) => wanted,
        };
        inner.flush(key)?;
        let node = inner.node(self.opening)?;
        let cache = inner.options.cache;
        let wanted = if cache { wanted } else { length.min(MAX_TRANSFER) };
        let wanted = u32::try_from(wanted).unwrap_or(u32::MAX);
        let content = inner.ask(|store, call| store.read(call, node, offset, wanted))?;
        let opening = inner.opening(self.opening)?;
        opening.read_before = true;
        opening.touched = false;
        inner.inode(key)?.fresh = false;
        if content.bytes.is_empty() {
            return Ok(None);
        }
        let read = content.bytes.slice(..content.bytes.len().min(length));
        if cache {
            inner.keep_content(key, offset, &content)?;
        }
        Ok(Some(read))
    }

    /// Writes all of `data` at `offset`; returns its length. Up to 512 KiB all
    /// or nothing; beyond it in pieces of which each is.
    ///
    /// # Errors
    /// `bad-descriptor` where it is not open for writing; those of the store,
    /// which with write-behind a later call reports.
    pub fn write(&self, offset: u64, data: &dyn Source) -> Result<usize> {
        self.check_file(DescriptorFlags::WRITE, "write")?;
        self.on("write", |inner| self.write_at(inner, Position::At(offset), data)).map(|()| data.len())
    }

    /// Writes all of `data` at the end of file; returns its length. Up to
    /// 512 KiB atomically between appends.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn append(&self, data: &dyn Source) -> Result<usize> {
        self.check_file(DescriptorFlags::WRITE, "append")?;
        self.on("append", |inner| self.write_at(inner, Position::End, data)).map(|()| data.len())
    }

    fn write_at(&self, inner: &mut Inner<S>, position: Position, data: &dyn Source) -> Answer<()> {
        let opening = inner.opening(self.opening)?;
        let (key, node) = (opening.inode, opening.node);
        inner.names.drop_hints();
        inner.with_cache(key, |cached| match position {
            Position::At(offset) => cached.cut(offset, data.len()),
            Position::End => cached.appended(),
        })?;
        let inode = inner.inode(key)?;
        inode.fresh = false;
        inode.cached_version = None;
        if !inode.pending.fits(data.len()) {
            inner.flush_ahead(key)?;
        }
        let far = matches!(position, Position::At(offset) if offset.saturating_add(data.len() as u64) > FAR);
        let inode = inner.inode(key)?;
        inode.writer = node.or(inode.writer);
        if inner.options.write_behind && data.len() <= MAX_TRANSFER && !far {
            inner.inode(key)?.pending.push(position, data);
            inner.waits(data.len());
        } else {
            let later = inner.options.write_behind && !far;
            if !later {
                inner.flush(key)?;
            } else if !inner.inode(key)?.pending.is_empty() {
                inner.flush_ahead(key)?;
            }
            self.write_through(inner, key, position, data, later)?;
        }
        if self.is_durable() {
            inner.commit(key, Extra { sync: true, ..Extra::default() }, true)?;
        }
        Ok(())
    }

    /// `later`: a failure is told when the file is flushed.
    fn write_through(
        &self,
        inner: &mut Inner<S>,
        key: u64,
        position: Position,
        data: &dyn Source,
        later: bool,
    ) -> Answer<()> {
        let node = inner.node(self.opening)?;
        let mut position = position;
        let mut piece = Vec::with_capacity(data.len().min(MAX_TRANSFER));
        let mut done = 0;
        // A write of nothing is one, too: it fails where others would.
        loop {
            let end = data.len().min(done + MAX_TRANSFER);
            piece.clear();
            data.append_to(done..end, &mut piece);
            let writes = vec![Write { position, bytes: &piece }];
            let change = Change { writes, later, ..Change::of(Target::Node(node)) };
            inner.send(key, &change, None)?;
            if let Position::At(offset) = &mut position {
                *offset = offset.checked_add(piece.len() as u64).ok_or(ErrorCode::FileTooLarge)?;
            }
            done = end;
            if done == data.len() {
                return Ok(());
            }
        }
    }

    /// Sets the file's length; what is added reads as zeros. Never deferred.
    ///
    /// # Errors
    /// As `larder_core::Descriptor::set_size`.
    pub fn set_size(&self, size: u64) -> Result<()> {
        self.check_file(DescriptorFlags::WRITE, "set-size")?;
        self.on("set-size", |inner| {
            let node = inner.node(self.opening)?;
            let key = inner.opening(self.opening)?.inode;
            inner.with_cache(key, |cached| cached.cut(size, usize::MAX))?;
            let inode = inner.inode(key)?;
            inode.writer = Some(node);
            let sync = self.is_durable();
            inner.commit(key, Extra { size: Some(size), sync, ..Extra::default() }, true)
        })
    }

    /// Opens what `path` names.
    ///
    /// # Errors
    /// As `larder_core::Descriptor::open_at`.
    pub fn open_at(&self, follow: Follow, path: &str, open: OpenFlags, flags: DescriptorFlags) -> Result<Self> {
        if let Some(first) = self.open_first(follow, path, open, flags) {
            return first;
        }
        self.on_path("open", path, |inner, at| {
            self.learn_way(inner, at, open, flags);
            if let Some(deferred) = self.defer_creation(inner, at, follow, open, flags) {
                return Ok(deferred);
            }
            let (known, wants) = self.known(inner, path, flags);
            let how = opening(follow, open, flags, known, wants);
            let opened = if how.changes() {
                inner.change(|store, call| store.open(call, at, how))
            } else {
                inner.ask(|store, call| store.open(call, at, how))
            }?;
            self.opened(inner, path, flags, opened, known)
        })
    }

    /// The first call of a session, where it may be one with beginning it.
    fn open_first(&self, follow: Follow, path: &str, open: OpenFlags, flags: DescriptorFlags) -> Option<Result<Self>> {
        if !matches!(self.known, Knowledge::Root) {
            return None;
        }
        let opened = self.client.with(|inner| {
            let wants = inner.options.cache && flags.contains(DescriptorFlags::READ);
            let opened = inner.begin_open(path, opening(follow, open, flags, None, wants))?;
            Some(opened.and_then(|opened| self.opened(inner, path, flags, opened, None)))
        })?;
        Some(opened.map_err(|code| Error::new(code, "open").at(path)))
    }

    /// The descriptor that an answer is about.
    fn opened(
        &self,
        inner: &mut Inner<S>,
        path: &str,
        flags: DescriptorFlags,
        opened: Opened,
        known: Option<u64>,
    ) -> Answer<Self> {
        self.take_in(inner, path, &opened, known)?;
        let attributes = opened.attributes;
        let (node, file_type, identity) = (attributes.node, attributes.file_type, attributes.identity);
        let key = inner.inode_of(attributes);
        let opening = inner.add_opening(key, self.mount, Some(node), true);
        let flags = opened.allows | (flags & (DURABLE | DescriptorFlags::REQUESTED_WRITE_SYNC));
        Ok(Self::new(self.client.clone(), opening, self.mount, file_type, flags, identity))
    }

    /// The version of the content that is cached for this name, and whether
    /// content is wanted at all.
    fn known(&self, inner: &Inner<S>, path: &str, flags: DescriptorFlags) -> (Option<u64>, bool) {
        if !inner.options.cache || !flags.contains(DescriptorFlags::READ) {
            return (None, false);
        }
        let Foreseen::Present(known) = inner.names.foresee(self.identity(inner), path) else { return (None, true) };
        (inner.by_identity(known.identity).and_then(|inode| inode.cached_version), true)
    }

    /// Takes the answer to an opening in: what the client knows of the file is
    /// revalidated here and nowhere else.
    fn take_in(&self, inner: &mut Inner<S>, path: &str, opened: &Opened, known: Option<u64>) -> Answer<()> {
        let attributes = &opened.attributes;
        let learned = Known { identity: attributes.identity, file_type: attributes.file_type };
        let base = self.identity(inner);
        inner.names.learn(base, path, learned);
        if attributes.file_type != FileType::RegularFile {
            return Ok(());
        }
        let key = inner.inode_of(attributes.clone());
        if !inner.inode(key)?.is_settled() {
            // The guest has it open and wrote: the answer is older than that.
            // The opening succeeded; a failure waits for the writer.
            if let Err(code) = inner.flush(key) {
                inner.inode(key)?.unreported = Some(code);
            }
            inner.with_cache(key, crate::content::Cached::clear)?;
            inner.inode(key)?.fresh = false;
            return Ok(());
        }
        let version = attributes.version;
        let unchanged = inner.inode(key)?.cached_version == Some(version);
        match &opened.content {
            Some(content) => {
                inner.with_cache(key, crate::content::Cached::clear)?;
                inner.keep_content(key, 0, content)?;
                inner.inode(key)?.cached_version = Some(version);
            }
            None if unchanged && known == Some(version) => {
                inner.with_cache(key, |cached| cached.revalidate(attributes.size))?;
            }
            None if unchanged => {}
            None => {
                inner.with_cache(key, crate::content::Cached::clear)?;
                inner.inode(key)?.cached_version = None;
            }
        }
        Ok(())
    }

    /// Lists the directory in which file after file is created: then creating
    /// another one there needs no call of its own.
    fn learn_way(&self, inner: &mut Inner<S>, at: Place<'_>, open: OpenFlags, flags: DescriptorFlags) {
        let creates = open.contains(OpenFlags::CREATE) && !open.contains(OpenFlags::EXCLUSIVE);
        let way = at.path.rsplit_once('/').map_or("", |(way, _)| way);
        let identity = self.identity(inner);
        if !inner.options.write_behind
            || !inner.options.cache
            || !creates
            || !flags.contains(DescriptorFlags::WRITE)
            || way.split('/').count() > MOST_WAY
            || !matches!(inner.names.foresee(identity, at.path), Foreseen::Unknown)
            || !inner.names.is_worth_listing(identity, way)
        {
            return;
        }
        // What fails here fails again in the creation, which tells it.
        let _ = self.list_way(inner, at.directory, way);
    }

    fn list_way(&self, inner: &mut Inner<S>, base: Node, way: &str) -> Answer<()> {
        let here = self.identity(inner);
        let (mut directory, mut identity) = (base, here);
        let ends = way.match_indices('/').map(|(end, _)| end).chain([way.len()]);
        for prefix in ends.filter_map(|end| way.get(..end)).filter(|prefix| !prefix.is_empty()) {
            // A link is another way than it looks: it is not learned.
            let (follow, flags, access) = (Follow::No, OpenFlags::DIRECTORY, DescriptorFlags::READ);
            let how = Opening { follow, flags, access, want: 0, known: None };
            let opened = inner.ask(|store, call| store.open(call, Place { directory: base, path: prefix }, how))?;
            inner.note(Note { node: opened.attributes.node, read: false, closed: true });
            (directory, identity) = (opened.attributes.node, opened.attributes.identity);
            inner.names.learn(here, prefix, Known { identity, file_type: FileType::Directory });
        }
        // The notes go with the next call: the listing goes before them.
        let notes = inner.take_notes();
        let listed = inner.ask(|store, call| store.list(call, directory, 0, MAX_ENTRIES));
        notes.into_iter().for_each(|note| inner.note(note));
        let entries = listed?;
        if entries.len() < MAX_ENTRIES as usize {
            learn_listing(inner, identity, &entries);
        }
        Ok(())
    }

    /// Opens for creation without a call, where the client knows that there
    /// is nothing to refuse it: a name that is not there, or a closed regular
    /// file, in directories that it knows, on a mount that may be written.
    fn defer_creation(
        &self,
        inner: &mut Inner<S>,
        at: Place<'_>,
        follow: Follow,
        open: OpenFlags,
        flags: DescriptorFlags,
    ) -> Option<Self> {
        let plain = open == OpenFlags::CREATE || open == OpenFlags::CREATE | OpenFlags::TRUNCATE;
        let writable = inner.allows(self.mount).contains(DescriptorFlags::MUTATE_DIRECTORY) && self.may_change_names();
        let name = at.path.rsplit('/').next().unwrap_or("");
        let short = at.path.len() <= SHORT_PATH && name.len() <= SHORT_NAME && !at.path.contains('\0');
        if !inner.options.write_behind
            || !plain
            || !writable
            || !short
            || at.path.starts_with('/')
            || follow == Follow::No
            || !flags.contains(DescriptorFlags::WRITE)
        {
            return None;
        }
        match inner.names.foresee(self.identity(inner), at.path) {
            Foreseen::Absent => {}
            Foreseen::Present(known) if known.file_type == FileType::RegularFile => {
                // Descriptors of one inode share what waits for it.
                if inner.by_identity(known.identity).is_some_and(|inode| inode.opens > 0) {
                    return None;
                }
            }
            Foreseen::Present(_) | Foreseen::Unknown => return None,
        }
        let truncate = open.contains(OpenFlags::TRUNCATE);
        let creation =
            Creation { directory: at.directory, identity: self.identity(inner), path: at.path.into(), truncate };
        let key = inner.inode_to_create(creation);
        let opening = inner.add_opening(key, self.mount, None, false);
        let flags = flags - DescriptorFlags::MUTATE_DIRECTORY;
        Some(Self::new(self.client.clone(), opening, self.mount, FileType::RegularFile, flags, NOBODY))
    }

    /// The attributes of what `path` names.
    ///
    /// # Errors
    /// As `larder_core::Descriptor::stat_at`.
    pub fn stat_at(&self, follow: Follow, path: &str) -> Result<Attributes> {
        self.on_path("stat", path, |inner, at| self.look(inner, at, follow, Question::Stat))
    }

    /// The identity of what `path` names.
    ///
    /// # Errors
    /// As `larder_core::Descriptor::metadata_hash_at`.
    pub fn metadata_hash_at(&self, follow: Follow, path: &str) -> Result<MetadataHash> {
        self.on_path("metadata-hash", path, |inner, at| {
            self.look(inner, at, follow, Question::Identity).map(|attributes| attributes.identity)
        })
    }

    /// The version of what `path` names, links followed, as it is in the store
    /// now: what the guest wrote before is counted.
    ///
    /// # Errors
    /// As [`stat_at`](Self::stat_at).
    pub fn version_at(&self, path: &str) -> Result<u64> {
        self.on_path("version", path, |inner, at| {
            inner.names.drop_hints();
            self.look(inner, at, Follow::Yes, Question::Stat).map(|attributes| attributes.version)
        })
    }

    /// Both questions that a POSIX library asks for one `stat()` are answered
    /// by one call: the second finds what the first brought.
    fn look(&self, inner: &mut Inner<S>, at: Place<'_>, follow: Follow, question: Question) -> Answer<Attributes> {
        let follows = follow == Follow::Yes;
        let identity = self.identity(inner);
        if let Some(attributes) = inner.names.answer(identity, at.path, follows, question) {
            return Ok(attributes);
        }
        let mut attributes = inner.ask(|store, call| store.stat_at(call, at, follow))?;
        if inner.by_identity(attributes.identity).is_some_and(|inode| !inode.is_settled()) {
            // The guest wrote to it and has not closed it.
            inner.flush_all();
            attributes = inner.ask(|store, call| store.stat_at(call, at, follow))?;
        }
        if follows {
            let learned = Known { identity: attributes.identity, file_type: attributes.file_type };
            inner.names.learn(identity, at.path, learned);
        }
        if inner.options.cache && question == Question::Identity {
            inner.names.hint(identity, at.path, attributes.clone(), 0, 1);
        }
        Ok(attributes)
    }

    /// Sets the times of what `path` names.
    ///
    /// # Errors
    /// As `larder_core::Descriptor::set_times_at`.
    pub fn set_times_at(&self, follow: Follow, path: &str, accessed: SetTime, modified: SetTime) -> Result<()> {
        self.on_path("set-times", path, |inner, at| {
            // What waits would set other times behind these.
            inner.flush_all();
            inner.stale();
            inner.change(|store, call| store.set_times_at(call, at, follow, accessed, modified))
        })
    }

    /// Creates a directory.
    ///
    /// # Errors
    /// As `larder_core::Descriptor::create_directory_at`.
    pub fn create_directory_at(&self, path: &str) -> Result<()> {
        self.on_path("create-directory", path, |inner, at| {
            let made = inner.change(|store, call| store.make(call, at, NewNode::Directory))?;
            let known = Known { identity: made.identity, file_type: FileType::Directory };
            let base = self.identity(inner);
            inner.names.learn(base, path.trim_end_matches('/'), known);
            inner.names.made(made.identity);
            inner.stale();
            Ok(())
        })
    }

    /// Creates a symbolic link that holds `target`.
    ///
    /// # Errors
    /// As `larder_core::Descriptor::symlink_at`.
    pub fn symlink_at(&self, target: &str, path: &str) -> Result<()> {
        self.on_path("symlink", path, |inner, at| {
            inner.change(|store, call| store.make(call, at, NewNode::SymbolicLink(target)))?;
            let base = self.identity(inner);
            inner.names.added(base, path);
            inner.stale();
            Ok(())
        })
    }

    /// The target of a symbolic link.
    ///
    /// # Errors
    /// As `larder_core::Descriptor::readlink_at`.
    pub fn readlink_at(&self, path: &str) -> Result<Arc<str>> {
        self.on_path("readlink", path, |inner, at| inner.ask(|store, call| store.read_link(call, at)).map(Arc::from))
    }

    /// Removes a name of a file or symbolic link.
    ///
    /// # Errors
    /// As `larder_core::Descriptor::unlink_file_at`.
    pub fn unlink_file_at(&self, path: &str) -> Result<()> {
        self.remove(path, "unlink", Removal::File)
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    /// As `larder_core::Descriptor::remove_directory_at`.
    pub fn remove_directory_at(&self, path: &str) -> Result<()> {
        self.remove(path, "remove-directory", Removal::Directory)
    }

    fn remove(&self, path: &str, operation: &'static str, what: Removal) -> Result<()> {
        self.on_path(operation, path, |inner, at| {
            inner.change(|store, call| store.remove(call, at, what))?;
            let base = self.identity(inner);
            match what {
                Removal::Directory => inner.names.removed(base, path),
                Removal::File => inner.names.unlinked(base, path),
            }
            inner.stale();
            Ok(())
        })
    }

    /// Renames what `path` names to `new_path` below `new`.
    ///
    /// # Errors
    /// As `larder_core::Descriptor::rename_at`.
    pub fn rename_at(&self, path: &str, new: &Self, new_path: &str) -> Result<()> {
        self.on_path("rename", path, |inner, old| {
            // Content is never behind the name that it is published under.
            inner.flush_all();
            let directory = inner.node(new.opening)?;
            let place = Place { directory, path: new_path };
            inner.change(|store, call| store.rename(call, old, place))?;
            let (from, to) = (self.identity(inner), new.identity(inner));
            inner.names.moved((from, path), (to, new_path));
            inner.stale();
            Ok(())
        })
    }

    /// Gives what `path` names another name, `new_path` below `new`.
    ///
    /// # Errors
    /// As `larder_core::Descriptor::link_at`.
    pub fn link_at(&self, follow: Follow, path: &str, new: &Self, new_path: &str) -> Result<()> {
        self.on_path("link", path, |inner, old| {
            inner.flush_all();
            let directory = inner.node(new.opening)?;
            let place = Place { directory, path: new_path };
            inner.change(|store, call| store.link(call, old, follow, place))?;
            let identity = new.identity(inner);
            inner.names.added(identity, new_path);
            inner.stale();
            Ok(())
        })
    }

    /// Up to `max` entries behind the cookie `after` (0: from the start),
    /// without `.` and `..`; empty at the end.
    ///
    /// # Errors
    /// As `larder_core::Descriptor::read_directory`.
    pub fn read_directory(&self, after: u64, max: usize) -> Result<Vec<DirectoryEntry>> {
        const OPERATION: &str = "read-directory";
        if self.file_type != FileType::Directory {
            return Err(Error::new(ErrorCode::NotDirectory, OPERATION));
        }
        if !self.flags().contains(DescriptorFlags::READ) {
            return Err(Error::new(ErrorCode::BadDescriptor, OPERATION));
        }
        self.on(OPERATION, |inner| {
            inner.settle_creations();
            let mut listed = Vec::new();
            let mut after = after;
            while listed.len() < max {
                let Some(entry) = self.next_entry(inner, after)? else { break };
                after = entry.cookie;
                listed.push(entry);
            }
            Ok(listed)
        })
    }

    fn next_entry(&self, inner: &mut Inner<S>, after: u64) -> Answer<Option<DirectoryEntry>> {
        let changes = inner.changes;
        let cache = inner.options.cache;
        let page = &mut inner.opening(self.opening)?.page;
        let first = page.first.take();
        if after == 0
            && page.changes == changes
            && let Some(first) = first
        {
            return Ok(Some(first));
        }
        if page.after == after && page.changes == changes && (cache || !page.entries.is_empty()) {
            if let Some(entry) = page.entries.pop_front() {
                page.after = entry.cookie;
                return Ok(Some(entry));
            }
            // The end is told once: names may have come since.
            if std::mem::take(&mut page.is_last) {
                return Ok(None);
            }
        }
        let node = inner.node(self.opening)?;
        let entries = inner.ask(|store, call| store.list(call, node, after, MAX_ENTRIES))?;
        let identity = self.identity(inner);
        let is_last = entries.len() < MAX_ENTRIES as usize;
        if cache {
            // A removed directory lists nothing, and takes nothing either.
            if after == 0 && is_last && !entries.is_empty() {
                learn_listing(inner, identity, &entries);
            }
            for entry in &entries {
                // A listing asks for each entry's number, and a `stat()` for
                // the number and the rest.
                inner.names.hint(identity, &entry.name, entry.attributes.clone(), 2, 1);
            }
        }
        let page = &mut inner.opening(self.opening)?.page;
        page.entries = entries.into_iter().map(directory_entry).collect();
        page.is_last = is_last;
        page.changes = changes;
        page.first = page.entries.front().filter(|_| cache && after == 0).cloned();
        match page.entries.pop_front() {
            Some(entry) => {
                page.after = entry.cookie;
                Ok(Some(entry))
            }
            None => {
                page.is_last = false;
                page.after = after;
                Ok(None)
            }
        }
    }
}

/// How to open. Content is wanted for the cache, unless it is cut.
fn opening(follow: Follow, flags: OpenFlags, access: DescriptorFlags, known: Option<u64>, wants: bool) -> Opening {
    let want = if wants && !flags.contains(OpenFlags::TRUNCATE) { FIRST_WINDOW } else { 0 };
    Opening { follow, flags, access: access - DURABLE, want: u32::try_from(want).unwrap_or(u32::MAX), known }
}

/// Takes in all entries of a directory. Where links lead is not known, so a
/// directory that has any is not known either.
fn learn_listing<S: Store>(inner: &mut Inner<S>, directory: MetadataHash, entries: &[Entry]) {
    let is_link = |entry: &Entry| entry.attributes.file_type == FileType::SymbolicLink;
    if !entries.iter().any(is_link) {
        let known =
            |Attributes { identity, file_type, .. }: &Attributes| Known { identity: *identity, file_type: *file_type };
        let names = entries.iter().map(|entry| (entry.name.as_str(), known(&entry.attributes)));
        inner.names.listed(directory, names);
    }
}

fn directory_entry(entry: Entry) -> DirectoryEntry {
    let Node { ino, generation, .. } = entry.attributes.node;
    DirectoryEntry {
        name: entry.name.into(),
        id: NodeId { ino, generation },
        file_type: entry.attributes.file_type,
        cookie: entry.cookie,
    }
}

impl<S: Store> Inner<S> {
    /// A change of names may have changed attributes of any inode.
    pub(crate) fn stale(&mut self) {
        self.inodes.values_mut().for_each(|inode| inode.fresh = false);
    }
}
