//! What a backend brings in is charged, linked and listed as if operations had
//! made it, and nobody sees half of it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::expect_used,
    reason = "a test may panic"
)]
#![allow(clippy::single_range_in_vec_init, reason = "files with one range of bytes")]

mod support;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Barrier};

use larder_core::{
    Adopted, AdoptedEntry, CHUNK_BYTES, DescriptorFlags, ENTRY_BYTES, ErrorCode, FileType, Follow, Limits, NodeId,
    OpenFlags, Operation, PAGE_BYTES, Rights, Usage, View, Volume, VolumeOptions,
};
use support::{
    Listings, NOW, Recorder, Versions, away, balanced, context, create, entry, fails, lookup, make_directory, names,
    read, set_size, snapshot, whole, write,
};

const CHUNK: u64 = CHUNK_BYTES as u64;
const PAGE: u64 = PAGE_BYTES as u64;

fn unlisted() -> (Arc<Volume>, Arc<Listings>) {
    let volume = Volume::unlisted(VolumeOptions::default());
    let listings = Listings::of(&volume);
    listings.put(volume.root_id(), tree());
    (volume, listings)
}

fn tree() -> Vec<AdoptedEntry> {
    vec![
        entry("file", whole(10, "v")),
        entry("empty", Adopted::Directory),
        entry("full", Adopted::Directory),
        entry("link", Adopted::Symlink { target: "file".into() }),
    ]
}

fn limited(limits: Limits) -> Arc<Volume> {
    Volume::new(VolumeOptions { limits, ..VolumeOptions::default() })
}

fn links(volume: &Volume, node: NodeId) -> u64 {
    volume.attributes(node).unwrap().link_count
}

fn rename(volume: &Arc<Volume>, from: (NodeId, &str), to: (NodeId, &str)) -> larder_core::Result<()> {
    let (from, from_name) = (from.0, from.1.into());
    let (to, to_name) = (to.0, to.1.into());
    volume.apply(&context(), &Operation::Rename { from, from_name, to, to_name }).map(drop)
}

fn remove(volume: &Arc<Volume>, directory: NodeId, name: &str) -> larder_core::Result<()> {
    let name = name.into();
    volume.apply(&context(), &Operation::RemoveDirectory { directory, name }).map(drop)
}

fn unlink(volume: &Arc<Volume>, directory: NodeId, name: &str) -> larder_core::Result<()> {
    volume.apply(&context(), &Operation::Unlink { directory, name: name.into() }).map(drop)
}

#[test]
fn the_first_look_lists() {
    type Look = fn(&Arc<Volume>, NodeId);
    let looks: [Look; 7] = [
        |volume, root| assert_eq!(lookup(volume, root, "file").unwrap().generation, 1),
        |volume, root| assert_eq!(names(volume, root).unwrap(), ["file", "empty", "full", "link"]),
        |volume, root| {
            let operation = Operation::CreateFile { directory: root, name: "file".into(), mode: 0 };
            fails(volume.apply(&context(), &operation), ErrorCode::Exist);
        },
        |volume, root| rename(volume, (root, "file"), (root, "other")).unwrap(),
        |volume, root| unlink(volume, root, "file").unwrap(),
        |volume, root| remove(volume, root, "empty").unwrap(),
        |volume, _| drop(volume.freeze().unwrap()),
    ];
    for look in looks {
        let (volume, listings) = unlisted();
        let versions = Versions::of(&volume);
        versions.put("v", vec![1; 10]);
        let recorder = Recorder::of(&volume);
        let root = volume.root_id();
        assert!(volume.is_unlisted_directory(root).unwrap());
        look(&volume, root);
        assert!(!volume.is_unlisted_directory(root).unwrap());
        assert!(recorder.take().len() < 2, "what is adopted is not told");
        assert_eq!(listings.lists.load(Ordering::Relaxed), listings.lists.load(Ordering::Relaxed).clamp(1, 3));
        balanced(&volume);
    }
}

