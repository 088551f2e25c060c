//! Memory is bounded, and what is used stays.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use super::support::{CHUNK, MIB, NOW, Site, content, eventually, place, reads_back, s3s, servers};

/// What may be too much at one moment: a chunk of each download.
const SLACK: u64 = 16 * CHUNK;

#[test]
fn a_file_of_many_budgets_is_read_within_one() {
    for access in servers() {
        let site = Site::new(&access, 8 * MIB);
        let bytes = content(80 * MIB, 1);
        let node = site.file("f", &bytes);
        let file = site.open("f");
        let most = AtomicU64::new(0);
        let is_done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_done.load(Relaxed) {
                    most.fetch_max(site.loads.clean_bytes(), Relaxed);
                    std::thread::yield_now();
                }
            });
            reads_back(&file, &bytes[..], 1 << 18);
            is_done.store(true, Relaxed);
        });
        site.settle();
        assert!(site.gets() <= 25, "{}", site.gets());
        let most = most.into_inner();
        assert!(most <= 8 * MIB + SLACK, "{most}");
        assert!(site.resident(node) <= 8 * MIB + SLACK);
        assert!(site.loads.evicted_bytes() >= 72 * MIB - SLACK);
        // Nothing was evicted before it was read.
        assert_eq!(site.loads.downloaded_bytes(), 80 * MIB);
        assert!(site.loads.clock.len() as u64 * CHUNK <= 9 * MIB);
    }
}

#[test]
fn what_is_used_survives_what_is_read_once() {
    let site = Site::new(&s3s(), 16 * MIB);
    let hot = content(MIB, 2);
    let cold = content(128 * MIB, 3);
    site.file("hot", &hot);
    site.file("cold", &cold);
    let (hot_file, cold_file) = (site.open("hot"), site.open("cold"));
    reads_back(&hot_file, &hot, 1 << 20);
    let mut random = fastrand::Rng::with_seed(3);
    let mut hot_gets = 0;
    for _ in 0..1000 {
        let before = site.gets();
        reads_back(&hot_file, &hot, 1 << 20);
        hot_gets += site.gets() - before;
        let at = random.usize(..cold.len() - 4096);
        assert!(cold_file.read(at as u64, 4096).unwrap().into_bytes() == cold[at..at + 4096]);
        site.settle();
    }
    assert!(site.loads.evicted_bytes() > 64 * MIB);
    assert_eq!(hot_gets, 0);
}

#[test]
fn what_is_stored_counts_and_can_be_evicted() {
    let site = Site::new(&s3s(), 16 * MIB);
    let mut bytes = content(12 * MIB, 4);
    let node = site.file("f", &bytes);
    let file = site.open("f");
    // All of it is written anew.
    bytes.reverse();
    for (at, part) in bytes.chunks(1 << 20).enumerate() {
        file.write(NOW, at as u64 * MIB, part).unwrap();
        site.loads.set_dirty((at as u64 + 1) * MIB);
    }
    assert_eq!(site.resident(node), 12 * MIB);
    assert_eq!(site.loads.clean_bytes(), 0);
    let frozen = site.volume.freeze_content(node).unwrap();
    let etag = site.put("f", bytes.clone());
    site.table.places.lock().insert(node, place("f", &etag, 12 * MIB));
    assert!(site.volume.stored(node, &frozen, &etag).unwrap());
    site.loads.stored(node, &frozen);
    // What is known changes nothing.
    let frozen = site.volume.freeze_content(node).unwrap();
    site.loads.stored(node, &frozen);
    drop(frozen);
    assert_eq!((site.loads.clean_bytes(), site.loads.evicted_bytes()), (12 * MIB, 0));
    site.loads.set_dirty(8 * MIB);
    eventually("what is too much goes", || site.loads.clean_bytes() <= 8 * MIB);
    assert_eq!(site.loads.evicted_bytes(), 4 * MIB);
    assert_eq!(site.resident(node), 8 * MIB);
    reads_back(&file, &bytes, 1 << 18);
    assert!(site.resident(node) <= 8 * MIB + SLACK);
}

#[test]
fn dirty_bytes_push_out_clean_ones() {
    let site = Site::new(&s3s(), 8 * MIB);
    let bytes = content(8 * MIB, 5);
    let node = site.file("f", &bytes);
    let file = site.open("f");
    reads_back(&file, &bytes, 1 << 20);
    site.settle();
    assert_eq!(site.loads.clean_bytes(), 8 * MIB);
    site.loads.set_dirty(5 * MIB);
    eventually("they go", || site.resident(node) == 3 * MIB);
    site.loads.set_dirty(100 * MIB);
    eventually("nearly all go", || site.resident(node) == MIB);
    // Even so reading goes on.
    reads_back(&file, &bytes[..], 1 << 14);
}

#[test]
fn files_that_are_gone_leave_nothing() {
    let site = Site::new(&s3s(), 64 * MIB);
    let bytes = content(CHUNK, 6);
    let etag = site.put("f", bytes.clone());
    for round in 0..1000 {
        let node = site.file_of(&format!("f{round}"), place("f", &etag, CHUNK));
        reads_back(&site.open(&format!("f{round}")), &bytes, 1 << 20);
        assert!(site.volume.disown(NOW, site.volume.root_id(), &format!("f{round}"), node).unwrap());
        site.table.places.lock().remove(&node);
    }
    site.settle();
    assert_eq!(site.loads.clean_bytes(), 0);
    assert!(site.loads.clock.len() < 300, "{}", site.loads.clock.len());
}

#[test]
fn what_somebody_keeps_counts() {
    let site = Site::new(&s3s(), 4 * MIB);
    let bytes = content(16 * MIB, 7);
    site.file("f", &bytes);
    let file = site.open("f");
    let kept: Vec<_> = (0..3).map(|part| file.read(part * MIB, 1 << 20).unwrap()).collect();
    reads_back(&file, &bytes[..], 1 << 14);
    site.settle();
    assert!(site.loads.clean_bytes() >= 3 * MIB);
    assert!(site.loads.clean_bytes() <= 4 * MIB + SLACK, "{}", site.loads.clean_bytes());
    for (part, kept) in kept.into_iter().enumerate() {
        assert!(kept.into_bytes() == bytes[part << 20..(part + 1) << 20]);
    }
}

#[test]
fn a_volume_that_is_dropped_takes_all_with_it() {
    let site = Site::new(&s3s(), 64 * MIB);
    let bytes = content(32 * MIB, 8);
    site.file("f", &bytes);
    let file = site.open("f");
    assert!(file.read(0, 10).unwrap().into_bytes() == bytes[..10]);
    drop(file);
    let Site { volume, loads, table, faults, .. } = site;
    assert_eq!(Arc::strong_count(&volume), 1);
    drop(volume);
    eventually("downloads stop", || loads.flights.files() == 0);
    assert_eq!(loads.clean_bytes(), 0);
    loads.set_dirty(100 * MIB);
    drop((table, faults));
}
