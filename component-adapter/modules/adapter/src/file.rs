//! Open files, and the streams and listings on them, whatever the version of
//! WASI.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use larder_core::{Descriptor, DescriptorFlags, DirectoryEntry, ENTRY_BYTES, Error, ErrorCode, FileType, Result, Timestamp};

use crate::limits::{DIRECTORY_BATCH, MAX_READ, MAX_STREAMS};

/// An open description, shared by a descriptor and the streams on it.
pub(crate) struct OpenFile {
    file: Rc<Descriptor>,
    /// The store renews the access time at the first read alone: later ones
    /// need not ask the clock.
    read_before: Cell<bool>,
}

impl OpenFile {
    pub(crate) fn new(file: Descriptor) -> Self {
        Self { file: Rc::new(file), read_before: Cell::new(false) }
    }

    pub(crate) fn file(&self) -> &Descriptor {
        &self.file
    }

    /// Renews the access time, if this is the first read.
    pub(crate) fn touch(&self, now: fn() -> Timestamp) {
        if !self.read_before.replace(true) {
            self.file.touch_read(now());
        }
    }

    /// Copies at most `length` bytes from `offset`.
    pub(crate) fn read_at(&self, offset: u64, length: usize) -> Result<Vec<u8>> {
        let mut data = Vec::new();
        self.file.read_with(offset, length, |piece| data.extend_from_slice(piece))?;
        Ok(data)
    }

    /// A stream that reads from `offset`.
    pub(crate) fn reader(&self, offset: u64) -> Result<Reader> {
        const OPERATION: &str = "read-via-stream";
        self.can_stream(DescriptorFlags::READ, OPERATION)?;
        let stream = Stream::new(&self.file, &READERS, OPERATION)?;
        Ok(Reader { stream, position: Cell::new(offset) })
    }

    /// A stream that writes to `place`.
    pub(crate) fn writer(&self, place: Place, operation: &'static str) -> Result<Writer> {
        self.can_stream(DescriptorFlags::WRITE, operation)?;
        Ok(Writer { stream: Stream::new(&self.file, &WRITERS, operation)?, place: Cell::new(place) })
    }

    /// Refuses a stream that can't work when it is opened, not at its first
    /// use.
    fn can_stream(&self, needed: DescriptorFlags, operation: &'static str) -> Result<()> {
        if self.file.file_type() == FileType::Directory {
            Err(Error::new(ErrorCode::IsDirectory, operation))
        } else if !self.file.flags().contains(needed) {
            Err(Error::new(ErrorCode::BadDescriptor, operation))
        } else {
            Ok(())
        }
    }
}

type Count = std::thread::LocalKey<Cell<u32>>;

thread_local! {
    static READERS: Cell<u32> = const { Cell::new(0) };
    static WRITERS: Cell<u32> = const { Cell::new(0) };
}

/// What both directions share: the file, whether the stream has ended, and
/// that it is counted.
struct Stream {
    file: Rc<Descriptor>,
    failed: Cell<bool>,
    count: &'static Count,
}

impl Stream {
    fn new(file: &Rc<Descriptor>, count: &'static Count, operation: &'static str) -> Result<Self> {
        let open = count.get();
        if open >= MAX_STREAMS {
            return Err(Error::new(ErrorCode::Quota, operation));
        }
        count.set(open + 1);
        Ok(Self { file: Rc::clone(file), failed: Cell::new(false), count })
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
        self.count.set(self.count.get() - 1);
    }
}

/// Why a stream gave or took nothing.
pub(crate) enum Stopped {
    /// It is at its end, or failed before.
    Closed,
    /// It failed now.
    Failed(Error),
}

/// Reads a file from a position on.
pub(crate) struct Reader {
    stream: Stream,
    position: Cell<u64>,
}