#[test]
fn a_directory_that_is_not_listed_moves_and_takes_names() {
    let (volume, listings) = unlisted();
    let root = volume.root_id();
    let full = lookup(&volume, root, "full").unwrap();
    listings.put(full, vec![entry("inner", whole(5, "v")), entry("below", Adopted::Directory)]);
    assert_eq!(links(&volume, root), 4);
    // Its entries are counted once it is listed.
    assert!(volume.is_unlisted_directory(full).unwrap());
    assert_eq!(links(&volume, full), 2);
    fails(remove(&volume, root, "full"), ErrorCode::NotEmpty);
    assert_eq!(links(&volume, full), 3);
    let below = lookup(&volume, full, "below").unwrap();
    rename(&volume, (root, "file"), (below, "moved")).unwrap();
    rename(&volume, (full, "below"), (root, "up")).unwrap();
    assert_eq!((links(&volume, root), links(&volume, full), links(&volume, below)), (5, 2, 2));
    rename(&volume, (root, "empty"), (below, "empty")).unwrap();
    fails(rename(&volume, (root, "up"), (below, "x")), ErrorCode::Invalid);
    fails(rename(&volume, (root, "up"), (root, "full")), ErrorCode::NotEmpty);
    balanced(&volume);
}

#[test]
fn a_lister_that_fails_is_heard_and_asked_again() {
    for code in [ErrorCode::Io, ErrorCode::Access, ErrorCode::NoEntry] {
        let (volume, listings) = unlisted();
        let root = volume.root_id();
        *listings.fail.lock().unwrap() = Some(code);
        fails(lookup(&volume, root, "file"), code);
        fails(names(&volume, root), code);
        fails(remove(&volume, root, "empty"), code);
        fails(unlink(&volume, root, "file"), code);
        fails(rename(&volume, (root, "file"), (root, "x")), code);
        fails(volume.freeze(), code);
        *listings.fail.lock().unwrap() = None;
        lookup(&volume, root, "file").unwrap();
        *listings.fail.lock().unwrap() = Some(code);
        let full = lookup(&volume, root, "full").unwrap();
        // Once for each: no lock is held then, so none of them looks again.
        let before = listings.lists.load(Ordering::Relaxed);
        fails(remove(&volume, root, "full"), code);
        fails(rename(&volume, (root, "file"), (full, "x")), code);
        fails(rename(&volume, (root, "empty"), (root, "full")), code);
        assert_eq!(listings.lists.load(Ordering::Relaxed), before + 3);
    }
}

struct Nothing;

impl larder_core::Lister for Nothing {
    fn list(&self, _: NodeId) -> larder_core::Result<()> {
        Ok(())
    }
}

#[test]
fn without_a_lister_that_lists_there_is_an_error_and_no_waiting() {
    let volume = Volume::unlisted(VolumeOptions::default());
    let root = volume.root_id();
    for _ in 0..2 {
        fails(names(&volume, root), ErrorCode::Io);
        fails(remove(&volume, root, "x"), ErrorCode::Io);
        fails(volume.freeze(), ErrorCode::Io);
        let _ = volume.set_lister(Arc::new(Nothing));
    }
    volume.adopt_listing(root, &tree()).unwrap();
    fails(remove(&volume, root, "full"), ErrorCode::Io);
}

