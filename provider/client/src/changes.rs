//! What changed on a volume, as its server tells.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use async_nats::{Client, Subscriber};
use futures::StreamExt;
use larder_protocol::messages::Changes;
use larder_store_service::Node;
use prost::Message;
use tokio::task::JoinHandle;

use crate::ahead::Readers;

/// Most notices that wait for whoever asks for them: 4,096. More become one
/// [`Notice::Anything`]; guards memory.
const MOST_WAITING: usize = 4096;

/// A change of a volume, by anybody, this client included. Inodes are named by
/// number and generation, as in nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The content or attributes of a file are others now.
    Content {
        /// The inode's number.
        ino: u64,
        /// Tells apart two lives of one number.
        generation: u64,
        /// The version since; 0 where it is not known.
        version: u64,
    },
    /// A name in this directory, or below it, leads elsewhere, or to other
    /// attributes.
    Names {
        /// The directory's number.
        ino: u64,
        /// Tells apart two lives of one number.
        generation: u64,
    },
    /// Notices were lost, or the server was started anew: all may be another.
    Anything,
}

/// The notices of one volume, from when it was asked for. Dropping it ends it.
#[derive(Debug)]
pub struct Notices {
    notices: Receiver<Notice>,
    task: JoinHandle<()>,
}

impl Drop for Notices {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Notices {
    /// The next notice; none within this time, or the connection is closed.
    /// Blocks.
    #[must_use]
    pub fn next(&self, within: Duration) -> Option<Notice> {
        self.notices.recv_timeout(within).ok()
    }
}

/// The messages in order, and what they say.
#[derive(Default)]
struct Order {
    last: Option<(u64, u64)>,
}

impl Order {
    fn notices(&mut self, changes: &Changes) -> Vec<Notice> {
        let expected = self.last.is_none_or(|(server, sequence)| {
            server == changes.server && sequence.checked_add(1) == Some(changes.sequence)
        });
        self.last = Some((changes.server, changes.sequence));
        if !expected || changes.all {
            return vec![Notice::Anything];
        }
        let notice = |changed: &larder_protocol::messages::Changed| {
            let (ino, generation) = (changed.ino, changed.generation);
            if changed.names {
                Notice::Names { ino, generation }
            } else {
                Notice::Content { ino, generation, version: changed.version }
            }
        };
        changes.changed.iter().map(notice).collect()
    }
}

/// Subscribes; NATS knows when this returns.
pub(crate) async fn subscribe(client: &Client, volume: &str) -> Result<Subscriber, String> {
    let subscriber =
        client.subscribe(larder_protocol::changes_subject(volume)).await.map_err(|error| error.to_string())?;
    client.flush().await.map_err(|error| error.to_string())?;
    Ok(subscriber)
}

/// Brings notices to whoever asks for them.
pub(crate) fn deliver(subscriber: Subscriber, spawn: impl FnOnce(BoxedTask) -> JoinHandle<()>) -> Notices {
    let (sender, notices) = sync_channel(MOST_WAITING);
    let task = spawn(Box::pin(forward(subscriber, sender)));
    Notices { notices, task }
}

/// A task to run beside the calls.
pub(crate) type BoxedTask = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

async fn forward(mut subscriber: Subscriber, sender: SyncSender<Notice>) {
    let mut order = Order::default();
    let mut lost = false;
    while let Some(message) = subscriber.next().await {
        let Ok(changes) = Changes::decode(message.payload) else { continue };
        let mut notices = order.notices(&changes);
        if lost {
            notices = vec![Notice::Anything];
        }
        lost = false;
        for notice in notices {
            match sender.try_send(notice) {
                Ok(()) => {}
                Err(TrySendError::Full(_)) => lost = true,
                Err(TrySendError::Disconnected(_)) => return,
            }
        }
    }
}

/// Forgets what was read ahead of files that others change.
pub(crate) async fn keep_honest(mut subscriber: Subscriber, readers: Arc<Readers>) {
    let mut order = Order::default();
    while let Some(message) = subscriber.next().await {
        let Ok(changes) = Changes::decode(message.payload) else { continue };
        for notice in order.notices(&changes) {
            match notice {
                Notice::Content { ino, generation, .. } => readers.forget(Node { mount: 0, ino, generation }),
                Notice::Names { .. } => {}
                Notice::Anything => readers.forget_all(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use larder_protocol::messages::Changed;

    use super::*;

    #[test]
    fn a_gap_and_another_server_may_be_anything() {
        let mut order = Order::default();
        let changed = vec![Changed { ino: 7, generation: 1, version: 3, names: false }];
        let message = |server, sequence| Changes { server, sequence, changed: changed.clone(), all: false };
        let content = vec![Notice::Content { ino: 7, generation: 1, version: 3 }];
        assert_eq!(order.notices(&message(1, 5)), content, "the first that is heard");
        assert_eq!(order.notices(&message(1, 6)), content);
        assert_eq!(order.notices(&message(1, 8)), [Notice::Anything]);
        assert_eq!(order.notices(&message(1, 9)), content);
        assert_eq!(order.notices(&message(2, 10)), [Notice::Anything]);
    }
}
