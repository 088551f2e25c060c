//! A file's bytes: pages that were written, and for each chunk the range that
//! is charged. All else reads as zeros.

use std::collections::BTreeMap;

use larder_core::{CHUNK_BYTES, PAGE_BYTES};

const CHUNK: u64 = CHUNK_BYTES as u64;
const PAGE: u64 = PAGE_BYTES as u64;

/// The content of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Content {
    size: u64,
    /// By number, each of [`PAGE_BYTES`].
    pages: BTreeMap<u64, Vec<u8>>,
    /// For each chunk from the page of the lowest byte that was written to
    /// behind the highest, cut by truncation: offsets in the file.
    extents: BTreeMap<u64, (u64, u64)>,
}

/// `from..to` cut at multiples of `unit`: the number of the unit and the part.
fn split(from: u64, to: u64, unit: u64) -> Vec<(u64, u64, u64)> {
    let mut parts = Vec::new();
    let mut at = from;
    while at < to {
        let end = (at - at % unit).checked_add(unit).map_or(to, |end| end.min(to));
        parts.push((at / unit, at, end));
        at = end;
    }
    parts
}

impl Content {
    /// Its length in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// What is charged for it: whole pages.
    #[must_use]
    pub fn allocated(&self) -> u64 {
        self.extents.values().map(|(start, end)| (end - start).div_ceil(PAGE) * PAGE).sum()
    }

    /// The charged ranges, for looking at where something may be.
    pub fn extents(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.extents.values().copied()
    }

    /// Up to `length` bytes from `offset`.
    #[must_use]
    pub fn read(&self, offset: u64, length: u64) -> Vec<u8> {
        let from = offset.min(self.size);
        let to = offset.saturating_add(length).min(self.size);
        let mut out = vec![0; (to - from) as usize];
        if out.is_empty() {
            return out;
        }
        for (number, page) in self.pages.range(from / PAGE..=(to - 1) / PAGE) {
            let start = from.max(number * PAGE);
            let end = number.checked_add(1).and_then(|next| next.checked_mul(PAGE)).map_or(to, |end| end.min(to));
            let within = (start - number * PAGE) as usize..(end - number * PAGE) as usize;
            out[(start - from) as usize..(end - from) as usize].copy_from_slice(&page[within]);
        }
        out
    }

    /// Writes; the caller has checked that the end fits in 64 bits.
    pub fn write(&mut self, offset: u64, data: &[u8]) {
        let end = offset + data.len() as u64;
        for (number, from, to) in split(offset, end, PAGE) {
            let page = self.pages.entry(number).or_insert_with(|| vec![0; PAGE_BYTES]);
            page[(from % PAGE) as usize..][..(to - from) as usize]
                .copy_from_slice(&data[(from - offset) as usize..(to - offset) as usize]);
        }
        for (chunk, from, to) in split(offset, end, CHUNK) {
            let extent = self.extents.entry(chunk).or_insert((from, to));
            extent.0 = extent.0.min(from) / PAGE * PAGE;
            extent.1 = extent.1.max(to);
        }
        self.size = self.size.max(end);
    }

    /// Cuts or grows; what is cut off reads as zeros if it comes back.
    pub fn set_size(&mut self, size: u64) {
        self.size = size;
        self.pages.retain(|number, _| number * PAGE < size);
        if let Some(page) = self.pages.get_mut(&(size / PAGE)) {
            page[(size % PAGE) as usize..].fill(0);
        }
        self.extents.retain(|_, (start, _)| *start < size);
        for (_, end) in self.extents.values_mut() {
            *end = size.min(*end);
        }
    }
}
