//! What an answer says: a result, or that the request should be repeated.

use bytes::Bytes;
use larder_core::ErrorCode;
use larder_protocol::messages::{Fault, Reply};
use larder_protocol::reply::Failure;
use larder_store_service::Answer;
use prost::Message;

/// Reads the answer in a message. `None`: it is none, or says that nothing was
/// done, and the request may be repeated as it is.
pub(crate) fn read<T>(bytes: Bytes, read: impl Fn(Reply) -> Result<T, Failure>) -> Option<Answer<T>> {
    let reply = Reply::decode(bytes).ok()?;
    Some(match read(reply) {
        Ok(value) => Ok(value),
        Err(Failure::Code(code)) => Err(code),
        Err(Failure::Refused(refusal)) => match refusal.fault() {
            Fault::Overloaded | Fault::OutOfOrder => return None,
            Fault::Unsupported => Err(ErrorCode::Unsupported),
            _ => Err(ErrorCode::Io),
        },
        Err(Failure::Malformed) => Err(ErrorCode::Io),
    })
}
