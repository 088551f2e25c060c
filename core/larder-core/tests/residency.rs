//! Which bytes are in memory never shows in what a file holds.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::expect_used,
    reason = "a test may panic"
)]
#![allow(clippy::cast_possible_truncation, reason = "offsets in small files")]
#![allow(clippy::single_range_in_vec_init, reason = "files with one range of bytes")]

mod support;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use larder_core::{
    CHUNK_BYTES, ChunkState, ErrorCode, Eviction, FrozenContent, Limits, NodeId, PAGE_BYTES, Volume, VolumeOptions,
};
use support::{Random, Versions, away, balanced, create, entry, fails, read, set_size, whole, write};

const CHUNK: u64 = CHUNK_BYTES as u64;
const PAGE: u64 = PAGE_BYTES as u64;

fn volume() -> (Arc<Volume>, Arc<Versions>) {
    let volume = Volume::new(VolumeOptions::default());
    let versions = Versions::of(&volume);
    (volume, versions)
}

/// A file of four chunks' length, and what it holds.
struct Model {
    volume: Arc<Volume>,
    versions: Arc<Versions>,
    node: NodeId,
    bytes: Vec<u8>,
    random: Random,
    /// Under way: what was frozen, and what the file held then.
    frozen: Option<(FrozenContent, Vec<u8>)>,
    /// Every frozen content, with what it must go on to hold.
    kept: Vec<(FrozenContent, Vec<u8>)>,
    parked: bool,
    /// Whether the operation may have completed the upload.
    armed: bool,
    next: u64,
}

impl Model {
    fn position(&mut self) -> u64 {
        match self.random.below(4) {
            0 => self.random.below(5) * CHUNK,
            1 => self.random.below(64) * PAGE,
            _ => self.random.below(4 * CHUNK),
        }
    }

    fn step(&mut self) -> String {
        let choice = self.random.below(11);
        match choice {
            0 | 1 => {
                let at = self.position();
                let length = match self.random.below(3) {
                    0 => self.random.below(20),
                    1 => self.random.below(PAGE * 2),
                    _ => self.random.below(2 * CHUNK),
                } as usize;
                let data = self.random.bytes(length);
                self.allow_completion();
                write(&self.volume, self.node, at, &data).unwrap();
                if length > 0 {
                    let end = at as usize + length;
                    let grown = self.bytes.len().max(end);
                    self.bytes.resize(grown, 0);
                    self.bytes[at as usize..end].copy_from_slice(&data);
                }
                format!("write {length} at {at}")
            }
            2 => {
                let size = self.position();
                self.allow_completion();
                set_size(&self.volume, self.node, size).unwrap();
                self.bytes.resize(size as usize, 0);
                format!("set size {size}")
            }
            3 | 4 if self.frozen.is_none() => {
                let frozen = self.volume.freeze_content(self.node).unwrap();
                assert_eq!(frozen.len(), self.bytes.len() as u64);
                self.frozen = Some((frozen.clone(), self.bytes.clone()));
                "freeze".into()
            }
            3 | 4 => {
                self.complete();
                "stored".into()
            }
            5 | 6 => {
                let index = self.random.below(6);
                let done = self.volume.evict(self.node, index).unwrap();
                format!("evict {index}: {done:?}")
            }
            7 => {
                let Some((frozen, _)) = &self.frozen else { return "no upload to park".into() };
                let from = self.random.below(5);
                let freed = self.volume.park(self.node, frozen, from..from + 2, &"upload".into()).unwrap();
                self.parked |= freed > 0;
                format!("park {from}: {freed}")
            }
            8 => {
                let index = self.random.below(6);
                let Some((version, range)) = self.volume.absent_chunk(self.node, index).unwrap() else {
                    return "nothing to fill".into();
                };
                let bytes = self.versions.versions.lock().unwrap()[&*version].clone();
                let bytes = Bytes::from(bytes[range.start as usize..range.end as usize].to_vec());
                assert!(!self.volume.fill_chunk(self.node, index, &version, bytes.slice(1..)).unwrap());
                assert!(!self.volume.fill_chunk(self.node, index, &"other".into(), bytes.clone()).unwrap());
                assert!(self.volume.fill_chunk(self.node, index, &version, bytes).unwrap());
                format!("fill {index}")
            }
            _ => {
                let at = self.position();
                let length = self.random.below(CHUNK) as usize;
                self.allow_completion();
                let got = read(&self.volume, self.node, at, length as u32).unwrap();
                let from = self.bytes.len().min(at as usize);
                let to = self.bytes.len().min(at as usize + length);
                assert!(got == self.bytes[from..to], "read {length} at {at}");
                format!("read {length} at {at}")
            }
        }
    }

