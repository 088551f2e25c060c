//! Asking by the typed import `larder:remote/messages.call`, which every host
//! has.

use bytes::Bytes;
use larder_core::ErrorCode;
use larder_protocol::messages::{Reply, Request};
use larder_protocol::packing::{pack, unpack};
use larder_protocol::reply::{self, Failure};
use larder_store_service::{Answer, Attributes, Change};
use prost::Message;

use crate::answer;
use crate::bindings::larder::remote::messages::call;

/// How often one request is sent when the transport fails or the provider is
/// overloaded. The provider remembers what it did, so that a repeated change
/// is applied once. There is nothing to wait by: the host's own deadline ends
/// each attempt.
const ATTEMPTS: usize = 4;

/// The answer to a request; `io` where nobody answers.
pub(crate) fn ask<T>(request: &Request, read: impl Fn(Reply) -> Result<T, Failure>) -> Answer<T> {
    let packed = pack(&request.encode_to_vec());
    for _ in 0..ATTEMPTS {
        // The error is dropped as it is: only hosts with the feature
        // `rpc-interface` can say more about it.
        let Ok(answer) = call(&packed) else { continue };
        let answer = unpack(&answer).map(Bytes::from);
        if let Some(answer) = answer.and_then(|bytes| answer::read(bytes, &read)) {
            return answer;
        }
    }
    Err(ErrorCode::Io)
}

/// The answer to a change, which is what `request` asks for.
pub(crate) fn commit(request: Request, _: &Change<'_>) -> Answer<Attributes> {
    // A call here is one message and its answer: nothing can be under way.
    ask(&request, reply::attributes)
}
