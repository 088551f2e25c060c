//! Output of several apps on one terminal: whole lines, each behind the name of
//! the app that wrote it.

use std::io;
use std::sync::{Mutex, PoisonError};

use super::output::{GuestOutput, OutputTarget, Sink};

/// A line longer than this many bytes is written in pieces, so that a guest
/// that never ends a line does not fill the host's memory.
const MAX_LINE: usize = 64 << 10;

/// Lines of the app `name` to `target`. Clones share the unfinished line.
pub(super) fn prefixed(name: &str, target: OutputTarget) -> GuestOutput {
    let lines = Lines { prefix: format!("{name} | "), unfinished: Vec::new(), target };
    GuestOutput::new(PrefixedLines { lines: Mutex::new(lines), target })
}

struct PrefixedLines {
    lines: Mutex<Lines>,
    target: OutputTarget,
}

impl Sink for PrefixedLines {
    /// Whole lines go out at once.
    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        // Poisoning is of no matter: at worst a line is cut.
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).push(bytes)
    }

    fn is_terminal(&self) -> bool {
        self.target.is_terminal()
    }
}

struct Lines {
    prefix: String,
    unfinished: Vec<u8>,
    target: OutputTarget,
}

impl Lines {
    fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut output = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.unfinished.extend_from_slice(piece);
            if piece.ends_with(b"\n") || self.unfinished.len() > MAX_LINE {
                self.end_line(&mut output);
            }
        }
        if output.is_empty() { Ok(()) } else { self.target.write(&output) }
    }

    /// Moves the unfinished line to `output`, ended and with the prefix.
    fn end_line(&mut self, output: &mut Vec<u8>) {
        if self.unfinished.is_empty() {
            return;
        }
        output.extend_from_slice(self.prefix.as_bytes());
        output.append(&mut self.unfinished);
        if !output.ends_with(b"\n") {
            output.push(b'\n');
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        let mut output = Vec::new();
        self.end_line(&mut output);
        // The reader is gone when this fails.
        let _ = self.target.write(&output);
    }
}
