//! The streams of 0.3 over files: bytes go straight between the store and the
//! buffer of whoever is at the other end.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use larder_core::{Descriptor as File, Error};
use tokio::sync::oneshot;
use wasmtime::StoreContextMut;
use wasmtime::component::{Destination, Source, StreamConsumer, StreamProducer, StreamResult, VecBuffer};
use wasmtime_wasi::p3::bindings::filesystem::types;

use super::abi::P3;
use crate::abi::Abi;
use crate::clock::Clock;
use crate::limits::{DIRECTORY_BATCH, HOST_READER_BUFFER, MAX_READ, MAX_WRITE};
use crate::listing::Listing;

/// How a stream ended, for the `future` that WASI gives beside it.
pub(crate) type Ended = Result<(), types::ErrorCode>;

/// Sends the outcome once; a stream that is dropped early ended well.
pub(crate) struct Outcome(Option<oneshot::Sender<Ended>>);

impl Outcome {
    pub(crate) fn new() -> (Self, oneshot::Receiver<Ended>) {
        let (sender, receiver) = oneshot::channel();
        (Self(Some(sender)), receiver)
    }

    fn ok(&mut self) -> StreamResult {
        self.send(Ok(()))
    }

    pub(crate) fn failed(&mut self, error: &Error) -> StreamResult {
        self.send(Err(P3::error(error.code())))
    }

    fn send(&mut self, ended: Ended) -> StreamResult {
        if let Some(sender) = self.0.take() {
            // The guest may have dropped the future: then it does not matter.
            let _ = sender.send(ended);
        }
        StreamResult::Dropped
    }
}

impl Drop for Outcome {
    fn drop(&mut self) {
        self.ok();
    }
}

/// Reads a file from a position to its end.
pub(crate) struct Reader {
    pub(crate) file: Arc<File>,
    pub(crate) position: u64,
    pub(crate) outcome: Outcome,
    pub(crate) _admitted: Arc<()>,
}

impl<D: 'static> StreamProducer<D> for Reader {
    type Item = u8;
    type Buffer = VecBuffer<u8>;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        store: StoreContextMut<'a, D>,
        destination: Destination<'a, u8, Self::Buffer>,
        _: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let this = &mut *self;
        let mut destination = destination.as_direct(store, HOST_READER_BUFFER);
        let buffer = destination.remaining();
        if buffer.is_empty() {
            // The reader only asks whether there is something: always.
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        let wanted = buffer.len().min(MAX_READ);
        let read = match buffer.get_mut(..wanted) {
            Some(buffer) => this.file.read_into(this.position, buffer),
            None => Ok(0),
        };
        Poll::Ready(Ok(match read {
            Ok(read) => {
                destination.mark_written(read);
                this.position = this.position.saturating_add(read as u64);
                // A short read is the end: say so with the last bytes.
                if read < wanted { this.outcome.ok() } else { StreamResult::Completed }
            }
            Err(error) => this.outcome.failed(&error),
        }))
    }
}

/// Where the next bytes of a stream go.
pub(crate) enum Place {
    /// There, and on from there.
    At(u64),
    /// To the end of the file, wherever it is then.
    End,
}

/// Writes what a stream brings to a file.
pub(crate) struct Writer {
    pub(crate) file: Arc<File>,
    pub(crate) place: Place,
    pub(crate) clock: Clock,
    pub(crate) outcome: Outcome,
    pub(crate) _admitted: Arc<()>,
}

impl<D: 'static> StreamConsumer<D> for Writer {
    type Item = u8;

    fn poll_consume(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        store: StoreContextMut<'_, D>,
        source: Source<'_, u8>,
        _: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let this = &mut *self;
        let mut source = source.as_direct(store);
        let bytes = source.remaining();
        let bytes = bytes.get(..MAX_WRITE).unwrap_or(bytes);
        if bytes.is_empty() {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        let now = this.clock.now();
        let written = match &mut this.place {
            Place::End => this.file.append(now, bytes),
            Place::At(position) => this.file.write(now, *position, bytes).inspect(|written| {
                *position = position.saturating_add(*written as u64);
            }),
        };
        Poll::Ready(Ok(match written {
            Ok(_) => {
                let taken = bytes.len();
                source.mark_read(taken);
                StreamResult::Completed
            }
            Err(error) => this.outcome.failed(&error),
        }))
    }
}

/// Lists a directory page by page.
pub(crate) struct Entries {
    pub(crate) listing: Listing,
    pub(crate) outcome: Outcome,
}

impl<D: 'static> StreamProducer<D> for Entries {
    type Item = types::DirectoryEntry;
    type Buffer = VecBuffer<types::DirectoryEntry>;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        mut store: StoreContextMut<'a, D>,
        mut destination: Destination<'a, Self::Item, Self::Buffer>,
        _: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let this = &mut *self;
        let wanted = destination.remaining(&mut store).unwrap_or(DIRECTORY_BATCH).min(DIRECTORY_BATCH);
        if wanted == 0 {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        Poll::Ready(Ok(match this.listing.page(wanted) {
            Ok(page) => {
                let full = page.len() == wanted;
                let entries: Vec<_> = page
                    .iter()
                    .map(|entry| types::DirectoryEntry {
                        type_: P3::kind(entry.file_type),
                        name: entry.name.as_ref().to_owned(),
                    })
                    .collect();
                destination.set_buffer(entries.into());
                if full { StreamResult::Completed } else { this.outcome.ok() }
            }
            Err(error) => this.outcome.failed(&error),
        }))
    }
}
