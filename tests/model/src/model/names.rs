//! Names, but for `rename`.

use larder_core::{Context, DirectoryEntry, ErrorCode, MOST_LISTED_ENTRIES, NodeId, Reply, Timestamp};

use super::node::entry_cost;
use super::{Answer, Body, INO_BOUND, Model, Node, ROOT};

impl Model {
    pub(super) fn lookup(&self, directory: NodeId, name: &str) -> Answer {
        let ino = self.named(directory, name)?;
        Ok(Reply::Node(self.attributes(&self.nodes[&ino])))
    }

    /// The inode that a name names.
    pub(super) fn named(&self, directory: NodeId, name: &str) -> Answer<u64> {
        self.directory(directory)?.entries.get(name).map(|entry| entry.ino).ok_or(ErrorCode::NoEntry)
    }

    pub(super) fn read_link(&self, id: NodeId) -> Answer {
        match &self.get(id)?.body {
            Body::Symlink(target) => Ok(Reply::Target(target.as_str().into())),
            _ => Err(ErrorCode::Invalid),
        }
    }

    pub(super) fn read_directory(&self, id: NodeId, after: u64, max: u32) -> Answer {
        let directory = self.directory(id)?;
        let mut listed: Vec<_> = directory.entries.iter().filter(|(_, entry)| entry.cookie > after).collect();
        listed.sort_by_key(|(_, entry)| entry.cookie);
        let listed = listed.into_iter().take(max.min(MOST_LISTED_ENTRIES) as usize).map(|(name, entry)| {
            let node = &self.nodes[&entry.ino];
            DirectoryEntry {
                name: name.as_str().into(),
                id: node.id,
                file_type: node.file_type(),
                cookie: entry.cookie,
            }
        });
        Ok(Reply::Entries(listed.collect()))
    }

    pub(super) fn create(&mut self, context: &Context, parent: NodeId, name: &str, mode: u32, body: Body) -> Answer {
        self.get(parent)?;
        self.check_name(name)?;
        if let Body::Symlink(target) = &body {
            self.check_target(target)?;
        }
        self.check_new_name(parent, name)?;
        if self.nodes.len() as u64 >= self.limits.inodes {
            return Err(ErrorCode::InsufficientSpace);
        }
        let fresh = NodeId { ino: self.next_ino, generation: self.generation };
        let node = Node::new(context.node.unwrap_or(fresh), mode, context.now, body);
        self.check_space(entry_cost(name) + node.allocated())?;
        let ino = node.id.ino;
        if context.node.is_none() && ino >= INO_BOUND {
            return Err(ErrorCode::InsufficientSpace);
        }
        if context.node.is_some() && (ino == 0 || ino >= INO_BOUND || self.nodes.contains_key(&ino)) {
            return Err(ErrorCode::Invalid);
        }
        self.next_ino = self.next_ino.max(ino + 1);
        self.nodes.insert(ino, node);
        self.add_name(parent.ino, name, ino);
        self.touch_content(parent.ino, context.now);
        Ok(Reply::Node(self.attributes(&self.nodes[&ino])))
    }

    pub(super) fn link(&mut self, now: Timestamp, id: NodeId, parent: NodeId, name: &str) -> Answer {
        let is_directory = self.get(id)?.is_directory();
        self.get(parent)?;
        self.check_name(name)?;
        if is_directory {
            return Err(ErrorCode::NotPermitted);
        }
        self.check_new_name(parent, name)?;
        match self.link_count(id.ino) {
            0 => return Err(ErrorCode::NoEntry),
            links if links >= self.limits.links => return Err(ErrorCode::TooManyLinks),
            _ => {}
        }
        self.check_space(entry_cost(name))?;
        self.add_name(parent.ino, name, id.ino);
        self.get_mut(id)?.touch(now);
        self.touch_content(parent.ino, now);
        Ok(Reply::Done)
    }

    pub(super) fn unlink(&mut self, now: Timestamp, parent: NodeId, name: &str) -> Answer {
        let ino = self.named(parent, name)?;
        if self.nodes[&ino].is_directory() {
            return Err(ErrorCode::IsDirectory);
        }
        self.remove_name(now, parent.ino, name);
        Ok(Reply::Done)
    }

    pub(super) fn remove_directory(&mut self, now: Timestamp, parent: NodeId, name: &str) -> Answer {
        let ino = self.named(parent, name)?;
        if !self.nodes[&ino].directory()?.entries.is_empty() {
            return Err(ErrorCode::NotEmpty);
        }
        self.remove_name(now, parent.ino, name);
        Ok(Reply::Done)
    }

    fn remove_name(&mut self, now: Timestamp, parent: u64, name: &str) {
        let directory = self.nodes.get_mut(&parent).unwrap().directory_mut();
        let ino = directory.entries.remove(name).unwrap().ino;
        self.touch_content(parent, now);
        self.nodes.get_mut(&ino).unwrap().touch(now);
    }

    pub(super) fn add_name(&mut self, parent: u64, name: &str, ino: u64) {
        self.nodes.get_mut(&parent).unwrap().directory_mut().add(name, ino);
    }

    /// What a name must be to be given to something.
    pub(super) fn check_name(&self, name: &str) -> Answer<()> {
        match name {
            "" | "." | ".." => Err(ErrorCode::Invalid),
            _ if name.len() > self.limits.name_bytes as usize => Err(ErrorCode::NameTooLong),
            _ if name.contains(['/', '\0']) => Err(ErrorCode::Invalid),
            _ => Ok(()),
        }
    }

    fn check_target(&self, target: &str) -> Answer<()> {
        match target {
            "" => Err(ErrorCode::NoEntry),
            _ if target.len() > self.limits.path_bytes as usize => Err(ErrorCode::NameTooLong),
            _ if target.contains('\0') => Err(ErrorCode::Invalid),
            _ => Ok(()),
        }
    }

    /// Whether a directory has been removed and is only open.
    pub(super) fn is_removed(&self, directory: u64) -> bool {
        directory != ROOT && self.link_count(directory) == 0
    }

    /// Whether a directory can take this name that is not there yet.
    fn check_new_name(&self, parent: NodeId, name: &str) -> Answer<()> {
        let directory = self.directory(parent)?;
        if self.is_removed(parent.ino) {
            return Err(ErrorCode::NoEntry);
        }
        if directory.entries.contains_key(name) {
            return Err(ErrorCode::Exist);
        }
        if directory.entries.len() as u64 >= self.limits.directory_entries {
            return Err(ErrorCode::Quota);
        }
        Ok(())
    }
}
