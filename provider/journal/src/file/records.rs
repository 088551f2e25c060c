//! Reads the records of a journal again, those that are to be replayed.

use std::collections::VecDeque;
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use super::segment;
use crate::frame::{FrameReader, Kind, Next};
use crate::{Error, Record, Result};

/// What of a segment is read.
#[derive(Debug)]
pub(super) struct Span {
    pub(super) path: PathBuf,
    /// In bytes from its start.
    pub(super) end: u64,
}

/// Opens one segment at a time.
#[derive(Debug)]
pub(super) struct FileRecords {
    current: Option<(Span, FrameReader<BufReader<File>>)>,
    spans: VecDeque<Span>,
    identity: String,
    stored: u64,
}

impl FileRecords {
    pub(super) const fn new(spans: VecDeque<Span>, identity: String, stored: u64) -> Self {
        Self { current: None, spans, identity, stored }
    }

    fn read(&mut self) -> Result<Option<Record>> {
        loop {
            let Some((span, frames)) = &mut self.current else {
                let Some(span) = self.spans.pop_front() else { return Ok(None) };
                let (_, frames) = segment::read(&span.path, &self.identity)?;
                self.current = Some((span, frames));
                continue;
            };
            let offset = frames.offset();
            if offset >= span.end {
                self.current = None;
                continue;
            }
            let damaged = |reason| Error::Damaged { place: span.path.display().to_string(), offset, reason };
            match frames.next().map_err(|error| Error::io("read", span.path.display(), error))? {
                Next::Frame(frame) if frame.kind == Kind::Record && frame.seq > self.stored => {
                    let record = Record::decode(frame.seq, &frame.body);
                    return record.map(Some).ok_or_else(|| damaged("a record cannot be read"));
                }
                Next::Frame(_) => {}
                Next::Bad(reason) => return Err(damaged(reason)),
                Next::End => return Err(damaged("it is shorter than it was")),
            }
        }
    }
}

impl Iterator for FileRecords {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        let read = self.read();
        if read.is_err() {
            // Nothing behind it is the next.
            self.current = None;
            self.spans.clear();
        }
        read.transpose()
    }
}
