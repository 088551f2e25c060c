//! Feeds the streams of files.
//!
//! A function that returns a stream can't wait for its reader, so one task
//! waits for all of them ([`start`]): an event says that the other end of a
//! stream is there, and the transfer goes on as far as that end takes it.
//!
//! Nothing is read ahead. A stream is offered with a write of no bytes, which
//! ends when somebody reads; only then are bytes taken from the store, and
//! lent to the reader where they lie. So a reader sees what was written until
//! the moment when it reads.

use std::cell::RefCell;
use std::collections::BTreeMap;

use larder_core::{CHUNK_BYTES, DescriptorFlags, DirectoryEntry, Error, ErrorCode, FileType};
use larder_engine::file::{Listing, OpenFile, Place};
use larder_engine::headroom;
use larder_engine::limits::DIRECTORY_BATCH;
use wit_bindgen::rt::async_support::{FutureReader, FutureVtable, StreamReader, StreamVtable};

use super::bindings::exports::wasi::filesystem::types;
use super::bindings::{wit_future, wit_stream};
use super::{convert, now};

/// How a stream ended, for the `future` that WASI gives beside it.
type Ended = Result<(), types::ErrorCode>;

/// The two ends of a `future` that tells how a stream ended.
static ENDED: &FutureVtable<Ended> = <Ended as wit_future::FuturePayload>::VTABLE;
static BYTES: &StreamVtable<u8> = <u8 as wit_stream::StreamPayload>::VTABLE;
static ENTRIES: &StreamVtable<types::DirectoryEntry> = <types::DirectoryEntry as wit_stream::StreamPayload>::VTABLE;

/// Bytes that a stream brings in one turn: 128 KiB. One buffer of it waits
/// with every stream that is being written from.
const INCOMING: usize = 128 << 10;

/// What the canonical ABI answers to a read or write of a stream or future.
#[derive(Clone, Copy)]
struct Progress(u32);

impl Progress {
    /// Not yet: an event will tell.
    const BLOCKED: u32 = u32::MAX;

    fn is_blocked(self) -> bool {
        self.0 == Self::BLOCKED
    }

    /// Whether the other end is still there.
    fn goes_on(self) -> bool {
        self.0 & 0xf == 0
    }

    /// How many items have moved.
    fn count(self) -> usize {
        (self.0 >> 4) as usize
    }
}

#[link(wasm_import_module = "$root")]
unsafe extern "C" {
    #[link_name = "[waitable-set-new]"]
    fn waitable_set_new() -> u32;
    #[link_name = "[waitable-join]"]
    fn waitable_join(waitable: u32, set: u32);
}

#[link(wasm_import_module = "[export]larder:adapter-p3/pump")]
unsafe extern "C" {
    #[link_name = "[task-return]start"]
    fn start_returns();
}

/// Something that waits for the other end of its stream.
enum Transfer {
    Read(Read),
    List(List),
    Write(Write),
    /// The outcome, which stays until it is taken.
    Outcome(#[allow(dead_code, reason = "read by the runtime")] Box<Outcome>),
}

/// A file on its way out.
struct Read {
    file: OpenFile,
    position: u64,
    ended: u32,
}

/// A directory on its way out.
struct List {
    listing: Listing,
    batch: Vec<DirectoryEntry>,
    /// How many of the batch are gone.
    taken: usize,
    ended: u32,
}

/// Bytes on their way into a file.
struct Write {
    file: OpenFile,
    place: Place,
    buffer: Vec<u8>,
    ended: u32,
}

/// `result<_, error-code>` as the canonical ABI lays it out.
#[repr(C, align(4))]
struct Outcome {
    failed: u8,
    code: [u8; 19],
}

impl Outcome {
    fn of(result: Result<(), ErrorCode>) -> Self {
        let mut code = [0; 19];
        if let (Err(error), Some(number)) = (result, code.get_mut(3)) {
            *number = convert::number(error);
        }
        Self { failed: u8::from(result.is_err()), code }
    }
}

/// `directory-entry` as the canonical ABI lays it out.
#[repr(C)]
struct Entry {
    kind: u8,
    /// The text of a kind that has no name: none.
    other: [u32; 3],
    name: *const u8,
    name_length: usize,
}

impl Entry {
    fn of(entry: &DirectoryEntry) -> Self {
        let kind = convert::kind_number(entry.file_type);
        Self { kind, other: [0; 3], name: entry.name.as_ptr(), name_length: entry.name.len() }
    }
}

const _: () = assert!(size_of::<Entry>() == 24 && size_of::<Outcome>() == 20);

struct Pump {
    /// What the task waits for; 0 as long as there is no task.
    set: u32,
    waiting: BTreeMap<u32, Transfer>,
    /// A buffer that no stream uses at the moment.
    spare: Vec<u8>,
}

thread_local! {
    static PUMP: RefCell<Pump> = const { RefCell::new(Pump { set: 0, waiting: BTreeMap::new(), spare: Vec::new() }) };
}

impl Pump {
    /// Keeps a transfer until its event.
    fn wait(&mut self, handle: u32, transfer: Transfer) {
        // SAFETY: both are this instance's.
        unsafe { waitable_join(handle, self.set) };
        self.waiting.insert(handle, transfer);
    }

