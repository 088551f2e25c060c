//! The streams of `wasi:io` over files.
//!
//! Each is in the resource table as what [`wasmtime_wasi_io`] knows, so that
//! any host function that takes a stream can use it. The functions of
//! `wasi:io/streams` find the state behind it in a [`Registry`], since a
//! `dyn InputStream` can't be asked what it is.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use bytes::Bytes;
use larder_core::{Chunks, Descriptor as File, Error};
use wasmtime_wasi_io::async_trait;
use wasmtime_wasi_io::poll::Pollable;
use wasmtime_wasi_io::streams::{InputStream, OutputStream, StreamError, StreamResult};

use crate::clock::Clock;
use crate::limits::{MAX_READ, MAX_STREAMS, MAX_WRITE, ZEROS};

static ZERO_BYTES: [u8; ZEROS] = [0; ZEROS];

/// The streams of one kind that a guest has open on files, by their number in
/// the resource table.
///
/// The table owns the streams. Whoever takes one out of it, also behind this
/// crate's back, ends the entry here: what is left is a dead `Weak`.
#[derive(Debug)]
pub(crate) struct Registry<S> {
    slots: Vec<Weak<S>>,
    /// Cloned into every open stream, to count them.
    token: Arc<()>,
}

impl<S> Default for Registry<S> {
    fn default() -> Self {
        Self { slots: Vec::new(), token: Arc::default() }
    }
}

impl<S> Registry<S> {
    /// Admits one more stream, unless there are [`MAX_STREAMS`].
    pub(crate) fn admit(&self) -> Option<Arc<()>> {
        (Arc::strong_count(&self.token) <= MAX_STREAMS).then(|| Arc::clone(&self.token))
    }

    pub(crate) fn insert(&mut self, rep: u32, state: &Arc<S>) {
        let index = rep as usize;
        if index >= self.slots.len() {
            self.slots.resize_with(index + 1, Weak::new);
        }
        if let Some(slot) = self.slots.get_mut(index) {
            *slot = Arc::downgrade(state);
        }
    }

    pub(crate) fn get(&self, rep: u32) -> Option<Arc<S>> {
        self.slots.get(rep as usize)?.upgrade()
    }

    /// Forgets a stream that is about to be dropped; returns whether it was
    /// one of these.
    pub(crate) fn remove(&mut self, rep: u32) -> bool {
        match self.slots.get_mut(rep as usize) {
            Some(slot) => std::mem::take(slot).strong_count() > 0,
            None => false,
        }
    }
}

/// A reader of a file with a position of its own.
#[derive(Debug)]
pub(crate) struct InputState {
    file: Arc<File>,
    position: AtomicU64,
    failed: AtomicBool,
    _admitted: Arc<()>,
}

impl InputState {
    pub(crate) fn new(file: Arc<File>, offset: u64, admitted: Arc<()>) -> Arc<Self> {
        Arc::new(Self { file, position: AtomicU64::new(offset), failed: AtomicBool::new(false), _admitted: admitted })
    }

    /// Reads on, at most [`MAX_READ`] bytes. At the end of the file the stream
    /// is `closed`, but a guest that asks again once the file has grown reads
    /// on, as a POSIX reader does.
    pub(crate) fn read(&self, length: u64) -> StreamResult<Chunks> {
        if self.failed.load(Ordering::Relaxed) {
            return Err(StreamError::Closed);
        }
        if length == 0 {
            return Ok(Chunks::default());
        }
        let length = usize::try_from(length).map_or(MAX_READ, |length| length.min(MAX_READ));
        let position = self.position.load(Ordering::Relaxed);
        let chunks = self.file.read(position, length).map_err(|error| self.fail(error))?;
        if chunks.is_empty() {
            return Err(StreamError::Closed);
        }
        self.position.store(position.saturating_add(chunks.len() as u64), Ordering::Relaxed);
        Ok(chunks)
    }

