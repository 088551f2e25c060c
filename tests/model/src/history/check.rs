//! Whether some order explains what was observed.

use std::fmt::Write;

use super::Observed;
use super::search::{Span, search};
use crate::model::Model;

/// Looks for an order of `calls` that begins at `model`, keeps every call
/// between its invocation and its answer, and gives each its answer.
///
/// # Errors
/// The history as text, if there is none.
///
/// # Panics
/// For more than 128 calls.
pub fn explain(model: &Model, calls: &[Observed]) -> Result<(), String> {
    let span = |call: &Observed| Span { invoked: call.invoked, answered: call.answered, certain: true };
    let spans: Vec<Span> = calls.iter().map(span).collect();
    let takes = |model: &mut Model, at: usize| {
        let call = &calls[at];
        model.apply(&call.context, &call.operation) == call.answer
    };
    search(model, &spans, takes).map_err(|best| report(calls, &best))
}

fn report(calls: &[Observed], best: &[usize]) -> String {
    let text = String::from("no order of these calls explains their answers:\n");
    text + &table(calls, best) + "  ([n] is the place in the longest order that explains a part)"
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
