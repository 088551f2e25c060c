//! Asking a server within its process.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Result;
use bytes::Bytes;
use larder_protocol::{Access, MOST_REQUEST_BYTES};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::ServedVolume;
use crate::asker::Asker;
use crate::requests::{Door, Shared};
use crate::server::{ServerOptions, check_names, end_silent_sessions};
use crate::volume::Served;

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
        self.send(request).await.ok()
    }

    /// The same, without waiting: a session's requests are carried out in the
    /// order of these calls. The answer fails where the server was dropped
    /// meanwhile. Takes a Tokio runtime.
    #[must_use]
    pub fn send(&self, request: Bytes) -> oneshot::Receiver<Bytes> {
        let (sender, answer) = oneshot::channel();
        self.shared.take(self.door, Asker::Here { request, answer: sender });
        answer
    }
}

/// Serves volumes to this process alone, without NATS. Dropping it ends serving
/// at once; [`shutdown`](Self::shutdown) answers what was asked before.
pub struct ProcessServer {
    local: LocalServer,
    leases: JoinHandle<()>,
}

impl ProcessServer {
    /// Serves `volumes`. Takes a Tokio runtime.
    ///
    /// # Errors
    /// When a name is not one or there twice, or a volume has no handle left.
    pub fn start(volumes: Vec<ServedVolume>, options: ServerOptions) -> Result<Self> {
        check_names(&volumes)?;
        let shared = Arc::new(Shared::new(options, MOST_REQUEST_BYTES));
        let mut doors = HashMap::new();
        for volume in volumes {
            let served = Served::new(volume).map(Arc::new)?;
            for access in [Access::Read, Access::Write] {
                let door = Door { served: Arc::clone(&served), access };
                doors.insert((served.name.clone(), access), Arc::new(door));
            }
        }
        // Whoever asks here can always be heard.
        let leases = tokio::spawn(end_silent_sessions(Arc::clone(&shared), || true));
        Ok(Self { local: LocalServer { shared, doors: Arc::new(doors) }, leases })
    }

    /// The way to the volumes.
    #[must_use]
    pub fn local(&self) -> LocalServer {
        self.local.clone()
    }

    /// Sessions that are there now.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.local.shared.sessions.len()
    }

    /// Refuses new requests, answers those that were accepted, and ends all
    /// sessions. What is saved, and when, is the caller's business.
    pub async fn shutdown(self) {
        self.local.shared.answer_all().await;
    }
}

impl Drop for ProcessServer {
    fn drop(&mut self) {
        self.leases.abort();
        self.local.shared.end();
    }
}
