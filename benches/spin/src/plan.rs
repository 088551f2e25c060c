//! What a run measures, and for how long.

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use crate::case::Case;
use crate::contestant::Contestant;
use crate::guest::Guest;

/// What a run measures, and for how long.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Plan {
    pub(crate) guests: Vec<Guest>,
    pub(crate) cases: Vec<Case>,
    pub(crate) contestants: Vec<Contestant>,
    /// Connections, each of which has one request under way at a time.
    pub(crate) clients: Vec<usize>,
    pub(crate) repetitions: usize,
    /// Before what counts.
    pub(crate) warm: Duration,
    /// What counts.
    pub(crate) measured: Duration,
    /// Requests of one instance; none where each contestant has its default.
    pub(crate) reuse: Option<usize>,
    /// Of those at a time.
    pub(crate) concurrent: Option<usize>,
    /// Where a directory in memory can be.
    pub(crate) tmpfs: PathBuf,
}

impl Plan {
    pub(crate) fn full() -> Self {
        Self {
            guests: Guest::ALL.to_vec(),
            cases: Case::ALL.to_vec(),
            contestants: Contestant::ALL.to_vec(),
            clients: vec![1, 2, 8, 64],
            repetitions: 3,
            warm: Duration::from_millis(500),
            measured: Duration::from_secs(3),
            reuse: None,
            concurrent: None,
            tmpfs: PathBuf::from("/dev/shm"),
        }
    }

    pub(crate) fn quick() -> Self {
        Self { repetitions: 1, warm: Duration::from_millis(200), measured: Duration::from_millis(500), ..Self::full() }
    }
}
