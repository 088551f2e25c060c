//! A bucket that does not answer.

use std::time::{Duration, Instant};

use larder_core::ErrorCode;
use larder_test_s3::{Answer, Fault, Kind, Rule};

use super::support::{PATIENCE, buckets, wait};
use crate::options::S3Options;

#[test]
fn a_directory_that_cannot_be_listed_stays_unlisted() {
    for outside in buckets() {
        outside.put_all(["d/f", "g"].map(str::to_owned));
        let (faults, world) = outside.open_spoiled(S3Options::default());
        for (fault, code) in [
            (Rule::new(Fault::Answer(Answer::INTERNAL_ERROR)), ErrorCode::Io),
            (Rule::new(Fault::Answer(Answer::ACCESS_DENIED)), ErrorCode::Access),
            (Rule::new(Fault::Answer(Answer::INTERNAL_ERROR)).kind(Kind::Head), ErrorCode::Io),
        ] {
            faults.set(fault);
            assert_eq!(world.names("").unwrap_err().code(), code);
            assert!(world.volume.is_unlisted_directory(world.volume.root_id()).unwrap());
            faults.clear();
        }
        faults.down();
        let began = Instant::now();
        assert_eq!(world.names("").unwrap_err().code(), ErrorCode::Io);
        assert!(began.elapsed() < Duration::from_secs(8));
        faults.up();
        assert_eq!(world.names("").unwrap(), ["d", "g"]);
        // What is listed needs no bucket.
        faults.down();
        assert_eq!(world.names("").unwrap(), ["d", "g"]);
        assert_eq!(world.names("d").unwrap_err().code(), ErrorCode::Io);
        assert!(wait(world.restore.poll_once()).is_err());
        faults.up();
        assert_eq!(world.text("d/f"), "d/f");
    }
}

#[test]
fn a_guest_waits_no_longer_than_its_patience() {
    let [_, outside] = buckets();
    outside.put("f", "1");
    let patience = Duration::from_millis(200);
    let (faults, world) = outside.open_spoiled(S3Options { patience, ..S3Options::default() });
    faults.set(Rule::new(Fault::Stall));
    let began = Instant::now();
    assert_eq!(world.names("").unwrap_err().code(), ErrorCode::Io);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    faults.clear();
    let end = Instant::now() + PATIENCE;
    while world.names("").is_err() {
        assert!(Instant::now() < end);
    }
    assert_eq!(world.text("f"), "1");
}

#[test]
fn the_walk_goes_on_when_the_bucket_is_back() {
    let [_, outside] = buckets();
    outside.put_all((0..20).map(|at| format!("{at}/f")));
    let (faults, world) = outside.open_spoiled(S3Options::default());
    faults.set(Rule::new(Fault::Answer(Answer::UNAVAILABLE)).kind(Kind::List).skip(5));
    world.restore.start(std::sync::Arc::new(|_| async {}));
    assert!(faults.wait_for(PATIENCE, |counts| counts.spoiled > 20));
    assert!(!world.restore.is_done());
    faults.clear();
    let end = Instant::now() + PATIENCE;
    while !world.restore.is_done() {
        assert!(Instant::now() < end, "{:?}", world.status());
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!((world.status().listed_directories, world.status().unlisted_directories), (21, 0));
    assert_eq!(world.text("19/f"), "19/f");
}

#[test]
fn contents_are_asked_for_where_the_options_say_so() {
    let [_, outside] = buckets();
    outside.put_all((0..10).map(|at| format!("d/{at}")));
    let world = outside.open_with(S3Options { preload: true, ..S3Options::default() });
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let counted = std::sync::Arc::clone(&asked);
    world.restore.start(std::sync::Arc::new(move |_| {
        counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        async {}
    }));
    let end = Instant::now() + PATIENCE;
    while asked.load(std::sync::atomic::Ordering::Relaxed) < 10 {
        assert!(Instant::now() < end);
        std::thread::sleep(Duration::from_millis(5));
    }
}
