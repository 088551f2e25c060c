//! Names: looking up, listing, creating, linking and removing. `rename` has a
//! file of its own.

use std::sync::Arc;

use dashmap::Entry;

use super::Volume;
use super::locks::LockSet;
use crate::content::Content;
use crate::directory::{Directory, entry_cost};
use crate::error::During;
use crate::inode::{Body, Inode, State};
use crate::{Attributes, Change, Context, DirectoryEntry, Error, ErrorCode, Made, NodeId, Proposal, Result, Settling};

/// What to create.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NewNode<'a> {
    File { mode: u32 },
    Directory { mode: u32 },
    Symlink { target: &'a str },
}

impl<'a> NewNode<'a> {
    /// As an observer is told, with the bits that are kept.
    const fn made(self, mode: u32) -> Made<'a> {
        match self {
            Self::File { .. } => Made::File { mode },
            Self::Directory { .. } => Made::Directory { mode },
            Self::Symlink { target } => Made::Symlink { target },
        }
    }

    const fn operation(self) -> &'static str {
        match self {
            Self::File { .. } => "create-file",
            Self::Directory { .. } => "create-directory",
            Self::Symlink { .. } => "symlink",
        }
    }
}

/// Who has a new node open from the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OpenFor {
    Nobody,
    Reading,
    /// An observer is told when it is closed.
    Writing,
}

/// Permission bits that are kept.
pub(super) const MODE_MASK: u32 = 0o7777;

/// Permission bits of a symbolic link, as everywhere.
const SYMLINK_MODE: u32 = 0o777;

impl Volume {
    /// The inode that `name` names in `directory`.
    pub(crate) fn lookup(&self, directory: &Arc<Inode>, name: &str) -> Result<Arc<Inode>> {
        self.ensure_listed(directory)?;
        let state = directory.read();
        let entries = state.directory().during("lookup")?;
        entries.get(name).cloned().ok_or_else(|| Error::new(ErrorCode::NoEntry, "lookup"))
    }

    /// The attributes of what `name` names, both taken at one moment.
    pub(crate) fn lookup_attributes(&self, directory: &Arc<Inode>, name: &str) -> Result<Attributes> {
        // As in `remove`: look, lock both in order, look again.
        loop {
            let child = self.lookup(directory, name)?;
            let parent_first = directory.ino() < child.ino();
            let before = parent_first.then(|| directory.read());
            let found = child.read();
            let parent = before.unwrap_or_else(|| directory.read());
            if parent.directory().during("lookup")?.names(name, &child) {
                return Ok(child.attributes_of(&found));
            }
        }
    }

    /// Up to `max` entries behind a cookie.
    pub(crate) fn list(&self, directory: &Arc<Inode>, after: u64, max: usize) -> Result<Vec<DirectoryEntry>> {
        self.ensure_listed(directory)?;
        Ok(directory.read().directory().during("read-directory")?.list(after, max))
    }

    pub(crate) fn read_link(&self, node: &Inode) -> Result<Arc<str>> {
        let state = node.read();
        state.check_alive().during("readlink")?;
        match &state.body {
            Body::Symlink(target) => Ok(target.clone()),
            _ => Err(Error::new(ErrorCode::Invalid, "readlink")),
        }
    }

