//! `rename`: moves a name atomically, replacing what was there (POSIX
//! `rename()`).

use std::sync::Arc;

use super::Volume;
use super::locks::LockSet;
use crate::directory::entry_cost;
use crate::error::During;
use crate::inode::Inode;
use crate::{Change, Context, Error, ErrorCode, Proposal, Result, Settling};

const OPERATION: &str = "rename";

/// One end of a rename.
#[derive(Clone, Copy)]
struct End<'a> {
    directory: &'a Arc<Inode>,
    name: &'a str,
}

impl Volume {
    /// Moves `from_name` in `from` to `to_name` in `to`. Two names of one
    /// inode: nothing happens, successfully (POSIX).
    pub(crate) fn rename(
        &self,
        context: &Context,
        from: &Arc<Inode>,
        from_name: &str,
        to: &Arc<Inode>,
        to_name: &str,
    ) -> Result<()> {
        self.check_name(from_name).during(OPERATION)?;
        self.check_name(to_name).during(OPERATION)?;
        let from = End { directory: from, name: from_name };
        let to = End { directory: to, name: to_name };
        if self.observer.get().is_some() {
            self.ensure_listed(from.directory)?;
            let node = self.lookup(from.directory, from.name).during_rename()?.id();
            self.admit(|| Proposal::Move { node, to: to.directory.id(), to_name })?;
        }
        self.rename_looking(context, from, to)?;
        self.settle(Settling::Whole)
    }

    fn rename_looking(&self, context: &Context, from: End<'_>, to: End<'_>) -> Result<()> {
        loop {
            self.ensure_listed(from.directory)?;
            self.list_named(to.directory, to.name)?;
            let _shared = self.gate.read();
            let moved = self.lookup(from.directory, from.name).during_rename()?;
            if !to.directory.is_directory() {
                return Err(Error::new(ErrorCode::NotDirectory, OPERATION));
            }
            // A directory that changes its parent moves a whole tree: nobody
            // else may move one until it is known that no loop results.
            let changes_parent = moved.is_directory() && !Arc::ptr_eq(from.directory, to.directory);
            let _topology = changes_parent.then(|| self.topology.lock());
            if changes_parent && self.is_within(to.directory, &moved) {
                return Err(Error::new(ErrorCode::Invalid, OPERATION));
            }
            let replaced = match self.lookup(to.directory, to.name) {
                Ok(inode) if self.is_unlisted(&inode) => continue,
                Ok(inode) => Some(inode),
                Err(error) if error.code() == ErrorCode::NoEntry => None,
                Err(error) => return Err(Error::new(error.code(), OPERATION)),
            };
            if self.try_rename(context, from, to, &moved, replaced.as_ref()).during(OPERATION)? {
                return Ok(());
            }
        }
    }

    /// Whether `directory` is `ancestor` or below it. The topology is locked.
    fn is_within(&self, directory: &Arc<Inode>, ancestor: &Arc<Inode>) -> bool {
        let mut at = directory.ino();
        loop {
            if at == ancestor.ino() {
                return true;
            }
            // A removed directory takes no names; the locks will tell.
            let Some(inode) = self.inodes.get(&at).map(|inode| inode.clone()) else { return false };
            let parent = inode.parent();
            if parent == at {
                return false;
            }
            at = parent;
        }
    }

    /// Does the rename if both names still name the given inodes; `false`
    /// means that they changed and the caller looks again.
    fn try_rename(
        &self,
        context: &Context,
        from: End<'_>,
        to: End<'_>,
        moved: &Arc<Inode>,
        replaced: Option<&Arc<Inode>>,
    ) -> Result<bool, ErrorCode> {
        let mut locked = LockSet::new([from.directory, to.directory, moved, replaced.unwrap_or(moved)]);
        if !locked.get(from.directory).directory()?.names(from.name, moved) {
            return Ok(false);
        }
        let target = locked.get(to.directory).live_directory()?;
        let unchanged = match replaced {
            Some(inode) => target.names(to.name, inode),
            None => target.get(to.name).is_none(),
        };
        if !unchanged {
            return Ok(false);
        }
        if replaced.is_some_and(|inode| Arc::ptr_eq(inode, moved)) {
            return Ok(true);
        }
        let same_directory = Arc::ptr_eq(from.directory, to.directory);
        if let Some(inode) = replaced {
            match (moved.is_directory(), inode.is_directory()) {
                (true, false) => return Err(ErrorCode::NotDirectory),
                (false, true) => return Err(ErrorCode::IsDirectory),
                (true, true) if !locked.get(inode).directory()?.is_empty() => return Err(ErrorCode::NotEmpty),
                _ => {}
            }
        } else if !same_directory && target.len() >= self.limits.directory_entries {
            return Err(ErrorCode::Quota);
        }

        // Charges: the old name goes; a new name comes unless one is replaced.
        let freed = entry_cost(from.name);
        let added = if replaced.is_some() { 0 } else { entry_cost(to.name) };
        self.ledger.charge_bytes(&self.limits, added.saturating_sub(freed))?;
        self.ledger.refund_bytes(freed.saturating_sub(added));

        let source = locked.get(from.directory);
        source.directory_mut()?.remove(from.name);
        source.allocated -= freed;
        source.link_count -= u64::from(moved.is_directory());
        source.touch_content(context.now);
        let target = locked.get(to.directory);
        match replaced {
            Some(inode) => {
                target.directory_mut()?.replace(to.name, moved.clone());
                target.link_count -= u64::from(inode.is_directory());
            }
            None => target.directory_mut()?.insert(to.name.into(), moved.clone()),
        }
        target.allocated += added;
        target.link_count += u64::from(moved.is_directory());
        target.touch_content(context.now);
        locked.get(moved).touch(context.now);
        if !same_directory {
            moved.set_parent(to.directory.ino());
        }
        if let Some(inode) = replaced {
            self.drop_link(inode, locked.get(inode), context);
        }
        self.record(context, || Change::Rename {
            node: moved.id(),
            from: from.directory.id(),
            from_name: from.name,
            to: to.directory.id(),
            to_name: to.name,
            replaced: replaced.map(|inode| inode.id()),
        });
        Ok(true)
    }
}

trait DuringRename<T> {
    fn during_rename(self) -> Result<T>;
}

impl<T> DuringRename<T> for Result<T> {
    fn during_rename(self) -> Result<T> {
        self.map_err(|error| Error::new(error.code(), OPERATION))
    }
}
