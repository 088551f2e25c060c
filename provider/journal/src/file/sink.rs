//! Writes to the last segment, and removes the oldest ones.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::scan::Scanned;
use super::segment::{self, Head, Segment};
use crate::group::{Flush, Sink};
use crate::queue::Batch;
use crate::{Error, Result};

#[derive(Debug)]
pub(super) struct FileSink {
    directory: PathBuf,
    identity: String,
    id: u64,
    /// Bytes from which on a segment is followed by another.
    segment: u64,
    /// All but the last; oldest first.
    older: VecDeque<Segment>,
    last: Segment,
    file: Arc<File>,
    stored: u64,
    /// Whether the file may have more than `last.bytes`, or is not at its end:
    /// a write failed.
    torn: bool,
}

impl FileSink {
    /// Also answers with the number of the journal.
    pub(super) fn new(directory: &Path, identity: String, segment: u64, scanned: &Scanned) -> Result<(Self, u64)> {
        let draw =
            || getrandom::u64().map_err(|error| Error::io("draw a number for", directory.display(), error.into()));
        let id = scanned.id.map_or_else(draw, Ok)?;
        let mut older = VecDeque::from(scanned.segments.clone());
        let (last, file) = match older.pop_back() {
            Some(last) => {
                let file = OpenOptions::new()
                    .read(true)
                    .write(true)
                    .open(&last.path)
                    .map_err(|error| Error::io("open", last.path.display(), error))?;
                (last, file)
            }
            None => segment::create(directory, 1, &Head { identity: identity.clone(), id, stored: 0, last: 0 })?,
        };
        let sink = Self {
            directory: directory.to_owned(),
            identity,
            id,
            segment,
            older,
            last,
            file: Arc::new(file),
            stored: scanned.stored,
            torn: true,
        };
        Ok((sink, id))
    }

    fn write(&mut self, batch: &Batch) -> Result<()> {
        let failed = |operation| {
            let path = self.last.path.display();
            move |error| Error::io(operation, path, error)
        };
        if self.torn {
            self.file.set_len(self.last.bytes).map_err(failed("truncate"))?;
            (&*self.file).seek(SeekFrom::Start(self.last.bytes)).map_err(failed("seek in"))?;
        }
        self.torn = true;
        (&*self.file).write_all(&batch.bytes).map_err(failed("write"))?;
        self.torn = false;
        self.last.bytes += batch.bytes.len() as u64;
        self.last.last = self.last.last.max(batch.last);
        self.stored = self.stored.max(batch.stored.unwrap_or_default());
        Ok(())
    }

    /// Begins another segment. The one before is durable then.
    fn rotate(&mut self) -> Result<()> {
        if self.torn {
            self.file
                .set_len(self.last.bytes)
                .map_err(|error| Error::io("truncate", self.last.path.display(), error))?;
        }
        self.flush()()?;
        let number = self.last.number + 1;
        let (identity, last) = (self.identity.clone(), self.last.last);
        let head = Head { identity, id: self.id, stored: self.stored, last };
        let (next, file) = segment::create(&self.directory, number, &head)?;
        self.older.push_back(std::mem::replace(&mut self.last, next));
        self.file = Arc::new(file);
        self.torn = false;
        Ok(())
    }

    /// Whether the last segment can go, too, once there is another.
    const fn is_spent(&self, stored: u64) -> bool {
        self.last.last <= stored && self.last.bytes >= self.segment / 4
    }
}

impl Sink for FileSink {
    fn append(&mut self, batches: &[Batch], done: &mut usize) -> Result<()> {
        for batch in batches {
            if self.last.bytes >= self.segment {
                // Where another segment does not fit, this one may take it, and
                // with it the marker that frees others.
                if let Err(error @ Error::Broken { .. }) = self.rotate() {
                    return Err(error);
                }
            }
            self.write(batch)?;
            *done += 1;
        }
        Ok(())
    }

    fn flush(&self) -> Flush {
        let (file, path) = (Arc::clone(&self.file), self.last.path.clone());
        // After a failed sync the system may take for written what is not, so
        // that another one says nothing.
        Box::new(move || file.sync_all().map_err(|error| Error::io("sync", path.display(), error).broken()))
    }

    fn frees(&self, stored: u64) -> bool {
        self.is_spent(stored) || self.older.front().is_some_and(|oldest| oldest.last <= stored)
    }

    fn free(&mut self, stored: u64) -> Result<()> {
        if self.is_spent(stored) {
            self.rotate()?;
        }
        while let Some(oldest) = self.older.front().filter(|oldest| oldest.last <= stored) {
            match fs::remove_file(&oldest.path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::io("remove", oldest.path.display(), error));
                }
                Ok(()) | Err(_) => {}
            }
            self.older.pop_front();
        }
        Ok(())
    }

    fn size(&self) -> u64 {
        self.older.iter().map(|segment| segment.bytes).sum::<u64>() + self.last.bytes
    }
}
