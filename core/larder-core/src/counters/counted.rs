//! The counters themselves, and what is told of them.

use std::sync::atomic::{AtomicU64, Ordering};

use super::OperationKind;
use crate::{Operation, Reply, Result, Volume};

const KINDS: usize = OperationKind::ALL.len();

impl OperationKind {
    /// That of an operation of the set; closing is none.
    pub(crate) const fn of(operation: &Operation) -> Option<Self> {
        Some(match operation {
            Operation::Lookup { .. } => Self::Lookup,
            Operation::GetAttributes { .. } => Self::Stat,
            Operation::ReadLink { .. } => Self::ReadLink,
            Operation::ReadDirectory { .. } => Self::ReadDirectory,
            Operation::Read { .. } => Self::Read,
            Operation::CreateFile { .. } => Self::Create,
            Operation::CreateDirectory { .. } => Self::CreateDirectory,
            Operation::CreateSymlink { .. } => Self::Symlink,
            Operation::Link { .. } => Self::Link,
            Operation::Unlink { .. } => Self::Unlink,
            Operation::RemoveDirectory { .. } => Self::RemoveDirectory,
            Operation::Rename { .. } => Self::Rename,
            Operation::Write { .. } => Self::Write,
            Operation::Append { .. } => Self::Append,
            Operation::SetSize { .. } => Self::SetSize,
            Operation::SetTimes { .. } => Self::SetTimes,
            Operation::SetMode { .. } => Self::SetMode,
            Operation::Open { .. } => Self::Open,
            Operation::Sync => Self::Sync,
            Operation::Close { .. } => return None,
        })
    }
}

/// How often there was an operation of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperationCount {
    /// The kind.
    pub kind: OperationKind,
    /// Operations that succeeded.
    pub succeeded: u64,
    /// Operations that ended with an error.
    pub failed: u64,
}

/// What was counted of a volume. None of the numbers ever falls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// One for each kind, in the order of [`OperationKind::ALL`].
    pub operations: Vec<OperationCount>,
    /// Bytes of content that were read.
    pub bytes_read: u64,
    /// Bytes of content that were written.
    pub bytes_written: u64,
}

impl Volume {
    /// Counts operations from now on; does nothing where they are counted
    /// already. An operation through a descriptor or by [`apply`](Self::apply)
    /// counts once, whatever it needs within.
    pub fn count_operations(&self) {
        self.counters.get_or_init(Counters::new);
    }

    /// What was counted so far; none where nothing is counted. Operations that
    /// end meanwhile may be in one number and not yet in another.
    #[must_use]
    pub fn counts(&self) -> Option<Counts> {
        self.counters.get().map(Counters::read)
    }

    /// Carries out an operation, and counts it with the bytes that it read or
    /// wrote, which `length` tells.
    #[inline]
    pub(crate) fn counting_bytes<T>(
        &self,
        kind: OperationKind,
        length: impl FnOnce(&T) -> u64,
        act: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let result = act();
        if let Some(counters) = self.counters.get() {
            counters.note(kind, result.as_ref().ok().map(length));
        }
        result
    }

    /// The same for one of the operation set.
    pub(crate) fn counting_applied(&self, operation: &Operation, act: impl FnOnce() -> Result<Reply>) -> Result<Reply> {
        let Some(kind) = OperationKind::of(operation) else { return act() };
        let length = |reply: &Reply| match reply {
            Reply::Data(data) => data.len() as u64,
            Reply::Written { length, .. } => *length,
            _ => 0,
        };
        self.counting_bytes(kind, length, act)
    }
}

/// Threads that have a shard to themselves in each volume; further ones share
/// one. Bounds the memory of a volume's counters: 26 KiB.
const PLACES: usize = 64;

/// A bit for each place: set while a thread has it.
static TAKEN: AtomicU64 = AtomicU64::new(0);

/// A thread's place, until the thread ends.
struct Place(Option<usize>);

thread_local! {
    static PLACE: Place = Place::take();
}

impl Place {
    fn take() -> Self {
        let lowest = |taken: u64| taken.trailing_ones();
        // Acquire: what the place's former thread counted comes before what
        // this one does.
        let before = TAKEN.fetch_update(Ordering::Acquire, Ordering::Relaxed, |taken| {
            1_u64.checked_shl(lowest(taken)).map(|place| taken | place)
        });
        Self(before.ok().map(|taken| lowest(taken) as usize))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(place) = self.0 {
            TAKEN.fetch_and(!(1 << place), Ordering::Release);
        }
    }
}

