//! Memory that an operation needs is made sure of before it starts, so that
//! memory which runs out is an error of the operation and never a trap, at
//! whatever point the host refuses more.
//!
//! Operations that free something ask for nothing: they have the reserve.

use larder_core::{Error, ErrorCode, Result};

use crate::allocator::{Need, ensure};

/// Bytes that a write allocates at most besides its own: both ends may begin a
/// chunk of 64 KiB, and a chunk that grows is copied.
const AROUND_CONTENT: usize = 3 << 16;

/// Before an operation that adds or opens something: tables may have to grow.
///
/// # Errors
/// `insufficient-space` where memory can't be had.
#[inline]
pub fn for_names(operation: &'static str) -> Result<()> {
    demand(&Need { content: 0, tables: true, run: 0 }, operation)
}

/// Before `bytes` of content are written or held.
///
/// # Errors
/// As [`for_names`].
#[inline]
pub fn for_content(bytes: usize, operation: &'static str) -> Result<()> {
    demand(&Need { content: bytes.saturating_add(AROUND_CONTENT), tables: false, run: 0 }, operation)
}

/// Before a table that takes `bytes` at once.
///
/// # Errors
/// As [`for_names`].
pub fn for_table(bytes: usize, operation: &'static str) -> Result<()> {
    demand(&Need { content: 0, tables: true, run: bytes }, operation)
}

/// Before anything that allocates a few small blocks.
///
/// # Errors
/// As [`for_names`].
#[inline]
pub fn for_little(operation: &'static str) -> Result<()> {
    demand(&Need { content: 0, tables: false, run: 0 }, operation)
}

#[inline]
fn demand(need: &Need, operation: &'static str) -> Result<()> {
    if ensure(need) { Ok(()) } else { Err(Error::new(ErrorCode::InsufficientSpace, operation)) }
}
