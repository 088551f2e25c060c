//! What must hold of a volume at rest.

use std::collections::BTreeMap;
use std::sync::Arc;

use larder_core::{Attributes, Context, FileType, NodeId, Operation, Reply, Volume, VolumeOptions};

fn ask(volume: &Arc<Volume>, operation: &Operation) -> Reply {
    match volume.apply(&Context::default(), operation) {
        Ok(reply) => reply,
        Err(error) => panic!("{operation:?}: {error}"),
    }
}

fn attributes(volume: &Arc<Volume>, node: NodeId) -> Attributes {
    match ask(volume, &Operation::GetAttributes { node }) {
        Reply::Node(attributes) => attributes,
        reply => panic!("{reply:?} for attributes"),
    }
}

/// Walks the whole tree and counts.
///
/// # Panics
/// Where the accounting, a link count, or the shape of the tree is wrong.
pub fn check_tree(volume: &Arc<Volume>) {
    let usage = volume.usage();
    assert_eq!(usage, volume.recount(), "usage and recount");

    let root = volume.root_id();
    let mut names: BTreeMap<NodeId, u64> = BTreeMap::from([(root, 1)]);
    let mut subdirectories: BTreeMap<NodeId, u64> = BTreeMap::new();
    let mut todo = vec![root];
    while let Some(directory) = todo.pop() {
        let Reply::Entries(entries) = ask(volume, &Operation::ReadDirectory { directory, after: 0, max: 1000 }) else {
            panic!("no entries");
        };
        for entry in entries {
            *names.entry(entry.id).or_default() += 1;
            if entry.file_type == FileType::Directory {
                assert_eq!(names[&entry.id], 1, "{:?} has two names", entry.id);
                *subdirectories.entry(directory).or_default() += 1;
                todo.push(entry.id);
            }
        }
    }
    let mut allocated = 0;
    for (node, names) in &names {
        let found = attributes(volume, *node);
        let links = match found.file_type {
            FileType::Directory => 2 + subdirectories.get(node).copied().unwrap_or(0),
            _ => *names,
        };
        assert_eq!(found.link_count, links, "the link count of {found:?}");
        allocated += found.allocated;
    }
    let mut nameless: Vec<_> = volume.open_nodes().into_iter().filter(|node| !names.contains_key(node)).collect();
    nameless.sort_unstable();
    nameless.dedup();
    for node in &nameless {
        let found = attributes(volume, *node);
        assert_eq!(found.link_count, 0, "the link count of {found:?}");
        allocated += found.allocated;
    }
    // What was counted beyond that is a loop away from the root, or an inode
    // that nobody took back.
    assert_eq!(usage.inodes, (names.len() + nameless.len()) as u64, "inodes that can be reached: {names:?}");
    assert_eq!(usage.bytes, allocated, "bytes that can be reached");

    // Thawing has checks of its own.
    let frozen = volume.freeze().expect("all content is in memory");
    assert_eq!(frozen.inode_count(), names.len());
    if let Err(error) = frozen.into_volume(VolumeOptions::default()) {
        panic!("{error}");
    }
}
