//! The calls of a descriptor, on the model: what the path means, what may be
//! done, and then an operation of the set.

use larder_core::{
    Context, DescriptorFlags, ErrorCode, Follow, NodeId, OpenFlags, Operation, Reply, SetTime, Timestamp,
};

use super::ModelDescriptor;
use crate::model::{Answer, Body, Model};

fn id(model: &Model, ino: u64) -> NodeId {
    model.nodes[&ino].id
}

impl ModelDescriptor {
    pub(super) fn apply(model: &mut Model, now: Timestamp, operation: &Operation) -> Answer {
        model.apply(&Context::at(now), operation)
    }

    /// `stat_at`.
    pub(super) fn stat_at(&self, model: &Model, follow: Follow, path: &str) -> Answer {
        let ino = self.existing(model, follow, path)?;
        Ok(Reply::Node(model.attributes(&model.nodes[&ino])))
    }

    /// `readlink_at`.
    pub(super) fn readlink_at(&self, model: &Model, path: &str) -> Answer {
        match &model.nodes[&self.existing(model, Follow::No, path)?].body {
            Body::Symlink(target) => Ok(Reply::Target(target.as_str().into())),
            _ => Err(ErrorCode::Invalid),
        }
    }

    /// `create_directory_at`, or `symlink_at` with a target.
    pub(super) fn make_at(&self, model: &mut Model, now: Timestamp, path: &str, target: Option<&str>) -> Answer {
        let found = self.resolve_name(model, path)?;
        if found.node.is_some() {
            return Err(ErrorCode::Exist);
        }
        self.check_mutable(model)?;
        let directory = id(model, found.parent);
        let name = found.name(ErrorCode::Exist)?.to_owned();
        let operation = match target {
            None => Operation::CreateDirectory { directory, name, mode: 0o755 },
            Some(_) if found.slash => return Err(ErrorCode::NoEntry),
            Some(target) => Operation::CreateSymlink { directory, name, target: target.into() },
        };
        Self::apply(model, now, &operation).map(|_| Reply::Done)
    }

    /// `unlink_file_at` or `remove_directory_at`.
    pub(super) fn remove_at(&self, model: &mut Model, now: Timestamp, path: &str, directories: bool) -> Answer {
        let found = self.resolve_name(model, path)?;
        found.existing(model)?;
        self.check_mutable(model)?;
        let directory = id(model, found.parent);
        let operation = if directories {
            Operation::RemoveDirectory { directory, name: found.name(ErrorCode::Invalid)?.into() }
        } else {
            Operation::Unlink { directory, name: found.name(ErrorCode::IsDirectory)?.into() }
        };
        Self::apply(model, now, &operation)
    }

    fn check_two(&self, model: &Model, other: &Self) -> Answer<()> {
        if self.view.number != other.view.number {
            return Err(ErrorCode::CrossDevice);
        }
        self.check_mutable(model)?;
        other.check_mutable(model)
    }

    /// `rename_at`.
    pub(super) fn rename_at(&self, model: &mut Model, now: Timestamp, path: &str, to: &Self, to_path: &str) -> Answer {
        let source = self.resolve_name(model, path)?;
        let moved = source.existing(model)?;
        let target = to.resolve_name(model, to_path)?;
        self.check_two(model, to)?;
        let is_directory = |ino: u64| model.nodes[&ino].is_directory();
        if target.slash && !(is_directory(moved) && target.node.is_none_or(is_directory)) {
            return Err(ErrorCode::NotDirectory);
        }
        let operation = Operation::Rename {
            from: id(model, source.parent),
            from_name: source.name(ErrorCode::Busy)?.into(),
            to: id(model, target.parent),
            to_name: target.name(ErrorCode::Busy)?.into(),
        };
        Self::apply(model, now, &operation)
    }

