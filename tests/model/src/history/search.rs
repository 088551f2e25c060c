//! The search of Wing and Gong: of the calls that no other call preceded, try
//! each as the next one; remember what was tried (Lowe).

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// When a call was made, as places in the order of all such moments.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    /// Before the call.
    pub invoked: u64,
    /// After it; of a call that nobody knows the end of, when it can have no
    /// effect any more.
    pub answered: u64,
    /// Whether it is known to have happened. One that is not may be left out.
    pub certain: bool,
}

/// A state that was reached before: which calls are done, and the state.
type Reached = (u128, u64);

struct Search<'a, F> {
    calls: &'a [Span],
    takes: F,
    reached: HashSet<Reached>,
    /// The most calls that some order explained.
    best: Vec<usize>,
}

/// Looks for an order of `calls` that begins at `start` and keeps every call
/// between its invocation and its answer. `takes` carries out a call on a
/// state, and tells whether that gives the call's answer.
///
/// # Errors
/// The longest order that explains a part, if none explains all.
///
/// # Panics
/// For more than 128 calls.
pub fn search<S: Clone + Hash>(
    start: &S,
    calls: &[Span],
    takes: impl Fn(&mut S, usize) -> bool,
) -> Result<(), Vec<usize>> {
    assert!(calls.len() <= 128, "{} calls do not fit the mask", calls.len());
    let mut search = Search { calls, takes, reached: HashSet::new(), best: Vec::new() };
    if search.go(start, 0, &mut Vec::new()) { Ok(()) } else { Err(search.best) }
}

impl<F> Search<'_, F> {
    fn go<S: Clone + Hash>(&mut self, state: &S, done: u128, order: &mut Vec<usize>) -> bool
    where
        F: Fn(&mut S, usize) -> bool,
    {
        let calls = self.calls;
        let open = |at: &usize| done & (1 << at) == 0;
        if order.len() > self.best.len() {
            self.best.clone_from(order);
        }
        let certain = (0..calls.len()).filter(open).filter(|at| calls[*at].certain);
        let Some(first_answer) = certain.map(|at| calls[at].answered).min() else { return true };
        let mut hasher = DefaultHasher::new();
        state.hash(&mut hasher);
        if !self.reached.insert((done, hasher.finish())) {
            return false;
        }
        let last_invoked = order.iter().map(|at| calls[*at].invoked).max().unwrap_or(0);
        for at in (0..calls.len()).filter(open) {
            if calls[at].invoked > first_answer || calls[at].answered < last_invoked {
                continue;
            }
            let mut next = state.clone();
            if !(self.takes)(&mut next, at) {
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
}
