//! What a module needs besides files: this process's clocks, random numbers
//! and standard streams.

use std::io;
use std::time::{Duration, Instant};

use larder_core::Timestamp;
use larder_p1::{Errno, Failure, Host, Mounted, Output, P1Result, Process};
use wasmtime_wasi::WasiCtx;
use wasmtime_wasi::p2::bindings::random::random::Host as _;

use super::stdio::{Input, OutputSink};
use crate::runtime::host::{GuestSetup, Stdio};
use crate::runtime::output::OutputTarget;
use crate::runtime::prefixed::prefixed;

/// The host of one module.
pub(in crate::runtime) struct Native {
    /// Standard input, with what was read ahead for a poll.
    pub(super) input: Input,
    stdout: OutputSink,
    stderr: OutputSink,
    /// The monotonic clock's zero.
    pub(super) started: Instant,
    /// Used for its random numbers.
    wasi: WasiCtx,
}

/// The state that a module starts with.
///
/// # Errors
/// When a volume has no handle left for a mount.
pub(in crate::runtime) fn process(setup: &GuestSetup) -> larder_core::Result<Process<Native>> {
    let output = |target| match &setup.stdio {
        Stdio::Inherit | Stdio::OutputOnly => OutputSink::Inherit(target),
        Stdio::Prefixed(name) => OutputSink::Through(prefixed(name, target)),
        Stdio::Shared { stdout, stderr } => OutputSink::Through(match target {
            OutputTarget::Stdout => stdout.clone(),
            OutputTarget::Stderr => stderr.clone(),
        }),
    };
    let host = Native {
        input: Input::new(matches!(setup.stdio, Stdio::Inherit)),
        stdout: output(OutputTarget::Stdout),
        stderr: output(OutputTarget::Stderr),
        started: Instant::now(),
        wasi: WasiCtx::builder().build(),
    };
    let mounts = setup.mounts.iter().map(|mount| {
        let descriptor = mount.view.mounted_at(&mount.guest)?.root()?;
        Ok(Mounted { guest_path: mount.guest.clone(), descriptor })
    });
    let mounts = mounts.collect::<larder_core::Result<Vec<_>>>()?;
    let environment = setup.environment.iter().map(|(key, value)| format!("{key}={value}")).collect();
    Ok(Process::new(host, mounts, setup.arguments.clone(), environment))
}

impl Native {
    fn output(&self, output: Output) -> &OutputSink {
        match output {
            Output::Stdout => &self.stdout,
            Output::Stderr => &self.stderr,
        }
    }

    /// When the monotonic clock shows `time`, unless that is too far away.
    pub(super) fn instant(&self, time: u64) -> Option<Instant> {
        self.started.checked_add(Duration::from_nanos(time))
    }
}

impl Host for Native {
    fn wall_clock(&self) -> Timestamp {
        larder_transfer::now()
    }

    fn monotonic(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn random(&mut self, out: &mut [u8]) -> P1Result<()> {
        let bytes = self.wasi.random().get_random_bytes(out.len() as u64).map_err(|_| Errno::Io)?;
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
        Ok(self.input.take(length))
    }

    fn write_output(&mut self, output: Output, bytes: &[u8]) -> P1Result<()> {
        self.output(output).write(bytes).map_err(failure)
    }

    fn output_is_terminal(&self, output: Output) -> bool {
        self.output(output).is_terminal()
    }
}

/// An error of a stream of this process.
#[allow(clippy::needless_pass_by_value, reason = "made for map_err")]
pub(super) fn failure(error: io::Error) -> Failure {
    Failure::Errno(match error.kind() {
        io::ErrorKind::BrokenPipe => Errno::Pipe,
        io::ErrorKind::WouldBlock => Errno::Again,
        _ => Errno::Io,
    })
}
