//! Publishes to the stream, and purges it.
//!
//! Whether a message was stored is not always known: the answer may be lost,
//! and the message may still be on its way. The server stores it only behind
//! the one that it was meant to follow, so that the stream tells: what is
//! there now is looked at before anything is published again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::line::Line;
use super::message::{Heading, Name, Part, Piece, Summary, cut};
use super::records::fault_at;
use super::stream::{Journal, Unpublished};
use crate::group::{Flush, Sink};
use crate::queue::Batch;
use crate::{Bounds, Error, Result};

/// Messages that are in flight at a time. The memory is theirs once more.
const IN_FLIGHT: usize = 16;
/// Before a message is tried again.
const PAUSE: Duration = Duration::from_millis(20);
/// What the server keeps for a message besides its payload, headers among it.
const MESSAGE_BYTES: u64 = 160;
/// Messages are purged by so many bytes at least. Bounds the memory that tells
/// what they hold, and the requests.
const PURGED_BYTES: u64 = 256 << 10;

/// Messages that are purged together.
#[derive(Debug)]
struct Stretch {
    /// The number of the last one.
    end: u64,
    bytes: u64,
    /// The highest number in them.
    touched: u64,
}

#[derive(Debug)]
pub(super) struct NatsSink {
    line: Arc<Line>,
    journal: Journal,
    writer: u64,
    /// Most bytes of frames in a message.
    most: usize,
    bounds: Bounds,
    /// The number of the last message that is stored.
    last: u64,
    /// The message in which the last split frame begins.
    first_part: u64,
    summary: Summary,
    /// The message that has the last marker of what is stored.
    marker: u64,
    kept: VecDeque<Stretch>,
    bytes: u64,
    /// The batch that is in the works, and how many of its pieces are stored.
    begun: (u64, usize),
    /// Whether messages are under way of which nothing is known.
    uncertain: bool,
}

impl NatsSink {
    /// `kept` are the number of the last message, and the bytes of all.
    pub(super) fn new(
        line: Arc<Line>,
        journal: Journal,
        writer: u64,
        most: usize,
        bounds: Bounds,
        kept: (u64, u64),
        summary: Summary,
    ) -> Self {
        let (last, bytes) = kept;
        let recovered = Stretch { end: last, bytes, touched: summary.last };
        Self {
            line,
            journal,
            writer,
            most,
            bounds,
            last,
            first_part: last,
            summary,
            marker: last,
            kept: VecDeque::from([recovered]),
            bytes,
            begun: (0, 0),
            uncertain: false,
        }
    }

