//! Where a failure of something deferred is reported, and what a store that is
//! away does to a guest.
#![allow(clippy::panic, reason = "a test fails by panicking")]

mod counted;

use counted::{World, open_flags};
use larder_core::{DescriptorFlags, ErrorCode, Follow, Limits, OpenFlags};

const READ: DescriptorFlags = DescriptorFlags::READ;
const WRITE: DescriptorFlags = DescriptorFlags::WRITE;

fn code<T>(result: larder_core::Result<T>) -> ErrorCode {
    match result {
        Ok(_) => panic!("it succeeded"),
        Err(error) => error.code(),
    }
}

/// A volume of 1 MiB.
fn small() -> World {
    World::with(Limits { bytes: 1 << 20, ..Limits::default() })
}

#[test]
fn sync_reports_what_was_deferred() {
    let world = small();
    let root = world.root();
    let file = root.open_at(Follow::Yes, "file", open_flags(), WRITE).unwrap();
    for offset in [0, 400 << 10, 800 << 10] {
        file.write(offset, &[1; 400 << 10].as_slice()).unwrap();
        if offset < 800 << 10 {
            file.sync().unwrap();
        }
    }
    assert_eq!(code(file.sync()), ErrorCode::InsufficientSpace);
    file.sync().expect("it is reported once");
}

#[test]
fn the_next_call_on_the_descriptor_reports_it() {
    let world = small();
    let root = world.root();
    let full = root.open_at(Follow::Yes, "full", open_flags(), WRITE).unwrap();
    for offset in [0, 500 << 10] {
        full.write(offset, &[1; 500 << 10].as_slice()).unwrap();
        full.sync().unwrap();
    }
    let file = root.open_at(Follow::Yes, "file", open_flags(), WRITE).unwrap();
    file.write(0, &[1; 400 << 10].as_slice()).unwrap();
    // Another file's rename flushes it, and is not blamed.
    root.rename_at("full", &root, "renamed").unwrap();
    assert_eq!(code(file.flush()), ErrorCode::InsufficientSpace);
}

#[test]
fn after_the_close_the_next_call_on_the_mount_reports_it() {
    let world = small();
    let root = world.root();
    root.create_directory_at("d").unwrap();
    world.put("full", &[1; 900 << 10]);
    let file = root.open_at(Follow::Yes, "d/file", open_flags(), WRITE).unwrap();
    file.write(0, &[1; 400 << 10].as_slice()).unwrap();
    drop(file);
    assert_eq!(code(root.stat_at(Follow::Yes, "full")), ErrorCode::InsufficientSpace);
    root.stat_at(Follow::Yes, "full").expect("it is reported once");
}

#[test]
fn settling_reports_it_at_last() {
    let world = small();
    let root = world.root();
    root.create_directory_at("d").unwrap();
    world.put("full", &[1; 900 << 10]);
    let file = root.open_at(Follow::Yes, "d/file", open_flags(), WRITE).unwrap();
    file.write(0, &[1; 400 << 10].as_slice()).unwrap();
    assert_eq!(code(world.client.settle()), ErrorCode::InsufficientSpace);
}

#[test]
fn settling_brings_open_files_into_the_store() {
    let world = World::new();
    let root = world.root();
    root.create_directory_at("d").unwrap();
    let old = root.open_at(Follow::Yes, "old", open_flags(), WRITE).unwrap();
    old.write(0, &b"nor this".as_slice()).unwrap();
    let new = root.open_at(Follow::Yes, "d/new", open_flags(), WRITE).unwrap();
    new.write(0, &b"never closed".as_slice()).unwrap();
    assert!(!world.exists("d/new"));
    world.client.settle().unwrap();
    assert_eq!(world.get("d/new"), b"never closed");
    assert_eq!(world.get("old"), b"nor this");
    // And the descriptors go on.
    new.write(12, &b", still".as_slice()).unwrap();
    drop(new);
    assert_eq!(world.get("d/new"), b"never closed, still");
}

#[test]
fn a_creation_that_somebody_foiled_is_reported() {
    let world = World::new();
    let root = world.root();
    root.create_directory_at("d").unwrap();
    let file = root.open_at(Follow::Yes, "d/name", open_flags(), WRITE).unwrap();
    file.write(0, &b"content".as_slice()).unwrap();
    world.view.root().unwrap().create_directory_at(counted::NOW, "d/name").unwrap();
    assert_eq!(code(file.sync()), ErrorCode::IsDirectory);
    assert_eq!(code(file.write(0, &b"again".as_slice())), ErrorCode::IsDirectory);
}

#[test]
fn a_store_that_is_away_is_an_input_output_error() {
    let world = World::new();
    world.put("file", b"content");
    let root = world.root();
    let file = root.open_at(Follow::Yes, "file", OpenFlags::empty(), READ | WRITE).unwrap();
    assert_eq!(file.read(0, 3).unwrap().concat(), b"con");
    world.kill();
    assert_eq!(file.read(3, 4).unwrap().concat(), b"tent", "what is cached is still there");
    file.write(0, &b"x".as_slice()).unwrap();
    assert_eq!(code(file.sync()), ErrorCode::Io);
    assert_eq!(code(file.stat()), ErrorCode::Io);
    assert_eq!(code(file.set_size(1)), ErrorCode::Io);
    assert_eq!(code(root.open_at(Follow::Yes, "file", OpenFlags::empty(), READ)), ErrorCode::Io);
    assert_eq!(code(root.read_directory(0, 1)), ErrorCode::Io);
    assert_eq!(code(root.rename_at("file", &root, "other")), ErrorCode::Io);
    drop(file);
    world.revive();
    root.stat_at(Follow::Yes, "file").expect("it works again when the store is back");
}

#[test]
fn an_unlinked_file_stays_as_long_as_it_is_open() {
    let world = World::new();
    world.put("file", &vec![3; 200 << 10]);
    let root = world.root();
    let file = root.open_at(Follow::Yes, "file", OpenFlags::empty(), READ | WRITE).unwrap();
    world.view.root().unwrap().unlink_file_at(counted::NOW, "file").unwrap();
    assert_eq!(file.read(199 << 10, 4096).unwrap().concat().len(), 1024);
    file.write(0, &b"still".as_slice()).unwrap();
    file.sync().unwrap();
    drop(file);
    world.client.settle().unwrap();
    assert_eq!(world.volume.usage().inodes, 1, "and goes when it is closed");
}

#[test]
fn holds_end_with_the_session() {
    let world = World::new();
    world.put("file", b"content");
    let before = world.volume.usage().open_handles;
    let root = world.root();
    let file = root.open_at(Follow::Yes, "file", OpenFlags::empty(), READ).unwrap();
    assert!(world.volume.usage().open_handles > before);
    let World { volume, view, client, .. } = world;
    drop((file, root, client, view));
    assert_eq!(volume.usage().open_handles, 0);
}
