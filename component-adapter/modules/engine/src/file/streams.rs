//! The streams of `wasi:io` over files.

use std::cell::Cell;
use std::ops::Range;

use larder_core::{DescriptorFlags, Error, ErrorCode, Result, Source};

use super::{OpenFile, Pieces};
use crate::limits::{MAX_READ, MAX_STREAMS};
use crate::{Clock, backend, headroom};

type Count = std::thread::LocalKey<Cell<u32>>;

thread_local! {
    static READERS: Cell<u32> = const { Cell::new(0) };
    static WRITERS: Cell<u32> = const { Cell::new(0) };
}

/// What both directions share: the file, whether the stream has ended, and
/// that it is counted.
struct Stream {
    file: OpenFile,
    failed: Cell<bool>,
    count: &'static Count,
}

impl Stream {
    fn new(file: &OpenFile, count: &'static Count, operation: &'static str) -> Result<Self> {
        let open = count.get();
        if open >= MAX_STREAMS {
            return Err(Error::new(ErrorCode::Quota, operation));
        }
        count.set(open + 1);
        Ok(Self { file: file.clone(), failed: Cell::new(false), count })
    }

    fn check(&self) -> Result<(), Stopped> {
        if self.failed.get() { Err(Stopped::Closed) } else { Ok(()) }
    }

    fn fail(&self, error: Error) -> Stopped {
        self.failed.set(true);
        Stopped::Failed(error)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.count.set(self.count.get().saturating_sub(1));
    }
}

/// Why a stream gave or took nothing.
pub enum Stopped {
    /// It is at its end, or failed before.
    Closed,
    /// It failed now.
    Failed(Error),
}

/// Reads a file from a position on. At the end of the file the stream is
/// `closed`, but a guest that asks again once the file has grown reads on, as
/// a POSIX reader does.
pub struct Reader {
    stream: Stream,
    position: Cell<u64>,
}

impl OpenFile {
    /// A stream that reads from `offset`.
    ///
    /// # Errors
    /// `is-directory`, `bad-descriptor` where it is not open for reading,
    /// `quota` at [`MAX_STREAMS`].
    pub fn reader(&self, clock: Clock, offset: u64) -> Result<Reader> {
        const OPERATION: &str = "read-via-stream";
        self.can_stream(DescriptorFlags::READ, OPERATION)?;
        let stream = Stream::new(self, &READERS, OPERATION)?;
        self.touch(clock);
        Ok(Reader { stream, position: Cell::new(offset) })
    }

    /// A stream that writes to `place`.
    ///
    /// # Errors
    /// As for [`reader`](Self::reader), but open for writing.
    pub fn writer(&self, place: Place) -> Result<Writer> {
        const OPERATION: &str = "write-via-stream";
        self.can_stream(DescriptorFlags::WRITE, OPERATION)?;
        Ok(Writer { stream: Stream::new(self, &WRITERS, OPERATION)?, place: Cell::new(place) })
    }
}

impl Reader {
    /// How many bytes the next read of `length` gives, at most [`MAX_READ`]. 0
    /// only for a read of none.
    ///
    /// # Errors
    /// Those of the read.
    #[inline]
    pub fn readable(&self, length: u64) -> Result<usize, Stopped> {
        self.stream.check()?;
        if length == 0 {
            return Ok(0);
        }
        let length = usize::try_from(length).map_or(MAX_READ, |length| length.min(MAX_READ));
        let file = self.stream.file.get().map_err(|error| self.stream.fail(error))?;
        match backend::readable(file, self.position.get(), length).map_err(|error| self.stream.fail(error))? {
            0 => Err(Stopped::Closed),
            length => Ok(length),
        }
    }

