//! Figures, by hand: `cargo test --release -p larder-s3 loads::tests::speed --
//! --ignored --nocapture`.

use std::time::Instant;

use futures::StreamExt as _;

use super::support::{MIB, Site, content, runtime, wait, weed};

const SIZE: u64 = 256 * MIB;

#[test]
#[ignore = "figures, not a test"]
fn reading_on_beside_a_plain_get() {
    let site = Site::fast(&weed(), 512 * MIB);
    let bytes = content(SIZE, 1);
    let node = site.file("f", &bytes);
    let file = site.open("f");
    let etag = site.table.places.lock()[&node].etag.clone();
    let rate = |begun: Instant| SIZE as f64 / MIB as f64 / begun.elapsed().as_secs_f64();
    for round in 0..5 {
        for parallel in [1, 2, 4] {
            let begun = Instant::now();
            let got = runtime().spawn({
                let (bucket, etag) = (site.bucket.clone(), etag.clone());
                async move {
                    let parts = (0..SIZE / (8 * MIB)).map(|part| {
                        let (bucket, etag) = (bucket.clone(), etag.clone());
                        tokio::spawn(async move {
                            let mut stream =
                                bucket.get_stream("f", &etag, part * 8 * MIB..(part + 1) * 8 * MIB).await.unwrap();
                            let mut length = 0;
                            while let Some(bytes) = stream.next().await {
                                length += bytes.unwrap().len();
                            }
                            length
                        })
                    });
                    let parts = futures::stream::iter(parts).buffered(parallel);
                    parts.fold(0, async |sum, part| sum + part.unwrap()).await
                }
            });
            assert_eq!(wait(got).unwrap() as u64, SIZE);
            println!("round {round}: plain, {parallel} at a time: {:.0} MiB/s", rate(begun));
        }
        site.loads.set_dirty(1 << 40);
        super::support::eventually("little is left", || site.resident(node) <= 64 * MIB);
        site.loads.set_dirty(0);
        let states = site.volume.chunk_states(node).unwrap();
        // Twice: the first time takes the mark off.
        for (index, _) in states.iter().chain(&states) {
            let _ = site.volume.evict(node, *index).unwrap();
        }
        assert_eq!(site.resident(node), 0);
        let gets = site.gets();
        let mut buffer = vec![0; 1 << 20];
        let begun = Instant::now();
        let mut at = 0;
        while at < SIZE {
            let got = file.read_into(at, &mut buffer).unwrap();
            at += got as u64;
        }
        println!("round {round}: the volume: {:.0} MiB/s, {} requests", rate(begun), site.gets() - gets);
        site.settle();
    }
}
