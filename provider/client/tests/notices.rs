//! What a client hears of others' changes.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::time::Duration;

use common::nats::shared;
use common::world::{World, eventually, options};
use larder_core::{Follow, OpenFlags};
use larder_nats_client::{Notice, Notices, Options};
use larder_store_service::{NewNode, Position, Removal, Store};

const SOON: Duration = Duration::from_secs(20);

/// Waits for a notice that is as wanted; others may come before it.
fn expect(notices: &Notices, what: &str, wanted: impl Fn(Notice) -> bool) {
    loop {
        let notice = notices.next(SOON).unwrap_or_else(|| panic!("never heard: {what}"));
        if wanted(notice) {
            return;
        }
    }
}

#[test]
fn every_kind_of_change_is_told() {
    let world = World::new();
    let (one, other) = (world.connect(options()), world.connect(options()));
    let notices = other.store.notices().unwrap();
    let root = one.root();
    let names = |notice| notice == Notice::Names { ino: root.ino, generation: root.generation };

    let file = one.create("file");
    expect(&notices, "a creation", names);
    one.write(file, Position::End, b"content").unwrap();
    let version = one.store.stat(&one.call(), file).unwrap().version;
    expect(&notices, "a write", |notice| {
        notice == Notice::Content { ino: file.ino, generation: file.generation, version }
    });
    one.store.make(&one.call(), one.at("directory"), NewNode::Directory).unwrap();
    expect(&notices, "a directory", names);
    one.store.rename(&one.call(), one.at("file"), one.at("directory/file")).unwrap();
    expect(&notices, "a renaming", names);
    one.store.remove(&one.call(), one.at("directory/file"), Removal::File).unwrap();
    expect(&notices, "a removal", names);

    // What only looks is not told, once all else is.
    while notices.next(Duration::from_millis(200)).is_some() {}
    one.store.stat_at(&one.call(), one.at("directory"), Follow::Yes).unwrap();
    one.store.list(&one.call(), root, 0, 10).unwrap();
    assert_eq!(notices.next(Duration::from_millis(200)), None);
}

#[test]
fn after_a_restart_of_the_server_all_may_be_another() {
    let mut world = World::new();
    let one = world.connect(options());
    let notices = one.store.notices().unwrap();
    one.create("file");
    expect(&notices, "a creation", |notice| matches!(notice, Notice::Names { .. }));
    world.stop();
    world.serve(shared(), SOON);
    let anew = world.connect(options());
    anew.create("other");
    expect(&notices, "another server", |notice| notice == Notice::Anything);
}

#[test]
fn what_was_read_ahead_is_not_older_than_what_was_heard() {
    const PIECE: usize = 64 << 10;
    let world = World::new();
    let writer = world.connect(options());
    let file = writer.create("file");
    writer.fill(file, &vec![1; 32 * PIECE]);
    let reader = world.connect(Options { listens: true, ..options() });
    let same = reader.open("file", OpenFlags::empty());
    let piece = |index: usize| reader.read(same, (index * PIECE) as u64, u32::try_from(PIECE).unwrap());
    for index in 0..4 {
        assert_eq!(piece(index), vec![1; PIECE]);
    }
    // Pages of it are read ahead now.
    writer.fill(file, &vec![2; 32 * PIECE]);
    let mut next = 4;
    eventually("the new content is read", || {
        next += 1;
        piece(next) == vec![2; PIECE]
    });
    assert!(next < 16, "not only behind what was read ahead");
}