    /// Stores what was frozen, as a backend does: what is absent there is
    /// copied from the version that it is in.
    fn complete(&mut self) {
        let Some((frozen, held)) = self.frozen.take() else { return };
        self.next += 1;
        let version = format!("v{}", self.next);
        let bytes = compose(&self.versions, &frozen, &held);
        assert!(bytes == held, "what the frozen content says");
        self.versions.put(&version, bytes);
        let unchanged = self.volume.stored(self.node, &frozen, &version.as_str().into()).unwrap();
        assert!(!unchanged || self.bytes == held, "changed");
        self.versions.versions.lock().unwrap().retain(|name, _| *name == version);
        self.parked = false;
        // Only what is in memory can be asked for later.
        self.kept.push((frozen, held));
    }

    /// An operation that needs parked chunks completes the upload.
    fn allow_completion(&mut self) {
        if !self.parked {
            return;
        }
        self.armed = true;
        let (frozen, held) = self.frozen.clone().expect("an upload");
        self.next += 1;
        let version = format!("v{}", self.next);
        let (volume, node, versions) = (self.volume.clone(), self.node, self.versions.clone());
        *self.versions.on_complete.lock().unwrap() = Some(Box::new(move |upload| {
            assert_eq!(upload, "upload");
            let bytes = compose(&versions, &frozen, &held);
            versions.put(&version, bytes);
            volume.stored(node, &frozen, &version.as_str().into())?;
            versions.versions.lock().unwrap().retain(|name, _| *name == version);
            Ok(())
        }));
    }

    /// Notes whether the operation before completed the upload.
    fn note_completion(&mut self) {
        if std::mem::take(&mut self.armed) && self.versions.on_complete.lock().unwrap().take().is_none() {
            self.kept.extend(self.frozen.take());
            self.parked = false;
        }
    }

    fn check(&mut self) {
        balanced(&self.volume);
        let attributes = self.volume.attributes(self.node).unwrap();
        assert_eq!(attributes.size, self.bytes.len() as u64);
        let states = self.volume.chunk_states(self.node).unwrap();
        assert!(states.is_sorted_by(|one, next| one.0 < next.0));
        let versions = self.versions.versions.lock().unwrap();
        for (index, state) in &states {
            let absent = self.volume.absent_chunk(self.node, *index).unwrap();
            match state {
                ChunkState::Absent(version) => {
                    let (of, range) = absent.expect("absent");
                    assert_eq!(of, *version);
                    let stored = &versions[&**version][range.start as usize..range.end as usize];
                    assert!(stored == &self.bytes[range.start as usize..range.end as usize], "stored {index}");
                }
                _ => assert_eq!(absent, None),
            }
        }
        for (frozen, held) in &self.kept {
            for range in frozen.stretches() {
                if let Some(bytes) = frozen.bytes(range.range.start, (range.range.end - range.range.start) as usize) {
                    assert!(bytes == held[range.range.start as usize..range.range.end as usize]);
                }
            }
        }
    }
}

fn compose(versions: &Versions, frozen: &FrozenContent, held: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; frozen.len() as usize];
    let mut end = 0;
    for stretch in frozen.stretches() {
        assert!(stretch.range.start >= end && stretch.range.end <= frozen.len(), "{stretch:?}");
        end = stretch.range.end;
        let within = stretch.range.start as usize..stretch.range.end as usize;
        let part = match &stretch.state {
            ChunkState::Absent(version) => versions.versions.lock().unwrap()[&**version][within.clone()].to_vec(),
            ChunkState::Parked(_) => held[within.clone()].to_vec(),
            _ => frozen.bytes(stretch.range.start, within.len()).expect("in memory").to_vec(),
        };
        bytes[within].copy_from_slice(&part);
    }
    bytes
}

