//! Concurrent histories: what several threads did at once, and whether some
//! order of the same operations, one after another, explains every answer.

mod check;
mod plan;
mod record;
mod search;

pub use self::check::explain;
pub use self::plan::{Call, Plan, plan};
pub use self::record::{Recorder, Stage};
pub use self::search::{Span, search};

use larder_core::{Context, ErrorCode, Operation, Reply};

/// One call as one thread saw it. `invoked` and `answered` are places in the
/// order of all such moments.
#[derive(Clone, Debug)]
pub struct Observed {
    /// Which thread.
    pub thread: usize,
    /// With what context.
    pub context: Context,
    /// What it asked.
    pub operation: Operation,
    /// What it was told.
    pub answer: Result<Reply, ErrorCode>,
    /// Before the call.
    pub invoked: u64,
    /// After it.
    pub answered: u64,
}
