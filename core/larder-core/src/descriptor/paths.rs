//! What a directory descriptor does with paths below it.

use std::sync::Arc;

use super::walk::{Target, Walked, walk};
use super::{Descriptor, DescriptorFlags, Follow, MetadataHash, OpenFlags, hash};
use crate::error::During;
use crate::volume::{NewNode, OpenFor, OpenNode};
use crate::{Attributes, Context, Error, ErrorCode, FileType, OperationKind, Result, Rights, SetTime, Timestamp};

/// Permission bits of a file that a guest creates: WASI names none.
const FILE_MODE: u32 = 0o644;
/// Permission bits of a directory that a guest creates.
const DIRECTORY_MODE: u32 = 0o755;

/// How often a path is resolved again when the name that it ends with changes
/// before what it named is used. Each time, another thread made progress; this
/// bounds the wait of a guest that others outrun.
const ATTEMPTS: usize = 1000;

impl Descriptor {
    /// Opens what `path` names (`openat`).
    ///
    /// A directory inherits the right to change names from this one, whatever
    /// `flags` asks: POSIX programs change directories through descriptors
    /// that they opened for reading.
    ///
    /// # Errors
    /// As POSIX `open()`; `read-only` where writing, creating or truncating is
    /// not allowed through this descriptor; `loop` for a symbolic link with
    /// [`Follow::No`]; those of the path.
    pub fn open_at(
        &self,
        now: Timestamp,
        follow: Follow,
        path: &str,
        open: OpenFlags,
        flags: DescriptorFlags,
    ) -> Result<Self> {
        self.counting(OperationKind::Open, || {
            self.open_path(now, follow, path, open, flags).map_err(|error| renamed(error, "open", path))
        })
    }

