//! Frames that wait to be written, in batches.

use std::collections::VecDeque;

use larder_core::Timestamp;

use crate::frame::{self, FRAME_BYTES, Kind};
use crate::{Base, Error, Note, Result};

/// Most bytes of one record, head and content. Guards the memory of whoever
/// opens the journal, which holds one record at a time.
pub const LONGEST_RECORD: usize = 256 << 20;

/// From so many bytes on the next frame begins another batch. Bounds what is
/// copied when a batch grows, and is a message in the default configuration of
/// NATS, which takes 1 MiB.
const BATCH_BYTES: usize = 512 << 10;

/// Whole frames that are written together.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) bytes: Vec<u8>,
    /// The highest number of a frame in it; 0 where there is none.
    pub(crate) last: u64,
    /// The highest number that a marker in it says is stored.
    pub(crate) stored: Option<u64>,
    /// How many frames were pushed when its last one was. Names the batch,
    /// once somebody tried to write it.
    pub(crate) ticket: u64,
    /// Nothing is added any more: it may be half written.
    tried: bool,
}

/// In the order in which they were pushed.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    batches: VecDeque<Batch>,
    /// Of all batches.
    bytes: u64,
    pushed: u64,
}

impl Queue {
    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many frames were ever pushed.
    pub(crate) const fn pushed(&self) -> u64 {
        self.pushed
    }

    /// # Errors
    /// `TooLarge`, or `Full` where `room` is less than its bytes; as if it had
    /// not been called.
    pub(crate) fn push_record(
        &mut self,
        seq: u64,
        time: Timestamp,
        bases: &[Base],
        note: &Note<'_>,
        room: Room,
    ) -> Result<()> {
        let data = note.data();
        let length = data.map_or(0, |data| data.len());
        let too_large = |bytes: usize| Error::TooLarge { bytes: bytes as u64, most: LONGEST_RECORD as u64 };
        // Before anything is allocated for it.
        if length > LONGEST_RECORD {
            return Err(too_large(length));
        }
        let head = note.head(time, bases).ok_or_else(|| too_large(length))?;
        let body = head.len() + length;
        if body > LONGEST_RECORD {
            return Err(too_large(body));
        }
        let bytes = room.used + (FRAME_BYTES + body) as u64;
        if bytes > room.most {
            return Err(Error::Full { bytes, most: room.most });
        }
        self.push(Kind::Record, seq, body, |out| {
            out.extend_from_slice(&head);
            if let Some(data) = data {
                data.append_to(0..length, out);
            }
        });
        Ok(())
    }

    /// Answers with its ticket.
    pub(crate) fn push_marker(&mut self, kind: Kind, up_to: u64, body: &[u8]) -> u64 {
        self.push(kind, up_to, body.len(), |out| out.extend_from_slice(body));
        self.pushed
    }

    fn push(&mut self, kind: Kind, seq: u64, length: usize, add: impl FnOnce(&mut Vec<u8>)) {
        let fits = |batch: &Batch| !batch.tried && batch.bytes.len() + FRAME_BYTES + length <= BATCH_BYTES;
        let mut batch = self.batches.pop_back_if(|batch| fits(batch)).unwrap_or_default();
        let before = batch.bytes.len();
        frame::write(&mut batch.bytes, kind, seq, length, add);
        self.bytes += (batch.bytes.len() - before) as u64;
        self.pushed += 1;
        batch.ticket = self.pushed;
        batch.last = batch.last.max(seq);
        if kind == Kind::Stored {
            batch.stored = batch.stored.max(Some(seq));
        }
        self.batches.push_back(batch);
    }

    /// All of it, to be written. Its bytes count until [`written`](Self::written).
    pub(crate) fn take(&mut self) -> Vec<Batch> {
        std::mem::take(&mut self.batches).into()
    }

    pub(crate) fn written(&mut self, batches: &[Batch]) {
        let bytes: usize = batches.iter().map(|batch| batch.bytes.len()).sum();
        self.bytes = self.bytes.saturating_sub(bytes as u64);
    }

    /// Of what was taken, what is to be tried again: before all that came
    /// since.
    pub(crate) fn put_back(&mut self, batches: Vec<Batch>) {
        let mut batches = VecDeque::from(batches);
        batches.iter_mut().for_each(|batch| batch.tried = true);
        batches.append(&mut self.batches);
        self.batches = batches;
    }

    /// Drops the batches at the front that hold nothing above `stored`, so
    /// that a disk that takes nothing does not hold up what frees it. Answers
    /// with the ticket of the last.
    pub(crate) fn drop_stored(&mut self, stored: u64) -> Option<u64> {
        let mut ticket = None;
        while let Some(batch) = self.batches.pop_front_if(|batch| batch.last <= stored) {
            self.bytes = self.bytes.saturating_sub(batch.bytes.len() as u64);
            ticket = Some(batch.ticket);
        }
        ticket
    }
}

/// How much there is, and may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    pub(crate) used: u64,
    pub(crate) most: u64,
}
