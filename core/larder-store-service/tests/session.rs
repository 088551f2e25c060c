//! What a session refuses, and what it does once.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::sync::Arc;

use larder_core::{DescriptorFlags, ErrorCode, Follow, OpenFlags, Rights, Timestamp, View, Volume, VolumeOptions};
use larder_store_service::{
    Call, Change, MAX_TRANSFER, NewNode, Node, Note, Opening, Place, Position, REMEMBERED_CHANGES, Removal, Service,
    Session, Store, Target, VERSION, Write,
};

const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

struct World {
    view: View,
    session: Session,
    id: u64,
    root: Node,
}

fn world() -> World {
    let volume = Volume::new(VolumeOptions::default());
    let view = View::new(&volume, Rights::READ_WRITE).unwrap();
    view.root().unwrap().create_directory_at(NOW, "inside").unwrap();
    view.root().unwrap().create_directory_at(NOW, "outside").unwrap();
    let inside = view.subdirectory("inside", Rights::READ_WRITE).unwrap();
    let service = Arc::new(Service::new(Arc::new(|| NOW)).mount(&inside, "/data").unwrap());
    let session = service.session();
    let welcome = session.begin(VERSION).unwrap();
    assert_eq!(welcome.mounts[0].path, "/data");
    World { view, id: welcome.session, root: welcome.mounts[0].root.node, session }
}

impl World {
    fn call(&self, operation: u64) -> Call {
        Call { session: self.id, operation, notes: Vec::new() }
    }

    fn place<'p>(&self, path: &'p str) -> Place<'p> {
        Place { directory: self.root, path }
    }

    fn append(&self, operation: u64, path: &str, bytes: &[u8]) -> Result<u64, ErrorCode> {
        let writes = vec![Write { position: Position::End, bytes }];
        let change = Change { writes, ..Change::of(Target::File(self.place(path))) };
        self.session.commit(&self.call(operation), &change).map(|attributes| attributes.size)
    }
}

#[test]
fn a_repeated_change_is_applied_once_and_answered_again() {
    let world = world();
    assert_eq!(world.append(1, "log", b"line\n"), Ok(5));
    assert_eq!(world.append(1, "log", b"line\n"), Ok(5));
    assert_eq!(world.append(2, "log", b"line\n"), Ok(10));
    let make = |operation| world.session.make(&world.call(operation), world.place("d"), NewNode::Directory);
    let made = make(3).unwrap();
    assert_eq!(make(3), Ok(made), "not `exist`: it was this call that made it");
    assert_eq!(make(4), Err(ErrorCode::Exist));
    assert_eq!(make(4), Err(ErrorCode::Exist));
    let remove = |operation| world.session.remove(&world.call(operation), world.place("d"), Removal::Directory);
    assert_eq!(remove(5), Ok(()));
    assert_eq!(remove(5), Ok(()));
    assert_eq!(remove(6), Err(ErrorCode::NoEntry));
}

#[test]
fn a_repeated_opening_holds_its_node_once() {
    let world = world();
    let how = Opening {
        follow: Follow::Yes,
        flags: OpenFlags::CREATE | OpenFlags::EXCLUSIVE,
        access: DescriptorFlags::WRITE,
        want: 0,
        known: None,
    };
    let opened = world.session.open(&world.call(1), world.place("f"), how).unwrap();
    assert_eq!(world.session.open(&world.call(1), world.place("f"), how), Ok(opened.clone()));
    let node = opened.attributes.node;
    world.session.stat(&world.call(2), node).unwrap();
    let notes = vec![Note { node, read: false, closed: true }];
    world.session.settle(&Call { notes, ..world.call(3) }, false).unwrap();
    assert_eq!(world.session.stat(&world.call(4), node), Err(ErrorCode::BadDescriptor));
}

#[test]
fn a_repeated_opening_that_changes_nothing_holds_its_node_once_too() {
    let world = world();
    world.append(1, "f", b"content").unwrap();
    let (follow, flags, access) = (Follow::Yes, OpenFlags::empty(), DescriptorFlags::READ);
    let how = Opening { follow, flags, access, want: 100, known: None };
    let open = |operation| world.session.open(&world.call(operation), world.place("f"), how);
    let opened = open(2).unwrap();
    assert_eq!(open(2), Ok(opened.clone()));
    let node = opened.attributes.node;
    let notes = || vec![Note { node, read: false, closed: true }];
    world.session.settle(&Call { notes: notes(), ..world.call(3) }, false).unwrap();
    assert_eq!(world.session.stat(&world.call(4), node), Err(ErrorCode::BadDescriptor));
    // Another opening is another hold.
    open(5).unwrap();
    open(6).unwrap();
    world.session.settle(&Call { notes: notes(), ..world.call(7) }, false).unwrap();
    world.session.stat(&world.call(8), node).unwrap();
}

