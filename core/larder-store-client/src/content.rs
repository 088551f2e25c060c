//! Content of one file: what was read of it, and what is to be written.

use std::collections::BTreeMap;

use bytes::Bytes;
use larder_core::Source;
use larder_store_service::{Content, MAX_TRANSFER, MAX_WRITES, Position, Write};

/// Pieces of content that were read, by their offset. They do not overlap.
#[derive(Debug, Default)]
pub(crate) struct Cached {
    pieces: BTreeMap<u64, Bytes>,
    bytes: usize,
    /// Where the file ended, until a reader was told.
    end: Option<u64>,
    /// Where the last answer ended: a reader that goes on there is sequential.
    next: u64,
    /// What a sequential reader gets with the next answer.
    window: usize,
}

/// What is cached at an offset.
#[derive(Debug)]
pub(crate) enum Found {
    Bytes(Bytes),
    End,
    /// Nothing: ask for this many bytes at least.
    Missing(usize),
}

/// A sequential reader's first window: 64 KiB. It doubles up to
/// [`MAX_TRANSFER`].
pub(crate) const FIRST_WINDOW: usize = 64 << 10;

impl Cached {
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Forgets the content. A sequential reader stays one: its window, and what
    /// the store reads ahead for it, go on.
    pub(crate) fn clear(&mut self) {
        *self = Self { next: self.next, window: self.window, ..Self::default() };
    }

    /// Up to `length` bytes at `offset`, as far as one piece goes. The end of
    /// file is told once: whoever asks again wants to know if the file grew.
    pub(crate) fn find(&mut self, offset: u64, length: usize) -> Found {
        if let Some((start, piece)) = self.pieces.range(..=offset).next_back() {
            let skipped = usize::try_from(offset - start).unwrap_or(usize::MAX);
            if skipped < piece.len() {
                let end = piece.len().min(skipped.saturating_add(length));
                return Found::Bytes(piece.slice(skipped..end));
            }
        }
        if self.end.is_some_and(|end| offset >= end) {
            self.end = None;
            return Found::End;
        }
        let sequential = offset == self.next;
        self.window = if sequential { (self.window * 2).clamp(FIRST_WINDOW, MAX_TRANSFER) } else { 0 };
        Found::Missing(length.max(self.window).min(MAX_TRANSFER))
    }

    /// Keeps an answer for `offset`. What is there already stays.
    pub(crate) fn insert(&mut self, offset: u64, content: &Content) {
        let end = offset.saturating_add(content.bytes.len() as u64);
        self.next = end;
        if content.at_end {
            self.end = Some(end);
        }
        let room = self.pieces.range(offset..).next().map_or(u64::MAX, |(next, _)| next - offset);
        let kept = usize::try_from(room).unwrap_or(usize::MAX).min(content.bytes.len());
        if kept > 0 {
            self.put(offset, content.bytes.slice(..kept));
        }
    }

    /// The file is as it was when it was cached, says the store.
    pub(crate) const fn revalidate(&mut self, size: u64) {
        self.end = Some(size);
    }

    /// Forgets what a write replaces, and where the file ended.
    pub(crate) fn cut(&mut self, offset: u64, length: usize) {
        self.end = None;
        let end = offset.saturating_add(length as u64);
        let first = self.pieces.range(..=offset).next_back().map_or(offset, |(start, _)| *start);
        let touched: Vec<u64> = self.pieces.range(first..end).map(|(start, _)| *start).collect();
        for start in touched {
            let Some(piece) = self.pieces.remove(&start) else { continue };
            self.bytes -= piece.len();
            let piece_end = start.saturating_add(piece.len() as u64);
            if start < offset {
                let kept = usize::try_from(offset - start).unwrap_or(usize::MAX).min(piece.len());
                self.put(start, piece.slice(..kept));
            }
            if piece_end > end {
                let skipped = usize::try_from(end - start).unwrap_or(usize::MAX).min(piece.len());
                self.put(end, piece.slice(skipped..));
            }
        }
    }

    fn put(&mut self, offset: u64, piece: Bytes) {
        self.bytes += piece.len();
        self.pieces.insert(offset, piece);
    }

    /// An append: no cached byte is another now, but the end is.
    pub(crate) const fn appended(&mut self) {
        self.end = None;
    }
}

/// Writes that were accepted from the guest and are not in the store yet.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    writes: Vec<(Position, Vec<u8>)>,
    bytes: usize,
}

impl Pending {
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// Whether another write fits into the one change that carries them all.
    pub(crate) const fn fits(&self, length: usize) -> bool {
        self.bytes + length <= MAX_TRANSFER && self.writes.len() < MAX_WRITES
    }

    /// Adds a write; those that go on where the last one ended become one.
    pub(crate) fn push(&mut self, position: Position, data: &dyn Source) {
        self.bytes += data.len();
        if let Some((last, bytes)) = self.writes.last_mut() {
            let joins = match (*last, position) {
                (Position::End, Position::End) => true,
                (Position::At(start), Position::At(offset)) => start.checked_add(bytes.len() as u64) == Some(offset),
                _ => false,
            };
            if joins {
                bytes.reserve(data.len());
                data.append_to(0..data.len(), bytes);
                return;
            }
        }
        let mut bytes = Vec::with_capacity(data.len());
        data.append_to(0..data.len(), &mut bytes);
        self.writes.push((position, bytes));
    }

    /// All of them, for one change.
    pub(crate) fn as_writes(&self) -> Vec<Write<'_>> {
        self.writes.iter().map(|(position, bytes)| Write { position: *position, bytes }).collect()
    }
}
