//! Advisory locks over NATS: who has one, and until when.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;
mod front;

use std::sync::atomic::Ordering;
use std::time::Duration;

use common::nats::{self, shared};
use common::world::{Session, World, eventually, options, short};
use front::Front;
use larder_core::ErrorCode;
use larder_nats_client::{Access, Options};
use larder_store_service::Store;

#[test]
fn one_writes_or_many_read() {
    let world = World::new();
    let (one, other) = (world.connect(options()), world.connect(options()));
    let (file, same) = (one.create("file"), other.create("file"));
    let first = one.store.lock(&one.call(), file, true).unwrap();
    let second = other.store.lock(&other.call(), same, true).unwrap();
    assert!(second > first);
    assert_eq!(one.store.lock(&one.call(), file, true), Ok(first), "answered again");
    assert_eq!(one.store.lock(&one.call(), file, false), Err(ErrorCode::WouldBlock));
    other.store.unlock(&other.call(), same).unwrap();
    let third = one.store.lock(&one.call(), file, false).unwrap();
    assert!(third > second);
    assert_eq!(other.store.lock(&other.call(), same, true), Err(ErrorCode::WouldBlock));
    // Advisory: who does not ask is not kept away.
    other.write(same, larder_store_service::Position::End, b"x").unwrap();
}

#[test]
fn a_lock_is_waited_for() {
    let world = World::new();
    let (one, other) = (world.connect(options()), world.connect(options()));
    let (file, same) = (one.create("file"), other.create("file"));
    let first = one.store.lock(&one.call(), file, false).unwrap();
    let soon = other.store.lock_within(|| other.call(), same, false, Duration::from_millis(50));
    assert_eq!(soon, Err(ErrorCode::WouldBlock));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| other.store.lock_within(|| other.call(), same, false, Duration::from_secs(20)));
        one.store.unlock(&one.call(), file).unwrap();
        assert!(waiting.join().unwrap().unwrap() > first);
    });
}

#[test]
fn a_lock_ends_with_the_lease_of_a_client_that_is_gone() {
    let world = World::with_lease(Duration::from_millis(600));
    let front = Front::of(&world.name);
    let one = Session::new(&nats::address(shared(), &front.name), short());
    let other = world.connect(options());
    let (file, same) = (one.create("file"), other.create("file"));
    let first = one.store.lock(&one.call(), file, false).unwrap();
    assert_eq!(other.store.lock(&other.call(), same, false), Err(ErrorCode::WouldBlock));
    front.cut.store(true, Ordering::SeqCst);
    eventually(
        "the lock is free",
        || matches!(other.store.lock(&other.call(), same, false), Ok(token) if token > first),
    );
}

#[test]
fn tokens_grow_over_a_restart_of_the_server() {
    let mut world = World::new();
    let one = world.connect(options());
    let file = one.create("file");
    let first = one.store.lock(&one.call(), file, false).unwrap();
    world.stop();
    world.serve(shared(), Duration::from_secs(30));
    let anew = world.connect(options());
    let file = anew.create("file");
    assert!(anew.store.lock(&anew.call(), file, false).unwrap() > first);
}

#[test]
fn who_only_reads_keeps_nobody_from_reading() {
    let world = World::new();
    let writer = world.connect(options());
    writer.create("file");
    let reader = world.connect(Options { access: Access::Read, ..options() });
    let root = reader.root();
    assert_eq!(reader.store.lock(&reader.call(), root, false), Err(ErrorCode::ReadOnly));
    reader.store.lock(&reader.call(), root, true).unwrap();
    let not_held = larder_store_service::Node { ino: 1 << 40, ..root };
    assert_eq!(reader.store.lock(&reader.call(), not_held, true), Err(ErrorCode::BadDescriptor));
}