    /// Publishes the first message of this writer. Answers whether it did: not
    /// if the stream went on meanwhile.
    ///
    /// # Errors
    /// `Server`, `Full`.
    pub(super) fn take_over(&mut self, opening: &Batch) -> Result<bool> {
        match self.append(std::slice::from_ref(opening), &mut 0) {
            Ok(()) => {
                // Tickets begin again.
                self.begun = (0, 0);
                Ok(true)
            }
            Err(Error::Broken { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Publishes what is left of a batch.
    fn publish(&mut self, batch: &Batch) -> Result<()> {
        let pieces = cut(batch, self.most);
        let until = Instant::now() + self.line.deadline();
        if self.begun.0 != batch.ticket {
            self.begun = (batch.ticket, 0);
        }
        loop {
            let before = self.last;
            let error = match self.publish_window(batch, &pieces) {
                Ok(true) => return Ok(()),
                Ok(false) => continue,
                Err(error) => error,
            };
            if matches!(error, Error::Full { .. } | Error::Broken { .. }) || Instant::now() >= until {
                return Err(error);
            }
            if self.last == before {
                std::thread::sleep(PAUSE);
            }
        }
    }

    /// Answers whether all pieces are stored.
    fn publish_window(&mut self, batch: &Batch, pieces: &[Piece]) -> Result<bool> {
        if self.uncertain {
            self.look(pieces)?;
        }
        let window = pieces.get(self.begun.1..).unwrap_or_default();
        let window = window.get(..IN_FLIGHT).unwrap_or(window);
        if window.is_empty() {
            return Ok(true);
        }
        self.publish_some(batch, window).map(|()| false).map_err(|error| match error {
            Unpublished::Full => Error::Full { bytes: self.bytes, most: self.bounds.capacity },
            Unpublished::NotNext => self.line.failed("publish to", "another message came between".to_owned()),
            Unpublished::Unknown(reason) => self.line.failed("publish to", reason),
        })
    }

    fn publish_some(&mut self, batch: &Batch, window: &[Piece]) -> Result<(), Unpublished> {
        let mut messages = Vec::new();
        let mut headings = Vec::new();
        let (mut last, mut first_part, mut summary) = (self.last, self.first_part, self.summary);
        for (index, piece) in (self.begun.1..).zip(window) {
            last += 1;
            if matches!(piece.part, Part::Whole | Part::First) {
                first_part = last;
            }
            summary = piece.summary(summary, first_part);
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            let name = Name { writer: self.writer, ticket: batch.ticket, index };
            let heading = Heading { name, part: piece.part, summary };
            messages.push(heading.message(batch.bytes.get(piece.range.clone()).unwrap_or_default()));
            headings.push(heading);
        }
        let lengths: Vec<_> = messages.iter().map(Bytes::len).collect();
        let (journal, before) = (self.journal.clone(), self.last);
        self.uncertain = true;
        let published = self.line.run("publish to", async move { Ok(journal.publish(before, messages).await) });
        let (stored, failed) = published.map_err(|error| Unpublished::Unknown(error.to_string()))?;
        for ((heading, length), piece) in headings.iter().zip(lengths).zip(window).take(stored) {
            self.stored_one(heading, length, piece.touched);
            self.begun.1 += 1;
        }
        match failed {
            Some(failed) => Err(failed),
            None => {
                self.uncertain = false;
                Ok(())
            }
        }
    }

    /// A message is in the stream, behind those that are known.
    fn stored_one(&mut self, heading: &Heading, length: usize, touched: u64) {
        self.last += 1;
        if matches!(heading.part, Part::Whole | Part::First) {
            self.first_part = self.last;
        }
        if heading.summary.stored > self.summary.stored {
            self.marker = self.last;
        }
        self.summary = heading.summary;
        let bytes = length as u64 + MESSAGE_BYTES;
        self.bytes += bytes;
        match self.kept.back_mut() {
            Some(stretch) if stretch.bytes + bytes <= PURGED_BYTES && stretch.end >= self.marker => {
                stretch.end = self.last;
                stretch.bytes += bytes;
                stretch.touched = stretch.touched.max(touched);
            }
            _ => self.kept.push_back(Stretch { end: self.last, bytes, touched }),
        }
    }

    /// Looks at what the stream has behind what is known of it: what of
    /// `pieces` was stored, or of a batch that is not needed any more.
    fn look(&mut self, pieces: &[Piece]) -> Result<()> {
        let journal = self.journal.clone();
        let state = self.line.run("look at", async move { journal.info().await })?.state;
        if state.last_sequence < self.last {
            let lost = fault_at(
                self.line.place(),
                state.last_sequence,
                super::message::Fault::Damaged("the server lost what it had acknowledged"),
            );
            return Err(lost.broken());
        }
        while self.last < state.last_sequence {
            let (journal, next) = (self.journal.clone(), self.last + 1);
            let message = self.line.run("read", async move { journal.read_one(next).await })?;
            let heading = Heading::read(&message.payload).map(|(heading, _)| heading);
            let Some(heading) = heading.ok().filter(|heading| heading.name.writer == self.writer) else {
                return Err(Error::Superseded { place: self.line.place().to_owned() }.broken());
            };
            let name = heading.name;
            let known = (name.ticket == self.begun.0 && name.index as usize == self.begun.1)
                .then(|| pieces.get(self.begun.1))
                .flatten();
            let touched = known.map_or(heading.summary.last, |piece| piece.touched);
            self.stored_one(&heading, message.payload.len(), touched);
            self.begun.1 += usize::from(known.is_some());
        }
        self.uncertain = false;
        Ok(())
    }

    /// The first message that has to stay.
    fn first_needed(&self, stored: u64) -> u64 {
        let needed = self.kept.iter().take_while(|stretch| stretch.touched <= stored && stretch.end < self.marker);
        needed.last().map_or(0, |stretch| stretch.end + 1)
    }
}

impl Sink for NatsSink {
    fn append(&mut self, batches: &[Batch], done: &mut usize) -> Result<()> {
        for batch in batches {
            self.publish(batch)?;
            *done += 1;
        }
        Ok(())
    }

    fn flush(&self) -> Flush {
        // What the server acknowledged is as durable as it gets.
        Box::new(|| Ok(()))
    }

    fn frees(&self, stored: u64) -> bool {
        self.first_needed(stored) > 0
    }

    fn free(&mut self, stored: u64) -> Result<()> {
        let needed = self.first_needed(stored);
        let journal = self.journal.clone();
        self.line.run("purge", async move { journal.purge(needed).await })?;
        while let Some(stretch) = self.kept.pop_front_if(|stretch| stretch.end < needed) {
            self.bytes = self.bytes.saturating_sub(stretch.bytes);
        }
        Ok(())
    }

    fn size(&self) -> u64 {
        self.bytes
    }
}
