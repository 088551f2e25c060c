//! Errors, never wrong bytes.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use larder_bucket::Condition;
use larder_core::{ContentSource, ErrorCode};
use larder_test_s3::{Answer, Fault, Kind, Rule};

use super::support::{CHUNK, MIB, Site, content, eventually, place, reads_back, s3s, servers, wait};

#[test]
fn another_version_is_an_error() {
    for access in servers() {
        let site = Site::new(&access, 64 * MIB);
        let bytes = content(8 * MIB, 1);
        let node = site.file("f", &bytes);
        let file = site.open("f");
        assert!(file.read(0, 100).unwrap().into_bytes() == bytes[..100]);
        site.settle();
        // Under us.
        let etag = site.put("f", content(8 * MIB, 2));
        assert_eq!(file.read(4 * MIB, 100).unwrap_err().code(), ErrorCode::Io);
        // What is in memory stays.
        assert!(file.read(0, 100).unwrap().into_bytes() == bytes[..100]);
        // The table knows of it.
        site.table.places.lock().insert(node, place("f", &etag, 8 * MIB));
        assert_eq!(file.read(4 * MIB, 100).unwrap_err().code(), ErrorCode::Io);
        // It is gone.
        site.table.places.lock().remove(&node);
        assert_eq!(file.read(4 * MIB, 100).unwrap_err().code(), ErrorCode::Io);
        wait(site.direct.delete("f", &Condition::Always)).unwrap();
        site.table.places.lock().insert(node, place("f", &etag, 8 * MIB));
        assert_eq!(file.read(4 * MIB, 100).unwrap_err().code(), ErrorCode::Io);
    }
}

#[test]
fn what_passes_is_not_seen() {
    for access in servers() {
        for fault in [
            Fault::Truncate(300_000),
            Fault::Truncate(0),
            Fault::Answer(Answer::SLOW_DOWN),
            Fault::Answer(Answer::INTERNAL_ERROR),
            Fault::ResetBefore,
            Fault::ResetAfter,
        ] {
            let site = Site::new(&access, 64 * MIB);
            let bytes = content(12 * MIB, 3);
            site.file("f", &bytes);
            site.faults.set(Rule::new(fault).kind(Kind::Get).chance(0.3, 3));
            // Of a download ahead that failed nothing is seen but that it is
            // done again; this one may fail thrice.
            site.faults.set(Rule::new(fault).kind(Kind::Get).times(1));
            let file = site.open("f");
            let mut at = 0;
            let mut failures = 0;
            while at < bytes.len() {
                match file.read(at as u64, 1 << 20) {
                    Ok(got) => {
                        let got = got.into_bytes();
                        assert!(got == bytes[at..at + got.len()], "{fault:?} at {at}");
                        at += got.len();
                    }
                    Err(error) => {
                        assert_eq!(error.code(), ErrorCode::Io);
                        failures += 1;
                        assert!(failures < 10, "{fault:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn what_does_not_pass_is_an_error_in_time() {
    let site = Site::new(&s3s(), 64 * MIB);
    let bytes = content(12 * MIB, 4);
    site.file("f", &bytes);
    let file = site.open("f");
    for (fault, code) in [
        (Fault::Answer(Answer::UNAVAILABLE), ErrorCode::Io),
        (Fault::Answer(Answer::ACCESS_DENIED), ErrorCode::Access),
        (Fault::Answer(Answer::NO_BUCKET), ErrorCode::Io),
        (Fault::Stall, ErrorCode::Io),
    ] {
        site.faults.clear();
        site.faults.set(Rule::new(fault));
        let begun = Instant::now();
        assert_eq!(file.read(3 * MIB, 100).unwrap_err().code(), code, "{fault:?}");
        assert!(begun.elapsed() < Duration::from_secs(20));
    }
    site.faults.clear();
    site.faults.down();
    assert_eq!(file.read(3 * MIB, 100).unwrap_err().code(), ErrorCode::Io);
    site.faults.up();
    reads_back(&file, &bytes, 1 << 20);
    eventually("downloads end", || site.loads.flights.files() == 0);
}

#[test]
fn an_object_that_moves_is_followed() {
    for access in servers() {
        let site = Site::new(&access, 8 * MIB);
        let bytes = content(24 * MIB, 5);
        let node = site.file("f0", &bytes);
        let file = site.open("f0");
        let is_done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut number = 0;
                while !is_done.load(Relaxed) {
                    let (old, new) = (format!("f{number}"), format!("f{}", number + 1));
                    let mut place = site.table.place_of(node);
                    // A large object's copy has another etag.
                    let etag = if number % 2 == 0 {
                        site.put(&new, bytes.clone())
                    } else {
                        site.move_in_parts(&old, &place.etag, &new, 24 * MIB)
                    };
                    // The worst order: it is gone before the place is known.
                    wait(site.direct.delete(&old, &Condition::Always)).unwrap();
                    std::thread::sleep(Duration::from_millis(10));
                    (place.key, place.etag) = (new.as_str().into(), etag);
                    site.table.places.lock().insert(node, place);
                    number += 1;
                    std::thread::sleep(Duration::from_millis(300));
                }
            });
            for _ in 0..3 {
                reads_back(&file, &bytes, 200_000);
            }
            is_done.store(true, Relaxed);
        });
    }
}

#[test]
fn a_download_that_fails_ahead_is_not_told() {
    let site = Site::new(&s3s(), 64 * MIB);
    let bytes = content(12 * MIB, 6);
    site.file("f", &bytes);
    let file = site.open("f");
    // All but the first.
    site.faults.set(Rule::new(Fault::Answer(Answer::ACCESS_DENIED)).skip(1));
    assert!(file.read(0, 1 << 20).unwrap().into_bytes() == bytes[..1 << 20]);
    site.settle();
    assert_eq!(file.read(5 * MIB, 1).unwrap_err().code(), ErrorCode::Access);
    site.faults.clear();
    reads_back(&file, &bytes, 1 << 20);
}

#[test]
fn a_runtime_that_ends_leaves_nobody_waiting() {
    let site = Site::new(&s3s(), 64 * MIB);
    let bytes = content(2 * MIB, 7);
    let node = site.file("f", &bytes);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let places: std::sync::Arc<dyn crate::place::Places> = site.table.clone();
    let loads = crate::loads::Loads::new(
        std::sync::Arc::downgrade(&site.volume),
        site.bucket.clone(),
        runtime.handle().clone(),
        std::sync::Arc::downgrade(&places),
        crate::loads::LoadLimits { memory: 64 * MIB, parallel: 2 },
    );
    let version = site.table.place_of(node).version;
    site.faults.set(Rule::new(Fault::Stall));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| loads.load(node, &version, 0..CHUNK));
        assert!(site.faults.wait_for(Duration::from_secs(20), |counts| counts.of(Kind::Get) > 0));
        runtime.shutdown_background();
        assert_eq!(waiting.join().unwrap().unwrap_err().code(), ErrorCode::Io);
    });
    assert_eq!(loads.load(node, &version, 0..CHUNK).unwrap_err().code(), ErrorCode::Io);
}