    /// `link_at`.
    pub(super) fn link_at(
        &self,
        model: &mut Model,
        now: Timestamp,
        follow: Follow,
        path: &str,
        to: &Self,
        to_path: &str,
    ) -> Answer {
        let linked = self.existing(model, follow, path)?;
        let target = to.resolve_name(model, to_path)?;
        self.check_two(model, to)?;
        if model.nodes[&linked].is_directory() {
            return Err(ErrorCode::NotPermitted);
        }
        if target.node.is_some() {
            return Err(ErrorCode::Exist);
        }
        if target.slash {
            return Err(ErrorCode::NoEntry);
        }
        let name = target.name(ErrorCode::Exist)?.to_owned();
        let operation = Operation::Link { node: id(model, linked), directory: id(model, target.parent), name };
        Self::apply(model, now, &operation)
    }

    /// `set_times_at`.
    pub(super) fn set_times_at(
        &self,
        model: &mut Model,
        now: Timestamp,
        follow: Follow,
        path: &str,
        times: [SetTime; 2],
    ) -> Answer {
        let node = id(model, self.existing(model, follow, path)?);
        self.check_mutable(model)?;
        Self::apply(model, now, &Operation::SetTimes { node, accessed: times[0], modified: times[1] })
    }

    /// `open_at`.
    pub(super) fn open_at(
        &self,
        model: &mut Model,
        now: Timestamp,
        follow: Follow,
        path: &str,
        open: OpenFlags,
        flags: DescriptorFlags,
    ) -> Answer<Self> {
        let create = open.contains(OpenFlags::CREATE);
        let truncate = open.contains(OpenFlags::TRUNCATE);
        let exclusive = create && open.contains(OpenFlags::EXCLUSIVE);
        let directory = open.contains(OpenFlags::DIRECTORY);
        if directory && (create || truncate) {
            return Err(ErrorCode::Invalid);
        }
        let found = self.resolve(model, if exclusive { Follow::No } else { follow }, path)?;
        if create || truncate || flags.intersects(DescriptorFlags::WRITE | DescriptorFlags::MUTATE_DIRECTORY) {
            self.check_mutable(model)?;
        }
        let full = model.handles.len() as u64 >= model.limits.open_handles;
        let ino = match found.node {
            None if create => {
                if found.slash {
                    return Err(ErrorCode::IsDirectory);
                }
                if full {
                    return Err(ErrorCode::Quota);
                }
                let name = found.name(ErrorCode::IsDirectory)?.to_owned();
                let operation = Operation::CreateFile { directory: id(model, found.parent), name, mode: 0o644 };
                match Self::apply(model, now, &operation)? {
                    Reply::Node(made) => made.id.ino,
                    reply => panic!("{reply:?} for a creation"),
                }
            }
            Some(_) if exclusive => return Err(ErrorCode::Exist),
            _ => {
                let ino = found.existing(model)?;
                match &model.nodes[&ino].body {
                    Body::Symlink(_) => return Err(ErrorCode::Loop),
                    Body::File(_) if directory => return Err(ErrorCode::NotDirectory),
                    Body::Directory(_) if create || truncate || flags.contains(DescriptorFlags::WRITE) => {
                        return Err(ErrorCode::IsDirectory);
                    }
                    _ => {}
                }
                ino
            }
        };
        let descriptor = self.view.open(model, ino, flags)?;
        if truncate && found.node.is_some() {
            Self::apply(model, now, &Operation::SetSize { node: id(model, ino), size: 0 })?;
        }
        Ok(descriptor)
    }
}

impl super::ModelView {
    /// A descriptor of a node in the view.
    ///
    /// # Errors
    /// `quota`.
    pub fn open(&self, model: &mut Model, ino: u64, flags: DescriptorFlags) -> Answer<ModelDescriptor> {
        let node = id(model, ino);
        let Reply::Handle(handle) = model.apply(&Context::default(), &Operation::Open { node })? else {
            panic!("no handle");
        };
        let mut flags = flags;
        if model.nodes[&ino].is_directory() {
            flags.insert(DescriptorFlags::READ);
            flags.set(DescriptorFlags::MUTATE_DIRECTORY, self.writable);
        } else {
            flags.remove(DescriptorFlags::MUTATE_DIRECTORY);
        }
        Ok(ModelDescriptor { view: self.clone(), ino, handle, flags, was_read: false })
    }
}
