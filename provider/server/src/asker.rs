//! Who asks, and where the answer goes: over NATS, or within the process.

use async_nats::service::Request as Asked;
use bytes::Bytes;
use tokio::sync::oneshot;

/// A request, and the way back.
pub(crate) enum Asker {
    /// It came over NATS.
    Nats(Box<Asked>),
    /// It came from this process.
    Here { request: Bytes, answer: oneshot::Sender<Bytes> },
}

impl Asker {
    pub(crate) fn payload(&self) -> &Bytes {
        match self {
            Self::Nats(asked) => &asked.message.payload,
            Self::Here { request, .. } => request,
        }
    }

    /// Whether a reply may go there. Whoever asks over NATS chooses the
    /// subject, and the server may be allowed to publish where the asker is
    /// not: what steers NATS or Larder gets no replies.
    pub(crate) fn is_answerable(&self) -> bool {
        match self {
            Self::Nats(asked) => {
                let reply = asked.message.reply.as_ref();
                reply.is_some_and(|reply| !reply.starts_with('$') && !reply.starts_with("larder."))
            }
            Self::Here { .. } => true,
        }
    }

    /// # Errors
    /// When NATS cannot be told.
    pub(crate) async fn answer(self, reply: Bytes) -> Result<(), async_nats::client::PublishError> {
        match self {
            Self::Nats(asked) => asked.respond(Ok(reply)).await,
            Self::Here { answer, .. } => {
                // Nobody waits where the asker gave up.
                let _ = answer.send(reply);
                Ok(())
            }
        }
    }
}
