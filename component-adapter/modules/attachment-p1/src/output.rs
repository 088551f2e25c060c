//! Standard output and error.

use larder_p1::{Errno, Failure, P1Result};

use crate::bindings::wasi::io::streams::{OutputStream, StreamError};

/// Most bytes of `blocking-write-and-flush`, as its WIT says: 4096. One call
/// instead of three.
const AT_ONCE: usize = 4096;

/// A stream of the host.
pub(crate) struct Output {
    pub(crate) stream: OutputStream,
    pub(crate) terminal: bool,
}

impl Output {
    /// Writes all of `bytes`; they have left this component when it returns.
    pub(crate) fn write(&self, bytes: &[u8]) -> P1Result<()> {
        if bytes.len() <= AT_ONCE {
            return self.stream.blocking_write_and_flush(bytes).map_err(failure);
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            let permit = self.stream.check_write().map_err(failure)?;
            if permit == 0 {
                self.stream.subscribe().block();
                continue;
            }
            let length = usize::try_from(permit).map_or(rest.len(), |permit| permit.min(rest.len()));
            let (now, later) = rest.split_at(length);
            self.stream.write(now).map_err(failure)?;
            rest = later;
        }
        self.stream.blocking_flush().map_err(failure)
    }
}

fn failure(error: StreamError) -> Failure {
    match error {
        StreamError::Closed => Errno::Pipe,
        StreamError::LastOperationFailed(_) => Errno::Io,
    }
    .into()
}