    /// Creates a node under a name that is not there yet. Where it is open for
    /// somebody, the descriptor is counted for it already.
    pub(crate) fn create(
        &self,
        context: &Context,
        parent: &Arc<Inode>,
        name: &str,
        new: NewNode<'_>,
        open: OpenFor,
    ) -> Result<(Arc<Inode>, Attributes)> {
        let operation = new.operation();
        self.check_name(name).during(operation)?;
        let (body, mode, own_cost) = match new {
            NewNode::File { mode } => (Body::File(Content::default()), mode & MODE_MASK, 0),
            NewNode::Directory { mode } => (Body::Directory(Directory::default()), mode & MODE_MASK, 0),
            NewNode::Symlink { target } => {
                self.check_target(target).during(operation)?;
                (Body::Symlink(target.into()), SYMLINK_MODE, target.len() as u64)
            }
        };
        self.ensure_listed(parent)?;
        if let Some(id) = context.node
            && self.may_be_packed(id.ino)
        {
            self.list_all()?;
        }
        self.admit(|| Proposal::Name { directory: parent.id(), name })?;
        let is_stream = open == OpenFor::Writing;
        let (inode, attributes) = {
            let _shared = self.gate.read();
            let mut state = parent.write();
            let entries = state.live_directory().during(operation)?;
            if entries.get(name).is_some() {
                return Err(Error::new(ErrorCode::Exist, operation));
            }
            self.check_room(entries, operation)?;
            let cost = entry_cost(name);
            self.ledger.charge_inode(&self.limits).during(operation)?;
            let id = self
                .charge(cost + own_cost, operation)
                .and_then(|()| {
                    self.new_id(context.node)
                        .during(operation)
                        .inspect_err(|_| self.ledger.refund_bytes(cost + own_cost))
                })
                .inspect_err(|_| self.ledger.refund_inode())?;

            let mut fresh = State::new(body, mode, context.now);
            fresh.allocated = own_cost;
            let inode = Inode::new(id, parent.ino(), u64::from(open != OpenFor::Nobody), fresh);
            let attributes = inode.attributes().during(operation)?;
            // Locked before the table has it, whatever its number: nobody else can
            // wait for it yet, and who guessed the number changes nothing before
            // the creation is recorded.
            let fresh = inode.write();
            let Entry::Vacant(slot) = self.inodes.entry(id.ino) else {
                // A record that names a number which is in use.
                self.ledger.refund_bytes(cost + own_cost);
                self.ledger.refund_inode();
                return Err(Error::new(ErrorCode::Invalid, operation));
            };
            slot.insert(inode.clone());
            if inode.is_directory() {
                state.link_count += 1;
            }
            state.allocated += cost;
            state.directory_mut().during(operation)?.insert(name.into(), inode.clone());
            state.touch_content(context.now);
            let (directory, node) = (parent.id(), inode.id());
            let made = new.made(mode);
            self.record(context, || Change::Create { directory, name, node, made, open: is_stream });
            drop(fresh);
            (inode, attributes)
        };
        let settling = if is_stream { Settling::Stream(inode.id()) } else { Settling::Whole };
        self.settle(settling).inspect_err(|_| {
            // It is there, but there will be no descriptor.
            if is_stream {
                self.closed(inode.id());
            }
            if open != OpenFor::Nobody {
                self.unpin(&inode);
            }
        })?;
        Ok((inode, attributes))
    }

    /// Gives a file or symbolic link another name.
    pub(crate) fn link(&self, context: &Context, node: &Arc<Inode>, parent: &Arc<Inode>, name: &str) -> Result<()> {
        const OPERATION: &str = "link";
        self.check_name(name).during(OPERATION)?;
        if node.is_directory() {
            return Err(Error::new(ErrorCode::NotPermitted, OPERATION));
        }
        self.ensure_listed(parent)?;
        self.admit(|| Proposal::Name { directory: parent.id(), name })?;
        {
            let _shared = self.gate.read();
            let mut locked = LockSet::new([parent, node]);
            locked.get(node).check_alive().during(OPERATION)?;
            let entries = locked.get(parent).live_directory().during(OPERATION)?;
            if entries.get(name).is_some() {
                return Err(Error::new(ErrorCode::Exist, OPERATION));
            }
            self.check_room(entries, OPERATION)?;
            let linked = locked.get(node);
            self.check_link(linked).during(OPERATION)?;
            self.charge(entry_cost(name), OPERATION)?;
            linked.link_count += 1;
            linked.touch(context.now);
            let state = locked.get(parent);
            state.allocated += entry_cost(name);
            state.directory_mut().during(OPERATION)?.insert(name.into(), node.clone());
            state.touch_content(context.now);
            self.record(context, || Change::Link { node: node.id(), directory: parent.id(), name });
        }
        self.settle(Settling::Whole)
    }

    /// Removes a name of a file or symbolic link.
    pub(crate) fn unlink(&self, context: &Context, parent: &Arc<Inode>, name: &str) -> Result<()> {
        self.admit(|| Proposal::Other)?;
        self.remove(context, parent, name, "unlink", true, |node, _| {
            if node.is_directory() { Err(ErrorCode::IsDirectory) } else { Ok(()) }
        })?;
        self.settle(Settling::Whole)
    }

    /// Removes an empty directory.
    pub(crate) fn remove_directory(&self, context: &Context, parent: &Arc<Inode>, name: &str) -> Result<()> {
        self.admit(|| Proposal::Other)?;
        self.remove(context, parent, name, "remove-directory", true, |_, state| {
            if state.directory()?.is_empty() { Ok(()) } else { Err(ErrorCode::NotEmpty) }
        })?;
        self.settle(Settling::Whole)
    }

