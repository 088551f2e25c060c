//! Everything at once, against a model.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use parking_lot::RwLock;

use super::support::{CHUNK, MIB, NOW, Site, content, eventually, place, servers};

const SIZE: u64 = 24 * MIB;

#[test]
fn readers_a_writer_and_a_committer() {
    for access in servers() {
        let site = Site::new(&access, 6 * MIB);
        let bytes = content(SIZE, 1);
        let node = site.file("f", &bytes);
        let model = RwLock::new(bytes);
        let is_done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let (site, model, is_done) = (&site, &model, &is_done);
            let readers: Vec<_> = (0..16)
                .map(|seed| {
                    scope.spawn(move || {
                        let file = site.open("f");
                        let mut random = fastrand::Rng::with_seed(seed);
                        let mut next = 0;
                        for _ in 0..150 {
                            let length = random.u64(1..150_000);
                            let at = if random.bool() { next } else { random.u64(..SIZE) };
                            let held = model.read();
                            let got = file.read(at, length as usize).unwrap().into_bytes();
                            assert!(got == held[at as usize..][..got.len()], "{length} at {at}");
                            drop(held);
                            next = (at + length) % SIZE;
                        }
                    })
                })
                .collect();
            scope.spawn(move || {
                let file = site.open("f");
                let mut random = fastrand::Rng::with_seed(99);
                while !is_done.load(Relaxed) {
                    let data = content(random.u64(1..2 * CHUNK), random.u64(..));
                    let at = random.u64(..SIZE - data.len() as u64);
                    let mut held = model.write();
                    file.write(NOW, at, &data).unwrap();
                    held[at as usize..][..data.len()].copy_from_slice(&data);
                    drop(held);
                    std::thread::sleep(std::time::Duration::from_millis(5));
                }
            });
            scope.spawn(move || {
                while !is_done.load(Relaxed) {
                    let (frozen, bytes) = {
                        let held = model.read();
                        (site.volume.freeze_content(node).unwrap(), held.clone())
                    };
                    let etag = site.put("f", bytes);
                    site.table.places.lock().insert(node, place("f", &etag, SIZE));
                    site.volume.stored(node, &frozen, &etag).unwrap();
                    site.loads.stored(node, &frozen);
                    site.loads.set_dirty(MIB);
                    std::thread::sleep(std::time::Duration::from_millis(100));
                }
            });
            let done: Vec<_> = readers.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
            is_done.store(true, Relaxed);
            done.into_iter().for_each(|done| done.unwrap());
        });
        site.settle();
        site.loads.set_dirty(0);
        eventually("the budget is kept", || site.loads.clean_bytes() <= 6 * MIB);
        // What the queue counts is what the volume has.
        let dirty: u64 = 2 * MIB;
        let resident = site.resident(node);
        assert!(resident <= site.loads.clean_bytes() + dirty, "{resident} of {}", site.loads.clean_bytes());
    }
}
