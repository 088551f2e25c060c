//! Figures, by hand: `cargo test --release -p larder-s3 loads::tests::speed --
//! --ignored --nocapture`.
#![allow(clippy::cast_precision_loss, reason = "figures")]

use std::time::Instant;

use futures::StreamExt as _;
use larder_bucket::Etag;

use super::support::{MIB, Site, content, eventually, runtime, wait, weed};

const SIZE: u64 = 256 * MIB;
const PART: u64 = 8 * MIB;

/// MiB a second, and the processor's seconds that this process took for a GiB.
fn measured(what: &str, work: impl FnOnce()) {
    let (begun, before) = (Instant::now(), processor());
    work();
    let took = begun.elapsed().as_secs_f64();
    let mib = (SIZE / MIB) as f64;
    println!("{what}: {:.0} MiB/s, {:.2} s/GiB", mib / took, (processor() - before) * 1024.0 / mib);
}

/// In ticks of 10 ms.
fn processor() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split(' ').collect();
    (fields[12].parse::<f64>().unwrap() + fields[13].parse::<f64>().unwrap()) / 100.0
}

fn plain(site: &Site, etag: &Etag, parallel: usize, is_kept: bool) {
    let parts = (0..SIZE / PART).map(|part| {
        let (bucket, etag) = (site.bucket.clone(), etag.clone());
        let range = part * PART..(part + 1) * PART;
        runtime().spawn(async move {
            if is_kept {
                return Some(bucket.get("f", &etag, range).await.unwrap());
            }
            let mut stream = bucket.get_stream("f", &etag, range).await.unwrap();
            while let Some(bytes) = stream.next().await {
                bytes.unwrap();
            }
            None
        })
    });
    let all: Vec<_> = wait(futures::stream::iter(parts).buffered(parallel).collect());
    assert_eq!(all.len() as u64, SIZE / PART);
}

#[test]
#[ignore = "figures, not a test"]
fn reading_on_beside_a_plain_get() {
    let site = Site::fast(&weed(), 512 * MIB);
    let node = site.file("f", &content(SIZE, 1));
    let file = site.open("f");
    let etag = site.table.place_of(node).etag;
    for round in 0..5 {
        for parallel in [1, 2, 4] {
            measured(&format!("round {round}: plain, {parallel} at a time"), || plain(&site, &etag, parallel, false));
            measured(&format!("round {round}: kept, {parallel} at a time"), || plain(&site, &etag, parallel, true));
        }
        for step in [64 << 10, 256 << 10, 1 << 20] {
            site.loads.set_dirty(1 << 40);
            eventually("little is left", || site.resident(node) <= 64 * MIB);
            site.loads.set_dirty(0);
            let states = site.volume.chunk_states(node).unwrap();
            // Twice: the first time takes the mark off.
            for (index, _) in states.iter().chain(&states) {
                let _ = site.volume.evict(node, *index).unwrap();
            }
            assert_eq!(site.resident(node), 0);
            let gets = site.gets();
            let mut buffer = vec![0; step];
            measured(&format!("round {round}: the volume, {} KiB at a time", step >> 10), || {
                let mut at = 0;
                while at < SIZE {
                    at += file.read_into(at, &mut buffer).unwrap() as u64;
                }
            });
            println!("{} requests", site.gets() - gets);
            site.settle();
        }
    }
}
