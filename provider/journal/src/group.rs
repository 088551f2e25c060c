//! Group commit, which every form shares: whoever comes first writes for all
//! who wait. The form itself is a [`Sink`].
//!
//! Two locks: `sink`, across I/O, and `state`, short, without I/O. Whoever has
//! `state` does not take `sink`; the other order is fine. At most one thread
//! appends at a time, the one that set `writing`.

use larder_core::Timestamp;
use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::frame::{FRAME_BYTES, Kind, LONGEST_GROUP};
use crate::queue::{Batch, LONGEST_RECORD, Queue, Room};
use crate::{Base, Bounds, Error, JournalStore, Note, Result};

/// What [`admit`](JournalStore::admit) counts for an operation besides what
/// the caller says: the frame, the numbers in the head and the versions of what
/// it changes.
const RECORD_BYTES: u64 = FRAME_BYTES as u64 + 256;

/// Makes what was appended as durable as it can be, with no lock held.
pub(crate) type Flush = Box<dyn FnOnce() -> Result<()> + Send>;

/// Where frames are written to. One caller at a time.
pub(crate) trait Sink: Send {
    /// Appends whole batches; counts those that it appended in `done`, also
    /// when it fails. Of the first that is not, it may have appended a part,
    /// and is called with that batch again, or with a later one where the
    /// backend has got all that was in it.
    fn append(&mut self, batches: &[Batch], done: &mut usize) -> Result<()>;

    /// For what is appended until now.
    fn flush(&self) -> Flush;

    /// Whether [`free`](Self::free) needs to have its marker flushed first, as
    /// there is something to free.
    fn frees(&self, stored: u64) -> bool;

    /// Frees what holds nothing above `stored`.
    fn free(&mut self, stored: u64) -> Result<()>;

    /// Bytes that are kept.
    fn size(&self) -> u64;
}

/// Records that have no place.
#[derive(Debug)]
struct Refused {
    first: u64,
    last: u64,
    error: Error,
}

/// Frames of a write that failed.
#[derive(Debug)]
struct Failed {
    /// How many writes had been tried.
    round: u64,
    /// Its last frame.
    ticket: u64,
    error: Error,
}

#[derive(Debug)]
struct State {
    queue: Queue,
    /// The last number that was noted, refused or not.
    noted: u64,
    /// The last number of what is written.
    written: u64,
    /// How many of the pushed frames are written.
    written_ticket: u64,
    stored: u64,
    /// The group that was begun last, and its ticket.
    begun: Option<(u64, Vec<u8>, u64)>,
    refused: Option<Refused>,
    failed: Option<Failed>,
    broken: Option<Error>,
    writing: bool,
    rounds: u64,
    /// What the sink keeps.
    kept: u64,
}

impl State {
    fn usable(&self) -> Result<()> {
        self.broken.clone().map_or(Ok(()), Err)
    }

    const fn used(&self) -> u64 {
        self.kept + self.queue.bytes()
    }
}

/// A journal in a [`Sink`].
#[derive(Debug)]
pub(crate) struct Group<S> {
    state: Mutex<State>,
    /// A write ended.
    ended: Condvar,
    sink: Mutex<S>,
    bounds: Bounds,
}

impl<S: Sink> Group<S> {
    /// `last` and `stored` are what was recovered.
    pub(crate) fn new(sink: S, bounds: Bounds, last: u64, stored: u64) -> Self {
        let state = State {
            queue: Queue::default(),
            noted: last,
            written: last,
            written_ticket: 0,
            stored,
            begun: None,
            refused: None,
            failed: None,
            broken: None,
            writing: false,
            rounds: 0,
            kept: sink.size(),
        };
        Self { state: Mutex::new(state), ended: Condvar::new(), sink: Mutex::new(sink), bounds }
    }

    /// Until the frames of `ticket`, or the records up to `seq`, are written.
    fn commit(&self, ticket: u64, seq: Option<u64>) -> Result<()> {
        let mut state = self.state.lock();
        loop {
            state.usable()?;
            if state.written_ticket >= ticket || seq.is_some_and(|seq| state.written.max(state.stored) >= seq) {
                return Ok(());
            }
            if state.writing {
                let round = state.rounds;
                self.wait(&mut state);
                let failed = state.failed.as_ref().filter(|failed| failed.round > round && failed.ticket >= ticket);
                if let Some(failed) = failed {
                    return Err(failed.error.clone());
                }
            } else {
                state = self.write(state)?;
            }
        }
    }

    fn wait(&self, state: &mut MutexGuard<'_, State>) {
        self.ended.wait_while(state, |state| state.writing);
    }

