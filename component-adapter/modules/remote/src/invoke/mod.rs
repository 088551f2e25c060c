//! Asking through `wrpc:rpc/invoker`, which hosts with the feature
//! `rpc-interface` have: the bridge speaks wRPC itself, and so waits as long
//! as it wants to, and for several answers at once.
//!
//! What lives here: what a call waits for. What does not: when a request is
//! sent and given up (`asking`), one call of it (`attempt`), how its result
//! comes (`wire`), and changes whose answer comes later (`later`).

mod asking;
mod attempt;
mod later;
mod wire;

use larder_protocol::messages::{Reply, Request};
use larder_protocol::reply::{self, Failure};
use larder_store_service::{Answer, Attributes, Change, Target};

use self::asking::Asking;

/// The answer to a request; `io` where nobody answers in time. It is carried
/// out behind all that was asked before.
pub(crate) fn ask<T>(request: &Request, read: impl Fn(Reply) -> Result<T, Failure>) -> Answer<T> {
    later::settle();
    Asking::begin(request).answer(read)
}

/// The answer to a change, which is what `request` asks for. Where it comes
/// later, attributes that mean nothing.
pub(crate) fn commit(mut request: Request, change: &Change<'_>) -> Answer<Attributes> {
    match change.target {
        Target::Node(node) if change.later && !change.sync => Ok(later::begin(node, &mut request)),
        Target::Node(node) => {
            let answer = ask(&request, reply::attributes);
            later::failure(node).and(answer)
        }
        Target::File(_) => ask(&request, reply::attributes),
    }
}