    /// Tells how a stream ended.
    fn end(&mut self, future: u32, result: Result<(), ErrorCode>) {
        let outcome = Box::new(Outcome::of(result));
        // SAFETY: the outcome stays where it is until the event.
        let progress = Progress(unsafe { (ENDED.start_write)(future, (&raw const *outcome).cast()) });
        if progress.is_blocked() {
            if self.set == 0 {
                // No task will see the event: it stays until it is taken.
                Box::leak(outcome);
            } else {
                self.wait(future, Transfer::Outcome(outcome));
            }
        } else {
            // SAFETY: the outcome is taken, or nobody wants it.
            unsafe { (ENDED.drop_writable)(future) };
        }
    }

    /// Goes on with a transfer whose other end has moved.
    fn advance(&mut self, handle: u32, transfer: Transfer, progress: Progress) {
        match transfer {
            Transfer::Read(read) => self.read(handle, read, progress),
            Transfer::List(list) => self.list(handle, list, progress),
            Transfer::Write(write) => self.write(handle, write, progress),
            // SAFETY: the future is written.
            Transfer::Outcome(_) => unsafe { (ENDED.drop_writable)(handle) },
        }
    }

    fn read(&mut self, handle: u32, mut read: Read, mut progress: Progress) {
        let result = loop {
            if progress.is_blocked() {
                return self.wait(handle, Transfer::Read(read));
            }
            if !progress.goes_on() {
                break Ok(());
            }
            match read.offer(handle) {
                Ok(Some(after)) => progress = after,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error.code()),
            }
        };
        // SAFETY: no write of it is under way.
        unsafe { (BYTES.drop_writable)(handle) };
        self.end(read.ended, result);
    }

    fn list(&mut self, handle: u32, mut list: List, mut progress: Progress) {
        let result = loop {
            if progress.is_blocked() {
                return self.wait(handle, Transfer::List(list));
            }
            if !progress.goes_on() {
                break Ok(());
            }
            match list.offer(handle) {
                Ok(Some(after)) => progress = after,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error.code()),
            }
        };
        // SAFETY: no write of it is under way.
        unsafe { (ENTRIES.drop_writable)(handle) };
        self.end(list.ended, result);
    }

    fn write(&mut self, handle: u32, mut write: Write, mut progress: Progress) {
        let result = loop {
            if progress.is_blocked() {
                return self.wait(handle, Transfer::Write(write));
            }
            if let Err(error) = write.store(progress.count()) {
                break Err(error.code());
            }
            if !progress.goes_on() {
                break Ok(());
            }
            progress = write.ask(handle);
        };
        // SAFETY: no read of it is under way.
        unsafe { (BYTES.drop_readable)(handle) };
        self.spare = write.buffer;
        self.end(write.ended, result);
    }
}

/// Offers nothing: blocked until somebody reads.
fn offer_nothing<T>(stream: &StreamVtable<T>, handle: u32) -> Progress {
    // SAFETY: no bytes are read from there.
    Progress(unsafe { (stream.start_write)(handle, core::ptr::dangling(), 0) })
}

