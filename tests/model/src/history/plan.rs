//! What each thread is to do. All nodes are known beforehand: those of the
//! stage, and those that a creation will make under a number of its own.

use bytes::Bytes;
use larder_core::{Context, NodeId, Operation, Timestamp};
use proptest::prelude::*;
use proptest::sample::select;

/// The generation of the volumes that histories run on.
pub(super) const GENERATION: u64 = 3;

/// The directories of the stage: the root, two in it, one deeper.
pub(super) const DIRECTORIES: [u64; 4] = [1, 2, 3, 4];
/// Its files.
pub(super) const FILES: [u64; 2] = [5, 6];
/// What a thread creates has numbers from here on.
const CREATED: u64 = 10;
const MOST_CALLS: u64 = 8;

pub(super) fn id(ino: u64) -> NodeId {
    NodeId { ino, generation: GENERATION }
}

/// One call, and how long to dawdle before it.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its context.
    pub context: Context,
    /// The operation.
    pub operation: Operation,
    /// Turns of an idle loop before the call.
    pub delay: u16,
}

/// The calls of each thread.
pub type Plan = Vec<Vec<Call>>;

fn name() -> impl Strategy<Value = String> {
    select(vec!["a", "b", "f"]).prop_map(str::to_owned)
}

fn directory() -> impl Strategy<Value = NodeId> {
    prop_oneof![
        8 => select(DIRECTORIES.to_vec()),
        1 => CREATED..CREATED + 3,
    ]
    .prop_map(id)
}

fn file() -> impl Strategy<Value = NodeId> {
    prop_oneof![
        6 => select(FILES.to_vec()),
        2 => CREATED..CREATED + 3 * MOST_CALLS,
        1 => select(DIRECTORIES.to_vec()),
    ]
    .prop_map(id)
}

fn data() -> impl Strategy<Value = Bytes> {
    (1..4usize, any::<u8>()).prop_map(|(length, byte)| Bytes::from(vec![byte; length]))
}

fn operation() -> BoxedStrategy<Operation> {
    let place = || (directory(), name());
    prop_oneof![
        4 => place().prop_map(|(directory, name)| Operation::CreateFile { directory, name, mode: 0o600 }),
        3 => place().prop_map(|(directory, name)| Operation::CreateDirectory { directory, name, mode: 0o700 }),
        1 => place().prop_map(|(directory, name)| Operation::CreateSymlink { directory, name, target: "t".into() }),
        4 => (file(), place()).prop_map(|(node, (directory, name))| Operation::Link { node, directory, name }),
        6 => place().prop_map(|(directory, name)| Operation::Unlink { directory, name }),
        4 => place().prop_map(|(directory, name)| Operation::RemoveDirectory { directory, name }),
        8 => (place(), place())
            .prop_map(|((from, from_name), (to, to_name))| Operation::Rename { from, from_name, to, to_name }),
        4 => place().prop_map(|(directory, name)| Operation::Lookup { directory, name }),
        3 => (directory(), 0..3u64).prop_map(|(directory, after)| Operation::ReadDirectory { directory, after, max: 9 }),
        3 => prop_oneof![file(), directory()].prop_map(|node| Operation::GetAttributes { node }),
        1 => file().prop_map(|node| Operation::ReadLink { node }),
        3 => (file(), data()).prop_map(|(node, data)| Operation::Append { node, data }),
        1 => (file(), 0..4u64, data()).prop_map(|(node, offset, data)| Operation::Write { node, offset, data }),
        1 => file().prop_map(|node| Operation::Read { node, offset: 0, length: 100 }),
        1 => (file(), 0..4u64).prop_map(|(node, size)| Operation::SetSize { node, size }),
        1 => file().prop_map(|node| Operation::SetMode { node, mode: 0o640 }),
    ]
    .boxed()
}

/// Plans of 2 to 4 threads with 2 to 6 calls each, 14 at most in all: checking
/// takes time that grows fast with them.
pub fn plan() -> impl Strategy<Value = Plan> {
    let calls = |most| prop::collection::vec((operation(), 0..400u16), 2..=most);
    prop_oneof![
        prop::collection::vec(calls(6), 2),
        prop::collection::vec(calls(4), 3),
        prop::collection::vec(calls(3), 4),
    ]
    .prop_map(|threads| {
        let number = |(thread, calls): (usize, Vec<(Operation, u16)>)| {
            calls
                .into_iter()
                .enumerate()
                .map(|(at, (operation, delay))| {
                    // Numbers and times tell every call from every other.
                    let ino = CREATED + thread as u64 * MOST_CALLS + at as u64;
                    let now = Timestamp::from_seconds(ino.cast_signed());
                    Call { context: Context { now, node: Some(id(ino)) }, operation, delay }
                })
                .collect()
        };
        threads.into_iter().enumerate().map(number).collect()
    })
}
