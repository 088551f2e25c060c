//! The numbers of the format: docs/snapshot-format.md, version 1.

use crate::FileType;

/// First bytes of a stream. The high bit, the line ends and the control-Z show
/// transfers that are not 8-bit clean (as PNG's signature does).
pub(super) const MAGIC: [u8; 12] = *b"\x89LARDER\r\n\x1a\n\0";

/// The version that this build writes, and the newest that it reads.
pub(super) const VERSION: u32 = 1;

/// Feature bits of which this build knows the meaning. A reader refuses
/// unknown bits of this set, and ignores those of the compatible set.
pub(super) const KNOWN_FEATURES: u32 = 0;

/// Bytes of the stream header.
pub(super) const HEADER_BYTES: usize = 32;

/// Bytes of a record before its payload: kind, three zeros, payload length.
pub(super) const FRAME_BYTES: usize = 8;

/// Bytes of a checksum: CRC-32 (ISO-HDLC, the one of zlib and PNG).
pub(super) const CHECKSUM_BYTES: usize = 4;

/// The longest payload, in bytes.
pub(super) const MAX_PAYLOAD: usize = 1 << 20;

/// A data record lies within one cell of this many bytes, and each cell has
/// one at most: the store's chunks.
pub(super) const CELL_BYTES: u64 = 1 << 16;

/// A data record starts at a multiple of this many bytes: the store's pages.
pub(super) const PAGE_BYTES: u64 = 1 << 12;

// A store with other sizes must cut and join its chunks here, or be a new
// version of the format.
const _: () = assert!(crate::CHUNK_BYTES as u64 == CELL_BYTES && crate::PAGE_BYTES as u64 == PAGE_BYTES);

/// An entries record ends with the entry that brings it to this many bytes.
pub(super) const ENTRIES_TARGET: usize = 1 << 16;

/// Counters (inode numbers, versions, cookies, link counts) are below this.
pub(super) const COUNTER_BOUND: u64 = 1 << 63;

/// The permission bits that a node may have.
pub(super) const MAX_MODE: u32 = 0o7777;

/// Kinds from here on may be skipped by a reader that does not know them.
pub(super) const FIRST_OPTIONAL_KIND: u8 = 0x80;

/// Record kinds.
pub(super) mod kind {
    pub(in super::super) const VOLUME: u8 = 1;
    pub(in super::super) const FILE: u8 = 2;
    pub(in super::super) const DATA: u8 = 3;
    pub(in super::super) const DIRECTORY: u8 = 4;
    pub(in super::super) const ENTRIES: u8 = 5;
    pub(in super::super) const SYMLINK: u8 = 6;
    pub(in super::super) const END: u8 = 7;
}

pub(super) const fn file_type_to_byte(file_type: FileType) -> u8 {
    match file_type {
        FileType::RegularFile => 1,
        FileType::Directory => 2,
        FileType::SymbolicLink => 3,
    }
}

pub(super) const fn file_type_from_byte(byte: u8) -> Option<FileType> {
    match byte {
        1 => Some(FileType::RegularFile),
        2 => Some(FileType::Directory),
        3 => Some(FileType::SymbolicLink),
        _ => None,
    }
}