/// Gives `count` items to whoever reads; says how many were taken.
///
/// # Safety
///
/// `items` has `count` items of the stream's type.
unsafe fn give<T>(stream: &StreamVtable<T>, handle: u32, items: *const u8, count: usize) -> Progress {
    // SAFETY: as the function's.
    let progress = Progress(unsafe { (stream.start_write)(handle, items, count) });
    if progress.is_blocked() {
        // Whoever asked has gone away meanwhile: what was lent is taken back.
        // SAFETY: a write is under way.
        return Progress(unsafe { (stream.cancel_write)(handle) } & !0xf);
    }
    progress
}

impl Read {
    /// Gives the next bytes to the reader that waits, and waits for the next
    /// one; `None` at the end of the file.
    fn offer(&mut self, handle: u32) -> larder_core::Result<Option<Progress>> {
        let within = usize::try_from(self.position % CHUNK_BYTES as u64).unwrap_or_default();
        let mut progress = None;
        self.file.read_with(self.position, CHUNK_BYTES - within, |piece| {
            if progress.is_none() {
                // SAFETY: the piece stays where it is during the call.
                progress = Some(unsafe { give(BYTES, handle, piece.as_ptr(), piece.len()) });
            }
        })?;
        Ok(progress.map(|progress| {
            self.position = self.position.saturating_add(progress.count() as u64);
            if progress.goes_on() { offer_nothing(BYTES, handle) } else { progress }
        }))
    }
}

impl List {
    /// Gives the next entries to the reader that waits, and waits for the next
    /// one; `None` at the end of the directory.
    fn offer(&mut self, handle: u32) -> larder_core::Result<Option<Progress>> {
        if self.taken == self.batch.len() {
            self.taken = 0;
            self.batch.clear();
            while self.batch.len() < DIRECTORY_BATCH
                && let Some(entry) = self.listing.next_entry()?
            {
                self.batch.push(entry);
            }
        }
        let entries: Vec<Entry> = self.batch.iter().skip(self.taken).map(Entry::of).collect();
        if entries.is_empty() {
            return Ok(None);
        }
        // SAFETY: the entries, and the names in the batch, stay during the call.
        let progress = unsafe { give(ENTRIES, handle, entries.as_ptr().cast(), entries.len()) };
        self.taken += progress.count();
        Ok(Some(if progress.goes_on() { offer_nothing(ENTRIES, handle) } else { progress }))
    }
}

impl Write {
    /// Asks for more bytes.
    fn ask(&mut self, handle: u32) -> Progress {
        self.buffer.clear();
        self.buffer.reserve_exact(INCOMING);
        // SAFETY: the buffer stays where it is until the event, and has room.
        Progress(unsafe { (BYTES.start_read)(handle, self.buffer.as_mut_ptr(), INCOMING) })
    }

    /// Writes the `count` bytes that came.
    fn store(&mut self, count: usize) -> larder_core::Result<()> {
        if count == 0 {
            return Ok(());
        }
        // SAFETY: so many bytes have been written to the buffer.
        unsafe { self.buffer.set_len(count) };
        match &mut self.place {
            Place::End => self.file.append(now, &self.buffer.as_slice()).map(drop),
            Place::At(position) => self.file.write(now, *position, &self.buffer.as_slice()).map(|written| {
                *position = position.saturating_add(written as u64);
            }),
        }
    }
}

/// The readable and the writable end of a new stream or future.
fn ends(new: unsafe extern "C" fn() -> u64) -> (u32, u32) {
    // SAFETY: it takes nothing.
    let ends = unsafe { new() };
    #[allow(clippy::cast_possible_truncation, reason = "two handles in one number")]
    (ends as u32, (ends >> 32) as u32)
}

/// Runs `call` on the pump, if its task is there.
fn with_pump(call: impl FnOnce(&mut Pump) -> Result<(), (u32, ErrorCode)>) {
    PUMP.with_borrow_mut(|pump| {
        if let Err((future, code)) = call(pump) {
            pump.end(future, Err(code));
        }
    });
}

/// A description of its own for a stream, which the volume counts.
pub(super) fn duplicate(
    file: &OpenFile,
    needed: DescriptorFlags,
    operation: &'static str,
) -> larder_core::Result<OpenFile> {
    headroom::for_little(operation)?;
    let file = file.get()?;
    if file.file_type() == FileType::Directory {
        Err(Error::new(ErrorCode::IsDirectory, operation))
    } else if !file.flags().contains(needed) {
        Err(Error::new(ErrorCode::BadDescriptor, operation))
    } else {
        file.dup().map(OpenFile::new)
    }
}