/// The counters of one volume.
pub(crate) struct Counters {
    /// By place: a shard that one thread alone writes needs no locked
    /// instruction, only a load and a store.
    own: Box<[Shard]>,
    /// Of the threads without a place.
    shared: Shard,
}

/// Two cache lines apart from the next one: processors fetch lines in pairs.
#[repr(align(128))]
struct Shard {
    succeeded: [AtomicU64; KINDS],
    failed: [AtomicU64; KINDS],
    read: AtomicU64,
    written: AtomicU64,
}

impl Shard {
    const fn new() -> Self {
        Self {
            succeeded: [const { AtomicU64::new(0) }; KINDS],
            failed: [const { AtomicU64::new(0) }; KINDS],
            read: AtomicU64::new(0),
            written: AtomicU64::new(0),
        }
    }

    /// Adds by `add` what an operation did; `bytes` is none for a failed one.
    #[inline]
    fn note(&self, kind: OperationKind, bytes: Option<u64>, add: impl Fn(&AtomicU64, u64)) {
        let by_kind = if bytes.is_some() { &self.succeeded } else { &self.failed };
        if let Some(counter) = by_kind.get(kind as usize) {
            add(counter, 1);
        }
        match (kind, bytes) {
            (OperationKind::Read, Some(bytes)) => add(&self.read, bytes),
            (OperationKind::Write | OperationKind::Append, Some(bytes)) => add(&self.written, bytes),
            _ => {}
        }
    }
}

impl Counters {
    fn new() -> Self {
        Self { own: std::iter::repeat_with(Shard::new).take(PLACES).collect(), shared: Shard::new() }
    }

