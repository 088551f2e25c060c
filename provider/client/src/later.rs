//! Changes under way: sent, and not answered yet.

use std::collections::{HashMap, VecDeque};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use larder_core::ErrorCode;
use larder_store_service::{Answer, Node};
use parking_lot::Mutex;
use tokio::time::Instant;

/// Most changes under way of one store: 4, of up to 512 KiB each. Guards the
/// memory of those that wait for an answer; more bring nothing.
const MOST: usize = 4;

/// Most nodes whose failure nobody asked for yet: 1,024, then all are
/// forgotten. Guards memory against a caller that never asks.
const MOST_FAILED: usize = 1024;

struct UnderWay {
    node: Node,
    operation: u64,
    answer: Receiver<Answer<()>>,
}

#[derive(Default)]
struct State {
    /// In the order in which they are carried out.
    under_way: VecDeque<UnderWay>,
    failed: HashMap<Node, ErrorCode>,
}

/// The changes of one store that are under way, and the failures of those that
/// were.
#[derive(Default)]
pub(crate) struct Later(Mutex<State>);

impl Later {
    /// Sends a change when fewer than [`MOST`] are under way. `send` is given
    /// the operation number of the one before it, 0 if it is answered.
    pub(crate) fn push(
        &self,
        node: Node,
        operation: u64,
        deadline: Instant,
        send: impl FnOnce(u64) -> Receiver<Answer<()>>,
    ) {
        let mut state = self.0.lock();
        state.wait(MOST - 1, deadline);
        let answer = send(state.under_way.back().map_or(0, |before| before.operation));
        state.under_way.push_back(UnderWay { node, operation, answer });
    }

    /// Waits until all are answered. What is not answered in time has failed
    /// with `io`.
    pub(crate) fn wait(&self, deadline: Instant) {
        self.0.lock().wait(0, deadline);
    }

    /// The failure of a change of this node, once.
    pub(crate) fn failure(&self, node: Node) -> Answer<()> {
        self.0.lock().failed.remove(&node).map_or(Ok(()), Err)
    }

    /// Forgets the failures: their session is over.
    pub(crate) fn forget(&self) {
        self.0.lock().failed.clear();
    }
}

impl State {
    fn wait(&mut self, most: usize, deadline: Instant) {
        while self.under_way.len() > most {
            let Some(first) = self.under_way.pop_front() else { return };
            let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
            let answer = first.answer.recv_timeout(left).unwrap_or(Err(ErrorCode::Io));
            if let Err(code) = answer {
                if self.failed.len() >= MOST_FAILED {
                    self.failed.clear();
                }
                self.failed.entry(first.node).or_insert(code);
            }
        }
    }
}
