//! The names of one inode. Most have one.

use larder_core::NodeId;

use super::Name;

/// In the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Names {
    first: Option<Name>,
    /// Allocated for hard links alone.
    others: Vec<Name>,
}

impl Names {
    pub(super) fn push(&mut self, name: Name) {
        match self.first {
            None => self.first = Some(name),
            Some(_) => self.others.push(name),
        }
    }

    /// Removes a name; answers whether none is left.
    pub(super) fn remove(&mut self, directory: NodeId, name: &str) -> bool {
        let is_it = |(above, known): &Name| *above == directory && **known == *name;
        if self.first.as_ref().is_some_and(is_it) {
            self.first = if self.others.is_empty() { None } else { Some(self.others.remove(0)) };
        } else {
            self.others.retain(|known| !is_it(known));
        }
        self.first.is_none()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Name> {
        self.first.iter().chain(&self.others)
    }
}
