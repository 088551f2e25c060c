//! Bytes that an export hands out without a copy of its own.
//!
//! The runtime copies an answer's bytes as soon as the export has returned,
//! before it calls anything else here. So bytes may be lent from the store,
//! and what had to be gathered first is kept until the next answer.

use std::cell::RefCell;

use larder_engine::file::{Reader, Stopped};
use larder_engine::headroom;

thread_local! {
    /// The last answer that lies in no other place.
    static KEPT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// The address and length of an answer's bytes.
#[derive(Clone, Copy)]
pub(crate) struct Lent {
    pub(crate) address: usize,
    pub(crate) length: usize,
}

impl Lent {
    fn of(bytes: &[u8]) -> Self {
        Self { address: bytes.as_ptr().expose_provenance(), length: bytes.len() }
    }
}

/// Keeps bytes until the next answer.
pub(crate) fn keep(bytes: Vec<u8>) -> Lent {
    let lent = Lent::of(&bytes);
    KEPT.replace(bytes);
    lent
}

/// Bytes of a read that needs no more memory than is always there: 4 KiB.
const MODEST: u64 = 4 << 10;

/// Answers with the next bytes of a file, at most `length`. What is one piece
/// in the store is lent where it lies; several are gathered.
pub(crate) fn lend(reader: &Reader, length: u64) -> Result<Lent, Stopped> {
    KEPT.take();
    let readable = reader.readable(length)?;
    // A reader takes less when memory is short: it reads again for the rest.
    let length = if headroom::for_content(readable, "read").is_ok() { readable as u64 } else { length.min(MODEST) };
    let mut first: Option<Lent> = None;
    let mut gathered = Vec::new();
    reader.read_with(length, &mut |piece| match first {
        None => first = Some(Lent::of(piece)),
        Some(lent) => {
            if gathered.is_empty() {
                gathered.reserve_exact(readable);
                // SAFETY: the store is still being read: it is locked, so that
                // the first piece is where it was.
                let before = unsafe {
                    core::slice::from_raw_parts(core::ptr::with_exposed_provenance(lent.address), lent.length)
                };
                gathered.extend_from_slice(before);
            }
            gathered.extend_from_slice(piece);
        }
    })?;
    Ok(match first {
        None => Lent { address: core::ptr::dangling::<u8>().addr(), length: 0 },
        Some(lent) if gathered.is_empty() => lent,
        Some(_) => keep(gathered),
    })
}
