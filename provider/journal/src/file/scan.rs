//! Reads a whole journal when it is opened: checks every record, and finds
//! out what is stored. Cuts off what a crash in mid write left.

use std::fs::OpenOptions;
use std::path::Path;

use super::records::{FileRecords, Span};
use super::segment::{self, Segment};
use crate::frame::{Frame, Kind, LONGEST_GROUP, Next};
use crate::{Begun, Cut, Error, Record, Records, Recovered, Result};

/// What there is.
#[derive(Debug, Default)]
pub(super) struct Scanned {
    pub(super) segments: Vec<Segment>,
    pub(super) last: u64,
    pub(super) stored: u64,
    identity: String,
    /// `None` where there is no journal yet.
    pub(super) id: Option<u64>,
    begun: Option<Begun>,
    cut: Option<Cut>,
}

pub(super) fn scan(directory: &Path, identity: &str) -> Result<Scanned> {
    let mut scanned = Scanned { identity: identity.to_owned(), ..Scanned::default() };
    let numbers = segment::list(directory)?;
    let (Some(first), Some(last)) = (numbers.first(), numbers.last()) else { return Ok(scanned) };
    let mut before_first = 0;
    for (expected, number) in (*first..).zip(&numbers) {
        let path = segment::path(directory, expected);
        if expected != *number {
            return Err(missing(&path));
        }
        let before = scanned.segment(*number, &path, number == last)?;
        if number == first {
            before_first = before;
        }
    }
    // What was before the first was removed as it was stored.
    if before_first > scanned.stored {
        return Err(missing(&segment::path(directory, first.saturating_sub(1))));
    }
    scanned.begun.take_if(|begun| begun.up_to <= scanned.stored);
    Ok(scanned)
}

fn missing(path: &Path) -> Error {
    Error::Damaged { place: path.display().to_string(), offset: 0, reason: "the file is missing" }
}

impl Scanned {
    /// Answers with the last number before the segment.
    fn segment(&mut self, number: u64, path: &Path, is_last: bool) -> Result<u64> {
        let damaged = |offset, reason| Error::Damaged { place: path.display().to_string(), offset, reason };
        let (head, mut frames) = segment::read(path, &self.identity)?;
        if !self.segments.is_empty() && head.last != self.last {
            return Err(damaged(0, "it does not continue the one before it"));
        }
        if *self.id.get_or_insert(head.id) != head.id {
            return Err(damaged(0, "it belongs to another journal"));
        }
        self.last = self.last.max(head.last);
        self.stored = self.stored.max(head.stored);
        loop {
            let offset = frames.offset();
            match frames.next().map_err(|error| Error::io("read", path.display(), error))? {
                Next::Frame(frame) => self.frame(frame).map_err(|reason| damaged(offset, reason))?,
                Next::Bad(reason) if !is_last => return Err(damaged(offset, reason)),
                Next::Bad(_) => self.cut = Some(cut(path, offset)?),
                Next::End => {}
            }
            if frames.offset() == offset {
                self.segments.push(Segment { number, path: path.to_owned(), bytes: offset, last: self.last });
                return Ok(head.last);
            }
        }
    }

    fn frame(&mut self, frame: Frame) -> Result<(), &'static str> {
        let Frame { kind, seq, body } = frame;
        match kind {
            Kind::Record if seq <= self.last => return Err("a record is out of order"),
            Kind::Record if Record::decode(seq, &body).is_none() => return Err("a record cannot be read"),
            Kind::Record => {}
            Kind::Begin if body.len() > LONGEST_GROUP => return Err("a group's description is too long"),
            Kind::Begin => self.begun = Some(Begun { up_to: seq, group: body.to_vec() }),
            Kind::Stored => self.stored = self.stored.max(seq),
            Kind::Head => return Err("a head in mid file"),
        }
        self.last = self.last.max(seq);
        Ok(())
    }

    pub(super) fn recovered(self, id: u64) -> Recovered {
        let spans = self.segments.into_iter().filter(|segment| segment.last > self.stored);
        let spans = spans.map(|Segment { path, bytes, .. }| Span { path, end: bytes }).collect();
        Recovered {
            id,
            stored: self.stored,
            begun: self.begun,
            records: Records::new(FileRecords::new(spans, self.identity, self.stored)),
            last: self.last,
            cut: self.cut,
        }
    }
}

/// Durable before anything is written there: what is behind must not come
/// back behind that.
fn cut(path: &Path, offset: u64) -> Result<Cut> {
    let failed = |error| Error::io("truncate", path.display(), error);
    let file = OpenOptions::new().write(true).open(path).map_err(failed)?;
    let bytes = file.metadata().map_err(failed)?.len().saturating_sub(offset);
    file.set_len(offset).and_then(|()| file.sync_all()).map_err(failed)?;
    Ok(Cut { file: path.to_owned(), offset, bytes })
}
