//! One caller's session: the calls, carried out on the descriptors that it
//! holds.

use std::fmt;
use std::sync::Arc;

use larder_core::{Descriptor, DescriptorFlags, ErrorCode, FileType, Follow, LockOwner, OpenFlags, SetTime};
use parking_lot::Mutex;

use crate::held::HeldNodes;
use crate::protocol::{
    Answer, Attributes, Call, Change, Content, Entry, MAX_ENTRIES, MAX_NOTES, MAX_TRANSFER, MAX_WRITES, Mount, NewNode,
    Node, Opened, Opening, Place, Position, Removal, Store, Target, VERSION, Welcome,
};
use crate::replies::{Done, Replies};
use crate::service::Service;

/// A session. Its calls are carried out one after the other.
pub struct Session {
    service: Arc<Service>,
    id: u64,
    owner: LockOwner,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    begun: bool,
    held: HeldNodes,
    replies: Replies,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for (_, view) in self.service.mounts() {
            view.volume().unlock_all(self.owner);
        }
    }
}

impl Session {
    pub(crate) fn new(service: Arc<Service>, id: u64) -> Self {
        Self { service, id, owner: LockOwner::new(), state: Mutex::default() }
    }

    /// The number of the last change that was carried out; 0 before the first.
    #[must_use]
    pub fn last_change(&self) -> u64 {
        self.state.lock().replies.last()
    }

    /// Whether nothing is open but the mounts' roots.
    #[must_use]
    pub fn holds_only_roots(&self) -> bool {
        self.state.lock().held.answers() <= self.service.mounts().len()
    }

    /// Whether the session has any advisory lock.
    #[must_use]
    pub fn has_locks(&self) -> bool {
        self.service.mounts().iter().any(|(_, view)| view.volume().has_locks(self.owner))
    }

    /// Carries out the notes, unless that was done before, and then `query`.
    fn query<T>(&self, call: &Call, query: impl FnOnce(&mut State) -> Answer<T>) -> Answer<T> {
        let mut state = self.state.lock();
        self.check(&state, call)?;
        if !call.notes.is_empty() && state.replies.are_notes_new(call.operation) {
            self.carry_out_notes(&mut state, call);
        }
        query(&mut state)
    }

    /// Carries out the notes and then `change`, unless that was done before.
    fn change(&self, call: &Call, change: impl FnOnce(&mut State) -> Answer<Done>) -> Answer<Done> {
        let mut state = self.state.lock();
        self.check(&state, call)?;
        if let Some(answer) = state.replies.repeated(call.operation) {
            return answer;
        }
        self.carry_out_notes(&mut state, call);
        let answer = change(&mut state);
        state.replies.remember(call.operation, answer.clone());
        answer
    }

    fn check(&self, state: &State, call: &Call) -> Answer<()> {
        if !state.begun || call.session != self.id {
            return Err(ErrorCode::Io);
        }
        if call.notes.len() > MAX_NOTES {
            return Err(ErrorCode::MessageSize);
        }
        Ok(())
    }

    fn carry_out_notes(&self, state: &mut State, call: &Call) {
        for note in &call.notes {
            if note.read
                && let Ok(descriptor) = state.held.reader(note.node)
            {
                descriptor.touch_read(self.service.now());
            }
            if note.closed {
                state.held.close(note.node);
            }
        }
    }

    fn open_new(&self, state: &mut State, at: Place<'_>, how: &Opening) -> Answer<(Attributes, DescriptorFlags)> {
        state.held.admit()?;
        let directory = state.held.reader(at.directory)?;
        let flags =
            how.access & DescriptorFlags::READ.union(DescriptorFlags::WRITE).union(DescriptorFlags::MUTATE_DIRECTORY);
        let opened = directory.open_at(self.service.now(), how.follow, at.path, how.flags, flags).map_err(code)?;
        let attributes = attributes_of(at.directory.mount, &opened)?;
        let allows = opened.flags();
        state.held.hold(attributes.node, opened);
        Ok((attributes, allows))
    }

    fn apply(&self, state: &mut State, change: &Change<'_>) -> Answer<Attributes> {
        let bytes = change.writes.iter().map(|write| write.bytes.len()).fold(0, usize::saturating_add);
        if bytes > MAX_TRANSFER || change.writes.len() > MAX_WRITES {
            return Err(ErrorCode::MessageSize);
        }
        match change.target {
            Target::Node(node) => {
                let descriptor = state.held.writer(node)?;
                self.apply_to(descriptor, change)?;
                attributes_of(node.mount, descriptor)
            }
            Target::File(place) => {
                if change.keep {
                    state.held.admit()?;
                }
                // The cut belongs to the opening: then nothing is cut where
                // the opening is refused.
                let mut open = OpenFlags::CREATE;
                open.set(OpenFlags::TRUNCATE, change.size == Some(0));
                let directory = state.held.reader(place.directory)?;
                let mut flags = DescriptorFlags::WRITE;
                flags.set(
                    DescriptorFlags::READ,
                    change.keep && directory.view().rights().contains(larder_core::Rights::READ),
                );
                let file = directory.open_at(self.service.now(), Follow::Yes, place.path, open, flags).map_err(code)?;
                self.apply_to(&file, change)?;
                let attributes = attributes_of(place.directory.mount, &file)?;
                if change.keep {
                    state.held.hold(attributes.node, file);
                }
                Ok(attributes)
            }
        }
    }

