//! How far the bucket is, and waiting for it.

use std::time::{Duration, Instant};

use larder_core::ErrorCode;
use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::error::S3Error;
use crate::status::Status;
use crate::waiting::waiting;

/// Who wants a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Somebody waits for what is due.
    pub(crate) due: bool,
    /// Somebody waits for room, and only a group makes it.
    pub(crate) room: bool,
}

/// How far the bucket is. Requests are numbered: a group has what was due when
/// a request before it was made.
#[derive(Debug)]
pub(crate) struct Progress {
    inner: Mutex<Inner>,
    changed: Condvar,
}

#[derive(Debug)]
struct Inner {
    requested: u64,
    /// The newest request that is not for room alone.
    demanded: u64,
    /// The newest request for room, and how many wait for it.
    wanting: u64,
    waiting: usize,
    /// There is room since somebody last looked in vain.
    has_room: bool,
    begun: u64,
    done: u64,
    is_under_way: bool,
    /// Bytes of the group under way.
    bytes: u64,
    /// The newest change that the bucket has.
    stored: u64,
    taken: u64,
    failures: u64,
    failing: Option<S3Error>,
    halted: Option<String>,
    has_ended: bool,
    /// When a request last succeeded.
    advanced: Instant,
}

impl Default for Progress {
    fn default() -> Self {
        let inner = Inner {
            requested: 0,
            demanded: 0,
            wanting: 0,
            waiting: 0,
            has_room: false,
            begun: 0,
            done: 0,
            is_under_way: false,
            bytes: 0,
            stored: 0,
            taken: 0,
            failures: 0,
            failing: None,
            halted: None,
            has_ended: false,
            advanced: Instant::now(),
        };
        Self { inner: Mutex::new(inner), changed: Condvar::new() }
    }
}

impl Progress {
    /// The bucket has all changes up to this number from the start.
    pub(crate) fn begins_with(&self, stored: u64) {
        let mut inner = self.inner.lock();
        (inner.stored, inner.taken) = (stored, stored);
    }

    /// Asks for a group. What it is to have must be due already.
    pub(crate) fn request(&self) -> u64 {
        let mut inner = self.inner.lock();
        inner.requested += 1;
        inner.demanded = inner.requested;
        inner.requested
    }

    /// Whether somebody asked for a group that was not begun. `is_going`: room
    /// is being made without one.
    pub(crate) fn wanted(&self, is_going: bool) -> Wanted {
        let inner = self.inner.lock();
        if inner.halted.is_some() {
            return Wanted::default();
        }
        let wants_room = inner.waiting > 0 && inner.wanting > inner.begun;
        Wanted { due: inner.demanded > inner.begun, room: wants_room && !inner.has_room && !is_going }
    }

    /// Bytes have left memory without a group.
    pub(crate) fn made_room(&self) {
        let mut inner = self.inner.lock();
        inner.advanced = Instant::now();
        inner.has_room = true;
        self.changed.notify_all();
    }

    /// Whether no group is under way.
    pub(crate) fn is_idle(&self) -> bool {
        !self.inner.lock().is_under_way
    }

    /// A group is about to be taken.
    pub(crate) fn begin(&self) {
        let mut inner = self.inner.lock();
        inner.begun = inner.requested;
        inner.is_under_way = true;
        inner.advanced = Instant::now();
    }

    /// It was taken: the number of its last change, and its bytes.
    pub(crate) fn taken(&self, up_to: u64, bytes: u64) {
        let mut inner = self.inner.lock();
        inner.taken = up_to;
        inner.bytes = bytes;
    }

    /// The bucket has it.
    pub(crate) fn end(&self) {
        let mut inner = self.inner.lock();
        inner.done = inner.begun;
        inner.stored = inner.taken;
        inner.bytes = 0;
        inner.is_under_way = false;
        self.changed.notify_all();
    }

