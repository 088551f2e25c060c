//! A whole volume on its way into an image.

use std::collections::HashMap;
use std::sync::Arc;

use larder_core::{Descriptor, DescriptorFlags, FileType, Follow, OpenFlags, Result, Rights, Timestamp, View, Volume};

use super::tree::{Meta, TreeBuilder};

impl TreeBuilder<'_> {
    /// Adds what a volume holds, hard links and holes as well. Equal volumes
    /// give equal images. Nobody should change the volume meanwhile.
    ///
    /// # Errors
    /// Those of reading the volume, and of adding what it holds to the tree.
    pub fn copy_of(&mut self, volume: &Arc<Volume>) -> Result<()> {
        let root = View::new(volume, Rights::READ_ONLY)?.root()?;
        // The first path of each file that has several.
        let mut linked: HashMap<u64, String> = HashMap::new();
        let mut open = vec![String::new()];
        while let Some(path) = open.pop() {
            let directory = open_directory(&root, &path)?;
            let node = directory.stat()?;
            self.directory(&path, Meta { mode: node.mode, modified: node.modified })?;
            let mut entries = directory.read_directory(0, usize::MAX)?;
            entries.sort_unstable_by(|one, other| one.name.cmp(&other.name));
            for entry in &entries {
                let below = if path.is_empty() { entry.name.to_string() } else { format!("{path}/{}", entry.name) };
                match entry.file_type {
                    FileType::Directory => open.push(below),
                    _ => self.copy_entry(volume, &directory, &entry.name, below, &mut linked)?,
                }
            }
        }
        Ok(())
    }

    fn copy_entry(
        &mut self,
        volume: &Arc<Volume>,
        directory: &Descriptor,
        name: &str,
        path: String,
        linked: &mut HashMap<u64, String>,
    ) -> Result<()> {
        let node = directory.stat_at(Follow::No, name)?;
        if let Some(first) = linked.get(&node.id.ino) {
            return self.hard_link(first, &path);
        }
        if node.file_type == FileType::SymbolicLink {
            self.symlink(&path, node.modified, &directory.readlink_at(name)?)?;
        } else {
            let extents = volume.extents(node.id)?;
            let extents = extents.iter().map(|(offset, bytes)| (*offset, &**bytes));
            self.sparse_file(&path, Meta { mode: node.mode, modified: node.modified }, node.size, extents)?;
        }
        if node.link_count > 1 {
            linked.insert(node.id.ino, path);
        }
        Ok(())
    }
}

fn open_directory(root: &Descriptor, path: &str) -> Result<Descriptor> {
    if path.is_empty() {
        return root.dup();
    }
    root.open_at(Timestamp::UNIX_EPOCH, Follow::No, path, OpenFlags::DIRECTORY, DescriptorFlags::READ)
}