#[test]
fn a_file_holds_what_a_vector_of_bytes_would() {
    for seed in 0..150 {
        let (volume, versions) = volume();
        let mut random = Random(seed);
        let root = volume.root_id();
        let (node, bytes) = if random.below(2) == 0 {
            (create(&volume, root, "f"), Vec::new())
        } else {
            // Adopted, with holes.
            let mut bytes = vec![0; (3 * CHUNK + 100) as usize];
            let ranges = [PAGE..CHUNK + 50, 2 * CHUNK + 3 * PAGE..3 * CHUNK + 70];
            for range in &ranges {
                let data = random.bytes((range.end - range.start) as usize);
                bytes[range.start as usize..range.end as usize].copy_from_slice(&data);
            }
            versions.put("v0", bytes.clone());
            let what = away(bytes.len() as u64, "v0", &ranges);
            (volume.adopt(root, &entry("f", what)).unwrap(), bytes)
        };
        let mut model = Model {
            volume,
            versions,
            node,
            bytes,
            random,
            frozen: None,
            kept: Vec::new(),
            parked: false,
            armed: false,
            next: 0,
        };
        let mut done = Vec::new();
        for _ in 0..80 {
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                let step = model.step();
                model.note_completion();
                model.check();
                step
            }));
            match outcome {
                Ok(step) => done.push(step),
                Err(panic) => {
                    eprintln!("seed {seed}: {done:#?}");
                    std::panic::resume_unwind(panic);
                }
            }
        }
        // All of it, at the end.
        model.allow_completion();
        let mut all = Vec::new();
        while all.len() < model.bytes.len() {
            let part = read(&model.volume, node, all.len() as u64, u32::MAX).unwrap();
            all.extend_from_slice(&part);
        }
        assert!(all == model.bytes, "seed {seed}: {done:#?}");
    }
}

/// A file that is stored as `v1` and nothing of which is in memory.
fn stored(volume: &Arc<Volume>, versions: &Versions, bytes: &[u8]) -> NodeId {
    versions.put("v1", bytes.to_vec());
    volume.adopt(volume.root_id(), &entry("f", whole(bytes.len() as u64, "v1"))).unwrap()
}

#[test]
fn what_was_cut_off_does_not_come_back() {
    let (volume, versions) = volume();
    let node = stored(&volume, &versions, &vec![7; 3 * CHUNK_BYTES]);
    // Nothing of it has to be loaded.
    set_size(&volume, node, CHUNK + 10).unwrap();
    assert_eq!(versions.loads.load(Ordering::Relaxed), 0);
    assert_eq!(volume.attributes(node).unwrap().allocated, CHUNK + PAGE);
    balanced(&volume);
    set_size(&volume, node, 3 * CHUNK).unwrap();
    assert_eq!(volume.attributes(node).unwrap().allocated, CHUNK + PAGE);
    let mut held = vec![0; 3 * CHUNK_BYTES];
    held[..CHUNK_BYTES + 10].fill(7);
    assert!(read(&volume, node, 0, u32::MAX).unwrap() == held);
    assert_eq!(volume.absent_chunk(node, 2).unwrap(), None);
    balanced(&volume);
}

#[test]
fn a_cut_since_the_freeze_is_kept_when_it_is_stored() {
    for keep in [0, 10, PAGE, CHUNK, CHUNK + 10, 2 * CHUNK - 1] {
        let (volume, versions) = volume();
        let node = create(&volume, volume.root_id(), "f");
        let bytes = vec![7; 2 * CHUNK_BYTES];
        write(&volume, node, 0, &bytes).unwrap();
        let frozen = volume.freeze_content(node).unwrap();
        set_size(&volume, node, keep).unwrap();
        set_size(&volume, node, 2 * CHUNK).unwrap();
        versions.put("v1", bytes.clone());
        assert!(!volume.stored(node, &frozen, &"v1".into()).unwrap());
        (0..2).for_each(|index| assert!(volume.evict(node, index).is_ok()));
        let mut held = vec![0; 2 * CHUNK_BYTES];
        held[..keep as usize].fill(7);
        assert!(read(&volume, node, 0, u32::MAX).unwrap() == held, "{keep}");
        assert!(frozen.bytes(0, bytes.len()).unwrap() == bytes);
        balanced(&volume);
    }
}