    /// A request succeeded.
    pub(crate) fn advance(&self) {
        self.inner.lock().advanced = Instant::now();
    }

    /// The bucket does not take the group under way, for now.
    pub(crate) fn failed(&self, error: &S3Error) {
        let mut inner = self.inner.lock();
        inner.failures += 1;
        inner.failing = Some(error.clone());
        self.changed.notify_all();
    }

    /// It takes it again.
    pub(crate) fn recovered(&self) {
        let mut inner = self.inner.lock();
        inner.failing = None;
        inner.advanced = Instant::now();
    }

    /// Nothing is written any more, for the reason.
    pub(crate) fn halt(&self, reason: &str) {
        self.inner.lock().halted = Some(reason.to_owned());
        self.changed.notify_all();
    }

    /// Why nothing is written any more.
    pub(crate) fn halted(&self) -> Option<String> {
        self.inner.lock().halted.clone()
    }

    /// Nobody waits any more.
    pub(crate) fn end_waiting(&self) {
        self.inner.lock().has_ended = true;
        self.changed.notify_all();
    }

    /// Bytes of the group under way.
    pub(crate) fn bytes(&self) -> u64 {
        self.inner.lock().bytes
    }

    /// Waits until the bucket has what was due when a request was made.
    ///
    /// # Errors
    /// The group failed once more, or nothing went on for `patience`.
    pub(crate) fn wait(&self, request: u64, patience: Duration) -> Result<(), ErrorCode> {
        self.wait_until(&mut self.inner.lock(), patience, |inner| inner.done >= request)
    }

    /// Waits until there is room, or a group ended that was begun meanwhile.
    /// `has_room` is told of the bytes of the group under way and of whether
    /// such a group ended, and answers `false` also to make the engine look
    /// whether a group is to be begun.
    ///
    /// # Errors
    /// As [`wait`](Self::wait).
    pub(crate) fn wait_for_room(
        &self,
        patience: Duration,
        has_room: impl Fn(u64, bool) -> bool,
    ) -> Result<(), ErrorCode> {
        let mut inner = self.inner.lock();
        inner.requested += 1;
        let request = inner.requested;
        inner.wanting = request;
        inner.waiting += 1;
        let waited = self.wait_until(&mut inner, patience, |inner| {
            // Before the engine is made to look.
            inner.has_room = false;
            has_room(inner.bytes, inner.done >= request)
        });
        inner.waiting -= 1;
        waited
    }

    fn wait_until(
        &self,
        inner: &mut MutexGuard<'_, Inner>,
        patience: Duration,
        mut is_done: impl FnMut(&mut Inner) -> bool,
    ) -> Result<(), ErrorCode> {
        let failures = inner.failures;
        inner.advanced = inner.advanced.max(Instant::now().checked_sub(patience / 2).unwrap_or(inner.advanced));
        loop {
            if is_done(inner) {
                return Ok(());
            }
            if inner.halted.is_some() || inner.has_ended {
                return Err(ErrorCode::Io);
            }
            if inner.failures != failures {
                return Err(inner.failing.as_ref().map_or(ErrorCode::Io, S3Error::code));
            }
            let deadline = inner.advanced + patience;
            if Instant::now() >= deadline {
                return Err(inner.failing.as_ref().map_or(ErrorCode::Io, S3Error::code));
            }
            waiting(|| self.changed.wait_until(inner, deadline));
        }
    }

    /// Fills in what is known here.
    pub(crate) fn tell(&self, status: &mut Status) {
        let inner = self.inner.lock();
        status.stored = inner.stored;
        status.failures = inner.failures;
        status.dirty_bytes += inner.bytes;
        if let Some(reason) = &inner.halted {
            status.state = "halted".to_owned();
            status.trouble = Some(reason.clone());
        } else if let Some(error) = &inner.failing {
            status.state = "failing".to_owned();
            status.trouble = Some(error.to_string());
        }
    }
}
