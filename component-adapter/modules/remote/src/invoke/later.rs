//! Changes under way: sent, and not answered yet.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};

use larder_core::ErrorCode;
use larder_protocol::messages::Request;
use larder_protocol::reply;
use larder_store_service::{Answer, Attributes, Node};

use super::asking::Asking;

/// Most changes under way: 4, of up to 512 KiB each. Guards the memory of the
/// instance; more bring nothing.
const MOST: usize = 4;

/// Most nodes whose failure nobody asked for yet: 1,024, then all are
/// forgotten. Guards memory against a guest that never asks.
const MOST_FAILED: usize = 1024;

struct UnderWay {
    node: Node,
    operation: u64,
    asking: Asking,
}

#[derive(Default)]
struct State {
    /// In the order in which they are carried out.
    under_way: VecDeque<UnderWay>,
    failed: HashMap<Node, ErrorCode>,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

/// Sends a change of the node, when fewer than [`MOST`] are under way. Answers
/// attributes that mean nothing.
pub(super) fn begin(node: Node, request: &mut Request) -> Attributes {
    STATE.with_borrow_mut(|state| {
        state.wait(MOST - 1);
        let mut operation = 0;
        if let Some(call) = &mut request.call {
            call.after = state.under_way.back().map_or(0, |before| before.operation);
            operation = call.operation;
        }
        state.under_way.push_back(UnderWay { node, operation, asking: Asking::begin(request) });
    });
    Attributes::unknown(node)
}

/// Waits until all are answered.
pub(super) fn settle() {
    STATE.with_borrow_mut(|state| state.wait(0));
}

/// The failure of a change of this node, once.
pub(super) fn failure(node: Node) -> Answer<()> {
    STATE.with_borrow_mut(|state| state.failed.remove(&node).map_or(Ok(()), Err))
}

impl State {
    fn wait(&mut self, most: usize) {
        while self.under_way.len() > most {
            let Some(UnderWay { node, asking, .. }) = self.under_way.pop_front() else { return };
            if let Err(code) = asking.answer(reply::attributes) {
                if self.failed.len() >= MOST_FAILED {
                    self.failed.clear();
                }
                self.failed.entry(node).or_insert(code);
            }
        }
    }
}
