//! Tar streams.
//!
//! The `tar` crate knows the headers; the framing is done here. The crate's
//! own reader takes extension records of any length into memory, does not know
//! the PAX sparse formats (it would copy the map into the file), stumbles over
//! names with line breaks, and does not tell where a stream is damaged.

mod export;
mod import;
mod member;
mod number;
mod pax;
mod reader;
mod sparse;
mod writer;

pub(crate) use export::export;
pub(crate) use import::import;

/// Bytes in a tar block.
pub(crate) const BLOCK: usize = 512;
