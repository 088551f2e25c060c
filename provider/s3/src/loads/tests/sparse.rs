//! Files with holes.

use std::ops::Range;

use super::support::{CHUNK, MIB, Site, content, reads_back, servers, wait};
use crate::layout::SparseMap;

#[test]
fn holes_are_zeros_and_cost_nothing() {
    for access in servers() {
        let size = 64 * MIB + 100;
        let data = content(size, 1);
        let ranges = [4096..CHUNK + 8192, 5 * MIB..9 * MIB, 40 * MIB + 4096..40 * MIB + 8192, 64 * MIB..size];
        let map = SparseMap::new(size, &ranges).unwrap();
        let ranges: Vec<Range<u64>> = map.ranges().collect();
        let mut bytes = vec![0; size as usize];
        for range in &ranges {
            let range = range.start as usize..range.end as usize;
            bytes[range.clone()].copy_from_slice(&data[range]);
        }
        let stored: u64 = ranges.iter().map(|range| range.end - range.start).sum();
        let of = |range: Range<u64>| data[range.start as usize..range.end as usize].to_vec();

        let site = Site::new(&access, 128 * MIB);
        site.sparse("f", map.clone(), of);
        reads_back(&site.open("f"), &bytes, 300_000);
        site.settle();
        assert_eq!(site.loads.downloaded_bytes(), stored);

        // From behind.
        let site = Site::new(&access, 128 * MIB);
        site.sparse("f", map.clone(), of);
        let file = site.open("f");
        for at in (0..=size / 50_000).rev().map(|part| part * 50_000) {
            let got = file.read(at, 50_000).unwrap().into_bytes();
            assert!(got == bytes[at as usize..][..got.len()], "at {at}");
        }
        site.settle();
        assert_eq!(site.loads.downloaded_bytes(), stored);

        let site = Site::new(&access, 128 * MIB);
        let node = site.sparse("f", map, of);
        let version = site.table.places.lock()[&node].version.clone();
        let got = wait(site.loads.bytes(node, &version, 1..6 * MIB)).unwrap();
        assert!(got == bytes[1..6 * MIB as usize]);
        let got = wait(site.loads.bytes(node, &version, 10 * MIB..11 * MIB)).unwrap();
        assert!(got == bytes[10 * MIB as usize..11 * MIB as usize]);
        wait(site.loads.preload(node));
        let gets = site.gets();
        reads_back(&site.open("f"), &bytes, 1 << 20);
        assert_eq!(site.gets(), gets);
    }
}
