//! Calls of the provider that are under way, all of the same request.

use bytes::Bytes;

use super::wire::{Incoming, Malformed};
use crate::bindings::wasi::clocks::monotonic_clock::{Instant, subscribe_instant};
use crate::bindings::wasi::io::poll::{Pollable, poll};
use crate::bindings::wasi::io::streams::InputStream;
use crate::bindings::wrpc::rpc::context::Context;
use crate::bindings::wrpc::rpc::invoker::invoke;
use crate::bindings::wrpc::rpc::transport::{IncomingChannel, Invocation};

const INTERFACE: &str = "larder:remote/messages@0.1.0";
const FUNCTION: &str = "call-bytes";

/// Most bytes that are read at once: 64 KiB. The host has 4 KiB at a time.
const PIECE: u64 = 64 << 10;

/// One call. Each field lives within those below it: the host wants what it
/// has made of something to be dropped before that.
enum Attempt {
    /// The provider is to take the call.
    Asked { taken: Pollable, invocation: Invocation },
    /// The result is on its way.
    Answering(Answering),
}

struct Answering {
    ready: Pollable,
    stream: InputStream,
    _channel: IncomingChannel,
    result: Incoming,
}

/// The calls of one request.
#[derive(Default)]
pub(super) struct Attempts(Vec<Attempt>);

/// What came of waiting.
pub(super) enum Event {
    /// One of them was answered.
    Answered(Bytes),
    /// One of them failed: nobody is there, or its answer is none.
    Failed,
    /// The time is over.
    Late,
}

/// What an attempt has come to.
enum Progress {
    Waits(Attempt),
    Answered(Bytes),
    Failed,
}

impl Attempts {
    pub(super) fn begin(&mut self, parameters: &[u8]) {
        let invocation = invoke(Context::default(), INTERFACE, FUNCTION, parameters, &[]);
        let taken = invocation.subscribe();
        // The host sends nothing before it is first asked for it.
        taken.ready();
        self.0.push(Attempt::Asked { taken, invocation });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Waits for what happens first.
    pub(super) fn wait(&mut self, until: Instant) -> Event {
        let time = subscribe_instant(until);
        loop {
            let awaited: Vec<&Pollable> = self.0.iter().map(Attempt::awaited).chain([&time]).collect();
            // The time comes last, so that it counts only where nothing else
            // is ready.
            let Some(index) = poll(&awaited).into_iter().min().and_then(|index| usize::try_from(index).ok()) else {
                return Event::Late;
            };
            if index >= self.0.len() {
                return Event::Late;
            }
            match self.0.swap_remove(index).proceed() {
                Progress::Waits(attempt) => self.0.push(attempt),
                Progress::Answered(bytes) => return Event::Answered(bytes),
                Progress::Failed => return Event::Failed,
            }
        }
    }
}

impl Attempt {
    const fn awaited(&self) -> &Pollable {
        match self {
            Self::Asked { taken, .. } => taken,
            Self::Answering(Answering { ready, .. }) => ready,
        }
    }

    /// Takes what is there.
    fn proceed(self) -> Progress {
        match self {
            Self::Asked { taken, invocation } => {
                drop(taken);
                // Why it failed is for the host's log.
                let Ok((_, channel)) = Invocation::finish(invocation) else { return Progress::Failed };
                let Some(stream) = channel.data() else { return Progress::Failed };
                let ready = stream.subscribe();
                let answering = Answering { ready, stream, _channel: channel, result: Incoming::default() };
                Progress::Waits(Self::Answering(answering))
            }
            Self::Answering(mut answering) => match answering.read() {
                Ok(Some(bytes)) => Progress::Answered(bytes),
                Ok(None) => Progress::Waits(Self::Answering(answering)),
                Err(Malformed) => Progress::Failed,
            },
        }
    }
}

impl Answering {
    /// Reads what is there. The whole result once it is.
    fn read(&mut self) -> Result<Option<Bytes>, Malformed> {
        loop {
            let piece = self.stream.read(PIECE).map_err(|_| Malformed)?;
            if piece.is_empty() {
                return Ok(None);
            }
            if let Some(bytes) = self.result.push(&piece)? {
                return Ok(Some(bytes));
            }
        }
    }
}
