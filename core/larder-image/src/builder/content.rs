//! Content on its way into an image: cut into extents as the store has them.

use larder_core::{CHUNK_BYTES, Error, ErrorCode, PAGE_BYTES, Result};

use crate::layout::{ALIGNMENT, PAGE_ALIGNMENT};

/// Content of all files. What is a page or longer lies at multiples of a page,
/// so that memory images can share it; the rest is kept apart, so that it does
/// not leave gaps.
pub(super) struct Area {
    /// The head of the image, up to here.
    pub(super) pages: Vec<u8>,
    /// Follows behind `pages`.
    pub(super) small: Vec<u8>,
}

/// A run of bytes of a file: starts at a page, and no other run of the file
/// lies in a chunk of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    /// Offset in the file.
    pub(super) offset: u64,
    pub(super) len: u64,
    /// Where the bytes are in `pages` or `small`.
    pub(super) start: usize,
    pub(super) is_small: bool,
}

impl Run {
    const fn end(&self) -> u64 {
        self.offset + self.len
    }

    /// What the store charges for it.
    pub(super) const fn cost(&self) -> u64 {
        self.len.next_multiple_of(PAGE_BYTES as u64)
    }
}

pub(super) fn align(bytes: &mut Vec<u8>, alignment: usize) {
    bytes.resize(bytes.len().next_multiple_of(alignment), 0);
}

impl Area {
    /// Behind a head of `head` bytes.
    pub(super) fn new(head: usize) -> Self {
        Self { pages: vec![0; head], small: Vec::new() }
    }

    fn bytes(&mut self, is_small: bool) -> &mut Vec<u8> {
        if is_small { &mut self.small } else { &mut self.pages }
    }

    /// Adds a file of `size` bytes with the given extents, offset and bytes,
    /// which ascend and are disjoint.
    pub(super) fn add<'b>(
        &mut self,
        size: u64,
        extents: impl IntoIterator<Item = (u64, &'b [u8])>,
    ) -> Result<Vec<Run>> {
        let is_small = size < PAGE_BYTES as u64;
        let mut runs: Vec<Run> = Vec::new();
        for (offset, bytes) in extents.into_iter().filter(|(_, bytes)| !bytes.is_empty()) {
            let end = offset.checked_add(bytes.len() as u64).filter(|end| *end <= size);
            let before = runs.last().map_or(0, Run::end);
            let (Some(end), true) = (end, before <= offset) else {
                return Err(Error::new(ErrorCode::Invalid, "add-file"));
            };
            // Within a chunk the store has one extent: the gap becomes zeros.
            let joined = runs.last_mut().filter(|run| offset == before || chunk(offset) == chunk(run.end() - 1));
            let out = self.bytes(is_small);
            if let Some(run) = joined {
                put(out, offset - before, bytes)?;
                run.len = end - run.offset;
            } else {
                align(out, if is_small { ALIGNMENT } else { PAGE_ALIGNMENT });
                let start = out.len();
                let floor = offset - offset % PAGE_BYTES as u64;
                put(out, offset - floor, bytes)?;
                runs.push(Run { offset: floor, len: end - floor, start, is_small });
            }
        }
        Ok(runs)
    }
}

const fn chunk(offset: u64) -> u64 {
    offset / CHUNK_BYTES as u64
}

/// Adds zeros, fewer than a chunk, and bytes.
fn put(out: &mut Vec<u8>, zeros: u64, bytes: &[u8]) -> Result<()> {
    let zeros = usize::try_from(zeros).map_err(|_| Error::new(ErrorCode::Overflow, "add-file"))?;
    out.resize(out.len() + zeros, 0);
    out.extend_from_slice(bytes);
    Ok(())
}
