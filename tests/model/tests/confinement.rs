//! Whatever is asked of a view, it shows and changes nothing outside of its
//! directory, and a read-only view changes nothing at all.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use larder_core::{
    Attributes, Context, Descriptor, DescriptorFlags, FileType, Follow, NodeId, OpenFlags, Operation, Reply, Rights,
    SetTime, Timestamp, View, Volume, VolumeOptions,
};
use larder_model::paths::path;
use proptest::prelude::*;
use proptest::sample::select;

/// Something that is tried on a path, or on two.
#[derive(Clone, Copy, Debug)]
enum Try {
    Open,
    Truncate,
    Create,
    Directory,
    Link,
    LinkBehind,
    Rename,
    Unlink,
    RemoveDirectory,
    Symlink,
    Times,
    View,
}

const TRIES: [Try; 12] = [
    Try::Open,
    Try::Truncate,
    Try::Create,
    Try::Directory,
    Try::Link,
    Try::LinkBehind,
    Try::Rename,
    Try::Unlink,
    Try::RemoveDirectory,
    Try::Symlink,
    Try::Times,
    Try::View,
];

/// What can be seen of a node.
type Seen = (Attributes, Reply);

fn ask(volume: &Arc<Volume>, operation: Operation) -> Reply {
    volume.apply(&Context::default(), &operation).unwrap()
}

/// All nodes below `directory`, itself included, but for what is below
/// `without`.
fn below(volume: &Arc<Volume>, directory: NodeId, without: Option<NodeId>) -> BTreeMap<NodeId, Seen> {
    let mut found = BTreeMap::new();
    let mut todo = vec![directory];
    while let Some(node) = todo.pop() {
        if Some(node) == without || found.contains_key(&node) {
            continue;
        }
        let Reply::Node(attributes) = ask(volume, Operation::GetAttributes { node }) else { continue };
        let content = match attributes.file_type {
            FileType::RegularFile => ask(volume, Operation::Read { node, offset: 0, length: 1 << 20 }),
            FileType::SymbolicLink => ask(volume, Operation::ReadLink { node }),
            FileType::Directory => ask(volume, Operation::ReadDirectory { directory: node, after: 0, max: 4096 }),
        };
        if let Reply::Entries(entries) = &content {
            todo.extend(entries.iter().map(|entry| entry.id));
        }
        found.insert(node, (attributes, content));
    }
    found
}

/// Makes a tree as somebody with the whole volume might, links out included,
/// and gives the directory `a`, which is the view's.
fn build(links: &[(String, String)]) -> (Arc<Volume>, View, NodeId) {
    let volume = Volume::new(VolumeOptions::default());
    let all = View::new(&volume, Rights::READ_WRITE).unwrap();
    let root = all.root().unwrap();
    let now = Timestamp::UNIX_EPOCH;
    for directory in ["a", "a/b", "a/b/c", "b", "b/c", "c"] {
        root.create_directory_at(now, directory).unwrap();
    }
    for file in ["m", "b/m", "a/m", "a/b/m"] {
        let write = DescriptorFlags::WRITE;
        let file = root.open_at(now, Follow::No, file, OpenFlags::CREATE, write).unwrap();
        file.write(now, 0, b"content").unwrap();
    }
    for (target, at) in links {
        // Some cannot be made: never mind which.
        let _ = root.symlink_at(now, target, &format!("a/{at}"));
        let _ = root.symlink_at(now, target, at);
    }
    let inside = root.stat_at(Follow::No, "a").unwrap().id;
    (volume, all, inside)
}

/// Tries to change something; gives what was reached.
fn attempt(from: &Descriptor, to: &Descriptor, what: Try, path: &str, other: &str) -> Vec<Descriptor> {
    let now = Timestamp::from_seconds(9);
    let all = DescriptorFlags::all();
    let at = SetTime::Now;
    let open = |open, flags| from.open_at(now, Follow::Yes, path, open, flags);
    let opened = match what {
        Try::Open => open(OpenFlags::empty(), all).or_else(|_| open(OpenFlags::empty(), DescriptorFlags::READ)),
        Try::Truncate => open(OpenFlags::TRUNCATE, DescriptorFlags::READ),
        Try::Create => open(OpenFlags::CREATE, all),
        Try::View => from.view().subdirectory(path, Rights::READ_WRITE).and_then(|view| view.root()),
        _ => {
            let _ = match what {
                Try::Directory => from.create_directory_at(now, path),
                Try::Link => from.link_at(now, Follow::No, path, to, other),
                Try::LinkBehind => from.link_at(now, Follow::Yes, path, to, other),
                Try::Rename => from.rename_at(now, path, to, other),
                Try::Unlink => from.unlink_file_at(now, path),
                Try::RemoveDirectory => from.remove_directory_at(now, path),
                Try::Symlink => from.symlink_at(now, other, path),
                _ => from.set_times_at(now, Follow::Yes, path, at, at),
            };
            from.open_at(now, Follow::Yes, path, OpenFlags::empty(), DescriptorFlags::READ)
        }
    };
    // Whatever was opened is put to use.
    if let Ok(opened) = &opened {
        let _ = opened.write(now, 0, b"changed");
        let _ = opened.append(now, b"longer");
        let _ = opened.set_size(now, 3);
        let _ = opened.set_times(now, at, at);
        let _ = opened.read(0, 100);
        opened.touch_read(now);
        let _ = opened.unlink_file_at(now, "m");
        let _ = opened.dup().and_then(|dup| dup.create_directory_at(now, "made"));
        let _ = opened.open_at(now, Follow::Yes, "m", OpenFlags::CREATE | OpenFlags::TRUNCATE, all);
    }
    opened.into_iter().collect()
}