    /// Writes all that is queued.
    fn write<'a>(&'a self, mut state: MutexGuard<'a, State>) -> Result<MutexGuard<'a, State>> {
        state.writing = true;
        let mut batches = state.queue.take();
        drop(state);

        let mut done = 0;
        let mut sink = self.sink.lock();
        let result = sink.append(&batches, &mut done);
        let left = batches.split_off(done.min(batches.len()));
        let mut state = self.state.lock();
        state.kept = sink.size();
        drop(sink);
        state.queue.written(&batches);
        if let Some(last) = batches.last() {
            state.written_ticket = state.written_ticket.max(last.ticket);
        }
        let written = batches.iter().map(|batch| batch.last).max();
        state.written = state.written.max(written.unwrap_or_default());
        state.writing = false;
        state.rounds += 1;
        if let Err(error) = &result {
            let ticket = left.last().map_or(state.written_ticket, |batch| batch.ticket);
            state.failed = Some(Failed { round: state.rounds, ticket, error: error.clone() });
            if matches!(error, Error::Broken { .. }) {
                state.broken = Some(error.clone());
            }
        }
        state.queue.put_back(left);
        self.ended.notify_all();
        result.map(|()| state)
    }

    /// What was written is durable when this returns.
    fn flush(&self) -> Result<()> {
        let flush = self.sink.lock().flush();
        flush().map_err(|error| self.broke(error))
    }

    fn broke(&self, error: Error) -> Error {
        let mut state = self.state.lock();
        state.broken.get_or_insert_with(|| error.broken()).clone()
    }
}

impl<S: Sink> JournalStore for Group<S> {
    fn admit(&self, bytes: u64) -> Result<()> {
        let bytes = bytes.saturating_add(RECORD_BYTES);
        let most = self.bounds.capacity - self.bounds.capacity / 8;
        let largest = most.min(LONGEST_RECORD as u64);
        if bytes > largest {
            return Err(Error::TooLarge { bytes, most: largest });
        }
        let state = self.state.lock();
        state.usable()?;
        if let Some(refused) = &state.refused {
            return Err(refused.error.clone());
        }
        let after = state.used() + bytes;
        if after > most {
            return Err(Error::Full { bytes: after, most });
        }
        let waiting = state.queue.bytes() >= self.bounds.buffer / 2;
        let pushed = state.queue.pushed();
        drop(state);
        if waiting { self.commit(pushed, None) } else { Ok(()) }
    }

    fn note(&self, seq: u64, time: Timestamp, bases: &[Base], note: Note<'_>) -> Result<()> {
        let mut state = self.state.lock();
        state.usable()?;
        if seq <= state.noted {
            let error = Error::Invalid { reason: "records were noted out of order" };
            state.broken = Some(error.clone().broken());
            return Err(error);
        }
        state.noted = seq;
        if let Some(refused) = &mut state.refused {
            refused.last = seq;
            return Err(refused.error.clone());
        }
        let waiting = state.queue.bytes();
        let room = Room { used: state.used(), most: self.bounds.capacity };
        let pushed = if waiting < self.bounds.buffer {
            state.queue.push_record(seq, time, bases, &note, room)
        } else {
            Err(Error::Full { bytes: waiting, most: self.bounds.buffer })
        };
        if let Err(error) = &pushed {
            state.refused = Some(Refused { first: seq, last: seq, error: error.clone() });
        }
        pushed
    }

    fn acknowledge(&self, seq: u64) -> Result<()> {
        let state = self.state.lock();
        state.usable()?;
        if seq <= state.stored {
            return Ok(());
        }
        if let Some(refused) = state.refused.as_ref().filter(|refused| refused.first <= seq) {
            return Err(refused.error.clone());
        }
        let pushed = state.queue.pushed();
        drop(state);
        self.commit(pushed, Some(seq))
    }

    fn sync(&self) -> Result<()> {
        let state = self.state.lock();
        state.usable()?;
        if let Some(refused) = &state.refused {
            return Err(refused.error.clone());
        }
        let pushed = state.queue.pushed();
        drop(state);
        self.commit(pushed, None)?;
        self.flush()
    }

    fn begin(&self, up_to: u64, group: &[u8]) -> Result<()> {
        if group.len() > LONGEST_GROUP {
            return Err(Error::TooLarge { bytes: group.len() as u64, most: LONGEST_GROUP as u64 });
        }
        let mut state = self.state.lock();
        state.usable()?;
        if up_to <= state.stored {
            return Err(Error::Invalid { reason: "a group was begun that is stored" });
        }
        // A call that is repeated finds its marker in the queue.
        let known = state.begun.as_ref().filter(|begun| begun.0 == up_to && begun.1 == group).map(|begun| begun.2);
        let ticket = if let Some(ticket) = known {
            ticket
        } else {
            // Markers go into a full journal; only a disk that takes nothing
            // makes them wait.
            let bytes = state.queue.bytes();
            let most = self.bounds.buffer + LONGEST_RECORD as u64;
            if bytes > most {
                return Err(Error::Full { bytes, most });
            }
            let ticket = state.queue.push_marker(Kind::Begin, up_to, group);
            state.begun = Some((up_to, group.to_owned(), ticket));
            state.noted = state.noted.max(up_to);
            ticket
        };
        drop(state);
        self.commit(ticket, None)?;
        self.flush()
    }