    fn open_path(
        &self,
        now: Timestamp,
        follow: Follow,
        path: &str,
        open: OpenFlags,
        flags: DescriptorFlags,
    ) -> Result<Self> {
        const OPERATION: &str = "open";
        if open.contains(OpenFlags::DIRECTORY) && open.intersects(OpenFlags::CREATE | OpenFlags::TRUNCATE) {
            return Err(Error::new(ErrorCode::Invalid, OPERATION));
        }
        let writes = flags.intersects(DescriptorFlags::WRITE | DescriptorFlags::MUTATE_DIRECTORY)
            || open.intersects(OpenFlags::CREATE | OpenFlags::TRUNCATE);
        // `O_CREAT | O_EXCL` does not follow a link (POSIX).
        let exclusive = open.contains(OpenFlags::CREATE | OpenFlags::EXCLUSIVE);
        let follow = if exclusive { Follow::No } else { follow };
        let mut is_current = false;
        for _ in 0..ATTEMPTS {
            let walked = walk(&self.view, self.inode(), path, follow, OPERATION)?;
            if !is_current && let Ok(name) = walked.name(ErrorCode::Invalid) {
                is_current = true;
                if self.view.volume().opening(&walked.parent, name)? {
                    continue;
                }
            }
            if writes {
                self.check_mutable_directory(OPERATION)?;
            }
            let opened = match &walked.target {
                Target::Missing if open.contains(OpenFlags::CREATE) => self.create_file(now, &walked, flags),
                _ => self.open_existing(now, &walked, exclusive, open, flags),
            };
            match opened {
                Ok(node) => return Ok(self.opened(node, flags)),
                // Created by somebody else meanwhile, or removed: look again.
                Err(error) if error.code() == ErrorCode::Exist && !exclusive => {}
                Err(error) if error.code() == ErrorCode::NoEntry && matches!(walked.target, Target::Node(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::new(ErrorCode::Busy, OPERATION))
    }

    fn create_file(&self, now: Timestamp, walked: &Walked<'_>, flags: DescriptorFlags) -> Result<OpenNode> {
        const OPERATION: &str = "open";
        if walked.must_be_directory {
            return Err(Error::new(ErrorCode::IsDirectory, OPERATION));
        }
        let name = walked.name(ErrorCode::IsDirectory).during(OPERATION)?;
        let new = NewNode::File { mode: FILE_MODE };
        let open = if flags.contains(DescriptorFlags::WRITE) { OpenFor::Writing } else { OpenFor::Reading };
        self.view.volume().create_open(&Context::at(now), &walked.parent, name, new, open)
    }

    fn open_existing(
        &self,
        now: Timestamp,
        walked: &Walked<'_>,
        exclusive: bool,
        open: OpenFlags,
        flags: DescriptorFlags,
    ) -> Result<OpenNode> {
        const OPERATION: &str = "open";
        let refuse = |code| Err(Error::new(code, OPERATION));
        if exclusive && matches!(walked.target, Target::Node(_)) {
            return refuse(ErrorCode::Exist);
        }
        let inode = walked.existing().during(OPERATION)?;
        match inode.file_type() {
            FileType::SymbolicLink => return refuse(ErrorCode::Loop),
            FileType::RegularFile if open.contains(OpenFlags::DIRECTORY) => return refuse(ErrorCode::NotDirectory),
            FileType::Directory
                if flags.contains(DescriptorFlags::WRITE)
                    || open.intersects(OpenFlags::CREATE | OpenFlags::TRUNCATE) =>
            {
                return refuse(ErrorCode::IsDirectory);
            }
            _ => {}
        }
        if flags.contains(DescriptorFlags::READ) && !self.view.rights().contains(Rights::READ) {
            return refuse(ErrorCode::Access);
        }
        let node = self.view.volume().open(inode)?;
        if open.contains(OpenFlags::TRUNCATE) {
            self.view.volume().set_size(&Context::at(now), node.inode(), 0)?;
        }
        Ok(node)
    }

    fn opened(&self, node: OpenNode, flags: DescriptorFlags) -> Self {
        let mut flags = flags;
        if node.inode().is_directory() {
            flags.set(DescriptorFlags::READ, self.view.rights().contains(Rights::READ));
            flags.set(DescriptorFlags::MUTATE_DIRECTORY, self.mutable);
        } else {
            flags.remove(DescriptorFlags::MUTATE_DIRECTORY);
        }
        Self::new(self.view.clone(), node, flags, self.mutable)
    }

    /// The attributes of what `path` names (`fstatat`).
    ///
    /// # Errors
    /// `no-entry` and those of the path.
    pub fn stat_at(&self, follow: Follow, path: &str) -> Result<Attributes> {
        self.counting(OperationKind::Stat, || {
            self.using("stat", follow, path, |inode| inode.attributes().during("stat"))
        })
    }

    /// The identity of what `path` names.
    ///
    /// # Errors
    /// `no-entry` and those of the path.
    pub fn metadata_hash_at(&self, follow: Follow, path: &str) -> Result<MetadataHash> {
        self.counting(OperationKind::MetadataHash, || {
            self.existing("metadata-hash", follow, path).map(|inode| hash(&self.view, inode.id()))
        })
    }

    /// Sets the times of what `path` names (`utimensat`).
    ///
    /// # Errors
    /// `read-only`, `no-entry`, `invalid`, and those of the path.
    pub fn set_times_at(
        &self,
        now: Timestamp,
        follow: Follow,
        path: &str,
        accessed: SetTime,
        modified: SetTime,
    ) -> Result<()> {
        const OPERATION: &str = "set-times";
        self.counting(OperationKind::SetTimes, || {
            self.using(OPERATION, follow, path, |inode| {
                self.check_mutable_directory(OPERATION)?;
                self.view.volume().set_times(&Context::at(now), inode, accessed, modified)
            })
        })
    }

    /// Creates a directory (`mkdirat`).
    ///
    /// # Errors
    /// `exist`, `read-only`, `no-entry` for a missing parent, limits.
    pub fn create_directory_at(&self, now: Timestamp, path: &str) -> Result<()> {
        self.make_directory_at(now, path).map(drop)
    }

    /// The same; tells what was made, as it was made, also where somebody
    /// else removes it at once.
    ///
    /// # Errors
    /// As [`create_directory_at`](Self::create_directory_at).
    pub fn make_directory_at(&self, now: Timestamp, path: &str) -> Result<(Attributes, MetadataHash)> {
        self.counting(OperationKind::CreateDirectory, || {
            self.create_at(now, path, "create-directory", NewNode::Directory { mode: DIRECTORY_MODE })
        })
    }

    /// Creates a symbolic link that holds `target`, which need not exist
    /// (`symlinkat`).
    ///
    /// # Errors
    /// `exist`, `read-only`, `no-entry` for an empty target, limits.
    pub fn symlink_at(&self, now: Timestamp, target: &str, path: &str) -> Result<()> {
        self.make_symlink_at(now, target, path).map(drop)
    }

    /// The same; tells what was made, as
    /// [`make_directory_at`](Self::make_directory_at) does.
    ///
    /// # Errors
    /// As [`symlink_at`](Self::symlink_at).
    pub fn make_symlink_at(&self, now: Timestamp, target: &str, path: &str) -> Result<(Attributes, MetadataHash)> {
        self.counting(OperationKind::Symlink, || self.create_at(now, path, "symlink", NewNode::Symlink { target }))
    }

    fn create_at(
        &self,
        now: Timestamp,
        path: &str,
        operation: &'static str,
        new: NewNode<'_>,
    ) -> Result<(Attributes, MetadataHash)> {
        let at = |error| renamed(error, operation, path);
        let walked = self.walk_name(path, operation)?;
        if let Target::Node(_) = walked.target {
            return Err(Error::new(ErrorCode::Exist, operation).at(path));
        }
        self.check_mutable_directory(operation).map_err(at)?;
        if walked.must_be_directory && !matches!(new, NewNode::Directory { .. }) {
            return Err(Error::new(ErrorCode::NoEntry, operation).at(path));
        }
        let name = walked.name(ErrorCode::Exist).during(operation).map_err(at)?;
        let made = self.view.volume().create(&Context::at(now), &walked.parent, name, new, OpenFor::Nobody);
        made.map(|(inode, attributes)| (attributes, hash(&self.view, inode.id()))).map_err(at)
    }

    /// The target of a symbolic link (`readlinkat`), exactly as it was given.
    ///
    /// # Errors
    /// `invalid` where it is no symbolic link; those of the path.
    pub fn readlink_at(&self, path: &str) -> Result<Arc<str>> {
        self.counting(OperationKind::ReadLink, || {
            self.using("readlink", Follow::No, path, |inode| self.view.volume().read_link(inode))
        })
    }

    /// Removes a name of a file or symbolic link (`unlinkat`).
    ///
    /// # Errors
    /// `is-directory`, `read-only`, `no-entry`, and those of the path.
    pub fn unlink_file_at(&self, now: Timestamp, path: &str) -> Result<()> {
        const OPERATION: &str = "unlink";
        self.counting(OperationKind::Unlink, || {
            let at = |error| renamed(error, OPERATION, path);
            let walked = self.walk_name(path, OPERATION)?;
            walked.existing().during(OPERATION).map_err(at)?;
            self.check_mutable_directory(OPERATION).map_err(at)?;
            let name = walked.name(ErrorCode::IsDirectory).during(OPERATION).map_err(at)?;
            self.view.volume().unlink(&Context::at(now), &walked.parent, name).map_err(at)
        })
    }

    /// Removes an empty directory (`unlinkat` with `AT_REMOVEDIR`).
    ///
    /// # Errors
    /// `not-directory`, `not-empty`, `read-only`, `no-entry`, `invalid` for a
    /// path that ends with `.` or `..`.
    pub fn remove_directory_at(&self, now: Timestamp, path: &str) -> Result<()> {
        const OPERATION: &str = "remove-directory";
        self.counting(OperationKind::RemoveDirectory, || {
            let at = |error| renamed(error, OPERATION, path);
            let walked = self.walk_name(path, OPERATION)?;
            walked.existing().during(OPERATION).map_err(at)?;
            self.check_mutable_directory(OPERATION).map_err(at)?;
            let name = walked.name(ErrorCode::Invalid).during(OPERATION).map_err(at)?;
            self.view.volume().remove_directory(&Context::at(now), &walked.parent, name).map_err(at)
        })
    }

    /// Renames what `path` names to `new_path` below `new` (`renameat`).
    ///
    /// # Errors
    /// As POSIX `rename()`; `cross-device` between two views; `read-only`
    /// where either may not be changed.
    pub fn rename_at(&self, now: Timestamp, path: &str, new: &Self, new_path: &str) -> Result<()> {
        const OPERATION: &str = "rename";
        self.counting(OperationKind::Rename, || {
            let at = |error| renamed(error, OPERATION, path);
            let from = self.walk_name(path, OPERATION)?;
            let moved = from.existing().during(OPERATION).map_err(at)?;
            let to = new.walk_name(new_path, OPERATION)?;
            self.check_both(new, OPERATION).map_err(at)?;
            let refuse = |code| Err(Error::new(code, OPERATION).at(new_path));
            if to.must_be_directory && !moved.is_directory() {
                return refuse(ErrorCode::NotDirectory);
            }
            if to.must_be_directory
                && let Target::Node(target) = &to.target
                && !target.is_directory()
            {
                return refuse(ErrorCode::NotDirectory);
            }
            let name = from.name(ErrorCode::Busy).during(OPERATION).map_err(at)?;
            let new_name = to.name(ErrorCode::Busy).during(OPERATION).map_err(at)?;
            self.view.volume().rename(&Context::at(now), &from.parent, name, &to.parent, new_name).map_err(at)
        })
    }

    /// Gives what `path` names another name, `new_path` below `new`
    /// (`linkat`).
    ///
    /// # Errors
    /// `not-permitted` for a directory, `exist`, `cross-device` between two
    /// views, `read-only` where either may not be changed.
    pub fn link_at(&self, now: Timestamp, follow: Follow, path: &str, new: &Self, new_path: &str) -> Result<()> {
        const OPERATION: &str = "link";
        self.counting(OperationKind::Link, || {
            self.using(OPERATION, follow, path, |inode| {
                let at = |error| renamed(error, OPERATION, new_path);
                let to = new.walk_name(new_path, OPERATION)?;
                self.check_both(new, OPERATION).map_err(at)?;
                if inode.is_directory() {
                    return Err(Error::new(ErrorCode::NotPermitted, OPERATION).at(path));
                }
                if let Target::Node(_) = to.target {
                    return Err(at(Error::new(ErrorCode::Exist, OPERATION)));
                }
                if to.must_be_directory {
                    return Err(at(Error::new(ErrorCode::NoEntry, OPERATION)));
                }
                let name = to.name(ErrorCode::Exist).during(OPERATION).map_err(at)?;
                self.view.volume().link(&Context::at(now), inode, &to.parent, name).map_err(at)
            })
        })
    }

    /// Resolves a path whose last component is a name to create, remove or
    /// move: a symbolic link there is the object, whatever is behind it.
    fn walk_name<'p>(&self, path: &'p str, operation: &'static str) -> Result<Walked<'p>> {
        let trimmed = path.trim_end_matches('/');
        if trimmed.is_empty() {
            return walk(&self.view, self.inode(), path, Follow::No, operation);
        }
        if path.len() > self.view.volume().limits().path_bytes as usize {
            return Err(Error::new(ErrorCode::NameTooLong, operation).at(path));
        }
        let mut walked = walk(&self.view, self.inode(), trimmed, Follow::No, operation)?;
        walked.must_be_directory |= trimmed.len() != path.len();
        Ok(walked)
    }

    /// Uses what `path` names. If it lost its last name between the two, the
    /// path names something else by now, or nothing: it is resolved again, so
    /// that a name which is being replaced is never found missing.
    fn using<T>(
        &self,
        operation: &'static str,
        follow: Follow,
        path: &str,
        call: impl Fn(&Arc<crate::inode::Inode>) -> Result<T>,
    ) -> Result<T> {
        let mut attempts = 0;
        loop {
            let inode = self.existing(operation, follow, path)?;
            attempts += 1;
            match call(&inode) {
                Err(error) if attempts < ATTEMPTS && inode.read().check_alive().is_err() => drop(error),
                done => return done.map_err(|error| error.at(path)),
            }
        }
    }

    fn existing(&self, operation: &'static str, follow: Follow, path: &str) -> Result<Arc<crate::inode::Inode>> {
        let walked = walk(&self.view, self.inode(), path, follow, operation)?;
        walked.existing().during(operation).cloned().map_err(|error| error.at(path))
    }

    fn check_mutable_directory(&self, operation: &'static str) -> Result<()> {
        if !self.inode().is_directory() {
            return Err(Error::new(ErrorCode::NotDirectory, operation));
        }
        self.check_mutable(operation)
    }

    fn check_both(&self, other: &Self, operation: &'static str) -> Result<()> {
        if !self.view.is_same(&other.view) {
            return Err(Error::new(ErrorCode::CrossDevice, operation));
        }
        self.check_mutable_directory(operation)?;
        other.check_mutable_directory(operation)
    }
}

/// The same error as of the operation that the caller asked for.
fn renamed(error: Error, operation: &'static str, path: &str) -> Error {
    match error.path() {
        Some(_) => error,
        None => Error::new(error.code(), operation).at(path),
    }
}