fn link() -> impl Strategy<Value = (String, String)> {
    let target = select(vec![
        "/",
        "/m",
        "/b",
        "/a",
        "/a/b",
        "/b/m",
        "..",
        "../m",
        "../b",
        "../../b/m",
        "../a",
        "b",
        "b/../..",
        "l",
        "k",
        "/mnt",
    ]);
    let at = select(vec!["l", "k", "b/l", "b/k", "b/c/l"]);
    (target, at).prop_map(|(target, at)| (target.to_owned(), at.to_owned()))
}

fn paths() -> impl Strategy<Value = String> {
    let through = select(vec![
        "l",
        "k",
        "l/m",
        "k/m",
        "b/l",
        "b/l/m",
        "b/k",
        "..",
        "../m",
        "b/../../m",
        "m",
        "b",
        "b/m",
        "l/l",
        "l/..",
        "k/../m",
        "/m",
        "b/c/l/m",
    ]);
    prop_oneof![3 => through.prop_map(str::to_owned), 1 => path()]
}

type Attempt = (Try, String, String, bool, bool);

fn attempts() -> impl Strategy<Value = Vec<Attempt>> {
    prop::collection::vec((select(TRIES.to_vec()), paths(), paths(), any::<bool>(), any::<bool>()), 1..25)
}

/// Every attempt from the root of the view, or from a directory in it, to the
/// same view or to the view `elsewhere`.
fn attack(view: &View, elsewhere: &View, attempts: &[Attempt]) -> Vec<Descriptor> {
    let mut from = vec![view.root().unwrap()];
    from.extend(from[0].open_at(Timestamp::UNIX_EPOCH, Follow::No, "b", OpenFlags::empty(), DescriptorFlags::READ));
    let other = elsewhere.root().unwrap();
    let tried = attempts.iter().flat_map(|(what, path, new, deeper, leave)| {
        let from = if *deeper { from.last() } else { from.first() }.unwrap();
        let to = if *leave { &other } else { from };
        attempt(from, to, *what, path, new)
    });
    tried.collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: larder_model::cases("LARDER_CONFINEMENT_CASES", 2000),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_scoped_view_neither_shows_nor_changes_what_is_outside(
        links in prop::collection::vec(link(), 0..6),
        attempts in attempts(),
        mounted in any::<bool>(),
    ) {
        let (volume, all, inside) = build(&links);
        let mut view = all.subdirectory("a", Rights::READ_WRITE).unwrap();
        if mounted {
            view = view.mounted_at("/mnt").unwrap();
        }
        let before = below(&volume, volume.root_id(), Some(inside));
        // A second view of the whole volume: rename and link must not cross.
        let reached = attack(&view, &all, &attempts);
        let outside: BTreeSet<_> = before.keys().copied().collect();
        for descriptor in &reached {
            prop_assert!(!outside.contains(&descriptor.id()), "{:?} is outside", descriptor.id());
        }
        prop_assert_eq!(below(&volume, volume.root_id(), Some(inside)), before);
    }

    #[test]
    fn a_read_only_view_changes_nothing(
        links in prop::collection::vec(link(), 0..6),
        attempts in attempts(),
        scoped in any::<bool>(),
    ) {
        let (volume, all, _) = build(&links);
        let read_only = all.subdirectory(if scoped { "a" } else { "" }, Rights::READ_ONLY).unwrap();
        let before = larder_model::compare::frozen(&volume);
        let reached = attack(&read_only, &all, &attempts);
        prop_assert!(larder_model::compare::frozen(&volume) == before, "a read-only view changed the volume");
        for descriptor in &reached {
            prop_assert!(!descriptor.flags().intersects(DescriptorFlags::WRITE | DescriptorFlags::MUTATE_DIRECTORY));
            prop_assert_eq!(descriptor.view().rights(), Rights::READ_ONLY);
        }
    }
}
