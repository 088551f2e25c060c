//! How much of everything there is.

use std::time::Duration;

use serde::Serialize;

/// How much of everything there is.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Sizes {
    /// Bytes of the large file.
    pub(crate) large: u64,
    /// Bytes of the file that is synced after each piece.
    pub(crate) synced: u64,
    /// Bytes of one write or read of a large file.
    pub(crate) piece: usize,
    /// Bytes of the file that is larger than the memory that a volume may use.
    pub(crate) huge: u64,
    /// That memory.
    pub(crate) budget: u64,
    /// The memory that a volume has in all other cases: what is warm fits.
    pub(crate) memory: u64,
    /// Directories of small files.
    pub(crate) directories: usize,
    /// Small files in each.
    pub(crate) files: usize,
    /// Bytes of a small file.
    pub(crate) small: usize,
    /// Directories of the tree that a start has to list.
    pub(crate) tree_directories: usize,
    /// Objects in each.
    pub(crate) tree_files: usize,
    /// Repetitions of what is short.
    pub(crate) repetitions: usize,
    /// The time for one cell.
    pub(crate) bound: Duration,
    /// Whether the kernel's caches are dropped before what is cold. That hits
    /// whatever else the machine does.
    pub(crate) drop_caches: bool,
}

impl Sizes {
    pub(crate) const FULL: Self = Self {
        large: 256 << 20,
        synced: 32 << 20,
        piece: 1 << 20,
        huge: 1 << 30,
        budget: 256 << 20,
        memory: 1 << 30,
        directories: 20,
        files: 100,
        small: 4 << 10,
        tree_directories: 100,
        tree_files: 100,
        repetitions: 3,
        bound: Duration::from_secs(45),
        drop_caches: true,
    };

    pub(crate) const QUICK: Self = Self {
        large: 24 << 20,
        synced: 4 << 20,
        huge: 128 << 20,
        budget: 64 << 20,
        memory: 256 << 20,
        directories: 4,
        files: 10,
        tree_directories: 10,
        tree_files: 20,
        repetitions: 1,
        bound: Duration::from_secs(20),
        drop_caches: false,
        ..Self::FULL
    };
}