#[test]
fn what_is_adopted_is_charged() {
    let volume = Volume::new(VolumeOptions::default());
    let versions = Versions::of(&volume);
    let root = volume.root_id();
    let mut bytes = 0;
    let mut inodes = 1;
    let expect = |bytes: u64, inodes: u64| {
        assert_eq!(volume.usage(), Usage { bytes, inodes, open_handles: 0 });
        balanced(&volume);
    };
    let size = 3 * CHUNK + 10;
    versions.put("v", vec![5; usize::try_from(size).unwrap()]);
    let ranges = [PAGE..PAGE + 1, 2 * CHUNK..size];
    let file = volume.adopt(root, &entry("file", away(size, "v", &ranges))).unwrap();
    bytes += ENTRY_BYTES + 4 + PAGE + CHUNK + PAGE;
    inodes += 1;
    expect(bytes, inodes);
    assert_eq!(volume.attributes(file).unwrap().allocated, CHUNK + 2 * PAGE);
    volume.adopt(root, &entry("again", Adopted::Known(file))).unwrap();
    bytes += ENTRY_BYTES + 5;
    expect(bytes, inodes);
    assert_eq!(links(&volume, file), 2);
    volume.adopt(root, &entry("link", Adopted::Symlink { target: "file".into() })).unwrap();
    bytes += ENTRY_BYTES + 4 + 4;
    inodes += 1;
    expect(bytes, inodes);
    let attributes = volume.attributes(volume.adopt(root, &entry("d", Adopted::Directory)).unwrap()).unwrap();
    assert_eq!((attributes.file_type, attributes.mode, attributes.link_count), (FileType::Directory, 0o640, 2));
    bytes += ENTRY_BYTES + 1;
    inodes += 1;
    expect(bytes, inodes);
    // Overwritten in part: it has all that it had.
    write(&volume, file, PAGE + 1, b"x").unwrap();
    write(&volume, file, 2 * CHUNK + 5, b"x").unwrap();
    expect(bytes, inodes);
    write(&volume, file, 0, b"x").unwrap();
    bytes += PAGE;
    expect(bytes, inodes);
    set_size(&volume, file, 2 * CHUNK + PAGE).unwrap();
    bytes -= CHUNK;
    expect(bytes, inodes);
    unlink(&volume, root, "file").unwrap();
    bytes -= ENTRY_BYTES + 4;
    expect(bytes, inodes);
    assert!(volume.disown(NOW, root, "again", file).unwrap());
    bytes -= ENTRY_BYTES + 5 + 3 * PAGE;
    inodes -= 1;
    expect(bytes, inodes);
}

#[test]
fn what_cannot_be_adopted_changes_nothing() {
    let volume = limited(Limits { file_bytes: 1 << 20, name_bytes: 10, links: 2, ..Limits::default() });
    let root = volume.root_id();
    let old = create(&volume, root, "old");
    let directory = make_directory(&volume, root, "d");
    create(&volume, directory, "inner");
    create(&volume, root, "linked");
    let linked = lookup(&volume, root, "linked").unwrap();
    volume.adopt(root, &entry("linked2", Adopted::Known(linked))).unwrap();
    let symlink = |target: &str| Adopted::Symlink { target: target.into() };
    let before = (snapshot(&volume), volume.usage());
    let gone = NodeId { ino: 1000, generation: 1 };
    for (name, what, code) in [
        ("a/b", whole(1, "v"), ErrorCode::Invalid),
        ("..", whole(1, "v"), ErrorCode::Invalid),
        ("a-long-name", whole(1, "v"), ErrorCode::NameTooLong),
        ("old", whole((1 << 20) + 1, "v"), ErrorCode::FileTooLarge),
        ("old", away(10, "v", &[0..11]), ErrorCode::Invalid),
        ("old", away(10, "v", &[1..2]), ErrorCode::Invalid),
        ("old", away(CHUNK, "v", &[0..2, PAGE..PAGE + 1]), ErrorCode::Invalid),
        ("old", symlink(""), ErrorCode::NoEntry),
        ("old", symlink("a\0"), ErrorCode::Invalid),
        ("old", Adopted::Known(gone), ErrorCode::NoEntry),
        ("old", Adopted::Known(directory), ErrorCode::NotPermitted),
        ("old", Adopted::Known(linked), ErrorCode::TooManyLinks),
        ("d", whole(1, "v"), ErrorCode::NotEmpty),
        ("d", Adopted::Known(old), ErrorCode::NotEmpty),
    ] {
        fails(volume.adopt(root, &entry(name, what)), code);
        assert!(before == (snapshot(&volume), volume.usage()), "{name}: {code:?}");
        balanced(&volume);
    }
    fails(volume.adopt(old, &entry("x", whole(1, "v"))), ErrorCode::NotDirectory);
    fails(volume.adopt(gone, &entry("x", whole(1, "v"))), ErrorCode::NoEntry);
    fails(volume.disown(NOW, root, "d", directory), ErrorCode::NotEmpty);
    assert!(!volume.disown(NOW, root, "old", linked).unwrap());
    assert!(!volume.disown(NOW, root, "nothing", linked).unwrap());
    assert!(before == (snapshot(&volume), volume.usage()));
}

