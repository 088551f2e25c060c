//! Random operations. A step names nodes by their place among those seen so
//! far, so that it keeps its meaning, more or less, while proptest removes
//! steps before it.

use bytes::Bytes;
use larder_core::{CHUNK_BYTES, Limits, PAGE_BYTES, SetTime, Timestamp};
use proptest::prelude::*;
use proptest::sample::select;

/// A node that was seen before: the n-th of its kind, counted round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the kinds of nodes; Any is any of them")]
pub enum Pick {
    Directory(u8),
    File(u8),
    Symlink(u8),
    Any(u8),
}

/// The inode number that the context of a creation asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// None: the volume chooses.
    Chosen,
    /// One that is likely to be free.
    Number(u64),
    /// That of a node seen before.
    Of(Pick),
}

/// An operation on nodes that are not known yet.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "as in larder_core::Operation")]
pub enum Action {
    Lookup(Pick, String),
    GetAttributes(Pick),
    ReadLink(Pick),
    /// `after` is the place of a cookie among those seen, or a number of its own.
    ReadDirectory {
        directory: Pick,
        after: u64,
        max: u32,
    },
    Read {
        node: Pick,
        offset: u64,
        length: u32,
    },
    CreateFile(Pick, String, u32),
    CreateDirectory(Pick, String, u32),
    CreateSymlink(Pick, String, String),
    Link {
        node: Pick,
        directory: Pick,
        name: String,
    },
    Unlink(Pick, String),
    RemoveDirectory(Pick, String),
    Rename {
        from: Pick,
        from_name: String,
        to: Pick,
        to_name: String,
    },
    Write {
        node: Pick,
        offset: u64,
        data: Bytes,
    },
    Append {
        node: Pick,
        data: Bytes,
    },
    SetSize {
        node: Pick,
        size: u64,
    },
    SetTimes {
        node: Pick,
        accessed: SetTime,
        modified: SetTime,
    },
    SetMode(Pick, u32),
    Open(Pick),
    /// Closes the n-th handle that is open, or that number, open or not.
    Close(Result<u8, u64>),
    Sync,
    /// No operation: the volume goes through a snapshot, in memory or as bytes.
    Reload {
        as_bytes: bool,
    },
}

/// One step of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The time of the operation.
    pub now: Timestamp,
    /// The context's inode.
    pub wanted: Wanted,
    /// What to do.
    pub action: Action,
}

const PAGE: u64 = PAGE_BYTES as u64;
const CHUNK: u64 = CHUNK_BYTES as u64;

/// Names are few, so that operations meet.
const NAMES: &[&str] = &["a", "b", "c", "dd"];
const ODD_NAMES: &[&str] = &["", ".", "..", "a/b", "n\0l", "é", "toolong", "eight888", "a longer name than most"];

// Strategies are boxed where they are joined: as one type, whose values are
// moved about, they would be too large for a test thread's stack.

/// A name, most often one of a few.
pub fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        30 => select(NAMES).prop_map(str::to_owned),
        2 => select(ODD_NAMES).prop_map(str::to_owned),
    ]
}

fn directory() -> impl Strategy<Value = Pick> {
    prop_oneof![
        8 => Just(Pick::Directory(0)),
        20 => (0..6u8).prop_map(Pick::Directory),
        2 => (0..12u8).prop_map(Pick::Any),
    ]
}

fn file() -> impl Strategy<Value = Pick> {
    prop_oneof![20 => (0..4u8).prop_map(Pick::File), 1 => (0..12u8).prop_map(Pick::Any)]
}

fn any_node() -> impl Strategy<Value = Pick> {
    prop_oneof![
        3 => (0..6u8).prop_map(Pick::File),
        2 => (0..6u8).prop_map(Pick::Directory),
        1 => (0..6u8).prop_map(Pick::Symlink),
        1 => (0..20u8).prop_map(Pick::Any),
    ]
}

