//! What a module needs besides files and memory.

use larder_core::{Result, Timestamp};

use crate::P1Result;

/// Which of the two output streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Descriptor 1 at the start.
    Stdout,
    /// Descriptor 2 at the start.
    Stderr,
}

/// What an operation may allocate in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// A few small blocks.
    Little,
    /// Entries of tables that may have to grow.
    Names,
    /// This many bytes of content.
    Content(usize),
}

/// Clocks, random numbers and standard streams.
///
/// Nothing here waits, except for output: whoever calls
/// [`Process::fd_read`](crate::Process::fd_read) and
/// [`Process::poll_oneoff`](crate::Process::poll_oneoff) waits before.
pub trait Host {
    /// The time since 1970.
    fn wall_clock(&self) -> Timestamp;

    /// Nanoseconds since any fixed point, never less than before.
    fn monotonic(&self) -> u64;

    /// Fills `out` with bytes that nobody can foresee.
    ///
    /// # Errors
    /// When there are none.
    fn random(&mut self, out: &mut [u8]) -> P1Result<()>;

    /// Whether reading from standard input would not wait: there are bytes, or
    /// it is at its end.
    fn input_is_ready(&self) -> bool;

    /// Bytes of standard input that can be taken without waiting.
    fn input_available(&self) -> usize;

    /// Whether a person types standard input.
    fn input_is_terminal(&self) -> bool;

    /// Takes up to `length` bytes of what is there. Nothing: the end.
    ///
    /// # Errors
    /// When the input failed.
    fn take_input(&mut self, length: usize) -> P1Result<Vec<u8>>;

    /// Writes all of `bytes`.
    ///
    /// # Errors
    /// When the output failed, or nobody reads it (`Errno::Pipe`).
    fn write_output(&mut self, output: Output, bytes: &[u8]) -> P1Result<()>;

    /// Whether a person reads the output directly.
    fn output_is_terminal(&self, output: Output) -> bool;

    /// Makes sure that the store has memory for an operation.
    ///
    /// # Errors
    /// `insufficient-space` where it has not. The default has always.
    fn admit(&self, need: Need) -> Result<()> {
        let _ = need;
        Ok(())
    }
}
