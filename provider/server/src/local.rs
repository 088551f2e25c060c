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
    /// One of the volume's subjects; none where it is not served here.
    #[must_use]
    pub fn volume(&self, name: &str, access: Access) -> Option<LocalVolume<'_>> {
        let door = self.doors.get(&(name.to_owned(), access))?;
        Some(LocalVolume { shared: &self.shared, door })
    }
}

/// One subject of a volume of a [`LocalServer`].
pub struct LocalVolume<'a> {
    shared: &'a Arc<Shared>,
    door: &'a Arc<Door>,
}

impl LocalVolume<'_> {
    /// The answer to a request, both as messages. None where the server was
    /// dropped meanwhile. Takes a Tokio runtime.
    pub async fn ask(&self, request: Bytes) -> Option<Bytes> {
        let (sender, answer) = oneshot::channel();
        let (shared, door) = (Arc::clone(self.shared), Arc::clone(self.door));
        // In a task of its own: whoever asks may give up, and must not leave a
        // session's queue half worked off.
        tokio::spawn(async move { shared.accept(&door, Asker::Here { request, answer: sender }).await });
        answer.await.ok()
    }
}