/// What a call without a pump answers: nobody could ever feed the stream.
const NO_PUMP: ErrorCode = ErrorCode::Unsupported;

/// Reads a file from `position` to its end.
pub(super) fn read(file: larder_core::Result<OpenFile>, position: u64) -> (StreamReader<u8>, FutureReader<Ended>) {
    let (stream, out) = ends(BYTES.new);
    let (future, ended) = ends(ENDED.new);
    with_pump(|pump| match file {
        Ok(file) if pump.set != 0 => {
            pump.read(out, Read { file, position, ended }, offer_nothing(BYTES, out));
            Ok(())
        }
        refused => {
            // SAFETY: nothing was written to it.
            unsafe { (BYTES.drop_writable)(out) };
            Err((ended, refused.err().map_or(NO_PUMP, |error| error.code())))
        }
    });
    // SAFETY: both ends are new, and of these types.
    (StreamReader::new(stream, BYTES), unsafe { FutureReader::new(future, ENDED) })
}

/// Lists a directory.
pub(super) fn list(
    listing: larder_core::Result<Listing>,
) -> (StreamReader<types::DirectoryEntry>, FutureReader<Ended>) {
    let (stream, out) = ends(ENTRIES.new);
    let (future, ended) = ends(ENDED.new);
    with_pump(|pump| match listing {
        Ok(listing) if pump.set != 0 => {
            let list = List { listing, batch: Vec::new(), taken: 0, ended };
            pump.list(out, list, offer_nothing(ENTRIES, out));
            Ok(())
        }
        refused => {
            // SAFETY: nothing was written to it.
            unsafe { (ENTRIES.drop_writable)(out) };
            Err((ended, refused.err().map_or(NO_PUMP, |error| error.code())))
        }
    });
    // SAFETY: both ends are new, and of these types.
    (StreamReader::new(stream, ENTRIES), unsafe { FutureReader::new(future, ENDED) })
}

/// Writes what a stream brings to a file.
pub(super) fn write(data: &StreamReader<u8>, file: larder_core::Result<OpenFile>, place: Place) -> FutureReader<Ended> {
    let source = data.take_handle();
    let (future, ended) = ends(ENDED.new);
    with_pump(|pump| match file {
        Ok(_) if headroom::for_content(INCOMING, "write").is_err() => {
            // SAFETY: nothing was read from it.
            unsafe { (BYTES.drop_readable)(source) };
            Err((ended, ErrorCode::InsufficientSpace))
        }
        Ok(file) if pump.set != 0 => {
            let buffer = core::mem::take(&mut pump.spare);
            let mut write = Write { file, place, buffer, ended };
            let progress = write.ask(source);
            pump.write(source, write, progress);
            Ok(())
        }
        refused => {
            // SAFETY: nothing was read from it.
            unsafe { (BYTES.drop_readable)(source) };
            Err((ended, refused.err().map_or(NO_PUMP, |error| error.code())))
        }
    });
    // SAFETY: the end is new, and of this type.
    unsafe { FutureReader::new(future, ENDED) }
}

/// The answer of an `async` export that waits for an event of the set.
fn wait_on(set: u32) -> u32 {
    const WAIT: u32 = 2;
    WAIT | set << 4
}

/// Begins the task. There is one: a later call has nothing to wait for.
#[unsafe(export_name = "[async-lift]larder:adapter-p3/pump#start")]
extern "C" fn start() -> u32 {
    const EXIT: u32 = 0;
    let answer = PUMP.with_borrow_mut(|pump| {
        if pump.set != 0 {
            return EXIT;
        }
        // SAFETY: it takes nothing.
        pump.set = unsafe { waitable_set_new() };
        wait_on(pump.set)
    });
    // SAFETY: called once in the task.
    unsafe { start_returns() };
    answer
}

/// An event: something that a transfer waited for.
#[unsafe(export_name = "[callback][async-lift]larder:adapter-p3/pump#start")]
extern "C" fn event(_kind: u32, handle: u32, progress: u32) -> u32 {
    PUMP.with_borrow_mut(|pump| {
        if let Some(transfer) = pump.waiting.remove(&handle) {
            pump.advance(handle, transfer, Progress(progress));
        }
        wait_on(pump.set)
    })
}