    fn stored(&self, up_to: u64) -> Result<()> {
        let mut state = self.state.lock();
        // What is being written may come back to the queue.
        self.wait(&mut state);
        state.usable()?;
        if up_to > state.stored {
            if let Some(ticket) = state.queue.drop_stored(up_to) {
                state.written_ticket = state.written_ticket.max(ticket);
            }
            state.queue.push_marker(Kind::Stored, up_to, &[]);
            state.stored = up_to;
            state.noted = state.noted.max(up_to);
            state.begun.take_if(|begun| begun.0 <= up_to);
            state.refused.take_if(|refused| refused.last <= up_to);
        }
        let (stored, pushed) = (state.stored, state.queue.pushed());
        drop(state);
        self.commit(pushed, None)?;
        if !self.sink.lock().frees(stored) {
            return Ok(());
        }
        self.flush()?;
        let mut sink = self.sink.lock();
        let freed = sink.free(stored);
        let mut state = self.state.lock();
        state.kept = sink.size();
        drop(sink);
        if let Err(error @ Error::Broken { .. }) = &freed {
            state.broken = Some(error.clone());
        }
        freed
    }

    fn size(&self) -> u64 {
        self.state.lock().used()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    /// Takes its time, and fails when it is told to.
    #[derive(Default)]
    struct Slow {
        appends: Arc<AtomicUsize>,
        fails: Arc<AtomicUsize>,
        breaks: bool,
    }

    impl Sink for Slow {
        fn append(&mut self, batches: &[Batch], done: &mut usize) -> Result<()> {
            std::thread::sleep(Duration::from_millis(20));
            self.appends.fetch_add(1, Ordering::Relaxed);
            let failed = |fails: usize| fails.checked_sub(1);
            if self.fails.fetch_update(Ordering::Relaxed, Ordering::Relaxed, failed).is_ok() {
                return Err(Error::io("write", "nothing", std::io::ErrorKind::StorageFull.into()));
            }
            *done = batches.len();
            Ok(())
        }

        fn flush(&self) -> Flush {
            let breaks = self.breaks;
            Box::new(move || {
                let error = Error::io("sync", "nothing", std::io::ErrorKind::Other.into());
                if breaks { Err(error.broken()) } else { Ok(()) }
            })
        }

        fn frees(&self, _: u64) -> bool {
            false
        }

        fn free(&mut self, _: u64) -> Result<()> {
            Ok(())
        }

        fn size(&self) -> u64 {
            0
        }
    }

    fn note(group: &Group<Slow>, seq: u64) {
        group.note(seq, Timestamp::UNIX_EPOCH, &[], Note::Remove { path: "a" }).unwrap();
    }

    #[test]
    fn whoever_waits_shares_a_write() {
        let sink = Slow::default();
        let appends = Arc::clone(&sink.appends);
        let group = Group::new(sink, Bounds::default(), 0, 0);
        let group = &group;
        std::thread::scope(|scope| {
            for seq in 1..=40 {
                note(group, seq);
                scope.spawn(move || group.acknowledge(seq).unwrap());
            }
        });
        assert!(appends.load(Ordering::Relaxed) < 20, "{appends:?}");
        assert_eq!(group.size(), 0);
    }

    #[test]
    fn a_failed_write_is_tried_again() {
        let sink = Slow::default();
        let fails = Arc::clone(&sink.fails);
        let group = Group::new(sink, Bounds::default(), 0, 0);
        note(&group, 1);
        fails.store(2, Ordering::Relaxed);
        for _ in 0..2 {
            assert!(matches!(group.acknowledge(1), Err(Error::Io { .. })));
            assert!(group.size() > 0);
        }
        group.acknowledge(1).unwrap();
        assert_eq!(group.size(), 0);
    }

    #[test]
    fn a_failed_sync_is_for_good() {
        let group = Group::new(Slow { breaks: true, ..Slow::default() }, Bounds::default(), 0, 0);
        note(&group, 1);
        group.acknowledge(1).unwrap();
        assert!(matches!(group.sync(), Err(Error::Broken { .. })));
        assert!(matches!(group.acknowledge(1), Err(Error::Broken { .. })));
        assert!(matches!(group.begin(1, b""), Err(Error::Broken { .. })));
    }
}