#[test]
fn a_repeated_query_carries_its_notes_out_once() {
    let world = world();
    world.append(1, "f", b"content").unwrap();
    let (follow, flags, access) = (Follow::Yes, OpenFlags::empty(), DescriptorFlags::READ);
    let how = Opening { follow, flags, access, want: 0, known: None };
    let node = world.session.open(&world.call(2), world.place("f"), how).unwrap().attributes.node;
    let closes = |operation| Call { notes: vec![Note { node, read: false, closed: true }], ..world.call(operation) };
    // The answer that the note lets go of is the one before, not its own.
    let opened = world.session.open(&closes(3), world.place("f"), how).unwrap();
    assert_eq!(world.session.open(&closes(3), world.place("f"), how), Ok(opened));
    world.session.stat(&world.call(4), node).unwrap();
    world.session.open(&world.call(5), world.place("f"), how).unwrap();
    for _ in 0..2 {
        world.session.read_link(&closes(6), world.place("f")).unwrap_err();
    }
    world.session.stat(&world.call(7), node).unwrap();
    world.session.settle(&closes(8), false).unwrap();
    assert_eq!(world.session.stat(&world.call(9), node), Err(ErrorCode::BadDescriptor));
}

#[test]
fn what_is_too_old_to_be_remembered_is_not_guessed() {
    let world = world();
    for operation in 1..=REMEMBERED_CHANGES as u64 + 1 {
        world.append(operation, "log", b"x").unwrap();
    }
    assert_eq!(world.append(1, "log", b"x"), Err(ErrorCode::NotRecoverable));
    assert_eq!(world.append(2, "log", b"x"), Ok(2));
}

#[test]
fn nodes_are_no_way_around_a_mount() {
    let world = world();
    let whole = world.view.root().unwrap();
    let outside = whole.stat_at(Follow::No, "outside").unwrap().id;
    for ino in [world.view.volume().root_id().ino, outside.ino] {
        let node = Node { ino, ..world.root };
        assert_eq!(world.session.stat(&world.call(1), node), Err(ErrorCode::BadDescriptor));
        let place = Place { directory: node, path: "x" };
        assert_eq!(world.session.make(&world.call(2 + ino), place, NewNode::Directory), Err(ErrorCode::BadDescriptor));
    }
    for path in ["../outside", "..", "/outside"] {
        assert_eq!(
            world.session.stat_at(&world.call(1), world.place(path), Follow::Yes),
            Err(ErrorCode::NotPermitted),
            "{path}"
        );
    }
}

#[test]
fn wrong_sessions_versions_and_sizes_are_refused() {
    let world = world();
    let stranger = Call { session: world.id + 1, ..world.call(1) };
    assert_eq!(world.session.stat(&stranger, world.root), Err(ErrorCode::Io));
    assert_eq!(world.session.begin(VERSION + 1), Err(ErrorCode::Unsupported));
    assert_eq!(world.append(1, "f", &vec![0; MAX_TRANSFER + 1]), Err(ErrorCode::MessageSize));
    assert!(world.view.root().unwrap().stat_at(Follow::No, "inside/f").is_err());
}

#[test]
fn a_read_only_mount_changes_nothing() {
    let world = world();
    let read_only = world.view.subdirectory("inside", Rights::READ_ONLY).unwrap();
    let session = Arc::new(Service::new(Arc::new(|| NOW)).mount(&read_only, "/").unwrap()).session();
    let welcome = session.begin(VERSION).unwrap();
    let call = Call { session: welcome.session, operation: 1, notes: Vec::new() };
    let at = Place { directory: welcome.mounts[0].root.node, path: "f" };
    assert_eq!(session.commit(&call, &Change::of(Target::File(at))), Err(ErrorCode::ReadOnly));
    let call = Call { operation: 2, ..call };
    assert_eq!(session.make(&call, at, NewNode::SymbolicLink("t")), Err(ErrorCode::ReadOnly));
}
