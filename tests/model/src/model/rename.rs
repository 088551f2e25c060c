//! `rename`.

use larder_core::{ErrorCode, NodeId, Reply, Timestamp};

use super::node::entry_cost;
use super::{Answer, Model};

impl Model {
    pub(super) fn rename(
        &mut self,
        now: Timestamp,
        from: NodeId,
        from_name: &str,
        to: NodeId,
        to_name: &str,
    ) -> Answer {
        self.get(from)?;
        self.get(to)?;
        self.check_name(from_name)?;
        self.check_name(to_name)?;
        let moved = self.named(from, from_name)?;
        let moves_directory = self.nodes[&moved].is_directory();
        let target = self.directory(to)?;
        if moves_directory && from != to && self.is_within(to.ino, moved) {
            return Err(ErrorCode::Invalid);
        }
        if self.is_removed(to.ino) {
            return Err(ErrorCode::NoEntry);
        }
        let replaced = target.entries.get(to_name).map(|entry| entry.ino);
        match replaced {
            // Two names of one inode: POSIX wants nothing to happen.
            Some(ino) if ino == moved => return Ok(Reply::Done),
            Some(ino) => match (moves_directory, self.nodes[&ino].directory()) {
                (true, Err(_)) => return Err(ErrorCode::NotDirectory),
                (false, Ok(_)) => return Err(ErrorCode::IsDirectory),
                (true, Ok(directory)) if !directory.entries.is_empty() => return Err(ErrorCode::NotEmpty),
                _ => {}
            },
            None => {
                if from != to && target.entries.len() as u64 >= self.limits.directory_entries {
                    return Err(ErrorCode::Quota);
                }
                self.check_space(entry_cost(to_name).saturating_sub(entry_cost(from_name)))?;
            }
        }

        let source = self.nodes.get_mut(&from.ino).unwrap().directory_mut();
        source.entries.remove(from_name).unwrap();
        let target = self.nodes.get_mut(&to.ino).unwrap().directory_mut();
        match target.entries.get_mut(to_name) {
            // The name stays where it is in the listing.
            Some(entry) => entry.ino = moved,
            None => target.add(to_name, moved),
        }
        // One name goes and one comes: in one directory that counts twice.
        self.touch_content(from.ino, now);
        self.touch_content(to.ino, now);
        let node = self.nodes.get_mut(&moved).unwrap();
        node.touch(now);
        if moves_directory {
            node.directory_mut().parent = to.ino;
        }
        if let Some(ino) = replaced {
            self.nodes.get_mut(&ino).unwrap().touch(now);
        }
        Ok(Reply::Done)
    }

    /// Whether `directory` is `ancestor`, or is below it, or was when it was
    /// removed.
    fn is_within(&self, directory: u64, ancestor: u64) -> bool {
        let mut at = directory;
        loop {
            if at == ancestor {
                return true;
            }
            match self.nodes.get(&at).map(|node| node.directory()) {
                Some(Ok(directory)) if directory.parent != at => at = directory.parent,
                _ => return false,
            }
        }
    }
}