    /// Removes a name of `node` whatever it is, a directory only where it is
    /// empty; for a backend, which needs not be told of it. `false` where the
    /// name names something else.
    pub(super) fn remove_quietly(
        &self,
        context: &Context,
        parent: &Arc<Inode>,
        name: &str,
        node: NodeId,
        operation: &'static str,
    ) -> Result<bool> {
        let mut is_another = false;
        let removed = self.remove(context, parent, name, operation, false, |found, state| {
            is_another = found.id() != node;
            if is_another {
                return Err(ErrorCode::NoEntry);
            }
            if found.is_directory() && !state.directory()?.is_empty() {
                return Err(ErrorCode::NotEmpty);
            }
            if self.may_adopt(parent.id(), name, Some(node)) { Ok(()) } else { Err(ErrorCode::Busy) }
        });
        if is_another { Ok(false) } else { removed.map(|()| true) }
    }

    fn remove(
        &self,
        context: &Context,
        parent: &Arc<Inode>,
        name: &str,
        operation: &'static str,
        tell: bool,
        mut check: impl FnMut(&Inode, &State) -> Result<(), ErrorCode>,
    ) -> Result<()> {
        // The child is known only from the parent, but is locked in order of
        // numbers: look, lock both, look again. A retry means that another
        // thread changed this very name meanwhile.
        loop {
            self.list_named(parent, name)?;
            let _shared = self.gate.read();
            let child = self.lookup(parent, name).map_err(|error| Error::new(error.code(), operation))?;
            if self.is_unlisted(&child) {
                continue;
            }
            let mut locked = LockSet::new([parent, &child]);
            if !locked.get(parent).directory().during(operation)?.names(name, &child) {
                continue;
            }
            check(&child, locked.get(&child)).during(operation)?;
            self.detach(&mut locked, parent, name, &child, context, operation)?;
            if tell {
                self.record(context, || Change::Remove { node: child.id(), directory: parent.id(), name });
            } else {
                self.adopted(parent.id(), name, None);
            }
            return Ok(());
        }
    }

    /// Takes a name out of its directory and a link off its inode; both are
    /// locked, and a directory is known to be empty.
    fn detach(
        &self,
        locked: &mut LockSet<'_>,
        parent: &Inode,
        name: &str,
        child: &Inode,
        context: &Context,
        operation: &'static str,
    ) -> Result<()> {
        let state = locked.get(parent);
        state.directory_mut().during(operation)?.remove(name);
        state.allocated -= entry_cost(name);
        self.ledger.refund_bytes(entry_cost(name));
        if child.is_directory() {
            state.link_count -= 1;
        }
        state.touch_content(context.now);
        self.drop_link(child, locked.get(child), context);
        Ok(())
    }

    /// Takes one link off a locked inode (all of an empty directory's).
    pub(super) fn drop_link(&self, inode: &Inode, state: &mut State, context: &Context) {
        // A damaged packed tree may have more names than links.
        state.link_count = if inode.is_directory() { 0 } else { state.link_count.saturating_sub(1) };
        state.touch(context.now);
        self.reclaim_if_unused(inode, state);
    }

    /// Whether a file can get one more name.
    pub(super) fn check_link(&self, state: &State) -> Result<(), ErrorCode> {
        state.check_alive()?;
        if state.link_count == 0 {
            return Err(ErrorCode::NoEntry);
        }
        if state.link_count >= self.limits.links {
            return Err(ErrorCode::TooManyLinks);
        }
        Ok(())
    }

    /// Whether one more entry fits in the directory.
    pub(super) fn check_room(&self, entries: &Directory, operation: &'static str) -> Result<()> {
        if entries.len() >= self.limits.directory_entries {
            return Err(Error::new(ErrorCode::Quota, operation));
        }
        Ok(())
    }

    pub(super) fn check_target(&self, target: &str) -> Result<(), ErrorCode> {
        if target.is_empty() {
            return Err(ErrorCode::NoEntry);
        }
        if target.len() > self.limits.path_bytes as usize {
            return Err(ErrorCode::NameTooLong);
        }
        if target.contains('\0') {
            return Err(ErrorCode::Invalid);
        }
        Ok(())
    }
}