#[test]
fn unchanged_since_the_freeze_is_clean() {
    let (volume, versions) = volume();
    let node = create(&volume, volume.root_id(), "f");
    write(&volume, node, 0, &[7; 2 * CHUNK_BYTES]).unwrap();
    let frozen = volume.freeze_content(node).unwrap();
    write(&volume, node, CHUNK, b"x").unwrap();
    versions.put("v1", vec![7; 2 * CHUNK_BYTES]);
    let version: Arc<str> = "v1".into();
    assert!(!volume.stored(node, &frozen, &version).unwrap());
    assert_eq!(volume.chunk_states(node).unwrap(), [(0, ChunkState::Clean(version.clone())), (1, ChunkState::Dirty)]);
    assert_eq!(volume.evict(node, 1).unwrap(), Eviction::Nothing);
    // Used since: it gets a second chance.
    assert_eq!(volume.evict(node, 0).unwrap(), Eviction::Freed(CHUNK_BYTES));
    assert_eq!(volume.evict(node, 0).unwrap(), Eviction::Nothing);
    assert_eq!(volume.evict(node, 77).unwrap(), Eviction::Nothing);
    assert_eq!(volume.evict(node, u64::MAX).unwrap(), Eviction::Nothing);
    assert_eq!(volume.absent_chunk(node, u64::MAX).unwrap(), None);
    assert!(read(&volume, node, 10, 5).unwrap() == [7; 5][..]);
    assert_eq!(volume.evict(node, 0).unwrap(), Eviction::Used);
    assert_eq!(volume.evict(node, 0).unwrap(), Eviction::Freed(CHUNK_BYTES));
    let frozen = volume.freeze_content(node).unwrap();
    versions.put("v2", read(&volume, node, 0, u32::MAX).unwrap().to_vec());
    assert!(volume.stored(node, &frozen, &"v2".into()).unwrap());
    balanced(&volume);
}

#[test]
fn parked_chunks_wait_for_their_upload() {
    let (volume, versions) = volume();
    let node = create(&volume, volume.root_id(), "f");
    write(&volume, node, 0, &[7; 2 * CHUNK_BYTES]).unwrap();
    let frozen = volume.freeze_content(node).unwrap();
    write(&volume, node, CHUNK, b"x").unwrap();
    let upload: Arc<str> = "u".into();
    assert_eq!(volume.park(node, &frozen, 0..2, &upload).unwrap(), CHUNK_BYTES);
    assert_eq!(volume.chunk_states(node).unwrap(), [(0, ChunkState::Parked(upload.clone())), (1, ChunkState::Dirty)]);
    assert_eq!(volume.evict(node, 0).unwrap(), Eviction::Nothing);
    assert_eq!(volume.absent_chunk(node, 0).unwrap(), None);
    assert!(!volume.fill_chunk(node, 0, &upload, Bytes::from_static(&[0; CHUNK_BYTES])).unwrap());
    balanced(&volume);
    // Even where all of it is overwritten, or cut off.
    for change in 0..3 {
        *versions.on_complete.lock().unwrap() = Some(Box::new(|_| Err(larder_core::Error::new(ErrorCode::Io, "u"))));
        match change {
            0 => fails(write(&volume, node, 0, &[1; CHUNK_BYTES]), ErrorCode::Io),
            1 => fails(set_size(&volume, node, 0), ErrorCode::Io),
            _ => fails(read(&volume, node, 0, 1), ErrorCode::Io),
        }
        balanced(&volume);
    }
    let (other, backend) = (volume.clone(), versions.clone());
    *versions.on_complete.lock().unwrap() = Some(Box::new(move |_| {
        backend.put("v1", vec![7; 2 * CHUNK_BYTES]);
        other.stored(node, &frozen, &"v1".into()).map(drop)
    }));
    assert!(read(&volume, node, CHUNK - 2, 4).unwrap() == b"\x07\x07x\x07"[..]);
    // Parked chunks of a file that is removed are nobody's.
    let frozen = volume.freeze_content(node).unwrap();
    volume.park(node, &frozen, 0..2, &upload).unwrap();
    volume
        .apply(&support::context(), &larder_core::Operation::Unlink { directory: volume.root_id(), name: "f".into() })
        .unwrap();
    balanced(&volume);
    fails(volume.stored(node, &frozen, &"v2".into()), ErrorCode::NoEntry);
}