#[test]
fn limits_hold_and_what_makes_room_for_itself_fits() {
    let name = ENTRY_BYTES + 1;
    let volume = limited(Limits { bytes: name + PAGE, inodes: 2, directory_entries: 1, ..Limits::default() });
    let root = volume.root_id();
    fails(volume.adopt(root, &entry("f", whole(PAGE + 1, "v"))), ErrorCode::InsufficientSpace);
    balanced(&volume);
    volume.adopt(root, &entry("f", whole(PAGE, "v"))).unwrap();
    fails(volume.adopt(root, &entry("g", Adopted::Directory)), ErrorCode::Quota);
    // A new version of what is there, with the volume full.
    let second = volume.adopt(root, &entry("f", whole(PAGE, "w"))).unwrap();
    balanced(&volume);
    let view = View::new(&volume, Rights::READ_ONLY).unwrap();
    let root_handle = view.root().unwrap();
    let open = root_handle.open_at(NOW, Follow::No, "f", OpenFlags::empty(), DescriptorFlags::READ).unwrap();
    // The old one stays as long as it is open.
    fails(volume.adopt(root, &entry("f", whole(PAGE, "x"))), ErrorCode::InsufficientSpace);
    assert_eq!(lookup(&volume, root, "f").unwrap(), second);
    balanced(&volume);
    drop(open);
    volume.adopt(root, &entry("f", Adopted::Symlink { target: "t".into() })).unwrap();
    balanced(&volume);
    assert_eq!(volume.usage().bytes, name + 1);
}

#[test]
fn adopting_replaces_and_whoever_has_it_open_keeps_it() {
    let volume = Volume::new(VolumeOptions::default());
    let versions = Versions::of(&volume);
    versions.put("v", b"0123456789".to_vec());
    versions.put("w", b"newer".to_vec());
    let root = volume.root_id();
    let recorder = Recorder::of(&volume);
    let first = volume.adopt(root, &entry("f", whole(10, "v"))).unwrap();
    let view = View::new(&volume, Rights::READ_WRITE).unwrap();
    let handle = view.root().unwrap();
    let open = handle.open_at(NOW, Follow::No, "f", OpenFlags::empty(), DescriptorFlags::READ).unwrap();
    let second = volume.adopt(root, &entry("f", whole(5, "w"))).unwrap();
    assert_eq!(open.read(0, 100).unwrap().into_bytes(), "0123456789");
    assert_eq!(open.stat().unwrap().link_count, 0);
    assert_eq!(read(&volume, second, 0, 100).unwrap(), "newer");
    balanced(&volume);
    drop(open);
    assert!(volume.attributes(first).is_err());
    let open = handle.open_at(NOW, Follow::No, "f", OpenFlags::empty(), DescriptorFlags::READ).unwrap();
    assert!(volume.disown(NOW, root, "f", second).unwrap());
    assert_eq!(open.read(1, 2).unwrap().into_bytes(), "ew");
    balanced(&volume);
    drop(open);
    balanced(&volume);
    // An empty directory; back again; and another name of itself.
    make_directory(&volume, root, "d");
    recorder.take();
    let links_before = links(&volume, root);
    let file = volume.adopt(root, &entry("d", whole(5, "w"))).unwrap();
    assert_eq!(links(&volume, root), links_before - 1);
    assert_eq!(volume.adopt(root, &entry("d", Adopted::Known(file))).unwrap(), file);
    assert_eq!((lookup(&volume, root, "d").unwrap(), links(&volume, file)), (file, 1));
    let directory = volume.adopt(root, &entry("d", Adopted::Directory)).unwrap();
    assert_eq!((links(&volume, root), links(&volume, directory)), (links_before, 2));
    volume.adopt(root, &entry("d", Adopted::Directory)).unwrap_err();
    assert_eq!(recorder.take(), []);
}

