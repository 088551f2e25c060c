//! Whether a volume is what the model says, by all that can be asked of it.

use std::sync::Arc;

use larder_core::{Context, NodeId, Operation, PAGE_BYTES, Reply, Result, Volume};

use crate::model::{Answer, Body, Content, Model};

const PAGE: u64 = PAGE_BYTES as u64;

/// The bytes of a snapshot of the volume as it is.
///
/// # Panics
/// If it cannot be written.
#[must_use]
pub fn frozen(volume: &Volume) -> Vec<u8> {
    let mut bytes = Vec::new();
    volume.freeze().unwrap().write_to(&mut bytes).unwrap();
    bytes
}

/// Compares an answer of the volume with one of the model: equal values, or
/// the same error code.
///
/// # Panics
/// Where they differ.
pub fn replies(got: &Result<Reply>, expected: &Answer, operation: &impl std::fmt::Debug) {
    let same = match (got, expected) {
        (Ok(got), Ok(expected)) => got == expected,
        (Err(got), Err(expected)) => got.code() == *expected,
        _ => false,
    };
    if !same {
        panic!("{}\n  volume: {}\n  model:  {}", short(operation), short(got), short(expected));
    }
}

/// Bytes of a page or more say nothing to a person.
fn short(value: &impl std::fmt::Debug) -> String {
    const MOST: usize = 600;
    let mut text = format!("{value:?}");
    if text.len() > MOST {
        let length = text.len();
        text.truncate(text.floor_char_boundary(MOST));
        text += &format!("… ({length} characters)");
    }
    text
}

/// Compares what is charged, as counted on the way, afresh, and by the model.
///
/// # Panics
/// Where they differ.
pub fn usage(volume: &Volume, model: &Model) {
    assert_eq!(volume.usage(), model.usage(), "usage of the volume and of the model");
    assert_eq!(volume.usage(), volume.recount(), "usage and recount");
}

/// Compares everything: each node that is or ever was, each entry, content.
///
/// # Panics
/// Where they differ.
pub fn volumes(volume: &Arc<Volume>, model: &Model, ever: &[NodeId]) {
    usage(volume, model);
    let ask = |operation: Operation| {
        let got = volume.apply(&Context::default(), &operation);
        let expected = model.clone().apply(&Context::default(), &operation);
        replies(&got, &expected, &operation);
    };
    for node in ever {
        ask(Operation::GetAttributes { node: *node });
    }
    for node in model.nodes.values() {
        let id = node.id;
        ask(Operation::GetAttributes { node: id });
        match &node.body {
            Body::File(content) => {
                for (offset, length) in interesting(content) {
                    ask(Operation::Read { node: id, offset, length });
                }
            }
            Body::Symlink(_) => ask(Operation::ReadLink { node: id }),
            Body::Directory(directory) => {
                ask(Operation::ReadDirectory { directory: id, after: 0, max: u32::MAX });
                for name in directory.entries.keys() {
                    ask(Operation::Lookup { directory: id, name: name.clone() });
                }
            }
        }
    }
    let mut open = volume.open_nodes();
    let mut expected: Vec<_> = model.handles.values().map(|ino| model.nodes[ino].id).collect();
    open.sort_unstable();
    expected.sort_unstable();
    assert_eq!(open, expected, "the open nodes");
}

/// Ranges that show all that a file holds, and what is around: the whole of a
/// small file; of a large one what was written and a page on both sides.
fn interesting(content: &Content) -> Vec<(u64, u32)> {
    const SMALL: u64 = 1 << 20;
    if content.size() <= SMALL {
        return vec![(0, SMALL as u32 + 1)];
    }
    let mut ranges = vec![(0, 100), (content.size() - 100, 200)];
    for (start, end) in content.extents() {
        let from = start.saturating_sub(PAGE);
        ranges.push((from, (end.saturating_add(PAGE) - from) as u32));
    }
    ranges
}
