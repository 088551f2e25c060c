//! What requests travel on: that a store is served over NATS, or by something
//! else.

use std::pin::Pin;

use bytes::Bytes;

/// An answer that is waited for.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Result<Bytes, Unsent>> + Send + 'a>>;

/// Brings requests to the server of one volume, and their answers back: both
/// are messages of `docs/protocol.md`.
pub trait Transport: Send + Sync + 'static {
    /// Sends one request. Whoever gives up drops it; the request may be carried
    /// out all the same. Several are under way at a time, and are sent in the
    /// order in which they are first polled.
    fn send(&self, request: Bytes) -> Answering<'_>;

    /// Whether a request or an answer can get lost while others go through: then
    /// a request without an answer is repeated.
    fn may_lose(&self) -> bool;
}

/// How one request failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unsent {
    /// Nobody is there to answer; somebody may come, and the request is
    /// repeated.
    Nobody,
    /// It is not known what became of it; the request is repeated.
    Lost,
    /// It cannot be sent, now or later; why.
    Never(String),
}