    #[inline]
    fn note(&self, kind: OperationKind, bytes: Option<u64>) {
        // A thread that is ending has no place any more.
        let place = PLACE.try_with(|place| place.0).ok().flatten();
        match place.and_then(|place| self.own.get(place)) {
            Some(shard) => shard.note(kind, bytes, |counter, more| {
                counter.store(counter.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
            }),
            None => self.shared.note(kind, bytes, |counter, more| {
                counter.fetch_add(more, Ordering::Relaxed);
            }),
        }
    }

    fn read(&self) -> Counts {
        let sum = |counter: &dyn Fn(&Shard) -> Option<&AtomicU64>| {
            let shards = self.own.iter().chain(std::iter::once(&self.shared));
            shards.filter_map(counter).map(|counter| counter.load(Ordering::Relaxed)).fold(0, u64::wrapping_add)
        };
        let operations = OperationKind::ALL.iter().map(|&kind| OperationCount {
            kind,
            succeeded: sum(&|shard| shard.succeeded.get(kind as usize)),
            failed: sum(&|shard| shard.failed.get(kind as usize)),
        });
        Counts {
            operations: operations.collect(),
            bytes_read: sum(&|shard| Some(&shard.read)),
            bytes_written: sum(&|shard| Some(&shard.written)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Context, DescriptorFlags, Follow, OpenFlags, Rights, Timestamp, View, VolumeOptions};

    const NOW: Timestamp = Timestamp::from_seconds(1);

    fn counted() -> std::sync::Arc<Volume> {
        let volume = Volume::new(VolumeOptions::default());
        volume.count_operations();
        volume
    }

    /// What succeeded and what failed of a kind.
    fn of(volume: &Volume, kind: OperationKind) -> (u64, u64) {
        let counts = volume.counts().unwrap();
        let count = counts.operations.iter().find(|count| count.kind == kind).unwrap();
        (count.succeeded, count.failed)
    }

    #[test]
    fn nothing_is_counted_unless_it_is_asked_for() {
        let volume = Volume::new(VolumeOptions::default());
        View::new(&volume, Rights::READ_WRITE).unwrap().root().unwrap().create_directory_at(NOW, "a").unwrap();
        assert_eq!(volume.counts(), None);
        volume.count_operations();
        assert_eq!(of(&volume, OperationKind::CreateDirectory), (0, 0));
    }

    #[test]
    fn each_operation_counts_once_by_how_it_ended() {
        let volume = counted();
        let root = View::new(&volume, Rights::READ_WRITE).unwrap().root().unwrap();
        let flags = DescriptorFlags::READ | DescriptorFlags::WRITE;
        let file = root.open_at(NOW, Follow::Yes, "f", OpenFlags::CREATE, flags).unwrap();
        assert!(root.open_at(NOW, Follow::Yes, "none", OpenFlags::empty(), flags).is_err());
        file.write(NOW, 0, b"12345").unwrap();
        file.append(NOW, b"678").unwrap();
        file.set_size(NOW, 7).unwrap();
        assert_eq!(file.read(1, 100).unwrap().len(), 6);
        let mut buffer = [0; 3];
        assert_eq!(file.read_into(0, &mut buffer).unwrap(), 3);
        assert_eq!(file.read_with(6, 10, |_| {}).unwrap(), 1);
        assert!(root.read(0, 1).is_err());
        root.rename_at(NOW, "f", &root, "g").unwrap();
        root.link_at(NOW, Follow::No, "g", &root, "h").unwrap();
        root.symlink_at(NOW, "g", "s").unwrap();
        root.readlink_at("s").unwrap();
        root.stat_at(Follow::Yes, "s").unwrap();
        file.stat().unwrap();
        root.read_directory(0, 10).unwrap();
        root.unlink_file_at(NOW, "h").unwrap();
        root.create_directory_at(NOW, "d").unwrap();
        assert!(root.create_directory_at(NOW, "d").is_err());
        root.remove_directory_at(NOW, "d").unwrap();
        file.sync().unwrap();
        file.sync_data().unwrap();
        for (kind, expected) in [
            (OperationKind::Open, (1, 1)),
            (OperationKind::Write, (1, 0)),
            (OperationKind::Append, (1, 0)),
            (OperationKind::SetSize, (1, 0)),
            (OperationKind::Read, (3, 1)),
            (OperationKind::Rename, (1, 0)),
            (OperationKind::Link, (1, 0)),
            (OperationKind::Symlink, (1, 0)),
            (OperationKind::ReadLink, (1, 0)),
            (OperationKind::Stat, (2, 0)),
            (OperationKind::ReadDirectory, (1, 0)),
            (OperationKind::Unlink, (1, 0)),
            (OperationKind::CreateDirectory, (1, 1)),
            (OperationKind::RemoveDirectory, (1, 0)),
            (OperationKind::Sync, (2, 0)),
            (OperationKind::Create, (0, 0)),
        ] {
            assert_eq!(of(&volume, kind), expected, "{kind:?}");
        }
        let counts = volume.counts().unwrap();
        assert_eq!((counts.bytes_read, counts.bytes_written), (10, 8));
    }

    #[test]
    fn the_operation_set_counts_as_well() {
        let volume = counted();
        let context = Context::at(NOW);
        let create = Operation::CreateFile { directory: volume.root_id(), name: "f".into(), mode: 0o644 };
        let Reply::Node(file) = volume.apply(&context, &create).unwrap() else { panic!("no node") };
        assert!(volume.apply(&context, &create).is_err());
        let data = bytes::Bytes::from_static(b"four");
        volume.apply(&context, &Operation::Append { node: file.id, data }).unwrap();
        volume.apply(&context, &Operation::Read { node: file.id, offset: 1, length: 9 }).unwrap();
        let Reply::Handle(handle) = volume.apply(&context, &Operation::Open { node: file.id }).unwrap() else {
            panic!("no handle")
        };
        volume.apply(&context, &Operation::Close { handle }).unwrap();
        assert_eq!(of(&volume, OperationKind::Create), (1, 1));
        assert_eq!(of(&volume, OperationKind::Append), (1, 0));
        assert_eq!(of(&volume, OperationKind::Open), (1, 0));
        let counts = volume.counts().unwrap();
        assert_eq!((counts.bytes_read, counts.bytes_written), (3, 4));
        assert_eq!(counts.operations.iter().map(|count| count.succeeded + count.failed).sum::<u64>(), 5);
    }

    /// Nothing is lost, also of threads that share a shard or have one after
    /// another.
    #[test]
    fn nothing_is_lost_among_threads() {
        const THREADS: u64 = 2 * PLACES as u64;
        const EACH: u64 = 1000;
        let volume = counted();
        let started = std::sync::Barrier::new(2 * PLACES);
        for _ in 0..2 {
            std::thread::scope(|scope| {
                for _ in 0..THREADS {
                    scope.spawn(|| {
                        let root = View::new(&volume, Rights::READ).unwrap().root().unwrap();
                        // All of them have taken their places.
                        root.stat().unwrap();
                        started.wait();
                        for _ in 1..EACH {
                            root.stat().unwrap();
                        }
                    });
                }
            });
        }
        assert_eq!(of(&volume, OperationKind::Stat), (2 * THREADS * EACH, 0));
    }

    #[test]
    fn names_are_unique() {
        let names: std::collections::BTreeSet<_> = OperationKind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), KINDS);
    }
}