#[test]
fn a_file_of_a_tebibyte_costs_nothing_to_adopt() {
    const SIZE: u64 = 1 << 40;
    let limits = Limits { bytes: 4 * SIZE, ..Limits::default() };
    let volume = Volume::new(VolumeOptions { limits, ..VolumeOptions::default() });
    let node = volume.adopt(volume.root_id(), &entry("f", whole(SIZE, "v"))).unwrap();
    assert_eq!(volume.attributes(node).unwrap().allocated, SIZE);
    let frozen = volume.freeze_content(node).unwrap();
    assert_eq!(frozen.stretches().len(), 1);
    assert_eq!(frozen.ranges()[..], [0..SIZE]);
    assert!(volume.stored(node, &frozen, &"v2".into()).unwrap());
    assert!(volume.fill_chunk(node, 5, &"v2".into(), vec![3; CHUNK_BYTES].into()).unwrap());
    assert!(read(&volume, node, 5 * CHUNK, 3).unwrap() == [3; 3][..]);
    write(&volume, node, SIZE / 2, &[1; CHUNK_BYTES]).unwrap();
    assert_eq!(volume.attributes(node).unwrap().allocated, SIZE);
    assert_eq!(volume.freeze_content(node).unwrap().stretches().len(), 5);
    set_size(&volume, node, 10).unwrap();
    assert_eq!(volume.attributes(node).unwrap().allocated, PAGE);
    set_size(&volume, node, SIZE).unwrap();
    balanced(&volume);
}

#[test]
fn what_is_filled_wrongly_takes_no_place() {
    let (volume, versions) = volume();
    let node = stored(&volume, &versions, &vec![7; 2 * CHUNK_BYTES]);
    let version: Arc<str> = "v1".into();
    assert!(!volume.fill_chunk(node, 0, &version, Bytes::from_static(b"short")).unwrap());
    assert!(!volume.fill_chunk(node, 0, &"v2".into(), vec![7; CHUNK_BYTES].into()).unwrap());
    assert!(!volume.fill_chunk(node, 9, &version, vec![7; CHUNK_BYTES].into()).unwrap());
    // Were it among the chunks now, cutting it would load it.
    set_size(&volume, node, 10).unwrap();
    assert_eq!(versions.loads.load(Ordering::Relaxed), 0);
    assert!(volume.fill_chunk(node, 0, &version, vec![7; 10].into()).unwrap());
    assert!(!volume.fill_chunk(node, 0, &version, vec![8; 10].into()).unwrap(), "it is there");
    assert!(read(&volume, node, 0, 20).unwrap() == [7; 10][..]);
}

#[test]
fn a_load_that_is_overtaken_is_done_again() {
    // The file is cut while its bytes are on their way.
    let (volume, versions) = volume();
    let node = stored(&volume, &versions, &vec![7; CHUNK_BYTES]);
    let other = volume.clone();
    *versions.on_load.lock().unwrap() = Some(Box::new(move || set_size(&other, node, 100).unwrap()));
    assert!(read(&volume, node, 0, 200).unwrap() == [7; 100][..]);
    balanced(&volume);
}