    /// Hands the next bytes, at most `length` and [`MAX_READ`], to `visitor`
    /// in pieces that lie in the store. Returns how many.
    ///
    /// # Errors
    /// `Closed` at the end of the file; when the file can't be read.
    #[inline]
    pub fn read_with(&self, length: u64, visitor: &mut dyn FnMut(&[u8])) -> Result<usize, Stopped> {
        self.stream.check()?;
        if length == 0 {
            return Ok(0);
        }
        let length = usize::try_from(length).map_or(MAX_READ, |length| length.min(MAX_READ));
        let position = self.position.get();
        let read = self.stream.file.read_with(position, length, visitor).map_err(|error| self.stream.fail(error))?;
        if read == 0 {
            return Err(Stopped::Closed);
        }
        self.position.set(position.saturating_add(read as u64));
        Ok(read)
    }

    /// Takes the next bytes without a copy, to be written elsewhere.
    ///
    /// # Errors
    /// As [`read_with`](Self::read_with).
    pub fn take(&self, length: u64) -> Result<Pieces, Stopped> {
        self.stream.check()?;
        let length = usize::try_from(length).map_or(MAX_READ, |length| length.min(MAX_READ));
        let taken = headroom::for_content(length, "read");
        let taken = taken.and_then(|()| self.stream.file.get()?.read(self.position.get(), length));
        let taken = taken.map_err(|error| self.stream.fail(error))?;
        if taken.is_empty() && length > 0 {
            return Err(Stopped::Closed);
        }
        self.position.set(self.position.get().saturating_add(taken.len() as u64));
        Ok(Pieces(taken))
    }

    /// Moves on without reading; ends where the file ends.
    ///
    /// # Errors
    /// As [`read_with`](Self::read_with).
    pub fn skip(&self, length: u64) -> Result<u64, Stopped> {
        self.stream.check()?;
        if length == 0 {
            return Ok(0);
        }
        let size = self.stream.file.get().and_then(|file| file.size()).map_err(|error| self.stream.fail(error))?;
        let position = self.position.get();
        let skipped = size.saturating_sub(position).min(length);
        if skipped == 0 {
            return Err(Stopped::Closed);
        }
        self.position.set(position + skipped);
        Ok(skipped)
    }
}

/// Where the next write goes.
#[derive(Clone, Copy, Debug)]
pub enum Place {
    /// There, and on from there.
    At(u64),
    /// To the end of the file, wherever it is then.
    End,
}

/// Writes to a file.
pub struct Writer {
    stream: Stream,
    place: Cell<Place>,
}

impl Writer {
    /// Writes all of `data`, or nothing and ends the stream.
    ///
    /// # Errors
    /// `Closed` where it has ended; those of [`OpenFile::write`].
    #[inline]
    pub fn write(&self, clock: Clock, data: &dyn Source) -> Result<(), Stopped> {
        self.stream.check()?;
        if data.len() == 0 {
            return Ok(());
        }
        let written = match self.place.get() {
            Place::End => self.stream.file.append(clock, data).map(drop),
            Place::At(position) => self.stream.file.write(clock, position, data).map(|written| {
                self.place.set(Place::At(position.saturating_add(written as u64)));
            }),
        };
        written.map_err(|error| self.stream.fail(error))
    }

    /// Whether it can go on.
    ///
    /// # Errors
    /// `Closed` where it has ended.
    #[inline]
    pub fn check(&self) -> Result<(), Stopped> {
        self.stream.check()
    }

    /// Reports what went wrong with what was written. In a store of our own
    /// that is nothing: writes are in it as soon as they return.
    ///
    /// # Errors
    /// `Closed` where it has ended; the failure of a write that was deferred.
    #[inline]
    pub fn flush(&self) -> Result<(), Stopped> {
        self.stream.check()?;
        let flushed = self.stream.file.get().and_then(backend::flush);
        flushed.map_err(|error| self.stream.fail(error))
    }
}

/// So many zeros to write.
pub struct Zeros(pub usize);

impl Source for Zeros {
    fn len(&self) -> usize {
        self.0
    }

    fn copy_to(&self, _: usize, out: &mut [u8]) {
        out.fill(0);
    }

    fn append_to(&self, range: Range<usize>, out: &mut Vec<u8>) {
        out.resize(out.len() + range.len(), 0);
    }
}