/// A number at or next to a border of the store's.
fn near_border() -> impl Strategy<Value = u64> {
    let border = prop_oneof![
        12 => select(vec![0, 1, PAGE, 2 * PAGE, CHUNK - PAGE, CHUNK, CHUNK + PAGE, 2 * CHUNK, 3 * CHUNK]),
        4 => 0..3 * CHUNK,
        2 => select(vec![1 << 20, (1 << 40) - 1, 1 << 63, (1 << 63) - CHUNK, u64::MAX, u64::MAX - CHUNK, u64::MAX - PAGE]),
    ];
    (border, -2..=2i64).prop_map(|(border, delta)| border.saturating_add_signed(delta))
}

/// Bytes of which no two neighbouring pages look alike.
fn data() -> impl Strategy<Value = Bytes> {
    const MOST: usize = 2 * CHUNK_BYTES + 3 * PAGE_BYTES;
    static PATTERN: std::sync::LazyLock<Bytes> =
        std::sync::LazyLock::new(|| (0..MOST + 256).map(|at| (at % 251) as u8 ^ (at / PAGE_BYTES) as u8).collect());
    let length = prop_oneof![
        10 => 0..20usize,
        4 => select(vec![PAGE_BYTES - 1, PAGE_BYTES, PAGE_BYTES + 1]),
        2 => select(vec![CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, MOST]),
        2 => 0..MOST,
    ];
    prop_oneof![
        8 => (length, 0..256usize).prop_map(|(length, seed)| PATTERN.slice(seed..seed + length)),
        1 => (0..3 * PAGE_BYTES).prop_map(|length| Bytes::from(vec![0; length])),
    ]
}

fn timestamp() -> impl Strategy<Value = Timestamp> {
    let time = |seconds, nanoseconds| Timestamp { seconds, nanoseconds };
    prop_oneof![
        20 => (0..200_000i64, 0..1_000_000_000u32).prop_map(move |(s, n)| time(s, n)),
        1 => select(vec![time(i64::MIN, 0), time(i64::MAX, 999_999_999), time(-1, 999_999_999)]),
    ]
}

fn set_time() -> impl Strategy<Value = SetTime> {
    prop_oneof![
        Just(SetTime::Keep),
        Just(SetTime::Now),
        timestamp().prop_map(SetTime::At),
        (1_000_000_000..=u32::MAX).prop_map(|nanoseconds| SetTime::At(Timestamp { seconds: 0, nanoseconds })),
    ]
}

fn target() -> impl Strategy<Value = String> {
    select(vec!["a", "b", "../a", "/a", "/", ".", "a/b/c", "dangling", "a longer target than eight", "", "n\0l"])
        .prop_map(str::to_owned)
}

fn wanted() -> impl Strategy<Value = Wanted> {
    prop_oneof![
        60 => Just(Wanted::Chosen),
        3 => (0..40u64).prop_map(Wanted::Number),
        1 => any_node().prop_map(Wanted::Of),
        1 => select(vec![u64::MAX, u64::MAX - 1, 1 << 62, (1 << 62) - 1, (1 << 62) - 2, 1 << 61]).prop_map(Wanted::Number),
    ]
}

fn change_names() -> BoxedStrategy<Action> {
    prop_oneof![
        6 => (directory(), name(), 0..0o20000u32).prop_map(|(d, n, m)| Action::CreateFile(d, n, m)),
        5 => (directory(), name(), 0..0o20000u32).prop_map(|(d, n, m)| Action::CreateDirectory(d, n, m)),
        2 => (directory(), name(), target()).prop_map(|(d, n, t)| Action::CreateSymlink(d, n, t)),
        3 => (any_node(), directory(), name()).prop_map(|(node, directory, name)| Action::Link { node, directory, name }),
        4 => (directory(), name()).prop_map(|(d, n)| Action::Unlink(d, n)),
        3 => (directory(), name()).prop_map(|(d, n)| Action::RemoveDirectory(d, n)),
        8 => (directory(), name(), directory(), name())
            .prop_map(|(from, from_name, to, to_name)| Action::Rename { from, from_name, to, to_name }),
    ]
    .boxed()
}