    fn apply_to(&self, descriptor: &Descriptor, change: &Change<'_>) -> Answer<()> {
        if let Some(size) = change.size {
            descriptor.set_size(self.service.now(), size).map_err(code)?;
        }
        for write in &change.writes {
            match write.position {
                Position::At(offset) => descriptor.write(self.service.now(), offset, write.bytes),
                Position::End => descriptor.append(self.service.now(), write.bytes),
            }
            .map_err(code)?;
        }
        if change.accessed != SetTime::Keep || change.modified != SetTime::Keep {
            descriptor.set_times(self.service.now(), change.accessed, change.modified).map_err(code)?;
        }
        if change.sync {
            descriptor.sync().map_err(code)?;
        }
        Ok(())
    }
}

impl Store for Session {
    fn begin(&self, version: u32) -> Answer<Welcome> {
        if version != VERSION {
            return Err(ErrorCode::Unsupported);
        }
        let mut state = self.state.lock();
        let mut mounts = Vec::new();
        for (index, (path, view)) in self.service.mounts().iter().enumerate() {
            let root = view.root().map_err(code)?;
            let mount = u32::try_from(index).map_err(|_| ErrorCode::Overflow)?;
            let attributes = attributes_of(mount, &root)?;
            mounts.push(Mount { path: path.clone(), root: attributes.clone(), allows: root.flags() });
            // A repeated begin answers the same and holds nothing twice.
            if !state.begun {
                state.held.hold(attributes.node, root);
            }
        }
        state.begun = true;
        Ok(Welcome { session: self.id, mounts })
    }

    fn open(&self, call: &Call, at: Place<'_>, how: Opening) -> Answer<Opened> {
        let (attributes, allows) = if how.changes() {
            let done = self.change(call, |state| {
                self.open_new(state, at, &how).map(|(attributes, allows)| Done::Opened(attributes, allows))
            })?;
            let Done::Opened(attributes, allows) = done else { return Err(ErrorCode::NotRecoverable) };
            (attributes, allows)
        } else {
            self.query(call, |state| {
                if let Some(opened) = state.replies.reopened(call.operation) {
                    return Ok(opened);
                }
                let (attributes, allows) = self.open_new(state, at, &how)?;
                state.replies.remember_opened(call.operation, attributes.clone(), allows);
                Ok((attributes, allows))
            })?
        };
        let wanted = how.want > 0
            && attributes.file_type == FileType::RegularFile
            && allows.contains(DescriptorFlags::READ)
            && how.known != Some(attributes.version);
        let content = if wanted {
            let state = self.state.lock();
            Some(content(state.held.reader(attributes.node)?, 0, how.want)?)
        } else {
            None
        };
        Ok(Opened { attributes, allows, content })
    }

    fn read(&self, call: &Call, node: Node, offset: u64, length: u32) -> Answer<Content> {
        self.query(call, |state| {
            let descriptor = state.held.reader(node)?;
            let content = content(descriptor, offset, length)?;
            descriptor.touch_read(self.service.now());
            Ok(content)
        })
    }

    fn commit(&self, call: &Call, change: &Change<'_>) -> Answer<Attributes> {
        match self.change(call, |state| self.apply(state, change).map(Done::Attributes))? {
            Done::Attributes(attributes) => Ok(attributes),
            _ => Err(ErrorCode::NotRecoverable),
        }
    }

    fn stat(&self, call: &Call, node: Node) -> Answer<Attributes> {
        self.query(call, |state| attributes_of(node.mount, state.held.reader(node)?))
    }

    fn stat_at(&self, call: &Call, at: Place<'_>, follow: Follow) -> Answer<Attributes> {
        self.query(call, |state| named(state, at, follow))
    }

    fn set_times_at(
        &self,
        call: &Call,
        at: Place<'_>,
        follow: Follow,
        accessed: SetTime,
        modified: SetTime,
    ) -> Answer<()> {
        self.change(call, |state| {
            let directory = state.held.reader(at.directory)?;
            directory.set_times_at(self.service.now(), follow, at.path, accessed, modified).map_err(code)?;
            Ok(Done::Nothing)
        })
        .map(drop)
    }

    fn list(&self, call: &Call, directory: Node, after: u64, most: u32) -> Answer<Vec<Entry>> {
        self.query(call, |state| {
            let descriptor = state.held.reader(directory)?;
            let most = most.min(MAX_ENTRIES) as usize;
            let mut entries = Vec::new();
            let mut after = after;
            // Names that went since they were listed are left out; an answer
            // of none would be the end.
            while entries.is_empty() {
                let listed = descriptor.read_directory(after, most).map_err(code)?;
                let Some(last) = listed.last() else { break };
                after = last.cookie;
                for listed in listed {
                    let place = Place { directory, path: &listed.name };
                    if let Ok(attributes) = named(state, place, Follow::No) {
                        entries.push(Entry { attributes, name: listed.name.to_string(), cookie: listed.cookie });
                    }
                }
            }
            Ok(entries)
        })
    }

