//! Several writes under way: their order, what is lost on the way, and where
//! their failures are told.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;
mod front;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use common::nats::{self, shared};
use common::world::{LEASE, World, options};
use front::Front;
use larder_core::{DescriptorFlags, ErrorCode, Follow, Limits, OpenFlags, Volume, VolumeOptions};
use larder_nats_client::NatsStore;
use larder_store_client::{Client, File};

/// Larger than what is under way at a time.
const LARGE: usize = (6 << 20) + 12_345;

struct Stage {
    world: World,
    front: Arc<Front>,
}

impl Stage {
    fn new(limits: Limits) -> Self {
        let volume = Volume::new(VolumeOptions { limits, ..VolumeOptions::default() });
        let world = World::of(volume, shared(), LEASE);
        let front = Front::of(&world.name);
        Self { world, front }
    }

    /// The root, as a guest of the forwarding variant has it.
    fn root(&self) -> File<NatsStore> {
        let store = NatsStore::connect(&nats::address(shared(), &self.front.name), options()).unwrap();
        let options = larder_store_client::Options { write_behind: true, cache: true };
        Client::new(store, options).roots().unwrap().remove(0).0
    }
}

fn create(root: &File<NatsStore>, path: &str) -> File<NatsStore> {
    root.open_at(Follow::Yes, path, OpenFlags::CREATE, DescriptorFlags::WRITE).unwrap()
}

fn pattern() -> Vec<u8> {
    (0..LARGE).map(|index| u8::try_from((index ^ (index >> 13)) % 251).unwrap()).collect()
}

fn write(file: &File<NatsStore>, content: &[u8], piece: usize) -> larder_core::Result<()> {
    for (index, piece_of) in content.chunks(piece).enumerate() {
        file.write((index * piece) as u64, &piece_of)?;
    }
    Ok(())
}

#[test]
fn a_large_file_is_written_with_several_changes_under_way() {
    let stage = Stage::new(Limits::default());
    stage.front.delay.store(20, Ordering::SeqCst);
    let root = stage.root();
    let content = pattern();
    for (path, piece) in [("small-pieces", 60_000), ("large-pieces", 1 << 20)] {
        let file = create(&root, path);
        write(&file, &content, piece).unwrap();
        file.sync().unwrap();
        assert!(stage.world.content(path) == content, "{path}");
    }
    let most = stage.front.most_in_progress.load(Ordering::SeqCst);
    assert!((2..=4).contains(&most), "{most} under way");
}

#[test]
fn what_is_lost_on_the_way_changes_neither_order_nor_content() {
    let stage = Stage::new(Limits::default());
    let root = stage.root();
    let content = pattern();
    for (path, lost) in [("requests", &stage.front.swallow), ("replies", &stage.front.lose)] {
        let file =
            root.open_at(Follow::Yes, path, OpenFlags::CREATE, DescriptorFlags::READ | DescriptorFlags::WRITE).unwrap();
        // The file is created with the first piece.
        file.append(&b"".as_slice()).unwrap();
        file.sync().unwrap();
        lost.store(2, Ordering::SeqCst);
        for piece in content.chunks(100_000) {
            file.append(&piece).unwrap();
        }
        drop(file);
        assert!(stage.world.content(path) == content, "appended once each, in order: {path}");
    }
}

#[test]
fn a_reader_beside_sees_what_was_written_before() {
    let stage = Stage::new(Limits::default());
    stage.front.delay.store(20, Ordering::SeqCst);
    let root = stage.root();
    let content = pattern();
    let file = create(&root, "file");
    write(&file, &content, 512 << 10).unwrap();
    let reader = root.open_at(Follow::Yes, "file", OpenFlags::empty(), DescriptorFlags::READ).unwrap();
    assert_eq!(root.stat_at(Follow::Yes, "file").unwrap().size, LARGE as u64);
    assert!(reader.read(0, LARGE).unwrap().concat() == content);
}

#[test]
fn a_failure_is_told_when_the_file_is_synced() {
    let stage = Stage::new(Limits { bytes: 3 << 20, ..Limits::default() });
    let root = stage.root();
    let other = create(&root, "other");
    other.write(0, &b"other".as_slice()).unwrap();
    let file = create(&root, "file");
    let content = pattern();
    let written = write(&file, &content, 512 << 10).and_then(|()| file.sync());
    assert_eq!(written.unwrap_err().code(), ErrorCode::InsufficientSpace);
    // Told once, and to nobody else.
    other.sync().unwrap();
    file.sync().unwrap();
    assert_eq!(stage.world.content("other"), b"other");
}
