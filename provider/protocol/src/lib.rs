//! Larder's messages over NATS: `docs/protocol.md` in Rust.
//!
//! What lives here: the message types (`proto/larder.proto`), subjects, and
//! the translation between messages and the calls of `larder:fs/store`, for
//! clients ([`request`], [`mod@reply`]) and servers ([`carry_out`]). What does
//! not: connections, sessions, and what a call does.
#![forbid(unsafe_code)]

mod codes;
mod convert;
pub mod packing;
pub mod reply;
pub mod request;
mod serve;
mod subject;

/// The messages, as `prost` makes them. What they mean is written in
/// `proto/larder.proto` and `docs/protocol.md`.
#[allow(missing_docs, clippy::all, clippy::pedantic, reason = "generated; the .proto is the documentation")]
pub mod messages {
    include!(concat!(env!("OUT_DIR"), "/larder.v1.rs"));
}

use std::time::Duration;

use bytes::Bytes;
use larder_core::ErrorCode;
use larder_store_service::{Answer, Opened, Opening, Welcome};
use messages::{Fault, Refusal, Reply, Request, Session};
use prost::Message;

pub use serve::carry_out;
pub use subject::{Access, changes_subject, is_volume_name, parse_subject, subject};

/// Most bytes of a request: 1 MiB, of which 512 KiB can be content. Guards the
/// memory of the server; a usual broker admits no more.
pub const MOST_REQUEST_BYTES: usize = 1 << 20;

/// A request out of a message. Content is not copied: it stays part of the
/// message.
///
/// # Errors
/// The refusal to answer with: the message is too large, is none of this
/// protocol, or has no operation that is known here.
pub fn decode_request(bytes: &Bytes) -> Result<Request, Refusal> {
    let refused = |fault: Fault, message: &str| Refusal { fault: fault.into(), message: message.to_owned() };
    if bytes.len() > MOST_REQUEST_BYTES {
        return Err(refused(Fault::BadRequest, "a request has at most 1,048,576 bytes"));
    }
    let request = Request::decode(bytes.clone()).map_err(|error| refused(Fault::BadRequest, &error.to_string()))?;
    if request.operation.is_none() {
        return Err(refused(Fault::Unsupported, "the request has no operation that this version knows"));
    }
    Ok(request)
}

/// The path and the manner of what `Begin` opens as well.
///
/// # Errors
/// The refusal to answer with: it would change something, or is malformed.
pub fn begin_open(open: &messages::Open) -> Result<(&str, Opening), Refusal> {
    let refused = |what: &str| Refusal { fault: Fault::BadRequest.into(), message: what.to_owned() };
    let how = convert::from_opening(open).map_err(|convert::Malformed(what)| refused(what))?;
    match &open.at {
        Some(at) if at.directory.is_none() && !how.changes() => Ok((&at.path, how)),
        _ => Err(refused("what is opened by beginning is a path below the root, and nothing is created or cut")),
    }
}

/// The reply that refuses a request. `message` is for people.
pub fn refusal(fault: Fault, message: impl Into<String>) -> Reply {
    Reply { result: Some(messages::reply::Result::Refusal(Refusal { fault: fault.into(), message: message.into() })) }
}

/// The reply to a call that failed.
#[must_use]
pub fn error(code: ErrorCode) -> Reply {
    Reply { result: Some(messages::reply::Result::Error(codes::number(code))) }
}

/// The reply to `Begin`, with what became of its opening if it had one.
#[must_use]
pub fn welcome(welcome: &Welcome, lease: Duration, opened: Option<Answer<Opened>>) -> Reply {
    let session = Session {
        id: welcome.session,
        mounts: welcome.mounts.iter().map(convert::mount).collect(),
        lease_milliseconds: u32::try_from(lease.as_millis()).unwrap_or(u32::MAX),
        open: opened.map(|opened| match opened {
            Ok(opened) => messages::session::Open::Opened(convert::opened(opened)),
            Err(code) => messages::session::Open::Error(codes::number(code)),
        }),
    };
    Reply { result: Some(messages::reply::Result::Session(session)) }
}