    fn make(&self, call: &Call, at: Place<'_>, what: NewNode<'_>) -> Answer<Attributes> {
        let done = self.change(call, |state| {
            let directory = state.held.reader(at.directory)?;
            let now = self.service.now();
            let (made, identity) = match what {
                NewNode::Directory => directory.make_directory_at(now, at.path),
                NewNode::SymbolicLink(target) => directory.make_symlink_at(now, target, at.path),
            }
            .map_err(code)?;
            Ok(Done::Attributes(from_core(at.directory.mount, made, identity)))
        })?;
        match done {
            Done::Attributes(attributes) => Ok(attributes),
            _ => Err(ErrorCode::NotRecoverable),
        }
    }

    fn read_link(&self, call: &Call, at: Place<'_>) -> Answer<String> {
        self.query(call, |state| {
            let target = state.held.reader(at.directory)?.readlink_at(at.path).map_err(code)?;
            Ok(target.as_ref().to_owned())
        })
    }

    fn remove(&self, call: &Call, at: Place<'_>, what: Removal) -> Answer<()> {
        self.change(call, |state| {
            let directory = state.held.reader(at.directory)?;
            let now = self.service.now();
            match what {
                Removal::File => directory.unlink_file_at(now, at.path),
                Removal::Directory => directory.remove_directory_at(now, at.path),
            }
            .map_err(code)?;
            Ok(Done::Nothing)
        })
        .map(drop)
    }

    fn rename(&self, call: &Call, old: Place<'_>, new: Place<'_>) -> Answer<()> {
        self.change(call, |state| {
            let (from, to) = (state.held.reader(old.directory)?, state.held.reader(new.directory)?);
            from.rename_at(self.service.now(), old.path, to, new.path).map_err(code)?;
            Ok(Done::Nothing)
        })
        .map(drop)
    }

    fn link(&self, call: &Call, old: Place<'_>, follow: Follow, new: Place<'_>) -> Answer<()> {
        self.change(call, |state| {
            let (from, to) = (state.held.reader(old.directory)?, state.held.reader(new.directory)?);
            from.link_at(self.service.now(), follow, old.path, to, new.path).map_err(code)?;
            Ok(Done::Nothing)
        })
        .map(drop)
    }

    fn settle(&self, call: &Call, sync: bool) -> Answer<()> {
        self.query(call, |_| Ok(()))?;
        if sync {
            for (_, view) in self.service.mounts() {
                view.volume().sync().map_err(code)?;
            }
        }
        Ok(())
    }

    fn lock(&self, call: &Call, node: Node, shared: bool) -> Answer<u64> {
        let done = self.change(call, |state| {
            let token = state.held.reader(node)?.try_lock(self.service.now(), self.owner, shared);
            token.map(Done::Locked).map_err(code)
        })?;
        match done {
            Done::Locked(token) => Ok(token),
            _ => Err(ErrorCode::NotRecoverable),
        }
    }

    fn unlock(&self, call: &Call, node: Node) -> Answer<()> {
        self.change(call, |state| {
            state.held.reader(node)?.unlock(self.owner);
            Ok(Done::Nothing)
        })
        .map(drop)
    }
}

#[allow(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
fn code(error: larder_core::Error) -> ErrorCode {
    error.code()
}

fn named(state: &State, at: Place<'_>, follow: Follow) -> Answer<Attributes> {
    let directory = state.held.reader(at.directory)?;
    let stat = directory.stat_at(follow, at.path).map_err(code)?;
    // Of what was found, not of what the name names by now.
    let identity = directory.metadata_hash_of(stat.id);
    Ok(from_core(at.directory.mount, stat, identity))
}

fn attributes_of(mount: u32, descriptor: &Descriptor) -> Answer<Attributes> {
    Ok(from_core(mount, descriptor.stat().map_err(code)?, descriptor.metadata_hash()))
}

fn from_core(mount: u32, stat: larder_core::Attributes, identity: larder_core::MetadataHash) -> Attributes {
    Attributes {
        node: Node { mount, ino: stat.id.ino, generation: stat.id.generation },
        file_type: stat.file_type,
        identity,
        link_count: stat.link_count,
        size: stat.size,
        version: stat.version,
        accessed: stat.accessed,
        modified: stat.modified,
        changed: stat.changed,
    }
}

/// Content up to the bound of a call.
fn content(descriptor: &Descriptor, offset: u64, length: u32) -> Answer<Content> {
    let length = (length as usize).min(MAX_TRANSFER);
    let chunks = descriptor.read(offset, length).map_err(code)?;
    let end = offset.saturating_add(chunks.len() as u64);
    let at_end = chunks.len() < length || end >= descriptor.stat().map_err(code)?.size;
    Ok(Content { bytes: chunks.into_bytes(), at_end })
}
