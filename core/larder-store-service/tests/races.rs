//! Two sessions at once: what one answers is what it did, whatever the other
//! does meanwhile.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use larder_core::{ErrorCode, Follow, Rights, Timestamp, View, Volume, VolumeOptions};
use larder_store_service::{Attributes, Call, NewNode, Place, Removal, Service, Session, Store, VERSION};

const ROUNDS: u64 = 200_000;

fn begin(service: &Arc<Service>) -> (Session, impl Fn(u64) -> Call, Place<'static>) {
    let session = service.session();
    let welcome = session.begin(VERSION).unwrap();
    let call = move |operation| Call { session: welcome.session, operation, notes: Vec::new() };
    let directory = welcome.mounts[0].root.node;
    (session, call, Place { directory, path: "d" })
}

/// It is made or there already, and one says so also where the other removes
/// it at once.
#[test]
fn a_directory_that_was_made_is_never_missing() {
    let volume = Volume::new(VolumeOptions::default());
    let view = View::new(&volume, Rights::READ_WRITE).unwrap();
    let service = Arc::new(Service::new(Arc::new(|| Timestamp::UNIX_EPOCH)).mount(&view, "/").unwrap());
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (session, call, place) = begin(&service);
            for operation in 1.. {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                let _ = session.remove(&call(operation), place, Removal::Directory);
            }
        });
        let (session, call, place) = begin(&service);
        let unexpected = (1..ROUNDS)
            .map(|operation| session.make(&call(operation), place, NewNode::Directory))
            .find(|made| !matches!(made, Ok(_) | Err(ErrorCode::Exist)));
        over.store(true, Ordering::Relaxed);
        assert_eq!(unexpected, None);
    });
}

/// Number and identity are those of one node, also where the name goes over to
/// another one meanwhile.
#[test]
fn attributes_of_a_name_are_those_of_one_node() {
    let volume = Volume::new(VolumeOptions::default());
    let view = View::new(&volume, Rights::READ_WRITE).unwrap();
    let service = Arc::new(Service::new(Arc::new(|| Timestamp::UNIX_EPOCH)).mount(&view, "/").unwrap());
    let (session, call, place) = begin(&service);
    let at = |path| Place { path, ..place };
    let make = |operation, path| session.make(&call(operation), at(path), NewNode::Directory).unwrap();
    let made = [make(1, "d"), make(2, "e")];
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for operation in 3.. {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                let (old, new) = [("d", "f"), ("e", "d"), ("f", "e")][operation % 3];
                session.rename(&call(operation as u64), at(old), at(new)).unwrap();
            }
        });
        let (session, call, place) = begin(&service);
        let is_one =
            |seen: &Attributes| made.iter().any(|made| (made.node, made.identity) == (seen.node, seen.identity));
        let torn = (1..ROUNDS)
            .filter_map(|operation| session.stat_at(&call(operation), place, Follow::No).ok())
            .find(|seen| !is_one(seen));
        over.store(true, Ordering::Relaxed);
        assert_eq!(torn, None);
    });
}
