//! Bytes that an export hands out without a copy of its own.
//!
//! The runtime copies an answer's bytes as soon as the export has returned,
//! before it calls anything else here. So bytes may be lent from the store,
//! and what had to be gathered first is kept until the next answer.

use std::cell::RefCell;

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
        Self { address: bytes.as_ptr().addr(), length: bytes.len() }
    }
}

/// Keeps bytes until the next answer.
pub(crate) fn keep(bytes: Vec<u8>) -> Lent {
    let lent = Lent::of(&bytes);
    KEPT.replace(bytes);
    lent
}

/// Answers with the pieces that `read` hands out. One piece is lent where it
/// lies; several are gathered.
pub(crate) fn lend<E>(read: impl FnOnce(&mut dyn FnMut(&[u8])) -> Result<usize, E>) -> Result<Lent, E> {
    let mut first: Option<Lent> = None;
    let mut gathered = Vec::new();
    KEPT.take();
    read(&mut |piece| {
        match first {
            None => first = Some(Lent::of(piece)),
            Some(lent) if gathered.is_empty() => {
                // SAFETY: `read` is still at it: the store is locked, so that
                // its first piece is where it was.
                let before = unsafe { core::slice::from_raw_parts(core::ptr::with_exposed_provenance(lent.address), lent.length) };
                gathered.extend_from_slice(before);
                gathered.extend_from_slice(piece);
            }
            Some(_) => gathered.extend_from_slice(piece),
        }
    })?;
    Ok(match first {
        None => Lent { address: core::ptr::dangling::<u8>().addr(), length: 0 },
        Some(lent) if gathered.is_empty() => lent,
        Some(_) => keep(gathered),
    })
}
