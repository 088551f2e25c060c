//! Asking a server within its process.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use larder_protocol::Access;
use tokio::sync::oneshot;

use crate::asker::Asker;
use crate::requests::{Door, Shared};

/// A way to a server's volumes that does not go over NATS, for whoever in the
/// same process decides himself who may ask. The rest is as over NATS:
/// sessions, bounds, order, repetition.
#[derive(Clone)]
pub struct LocalServer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) doors: Arc<HashMap<(String, Access), Arc<Door>>>,
}

impl LocalServer {
    /// The answer to a request on one of the volume's subjects, as messages.
    /// None where the volume is not served here, or the server was dropped
    /// meanwhile. Takes a Tokio runtime.
    pub async fn ask(&self, volume: &str, access: Access, request: Bytes) -> Option<Bytes> {
        let door = self.doors.get(&(volume.to_owned(), access))?;
        let (sender, answer) = oneshot::channel();
        self.shared.accept(door, Asker::Here { request, answer: Some(sender) }).await;
        answer.await.ok()
    }

    /// Whether the volume is served here.
    #[must_use]
    pub fn serves(&self, volume: &str) -> bool {
        self.doors.contains_key(&(volume.to_owned(), Access::Read))
    }
}
