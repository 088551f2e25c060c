//! The order of one session's requests: that of their arrival, one at a time.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use larder_store_service::REMEMBERED_CHANGES;
use parking_lot::Mutex;

/// Most requests of one session that wait or run: as many as its memory of
/// changes, so that a repeated change still meets the answer of the first.
pub const MOST_QUEUED: usize = REMEMBERED_CHANGES;

/// Why a request was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// There are [`MOST_QUEUED`].
    Full,
    /// The session ended.
    Ended,
}

struct State<J> {
    jobs: VecDeque<J>,
    /// Somebody works it off.
    running: bool,
    /// A job was taken out and is not done yet.
    in_hand: bool,
    ended: bool,
    heard: Instant,
}

/// The queue of one session, and its lease.
pub(crate) struct Queue<J>(Mutex<State<J>>);

impl<J> Queue<J> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State {
            jobs: VecDeque::new(),
            running: false,
            in_hand: false,
            ended: false,
            heard: Instant::now(),
        }))
    }

    /// Takes a job. True where the caller must see to it that the queue is
    /// worked off; otherwise somebody does already.
    ///
    /// # Errors
    /// The job, and why it was not taken.
    pub(crate) fn push(&self, job: J) -> Result<bool, (J, NotTaken)> {
        let mut state = self.0.lock();
        if state.ended {
            return Err((job, NotTaken::Ended));
        }
        state.heard = Instant::now();
        if state.jobs.len() + usize::from(state.in_hand) >= MOST_QUEUED {
            return Err((job, NotTaken::Full));
        }
        state.jobs.push_back(job);
        Ok(!std::mem::replace(&mut state.running, true))
    }

    /// The next job, for the one who works the queue off; none when that is
    /// done. Also of an ended session: what waited has to be answered.
    pub(crate) fn next(&self) -> Option<J> {
        let mut state = self.0.lock();
        let job = state.jobs.pop_front();
        state.in_hand = job.is_some();
        if job.is_none() {
            state.running = false;
            // The lease counts from the end of the work.
            state.heard = Instant::now();
        }
        job
    }

    pub(crate) fn end(&self) {
        self.0.lock().ended = true;
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.0.lock().ended
    }

    /// Ends a session of which nothing was heard for `lease`, not counting the
    /// time before `since`. Tells whether it did.
    pub(crate) fn end_if_silent(&self, lease: Duration, since: Instant) -> bool {
        let mut state = self.0.lock();
        if !state.running && !state.ended && state.heard.max(since).elapsed() > lease {
            state.ended = true;
            return true;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_works_it_off_in_order() {
        let queue = Queue::new();
        assert_eq!(queue.push(1), Ok(true));
        assert_eq!(queue.push(2), Ok(false));
        assert_eq!((queue.next(), queue.next(), queue.next()), (Some(1), Some(2), None));
        assert_eq!(queue.push(3), Ok(true));
    }

    #[test]
    fn it_is_bounded() {
        let queue = Queue::new();
        assert_eq!(queue.push(0), Ok(true));
        for number in 1..MOST_QUEUED {
            assert_eq!(queue.push(number), Ok(false));
        }
        assert_eq!(queue.push(MOST_QUEUED), Err((MOST_QUEUED, NotTaken::Full)));
        // What runs counts as what waits does.
        queue.next();
        assert_eq!(queue.push(MOST_QUEUED), Err((MOST_QUEUED, NotTaken::Full)));
        queue.next();
        assert_eq!(queue.push(MOST_QUEUED), Ok(false));
    }

    #[test]
    fn silence_ends_only_what_does_not_run() {
        let queue = Queue::new();
        let long_ago = Instant::now();
        let lease = Duration::from_millis(1);
        assert_eq!(queue.push(()), Ok(true));
        std::thread::sleep(lease * 2);
        assert!(!queue.end_if_silent(lease, long_ago));
        while queue.next().is_some() {}
        assert!(!queue.end_if_silent(Duration::from_secs(60), long_ago));
        std::thread::sleep(lease * 2);
        assert!(!queue.end_if_silent(lease * 1000, Instant::now()));
        assert!(queue.end_if_silent(lease, long_ago));
        assert_eq!(queue.push(()), Err(((), NotTaken::Ended)));
    }
}
