//! What changed, told to whoever listens on the volume's `changes` subject.

use std::sync::Arc;
use std::time::Duration;

use larder_protocol::messages::request::Operation;
use larder_protocol::messages::{Changed, Changes, Place, Reply, commit, reply};
use parking_lot::Mutex;
use prost::Message;
use tokio::sync::Notify;

use crate::volume::Served;

/// Most changes that wait to be told: 4,096. Beyond it only that something
/// changed is told; bounds memory and the size of a message.
const MOST_WAITING: usize = 4096;

/// Changes are gathered for so long: 5 ms. Bounds the messages per second.
const GATHERED: Duration = Duration::from_millis(5);

#[derive(Default)]
struct Waiting {
    changed: Vec<Changed>,
    /// More than could wait.
    all: bool,
}

/// The changes of one volume that are not told yet.
#[derive(Default)]
pub(crate) struct Feed {
    waiting: Mutex<Waiting>,
    some: Notify,
}

impl Feed {
    /// Takes in what a request changed, if it did.
    pub(crate) fn add(&self, mut changed: Vec<Changed>) {
        if changed.is_empty() {
            return;
        }
        {
            let mut waiting = self.waiting.lock();
            if waiting.changed.len() + changed.len() > MOST_WAITING {
                waiting.changed.clear();
                waiting.all = true;
            } else if !waiting.all {
                waiting.changed.append(&mut changed);
            }
        }
        self.some.notify_one();
    }
}

/// Tells what changes until the task is ended. `server` tells apart two lives
/// of a server: their numbers have nothing to do with each other.
pub(crate) async fn tell(served: Arc<Served>, nats: async_nats::Client, server: u64) {
    let subject = larder_protocol::changes_subject(&served.name);
    for sequence in 1.. {
        served.feed.some.notified().await;
        tokio::time::sleep(GATHERED).await;
        let Waiting { changed, all } = std::mem::take(&mut *served.feed.waiting.lock());
        let changes = Changes { server, sequence, changed, all };
        if let Err(error) = nats.publish(subject.clone(), changes.encode_to_vec().into()).await {
            tracing::debug!(%error, "changes are not told");
        }
    }
}

/// What a request changed that was answered with `reply`.
pub(crate) fn changed_by(operation: &Operation, reply: &Reply) -> Vec<Changed> {
    let names = |place: Option<&Place>| {
        let node = place.and_then(|place| place.directory.as_ref());
        node.map(|node| Changed { ino: node.ino, generation: node.generation, version: 0, names: true })
    };
    let content = match &reply.result {
        Some(reply::Result::Attributes(attributes)) => Some(attributes),
        Some(reply::Result::Opened(opened)) => opened.attributes.as_ref(),
        Some(reply::Result::Done(_)) => None,
        _ => return Vec::new(),
    };
    let content = content.and_then(|attributes| {
        let node = attributes.node.as_ref()?;
        Some(Changed { ino: node.ino, generation: node.generation, version: attributes.version, names: false })
    });
    let both = |one: Option<Changed>, other: Option<Changed>| one.into_iter().chain(other).collect();
    match operation {
        Operation::Open(open) if open.flags & CREATES_OR_CUTS != 0 => both(content, names(open.at.as_ref())),
        Operation::Commit(commit) => match &commit.target {
            Some(commit::Target::File(place)) => both(content, names(Some(place))),
            _ => both(content, None),
        },
        Operation::Make(make) => both(content, names(make.at.as_ref())),
        Operation::SetTimesAt(set) => both(names(set.at.as_ref()), None),
        Operation::Remove(remove) => both(names(remove.at.as_ref()), None),
        Operation::Rename(rename) => both(names(rename.old.as_ref()), names(rename.new.as_ref())),
        Operation::Link(link) => both(names(link.old.as_ref()), names(link.new.as_ref())),
        _ => Vec::new(),
    }
}

/// The flags of `Open` with which it changes something.
const CREATES_OR_CUTS: u32 = 1 | 8;