impl Reader {
    /// Hands the next bytes, at most `length` and [`MAX_READ`], to `visitor`
    /// in pieces that lie in the store. At the end of the file the stream is
    /// `closed`, but a guest that asks again once the file has grown reads on,
    /// as a POSIX reader does.
    pub(crate) fn lend(&self, length: u64, visitor: &mut dyn FnMut(&[u8])) -> Result<usize, Stopped> {
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

    /// Copies the next bytes.
    pub(crate) fn read(&self, length: u64) -> Result<Vec<u8>, Stopped> {
        let mut data = Vec::new();
        self.lend(length, &mut |piece| data.extend_from_slice(piece))?;
        Ok(data)
    }

    /// Moves on without reading; ends where the file ends.
    pub(crate) fn skip(&self, length: u64) -> Result<u64, Stopped> {
        self.stream.check()?;
        if length == 0 {
            return Ok(0);
        }
        let size = self.stream.file.size().map_err(|error| self.stream.fail(error))?;
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
#[derive(Clone, Copy)]
pub(crate) enum Place {
    /// There, and on from there.
    At(u64),
    /// To the end of the file, wherever it is then.
    End,
}

/// Writes to a file.
pub(crate) struct Writer {
    stream: Stream,
    place: Cell<Place>,
}

impl Writer {
    /// Writes all of `data`, or nothing and ends the stream.
    pub(crate) fn write(&self, now: fn() -> Timestamp, data: &[u8]) -> Result<(), Stopped> {
        self.stream.check()?;
        if data.is_empty() {
            return Ok(());
        }
        let written = match self.place.get() {
            Place::End => self.stream.file.append(now(), data).map(drop),
            Place::At(position) => self.stream.file.write(now(), position, data).map(|written| {
                self.place.set(Place::At(position.saturating_add(written as u64)));
            }),
        };
        written.map_err(|error| self.stream.fail(error))
    }

    /// Writes zeros.
    pub(crate) fn write_zeroes(&self, now: fn() -> Timestamp, length: u64) -> Result<(), Stopped> {
        static ZEROS: [u8; 4096] = [0; 4096];
        let mut left = length;
        while left > 0 {
            let zeros = usize::try_from(left).ok().and_then(|left| ZEROS.get(..left)).unwrap_or(&ZEROS);
            self.write(now, zeros)?;
            left -= zeros.len() as u64;
        }
        Ok(())
    }

    /// Writes are in the store as soon as they return: there is nothing to
    /// flush, and nothing to report but that the stream has ended.
    pub(crate) fn check(&self) -> Result<(), Stopped> {
        self.stream.check()
    }
}

/// A directory that is being listed: an open directory of its own, which the
/// volume counts, and where it goes on.
///
/// Names that appear meanwhile come behind those that were there. So that a
/// guest which adds names as it lists does not list for ever, the listing ends
/// after as many entries as there can have been at its start.
pub(crate) struct Listing {
    directory: Descriptor,
    state: RefCell<ListingState>,
}

struct ListingState {
    /// The cookie of the last entry that was read.
    after: u64,
    /// Entries that may still come.
    left: u64,
    batch: std::vec::IntoIter<DirectoryEntry>,
}

impl Listing {
    /// Starts a listing; refuses what is not a readable directory.
    pub(crate) fn open(directory: &Descriptor) -> Result<Self> {
        directory.read_directory(0, 1)?;
        // A directory's size is what its entries are charged, each for
        // `ENTRY_BYTES` and a name of at least one byte.
        let left = directory.stat()?.size / (ENTRY_BYTES + 1);
        let state = ListingState { after: 0, left, batch: Vec::new().into_iter() };
        Ok(Self { directory: directory.dup()?, state: RefCell::new(state) })
    }

    /// The next entry; `None` at the end.
    pub(crate) fn next(&self) -> Result<Option<DirectoryEntry>> {
        let state = &mut *self.state.borrow_mut();
        if let Some(entry) = state.batch.next() {
            return Ok(Some(entry));
        }
        let wanted = usize::try_from(state.left).map_or(DIRECTORY_BATCH, |left| left.min(DIRECTORY_BATCH));
        let page = self.directory.read_directory(state.after, wanted)?;
        // What ended stays ended, also when names appear later.
        state.left = if page.len() < wanted { 0 } else { state.left.saturating_sub(page.len() as u64) };
        if let Some(last) = page.last() {
            state.after = last.cookie;
        }
        state.batch = page.into_iter();
        Ok(state.batch.next())
    }
}
