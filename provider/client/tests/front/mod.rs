//! A volume's front: takes requests under a name of its own, brings them to
//! the server, and loses, delays or refuses what a test tells it to.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "not every test uses all; a test fails by panicking"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures::StreamExt;
use larder_nats_client::Access;
use larder_protocol::messages::Fault;
use larder_protocol::{refusal, subject};
use prost::Message;

use crate::common::nats::{runtime, shared, unique};

#[derive(Default)]
pub struct Front {
    pub name: String,
    /// So many next replies are lost.
    pub lose: AtomicUsize,
    /// So many next requests are lost.
    pub swallow: AtomicUsize,
    /// So many next requests are refused.
    pub overload: AtomicUsize,
    /// Nothing comes through.
    pub cut: AtomicBool,
    /// Milliseconds that each reply takes.
    pub delay: AtomicUsize,
    /// Requests that came.
    pub requests: AtomicUsize,
    /// Requests in progress now, and at most.
    pub in_progress: AtomicUsize,
    pub most_in_progress: AtomicUsize,
}

fn one_less(count: &AtomicUsize) -> bool {
    count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |count| count.checked_sub(1)).is_ok()
}

impl Front {
    /// A front of the volume on the shared server.
    pub fn of(volume: &str) -> Arc<Self> {
        let front = Arc::new(Self { name: unique("front"), ..Self::default() });
        let (behind, outer) = (subject(volume, Access::Write), subject(&front.name, Access::Write));
        let own = Arc::clone(&front);
        runtime().block_on(async move {
            let url = shared().url();
            let nats = async_nats::connect(url).await.unwrap();
            let mut requests = nats.subscribe(outer).await.unwrap();
            nats.flush().await.unwrap();
            tokio::spawn(async move {
                while let Some(message) = requests.next().await {
                    let (front, nats, behind) = (Arc::clone(&own), nats.clone(), behind.clone());
                    front.requests.fetch_add(1, Ordering::SeqCst);
                    if front.cut.load(Ordering::SeqCst) || one_less(&front.swallow) {
                        continue;
                    }
                    if one_less(&front.overload) {
                        let reply = refusal(Fault::Overloaded, "in a test").encode_to_vec();
                        nats.publish(message.reply.unwrap(), reply.into()).await.unwrap();
                        continue;
                    }
                    let now = front.in_progress.fetch_add(1, Ordering::SeqCst) + 1;
                    front.most_in_progress.fetch_max(now, Ordering::SeqCst);
                    tokio::spawn(async move {
                        let reply = nats.request(behind, message.payload).await;
                        let delay = front.delay.load(Ordering::SeqCst) as u64;
                        tokio::time::sleep(Duration::from_millis(delay)).await;
                        front.in_progress.fetch_sub(1, Ordering::SeqCst);
                        if let Ok(reply) = reply
                            && !one_less(&front.lose)
                        {
                            nats.publish(message.reply.unwrap(), reply.payload).await.unwrap();
                        }
                    });
                }
            });
        });
        front
    }

    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// Loses the next replies.
    pub fn lose(&self, replies: usize) {
        self.lose.store(replies, Ordering::SeqCst);
    }
}
