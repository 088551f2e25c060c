//! Reads the messages of a stream, and the records in them.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::line::Line;
use super::message::{Fault, Heading, Joiner};
use super::stream::{Journal, WINDOW};
use crate::frame::{Frame, Kind};
use crate::{Error, Record, Result};

/// The frames of messages, one after the other.
#[derive(Debug)]
pub(super) struct Frames {
    line: Arc<Line>,
    journal: Journal,
    /// The next message, and the last.
    from: u64,
    to: u64,
    messages: VecDeque<super::stream::Stored>,
    joiner: Joiner,
    /// With the message that made them whole.
    frames: VecDeque<(u64, Frame)>,
    stored: u64,
}

impl Frames {
    /// Of the messages `numbers`; all up to `stored` is stored.
    pub(super) fn new(line: Arc<Line>, journal: Journal, numbers: RangeInclusive<u64>, stored: u64) -> Self {
        let (from, to) = numbers.into_inner();
        let (messages, frames) = (VecDeque::new(), VecDeque::new());
        Self { line, journal, from, to, messages, joiner: Joiner::default(), frames, stored }
    }

    pub(super) fn next(&mut self) -> Result<Option<(u64, Frame)>> {
        loop {
            if let Some(frame) = self.frames.pop_front() {
                return Ok(Some(frame));
            }
            let Some(message) = self.messages.pop_front() else {
                if self.from > self.to {
                    return Ok(None);
                }
                let (journal, from, to) = (self.journal.clone(), self.from, self.to);
                let read = self.line.run("read", async move { journal.read(from, to).await })?;
                self.messages = read.into();
                self.from = self.from.saturating_add(WINDOW);
                continue;
            };
            let number = message.number;
            let frames = Heading::read(&message.payload)
                .and_then(|(heading, content)| self.joiner.push(&heading, content, self.stored))
                .map_err(|fault| fault_at(self.line.place(), number, fault))?;
            self.frames = frames.into_iter().map(|frame| (number, frame)).collect();
        }
    }
}

pub(super) fn fault_at(place: &str, number: u64, fault: Fault) -> Error {
    match fault {
        Fault::Version(found) => Error::Version { place: place.to_owned(), found: found.into() },
        Fault::Damaged(reason) => Error::Damaged { place: place.to_owned(), offset: number, reason },
    }
}

/// The records behind what is stored.
#[derive(Debug)]
pub(super) struct NatsRecords {
    /// `None` after an error: nothing behind it is the next.
    frames: Option<Frames>,
    /// The last that was read.
    last: u64,
}

impl NatsRecords {
    pub(super) const fn new(frames: Frames, stored: u64) -> Self {
        Self { frames: Some(frames), last: stored }
    }

    fn read(&mut self) -> Result<Option<Record>> {
        let Some(frames) = &mut self.frames else { return Ok(None) };
        while let Some((number, frame)) = frames.next()? {
            if frame.kind != Kind::Record || frame.seq <= frames.stored {
                continue;
            }
            let damaged = |reason| fault_at(frames.line.place(), number, Fault::Damaged(reason));
            if frame.seq <= self.last {
                return Err(damaged("a record is out of order"));
            }
            self.last = frame.seq;
            let record = Record::decode(frame.seq, &frame.body);
            return record.map(Some).ok_or_else(|| damaged("a record cannot be read"));
        }
        Ok(None)
    }
}

impl Iterator for NatsRecords {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        let read = self.read();
        if read.is_err() {
            self.frames = None;
        }
        read.transpose()
    }
}