#[test]
fn a_version_that_is_gone_is_not_asked_for() {
    // Another version is stored while the older one's bytes are on their way.
    let (volume, versions) = volume();
    let node = stored(&volume, &versions, &vec![7; CHUNK_BYTES]);
    let (other, backend) = (volume.clone(), versions.clone());
    *versions.on_load.lock().unwrap() = Some(Box::new(move || {
        let frozen = other.freeze_content(node).unwrap();
        backend.versions.lock().unwrap().clear();
        backend.put("v2", vec![7; CHUNK_BYTES]);
        assert!(other.stored(node, &frozen, &"v2".into()).unwrap());
    }));
    assert!(read(&volume, node, 0, 3).unwrap() == [7; 3][..]);
    // Where it is merely away, the error comes back.
    let node = volume.adopt(volume.root_id(), &entry("g", whole(10, "v9"))).unwrap();
    fails(read(&volume, node, 0, 3), ErrorCode::Io);
}

#[test]
fn readers_and_writers_and_a_backend_at_once() {
    let (volume, versions) = volume();
    let node = stored(&volume, &versions, &vec![1; 4 * CHUNK_BYTES]);
    std::thread::scope(|scope| {
        for thread in 0..2u64 {
            let volume = &volume;
            scope.spawn(move || {
                let mut random = Random(thread);
                for _ in 0..400 {
                    match random.below(3) {
                        0 => write(volume, node, random.below(4 * CHUNK - 10), &[1; 10]).unwrap(),
                        1 => {
                            let size = random.below(4 * CHUNK);
                            set_size(volume, node, size).unwrap();
                        }
                        _ => {
                            let read = read(volume, node, random.below(4 * CHUNK), 70_000).unwrap();
                            assert!(read.iter().all(|byte| *byte < 2));
                        }
                    }
                }
            });
        }
        let (volume, versions) = (&volume, &versions);
        scope.spawn(move || {
            for round in 0..400 {
                let frozen = volume.freeze_content(node).unwrap();
                let version = format!("w{round}");
                let bytes = compose(versions, &frozen, &[]);
                versions.put(&version, bytes);
                volume.stored(node, &frozen, &version.as_str().into()).unwrap();
                versions.versions.lock().unwrap().retain(|name, _| *name == version);
                (0..4).for_each(|index| assert!(volume.evict(node, index).is_ok()));
            }
        });
    });
    balanced(&volume);
}

/// Keeps so few chunks that the first ones are dropped before the last ones of
/// a long read come.
struct Tight {
    volume: std::sync::Weak<Volume>,
    loaded: std::sync::Mutex<std::collections::VecDeque<u64>>,
}

const KEPT: usize = 20;

fn pattern(at: u64) -> u8 {
    (at / 1000 % 251) as u8
}

impl larder_core::ContentSource for Tight {
    fn load(&self, node: NodeId, _: &str, range: std::ops::Range<u64>) -> larder_core::Result<Bytes> {
        let mut loaded = self.loaded.lock().unwrap();
        loaded.push_back(range.start / CHUNK);
        if loaded.len() > KEPT {
            let dropped = loaded.pop_front().unwrap();
            let volume = self.volume.upgrade().unwrap();
            // It may have been used.
            while matches!(volume.evict(node, dropped), Ok(Eviction::Used)) {}
        }
        Ok(range.map(pattern).collect::<Vec<u8>>().into())
    }
}

#[test]
fn a_read_that_needs_more_than_is_kept_is_short_and_ends() {
    use larder_core::{DescriptorFlags, Follow, OpenFlags, Rights, View};
    let volume = Volume::new(VolumeOptions::default());
    let source = Tight { volume: Arc::downgrade(&volume), loaded: Default::default() };
    volume.set_content_source(Arc::new(source)).unwrap();
    let size = 100 * CHUNK + 17;
    volume.adopt(volume.root_id(), &entry("f", whole(size, "v0"))).unwrap();
    let root = View::new(&volume, Rights::READ_WRITE).unwrap().root().unwrap();
    let file = root.open_at(support::NOW, Follow::No, "f", OpenFlags::empty(), DescriptorFlags::READ).unwrap();
    let mut buffer = vec![0; size as usize];
    let (mut at, mut reads) = (0, 0);
    while at < size {
        let read = file.read_into(at, &mut buffer[at as usize..]).unwrap() as u64;
        assert!(read > 0);
        (at, reads) = (at + read, reads + 1);
    }
    assert!(reads > 1 && buffer.iter().zip(0..).all(|(byte, at)| *byte == pattern(at)), "{reads}");
}
