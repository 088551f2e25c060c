//! The cases, one file by subject. Each is a function over a form that makes
//! its own guest; `list.rs` names them all.

pub(crate) mod directories;
pub(crate) mod files;
pub(crate) mod holes;
pub(crate) mod identity;
pub(crate) mod limits;
pub(crate) mod links;
pub(crate) mod listing;
pub(crate) mod paths;
pub(crate) mod rename;
pub(crate) mod symlinks;
pub(crate) mod times;
pub(crate) mod unlink;
pub(crate) mod views;

use larder_core::{DescriptorFlags, ErrorCode, OpenFlags};

use crate::Result;

/// Checks that an operation fails with exactly this code.
#[track_caller]
fn refused<T>(result: Result<T>, code: ErrorCode) {
    match result {
        Ok(_) => panic!("it succeeded; it should be refused with {}", code.wasi_name()),
        Err(other) => {
            assert!(other == code, "it was refused with {}; it should be with {}", other.wasi_name(), code.wasi_name())
        }
    }
}

const NO_OPEN: OpenFlags = OpenFlags::empty();
const CREATE: OpenFlags = OpenFlags::CREATE;
const NEW: OpenFlags = OpenFlags::CREATE.union(OpenFlags::EXCLUSIVE);
const TRUNCATE: OpenFlags = OpenFlags::TRUNCATE;
const DIRECTORY: OpenFlags = OpenFlags::DIRECTORY;
const NO_FLAGS: DescriptorFlags = DescriptorFlags::empty();
const READ: DescriptorFlags = DescriptorFlags::READ;
const WRITE: DescriptorFlags = DescriptorFlags::WRITE;
const BOTH: DescriptorFlags = DescriptorFlags::READ.union(DescriptorFlags::WRITE);
const MUTATE: DescriptorFlags = DescriptorFlags::MUTATE_DIRECTORY;

/// Numbers that look random and are the same in every run.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        // Xorshift64, Marsaglia 2003.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }
}

/// Bytes in which every stretch of a page differs from every other.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|i| u8::try_from((i / 251 + i) % 251).unwrap()).collect()
}
