//! What is read is what is there, with few requests.

use std::sync::Barrier;
use std::time::Duration;

use larder_core::ContentSource;
use larder_test_s3::{Fault, Rule};

use super::support::{CHUNK, MIB, Site, content, eventually, reads_back, s3s, servers, wait};

#[test]
fn files_of_all_sizes_read_back() {
    for access in servers() {
        let site = Site::new(&access, 64 * MIB);
        for (number, size) in
            [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, MIB, 3 * MIB + 5, 21 * MIB + 77].into_iter().enumerate()
        {
            let bytes = content(size, number as u64);
            let name = format!("f{number}");
            site.file(&name, &bytes);
            reads_back(&site.open(&name), &bytes, 100_000);
            reads_back(&site.open(&name), &bytes, 1 << 20);
        }
        site.settle();
        // Each byte was asked for once.
        assert_eq!(site.loads.downloaded_bytes(), site.loads.clean_bytes());
        assert_eq!(site.loads.evicted_bytes(), 0);
    }
}

#[test]
fn a_small_file_is_one_request() {
    let site = Site::new(&s3s(), 64 * MIB);
    let bytes = content(MIB, 1);
    site.file("f", &bytes);
    let file = site.open("f");
    assert!(file.read(5 * CHUNK, 10).unwrap().into_bytes() == bytes[5 * CHUNK as usize..][..10]);
    reads_back(&file, &bytes, 1 << 16);
    // What is before the first read is asked for when it is needed.
    assert_eq!(site.gets(), 2);
}

#[test]
fn reading_on_takes_few_requests() {
    for access in servers() {
        let site = Site::new(&access, 256 * MIB);
        let bytes = content(64 * MIB, 2);
        site.file("f", &bytes);
        reads_back(&site.open("f"), &bytes, 1 << 20);
        assert!(site.gets() <= 20, "{}", site.gets());
        site.settle();
        assert_eq!(site.loads.downloaded_bytes(), 64 * MIB);
    }
}

#[test]
fn a_reader_who_takes_his_time_finds_all_there() {
    let site = Site::new(&s3s(), 256 * MIB);
    let bytes = content(40 * MIB, 3);
    let node = site.file("f", &bytes);
    let file = site.open("f");
    let mut at = 0;
    let mut waited = 0;
    while at < bytes.len() {
        let index = at as u64 / CHUNK;
        waited += u32::from(at as u64 > 4 * MIB && site.volume.absent_chunk(node, index).unwrap().is_some());
        let got = file.read(at as u64, CHUNK as usize).unwrap().into_bytes();
        assert!(got[..] == bytes[at..at + got.len()], "at {at}");
        at += got.len();
        if (at as u64).is_multiple_of(MIB) {
            site.settle();
        }
    }
    // The markers, no more: 3 to 5 of 640.
    assert!(waited <= 8, "{waited}");
    assert!(site.gets() <= 16, "{}", site.gets());
    site.settle();
    assert_eq!(site.loads.downloaded_bytes(), 40 * MIB);
}

#[test]
fn random_reads_load_little() {
    let site = Site::new(&s3s(), 256 * MIB);
    let bytes = content(64 * MIB, 4);
    site.file("f", &bytes);
    let file = site.open("f");
    let mut random = fastrand::Rng::with_seed(4);
    const READS: u64 = 100;
    for _ in 0..READS {
        let at = random.usize(..bytes.len() - 4096);
        assert!(file.read(at as u64, 4096).unwrap().into_bytes() == bytes[at..at + 4096]);
    }
    site.settle();
    let loaded = site.loads.downloaded_bytes();
    assert!(loaded < 4 * MIB + READS * 192 * 1024, "{loaded}");
}

#[test]
fn readers_of_one_file_share_downloads() {
    for access in servers() {
        let site = Site::new(&access, 256 * MIB);
        let bytes = content(32 * MIB, 5);
        site.file("f", &bytes);
        site.faults.set(Rule::new(Fault::Latency(Duration::from_millis(20))));
        let barrier = Barrier::new(4);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let file = site.open("f");
                    barrier.wait();
                    reads_back(&file, &bytes, 300_000);
                });
            }
        });
        site.settle();
        assert_eq!(site.loads.downloaded_bytes(), 32 * MIB);
        assert!(site.gets() <= 16, "{}", site.gets());
    }
}

#[test]
fn the_first_bytes_are_there_before_the_last() {
    let site = Site::new(&s3s(), 256 * MIB);
    let bytes = content(8 * MIB, 6);
    let node = site.file("f", &bytes);
    // A megabyte takes two seconds.
    site.faults.set(Rule::new(Fault::Bandwidth(MIB / 2)));
    let file = site.open("f");
    assert!(file.read(0, 10).unwrap().into_bytes() == bytes[..10]);
    assert!(site.resident(node) < MIB / 2);
}

#[test]
fn what_is_in_memory_is_not_loaded() {
    let site = Site::new(&s3s(), 256 * MIB);
    let mut bytes = content(MIB, 7);
    site.file("f", &bytes);
    let file = site.open("f");
    for index in [3, 4, 9] {
        let at = index * CHUNK as usize;
        file.write(super::support::NOW, at as u64, &[index as u8; CHUNK as usize]).unwrap();
        bytes[at..at + CHUNK as usize].fill(index as u8);
    }
    reads_back(&file, &bytes, 1 << 20);
    site.settle();
    assert_eq!(site.loads.downloaded_bytes(), 13 * CHUNK);
}

#[test]
fn preloading_stops_at_the_budget() {
    let site = Site::new(&s3s(), 16 * MIB);
    let one = content(6 * MIB, 8);
    let other = content(30 * MIB, 9);
    let (one_node, other_node) = (site.file("one", &one), site.file("other", &other));
    wait(site.loads.preload(one_node));
    assert_eq!(site.resident(one_node), 6 * MIB);
    reads_back(&site.open("one"), &one, 1 << 20);
    assert_eq!(site.gets(), 1);
    wait(site.loads.preload(other_node));
    assert_eq!(site.resident(one_node), 6 * MIB);
    assert_eq!(site.resident(other_node), 10 * MIB);
    assert_eq!((site.loads.clean_bytes(), site.loads.evicted_bytes()), (16 * MIB, 0));
    wait(site.loads.preload(other_node));
    reads_back(&site.open("other"), &other, 1 << 20);
    eventually("the budget is kept", || site.loads.clean_bytes() <= 16 * MIB);
}

#[test]
fn bytes_are_read_without_the_volume() {
    let site = Site::new(&s3s(), 16 * MIB);
    let bytes = content(3 * MIB, 10);
    let node = site.file("f", &bytes);
    let version = site.table.places.lock()[&node].version.clone();
    let got = wait(site.loads.bytes(node, &version, 100..2 * MIB)).unwrap();
    assert!(got == bytes[100..2 * MIB as usize]);
    assert!(wait(site.loads.bytes(node, &version, 7..7)).unwrap().is_empty());
    assert!(wait(site.loads.bytes(node, &version, 7..3 * MIB + 1)).is_err());
    assert!(wait(site.loads.bytes(node, "other", 7..8)).is_err());
    assert_eq!((site.resident(node), site.loads.clean_bytes()), (0, 0));
    site.loads.complete(node, "upload").unwrap();
}

#[test]
fn guests_inside_of_a_runtime_read_too() {
    let site = Site::new(&s3s(), 16 * MIB);
    let bytes = content(3 * MIB, 11);
    site.file("f", &bytes);
    let file = site.open("f");
    let foreign = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    foreign.block_on(async { reads_back(&file, &bytes, 1 << 20) });
}
