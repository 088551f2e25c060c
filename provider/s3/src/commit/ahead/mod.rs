//! Parts of a file that is written from front to back, sent before the group
//! that takes it, so that a file larger than memory is uploaded once.
//!
//! The upload is for a key of our own (`.larder/tmp/…`), and the file's object
//! is a copy of what comes of it. So neither the file's name nor its attributes
//! have to be known before the group is taken: a rename, another name, a removal
//! or a conflict in between are those of any file whose content is stored
//! already, and the object never has the times of an upload's beginning.
//!
//! Invariants, each under the lock of [`State`](crate::shared::State):
//! - A file with parked chunks is in [`Aheads::files`] and has changed content
//!   there ([`Changes`](crate::changes::Changes)), or is in the group under way,
//!   or has lost its last name and waits for the next group. Whoever needs the
//!   chunks asks for a group, and with its end they are stored.
//! - Chunks are parked by whole parts, while the volume is at rest, and only in
//!   the upload that `files` has of the file. What is parked does not change
//!   any more: the volume asks for it to be stored first. So a part whose chunks
//!   are parked is as the upload has it.
//! - Nothing is parked of a file in the group under way: what the group took
//!   would be taken for what is parked when it is stored.
//!
//! What lives here: the files that are ahead ([`Aheads`]), sending parts
//! ([`send`]), and making an object of them ([`land`]). What does not: which
//! files are streams (`changes`).

pub(crate) mod land;
pub(crate) mod send;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use larder_bucket::{Part, Upload};
use larder_core::{FrozenContent, NodeId};
use parking_lot::Mutex;
use tokio::sync::{Notify, OnceCell};

use self::land::Landed;
use crate::layout::{KeySpace, Token};
use crate::options::S3Options;

const PART: u64 = S3Options::PART;

/// The most parts that go ahead in one upload: 62.5 GiB. Leaves numbers, of the
/// 10,000 that there are, for what comes with the group.
const MOST_AHEAD: u64 = 8_000;

/// A file that is still being written goes to the bucket with a group when its
/// upload is so old. Guards it against others who take it for what a crash left
/// (`recover`).
pub(crate) const OLDEST: Duration = Duration::from_hours(1);

/// The files that are ahead.
#[derive(Debug, Default)]
pub(crate) struct Aheads {
    pub(crate) files: HashMap<NodeId, Arc<Ahead>>,
    /// Files of the group under way.
    pub(crate) under_way: HashSet<NodeId>,
    /// Parts under way, of all files: each is in memory a second time.
    sending: usize,
}

impl Aheads {
    /// Whether there will be room without a group.
    pub(crate) const fn is_going(&self) -> bool {
        self.sending > 0
    }

    /// Takes a file out, of which nothing more is sent.
    pub(crate) fn take(&mut self, node: NodeId) -> Option<Arc<Ahead>> {
        let ahead = self.files.remove(&node)?;
        ahead.inner.lock().is_taken = true;
        Some(ahead)
    }

    /// When the oldest upload was begun.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        self.files.values().map(|ahead| ahead.begun).min()
    }
}

/// A file that is ahead.
#[derive(Debug)]
pub(crate) struct Ahead {
    node: NodeId,
    /// The upload's, and what the volume knows the upload by.
    key: Arc<str>,
    begun: Instant,
    /// Begun with the first part.
    upload: OnceCell<Upload>,
    inner: Mutex<Inner>,
    /// No part is under way any more.
    quiet: Notify,
    landed: OnceCell<Landed>,
}

#[derive(Debug, Default)]
struct Inner {
    /// The part that follows those that are sent, counted from 0; `None` before
    /// the first one. There are no gaps: not every server takes them.
    next: Option<u64>,
    /// By number.
    sent: BTreeMap<u32, Sent>,
    sending: usize,
    /// A group has it.
    is_taken: bool,
    /// The stream went on elsewhere: the rest is left for the group.
    is_over: bool,
    /// Somebody else ended the upload.
    is_lost: bool,
}

/// A part that the upload has.
#[derive(Debug)]
struct Sent {
    part: Part,
    /// What it was made of; `None` where that is parked.
    frozen: Option<FrozenContent>,
}

impl Ahead {
    fn new(keys: &KeySpace, node: NodeId) -> Self {
        Self {
            node,
            key: format!("{}tmp/{}", keys.reserved(), Token(fastrand::u128(..))).into(),
            begun: Instant::now(),
            upload: OnceCell::new(),
            inner: Mutex::default(),
            quiet: Notify::new(),
            landed: OnceCell::new(),
        }
    }

    /// The next part to send, counted from 0, of a file of which `run` was
    /// written one after another. Counts it as under way.
    fn next(&self, run: (u64, u64)) -> Option<u64> {
        let mut inner = self.inner.lock();
        let first = run.0.div_ceil(PART);
        let next = inner.next.unwrap_or(first);
        inner.is_over |= next < first || next >= MOST_AHEAD;
        if inner.is_taken || inner.is_over || inner.is_lost || range(next).end > run.1 {
            return None;
        }
        inner.next = Some(next + 1);
        inner.sending += 1;
        Some(next)
    }

    /// The key of the object that it became, which is of no use after the
    /// group.
    pub(crate) fn temporary(&self) -> Option<Arc<str>> {
        let landed = self.landed.get()?;
        matches!(landed, Landed::Whole(_) | Landed::Beginning { .. }).then(|| Arc::clone(&self.key))
    }
}

/// A part's bytes in the file.
const fn range(part: u64) -> Range<u64> {
    let start = part.saturating_mul(PART);
    start..start.saturating_add(PART)
}

/// A part's number in an upload.
fn number(part: u64) -> u32 {
    u32::try_from(part.saturating_add(1)).unwrap_or(u32::MAX)
}