#[test]
fn a_name_that_is_replaced_is_there_all_the_time() {
    let volume = Volume::new(VolumeOptions::default());
    let root = volume.root_id();
    volume.adopt(root, &entry("f", whole(10, "v"))).unwrap();
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            for _ in 0..2_000 {
                volume.adopt(root, &entry("f", whole(10, "v"))).unwrap();
            }
        });
        while !thread.is_finished() {
            lookup(&volume, root, "f").unwrap();
            let operation = Operation::CreateFile { directory: root, name: "f".into(), mode: 0 };
            fails(volume.apply(&context(), &operation), ErrorCode::Exist);
        }
    });
    balanced(&volume);
}

#[test]
fn a_listing_leaves_out_what_cannot_be() {
    let volume = Volume::unlisted(VolumeOptions {
        limits: Limits { directory_entries: 3, links: 2, ..Limits::default() },
        ..VolumeOptions::default()
    });
    let root = volume.root_id();
    let Adopted::File { .. } = whole(1, "v") else { panic!() };
    let listed = volume
        .adopt_listing(root, &[entry("a", whole(1, "v")), entry("a", whole(2, "v")), entry("/", whole(1, "v"))])
        .unwrap();
    let codes = |listed: &[larder_core::Result<NodeId>]| -> Vec<Option<ErrorCode>> {
        listed.iter().map(|one| one.as_ref().err().map(larder_core::Error::code)).collect()
    };
    assert_eq!(codes(&listed), [None, Some(ErrorCode::Exist), Some(ErrorCode::Invalid)]);
    balanced(&volume);
    let file = *listed[0].as_ref().unwrap();
    let directory = volume.adopt(root, &entry("d", Adopted::Directory)).unwrap();
    let listed = volume
        .adopt_listing(
            directory,
            &[
                entry("a", Adopted::Known(file)),
                entry("b", Adopted::Known(file)),
                entry("c", Adopted::Known(root)),
                entry("d", Adopted::Directory),
                entry("e", whole(CHUNK, "v")),
                entry("f", whole(CHUNK, "v")),
            ],
        )
        .unwrap();
    let expected =
        [None, Some(ErrorCode::TooManyLinks), Some(ErrorCode::NotPermitted), None, None, Some(ErrorCode::Quota)];
    assert_eq!(codes(&listed), expected);
    assert_eq!((links(&volume, file), links(&volume, directory)), (2, 3));
    assert_eq!(lookup(&volume, directory, "a").unwrap(), file);
    // It is filled: nothing happens.
    assert!(volume.adopt_listing(directory, &tree()).unwrap().is_empty());
    fails(volume.adopt_listing(file, &tree()), ErrorCode::NotDirectory);
    let usage = volume.usage();
    volume.disown(NOW, directory, "a", file).unwrap();
    assert_eq!(volume.usage().bytes, usage.bytes - ENTRY_BYTES - 1);
}

#[test]
fn a_directory_is_seen_with_all_of_its_entries_or_none() {
    for _ in 0..50 {
        let volume = Volume::unlisted(VolumeOptions::default());
        let listings = Listings::of(&volume);
        let root = volume.root_id();
        listings.put(root, (0..200).map(|at| entry(&format!("n{at}"), whole(1, "v"))).collect());
        let start = Barrier::new(4);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (volume, start) = (&volume, &start);
                scope.spawn(move || {
                    start.wait();
                    match thread {
                        0 => assert_eq!(names(volume, root).unwrap().len(), 200),
                        1 => drop(lookup(volume, root, "n199").unwrap()),
                        2 => {
                            let operation = Operation::CreateFile { directory: root, name: "n199".into(), mode: 0 };
                            fails(volume.apply(&context(), &operation), ErrorCode::Exist);
                        }
                        _ => assert_eq!(names(volume, root).unwrap().len(), 200),
                    }
                });
            }
        });
        assert_eq!(volume.usage().inodes, 201);
        balanced(&volume);
    }
}
