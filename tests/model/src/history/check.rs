//! The search of Wing and Gong: of the calls that no other call preceded, try
//! each as the next one; remember what was tried (Lowe).

use std::collections::HashSet;
use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::Observed;
use crate::model::Model;

/// A state that was reached before: which calls are done, and the model.
type Reached = (u128, u64);

struct Search<'a> {
    calls: &'a [Observed],
    reached: HashSet<Reached>,
    /// The most calls that some order explained.
    best: Vec<usize>,
}

/// Looks for an order of `calls` that begins at `model`, keeps every call
/// between its invocation and its answer, and gives each its answer.
///
/// # Errors
/// The history as text, if there is none.
///
/// # Panics
/// For more than 128 calls.
pub fn explain(model: &Model, calls: &[Observed]) -> Result<(), String> {
    assert!(calls.len() <= 128, "{} calls do not fit the mask", calls.len());
    let mut search = Search { calls, reached: HashSet::new(), best: Vec::new() };
    if search.go(model, 0, &mut Vec::new()) { Ok(()) } else { Err(search.report()) }
}

impl Search<'_> {
    fn go(&mut self, model: &Model, done: u128, order: &mut Vec<usize>) -> bool {
        if order.len() == self.calls.len() {
            return true;
        }
        if order.len() > self.best.len() {
            self.best.clone_from(order);
        }
        let mut hasher = DefaultHasher::new();
        model.hash(&mut hasher);
        if !self.reached.insert((done, hasher.finish())) {
            return false;
        }
        let open = |at: &usize| done & (1 << at) == 0;
        let calls = self.calls;
        let first_answer = (0..calls.len()).filter(open).map(|at| calls[at].answered).min().unwrap_or(u64::MAX);
        for at in (0..calls.len()).filter(open) {
            let call = &calls[at];
            if call.invoked > first_answer {
                continue;
            }
            let mut next = model.clone();
            if next.apply(&call.context, &call.operation) != call.answer {
                continue;
            }
            order.push(at);
            if self.go(&next, done | 1 << at, order) {
                return true;
            }
            order.pop();
        }
        false
    }

    fn report(&self) -> String {
        let text = String::from("no order of these calls explains their answers:\n");
        text + &table(self.calls, &self.best) + "  ([n] is the place in the longest order that explains a part)"
    }
}

/// The calls as lines of text, with their places in an order.
pub(super) fn table(calls: &[Observed], order: &[usize]) -> String {
    let mut text = String::new();
    for (at, call) in calls.iter().enumerate() {
        let place = order.iter().position(|best| *best == at);
        let place = place.map_or_else(|| " -".into(), |place| format!("{place:2}"));
        let thread = if call.thread == usize::MAX { "end".into() } else { call.thread.to_string() };
        let _ = writeln!(
            text,
            "  [{place}] {:3}..{:<3} thread {thread} at {}: {:?}\n       -> {:?}",
            call.invoked, call.answered, call.context.now.seconds, call.operation, call.answer
        );
    }
    text
}
