//! WASI 0.2 as what `larder-p1` asks of its host.

use larder_core::Timestamp;
use larder_engine::headroom;
use larder_p1::{Errno, Host, MODULE, Need, P1Result, Poll, Process};

use crate::bindings::wasi::cli::{stderr, stdout, terminal_stderr, terminal_stdout};
use crate::bindings::wasi::clocks::{monotonic_clock, wall_clock};
use crate::bindings::wasi::io::poll::poll;
use crate::bindings::wasi::random::random::get_random_bytes;
use crate::input::Input;
use crate::output::Output;

/// The streams of the process.
pub(crate) struct Streams {
    pub(crate) input: Input,
    stdout: Output,
    stderr: Output,
}

impl Streams {
    pub(crate) fn new() -> Self {
        Self {
            input: Input::new(),
            stdout: Output { stream: stdout::get_stdout(), terminal: terminal_stdout::get_terminal_stdout().is_some() },
            stderr: Output { stream: stderr::get_stderr(), terminal: terminal_stderr::get_terminal_stderr().is_some() },
        }
    }

    fn output(&self, output: larder_p1::Output) -> &Output {
        match output {
            larder_p1::Output::Stdout => &self.stdout,
            larder_p1::Output::Stderr => &self.stderr,
        }
    }
}

/// The module's clock.
pub(crate) fn now() -> Timestamp {
    let time = wall_clock::now();
    let seconds = i64::try_from(time.seconds).unwrap_or(i64::MAX);
    Timestamp { seconds, nanoseconds: time.nanoseconds.min(Timestamp::NANOSECONDS - 1) }
}

impl Host for Streams {
    fn wall_clock(&self) -> Timestamp {
        now()
    }

    fn monotonic(&self) -> u64 {
        monotonic_clock::now()
    }

    fn random(&mut self, out: &mut [u8]) -> P1Result<()> {
        let bytes = get_random_bytes(out.len() as u64);
        out.copy_from_slice(bytes.get(..out.len()).ok_or(Errno::Io)?);
        Ok(())
    }

    fn input_is_ready(&self) -> bool {
        self.input.is_ready()
    }

    fn input_available(&self) -> usize {
        self.input.available()
    }

    fn input_is_terminal(&self) -> bool {
        self.input.is_terminal()
    }

    fn take_input(&mut self, length: usize) -> P1Result<Vec<u8>> {
        self.input.take(length)
    }

    fn write_output(&mut self, output: larder_p1::Output, bytes: &[u8]) -> P1Result<()> {
        self.output(output).write(bytes)
    }

    fn output_is_terminal(&self, output: larder_p1::Output) -> bool {
        self.output(output).terminal
    }

    fn admit(&self, need: Need) -> larder_core::Result<()> {
        match need {
            Need::Little => headroom::for_little(MODULE),
            Need::Names => headroom::for_names(MODULE),
            Need::Content(bytes) => headroom::for_content(bytes, MODULE),
        }
    }
}

/// Waits until at least one subscription has an answer.
pub(crate) fn wait(process: &mut Process<Streams>, subscriptions: &Poll) {
    while !process.is_ready(subscriptions) {
        // What is not ready is a clock or standard input: the list is not
        // empty, which `poll` would trap on.
        let clock = subscriptions.deadline().map(monotonic_clock::subscribe_instant);
        let input = subscriptions.waits_for_input().then(|| process.host.input.subscribe());
        let waited: Vec<_> = clock.iter().chain(&input).collect();
        poll(&waited);
        if input.is_some() {
            process.host.input.look();
        }
    }
}
