//! The numbers of the format: docs/image-format.md, version 1.

/// First bytes of an image. The high bit and the line ends show transfers that
/// are not 8-bit clean (as PNG's signature does).
pub(crate) const MAGIC: [u8; 12] = *b"\x89LARDIMG\r\n\x1a\n";

/// The version that this build writes, and the newest that it reads.
pub(crate) const VERSION: u32 = 1;

/// Feature bits of which this build knows the meaning.
pub(crate) const KNOWN_FEATURES: u32 = 0;

/// Bytes of the header; the checksum is its last field.
pub(crate) const HEADER_BYTES: usize = 64;

/// Where fields of the header are.
pub(crate) mod header {
    pub(crate) const VERSION: usize = 12;
    pub(crate) const INCOMPATIBLE: usize = 16;
    pub(crate) const LENGTH: usize = 24;
    pub(crate) const OPTIONS: usize = 32;
    pub(crate) const OPTIONS_LENGTH: usize = 40;
    pub(crate) const OPTIONS_CHECKSUM: usize = 48;
    pub(crate) const BODY_CHECKSUM: usize = 52;
    pub(crate) const CHECKSUM: usize = 60;
}

/// Bytes of a record in the table of nodes.
pub(crate) const NODE_BYTES: usize = 48;

/// Bytes of a record in a directory's table of entries.
pub(crate) const ENTRY_BYTES: usize = 16;

/// Bytes of a record in a file's table of extents.
pub(crate) const EXTENT_BYTES: usize = 24;

/// Kinds of nodes.
pub(crate) mod kind {
    pub(crate) const FILE: u8 = 1;
    pub(crate) const DIRECTORY: u8 = 2;
    pub(crate) const SYMLINK: u8 = 3;
}

/// The alignment of content from a page on, relative to the image.
pub(crate) const PAGE_ALIGNMENT: usize = larder_core::PAGE_BYTES;

/// The alignment of shorter content and of all tables.
pub(crate) const ALIGNMENT: usize = 16;

/// A tree is charged at most this many bytes for each byte of its image. More
/// than the worst honest case: a file of one byte has an extent of 24 and is
/// charged a page of 4096. Guards the memory that a hostile image can ask for
/// by naming the same bytes again and again.
pub(crate) const MOST_CHARGED_FOR_A_BYTE: u64 = 256;
