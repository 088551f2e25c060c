//! A request that is sent until it is answered.

use bytes::Bytes;
use larder_core::ErrorCode;
use larder_protocol::messages::{Reply, Request};
use larder_protocol::reply::Failure;
use larder_store_service::Answer;
use prost::Message;

use super::attempt::{Attempts, Event};
use crate::answer;
use crate::bindings::wasi::clocks::monotonic_clock::{Instant, now};

const MILLISECOND: Instant = 1_000_000;

/// How long a request is waited for, with all that is repeated: 30 s, as long as
/// the provider waits for a volume.
const DEADLINE: Instant = 30_000 * MILLISECOND;

/// How long an answer is waited for before the request is repeated: 1 s, and
/// twice as long each further time. Earlier ones may still be answered. Guards
/// the provider against repetitions of what takes long.
const PATIENCE: Instant = 1_000 * MILLISECOND;

/// The pause when nobody is there or nothing was done, at first: 10 ms,
/// doubling. A host starts a provider that crashed within some of these.
const PAUSE: Instant = 10 * MILLISECOND;

/// How often one request is sent at most: 8 times. The provider remembers what
/// it did, so that a repeated change is applied once.
const ATTEMPTS: u32 = 8;

/// A request under way.
pub(super) struct Asking {
    /// As wRPC has it: the number of its bytes, then they.
    parameters: Vec<u8>,
    attempts: Attempts,
}

impl Asking {
    /// Sends it.
    pub(super) fn begin(request: &Request) -> Self {
        let parameters = request.encode_length_delimited_to_vec();
        let mut attempts = Attempts::default();
        attempts.begin(&parameters);
        Self { parameters, attempts }
    }

    /// Waits for the answer; `io` where none comes in time.
    pub(super) fn answer<T>(mut self, read: impl Fn(Reply) -> Result<T, Failure>) -> Answer<T> {
        let (mut patience, mut pause) = (PATIENCE, PAUSE);
        // From now on, as nobody knows what the guest did since it was sent.
        let deadline = now() + DEADLINE;
        for left in (0..ATTEMPTS).rev() {
            // The last one is waited for to the end.
            let mut until = if left == 0 { deadline } else { deadline.min(now() + patience) };
            patience *= 2;
            while let Some(bytes) = self.event(until) {
                if let Some(answer) = bytes.and_then(|bytes| answer::read(bytes, &read)) {
                    return answer;
                }
                if left == 0 && self.attempts.is_empty() {
                    return Err(ErrorCode::Io);
                }
                until = until.min(now() + pause);
                pause *= 2;
            }
            if until >= deadline || left == 0 {
                break;
            }
            self.attempts.begin(&self.parameters);
        }
        Err(ErrorCode::Io)
    }

    /// What the next of the attempts comes to: bytes, or none where it failed.
    /// `None` where the time is over before.
    fn event(&mut self, until: Instant) -> Option<Option<Bytes>> {
        match self.attempts.wait(until) {
            Event::Answered(bytes) => Some(Some(bytes)),
            Event::Failed => Some(None),
            Event::Late => None,
        }
    }
}