    /// Moves on without reading; ends where the file ends.
    fn skip(&self, length: u64) -> StreamResult<u64> {
        if self.failed.load(Ordering::Relaxed) {
            return Err(StreamError::Closed);
        }
        if length == 0 {
            return Ok(0);
        }
        let size = self.file.stat().map_err(|error| self.fail(error))?.size;
        let position = self.position.load(Ordering::Relaxed);
        let skipped = size.saturating_sub(position).min(length);
        if skipped == 0 {
            return Err(StreamError::Closed);
        }
        self.position.store(position + skipped, Ordering::Relaxed);
        Ok(skipped)
    }

    fn fail(&self, error: Error) -> StreamError {
        self.failed.store(true, Ordering::Relaxed);
        StreamError::LastOperationFailed(error.into())
    }
}

/// [`InputState`] as the resource table holds it.
pub(crate) struct FileInput(pub(crate) Arc<InputState>);

#[async_trait]
impl Pollable for FileInput {
    async fn ready(&mut self) {}
}

#[async_trait]
impl InputStream for FileInput {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        Ok(self.0.read(size as u64)?.into_bytes())
    }

    async fn blocking_read(&mut self, size: usize) -> StreamResult<Bytes> {
        self.read(size)
    }

    fn skip(&mut self, size: usize) -> StreamResult<usize> {
        let skipped = self.0.skip(size as u64)?;
        Ok(usize::try_from(skipped).unwrap_or(usize::MAX))
    }

    async fn blocking_skip(&mut self, size: usize) -> StreamResult<usize> {
        self.skip(size)
    }
}

/// Where the next write goes.
#[derive(Debug)]
pub(crate) enum Place {
    /// There, and on from there.
    At(AtomicU64),
    /// To the end of the file, wherever it is then.
    End,
}

/// A writer of a file.
#[derive(Debug)]
pub(crate) struct OutputState {
    file: Arc<File>,
    place: Place,
    clock: Clock,
    failed: AtomicBool,
    _admitted: Arc<()>,
}

impl OutputState {
    pub(crate) fn new(file: Arc<File>, place: Place, clock: Clock, admitted: Arc<()>) -> Arc<Self> {
        Arc::new(Self { file, place, clock, failed: AtomicBool::new(false), _admitted: admitted })
    }

    /// Writes all of `data`, or nothing and ends the stream.
    pub(crate) fn write(&self, data: &[u8]) -> StreamResult<()> {
        self.check()?;
        if data.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        let written = match &self.place {
            Place::End => self.file.append(now, data).map(drop),
            Place::At(position) => {
                let at = position.load(Ordering::Relaxed);
                self.file.write(now, at, data).map(|written| {
                    position.store(at.saturating_add(written as u64), Ordering::Relaxed);
                })
            }
        };
        written.map_err(|error| {
            self.failed.store(true, Ordering::Relaxed);
            StreamError::LastOperationFailed(error.into())
        })
    }

    /// Writes are in the store as soon as they return: there is nothing to
    /// flush, and nothing to report but that the stream has ended.
    pub(crate) fn check(&self) -> StreamResult<()> {
        if self.failed.load(Ordering::Relaxed) { Err(StreamError::Closed) } else { Ok(()) }
    }
}

/// [`OutputState`] as the resource table holds it.
pub(crate) struct FileOutput(pub(crate) Arc<OutputState>);

#[async_trait]
impl Pollable for FileOutput {
    async fn ready(&mut self) {}
}

#[async_trait]
impl OutputStream for FileOutput {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.0.write(&bytes)
    }

    fn flush(&mut self) -> StreamResult<()> {
        self.0.check()
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.0.check()?;
        Ok(MAX_WRITE)
    }

    async fn blocking_write_and_flush(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.0.write(&bytes)
    }

    fn write_zeroes(&mut self, count: usize) -> StreamResult<()> {
        if count > MAX_WRITE {
            return Err(StreamError::trap("write-zeroes of more than check-write permits"));
        }
        let mut left = count;
        while left > 0 {
            let zeros = ZERO_BYTES.get(..left).unwrap_or(&ZERO_BYTES);
            self.0.write(zeros)?;
            left -= zeros.len();
        }
        Ok(())
    }

    async fn write_ready(&mut self) -> StreamResult<usize> {
        self.check_write()
    }
}