fn change_nodes() -> BoxedStrategy<Action> {
    prop_oneof![
        8 => (file(), near_border(), data()).prop_map(|(node, offset, data)| Action::Write { node, offset, data }),
        4 => (file(), data()).prop_map(|(node, data)| Action::Append { node, data }),
        5 => (file(), near_border()).prop_map(|(node, size)| Action::SetSize { node, size }),
        2 => (any_node(), set_time(), set_time())
            .prop_map(|(node, accessed, modified)| Action::SetTimes { node, accessed, modified }),
        1 => (any_node(), any::<u32>()).prop_map(|(n, m)| Action::SetMode(n, m)),
        4 => any_node().prop_map(Action::Open),
        4 => prop_oneof![9 => (0..8u8).prop_map(Ok), 1 => (0..12u64).prop_map(Err), 1 => any::<u64>().prop_map(Err)].prop_map(Action::Close),
        1 => Just(Action::Sync),
    ]
    .boxed()
}

fn look() -> BoxedStrategy<Action> {
    let length = prop_oneof![0..30u32, 0..3 * CHUNK as u32];
    let after = prop_oneof![4 => 0..8u64, 1 => any::<u64>()];
    let max = prop_oneof![4 => 0..4u32, 1 => Just(u32::MAX)];
    prop_oneof![
        3 => (directory(), name()).prop_map(|(d, n)| Action::Lookup(d, n)),
        2 => any_node().prop_map(Action::GetAttributes),
        1 => prop_oneof![4 => (0..3u8).prop_map(Pick::Symlink), 1 => any_node()].prop_map(Action::ReadLink),
        3 => (directory(), after, max)
            .prop_map(|(directory, after, max)| Action::ReadDirectory { directory, after, max }),
        4 => (file(), near_border(), length).prop_map(|(node, offset, length)| Action::Read { node, offset, length }),
    ]
    .boxed()
}

fn step() -> BoxedStrategy<Step> {
    let action = prop_oneof![
        10 => change_names(),
        8 => change_nodes(),
        3 => look(),
        1 => any::<bool>().prop_map(|as_bytes| Action::Reload { as_bytes }),
    ];
    (timestamp(), wanted(), action).prop_map(|(now, wanted, action)| Step { now, wanted, action }).boxed()
}

/// The first steps of half of the histories: a small tree, so that there is
/// something to meet.
fn prelude() -> Vec<Step> {
    let file = |directory, name: &str| Action::CreateFile(Pick::Directory(directory), name.into(), 0o644);
    let directory = |name: &str| Action::CreateDirectory(Pick::Directory(0), name.into(), 0o755);
    let actions = [
        directory("a"),
        file(1, "b"),
        file(1, "c"),
        directory("b"),
        Action::CreateDirectory(Pick::Directory(1), "a".into(), 0o755),
        file(0, "c"),
        file(1, "a"),
    ];
    let step = |action| Step { now: Timestamp::UNIX_EPOCH, wanted: Wanted::Chosen, action };
    actions.into_iter().map(step).collect()
}

/// A history: up to 60 steps.
pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    (any::<bool>(), prop::collection::vec(step(), 1..60)).prop_map(|(prepared, steps)| {
        let before = if prepared { prelude() } else { Vec::new() };
        before.into_iter().chain(steps).collect()
    })
}

/// Limits, most of them so tight that they are met.
pub fn limits() -> impl Strategy<Value = Limits> {
    let bytes = prop_oneof![
        2 => Just(1 << 40),
        2 => 100..1000u64,
        1 => PAGE..5 * PAGE,
        2 => CHUNK..6 * CHUNK,
    ];
    let file_bytes = prop_oneof![
        2 => Just(u64::MAX),
        1 => select(vec![1 << 40, 1 << 63, CHUNK, CHUNK + 5, 10_000, 2 * CHUNK + PAGE]),
    ];
    let few = || prop_oneof![2 => Just(1000u64), 1 => 1..8u64];
    let name_bytes = prop_oneof![2 => Just(255u32), 1 => Just(6u32)];
    let path_bytes = prop_oneof![2 => Just(4096u32), 1 => Just(8u32)];
    (bytes, file_bytes, few(), few(), few(), few(), name_bytes, path_bytes).prop_map(
        |(bytes, file_bytes, inodes, directory_entries, open_handles, links, name_bytes, path_bytes)| Limits {
            bytes,
            inodes,
            file_bytes,
            name_bytes,
            path_bytes,
            directory_entries,
            open_handles,
            links,
            symlink_depth: 8,
        },
    )
}
