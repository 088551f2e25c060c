//! A front of a volume on a bad network: it loses, repeats, delays and reorders
//! requests and replies by numbers that follow from a seed.
//!
//! What it repeats it repeats as `docs/protocol.md` lets a caller do it:
//! changes as they are, queries without their notes.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "not every test uses all; a test fails by panicking"
)]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_nats::{Client, Message};
use bytes::Bytes;
use futures::StreamExt;
use larder_nats_client::Access;
use larder_protocol::messages::Request;
use larder_protocol::messages::request::Operation;
use larder_protocol::subject;
use larder_test_nats::Nats;
use prost::Message as _;
use tokio::task::JoinHandle;

use crate::common::nats::{runtime, unique};
use crate::common::world::eventually;
use crate::seeds::Random;

/// How many of a thousand requests meet what.
#[derive(Clone, Copy)]
pub struct Weather {
    /// The request is lost.
    pub lost_requests: usize,
    /// It is carried out, and the reply is lost.
    pub lost_replies: usize,
    /// It comes twice, at once or up to two seconds apart.
    pub repeated: usize,
    /// It, or its reply, takes longer than the client waits before it repeats.
    pub late: usize,
}

/// What happens to one request.
struct Fate {
    before: Duration,
    after: Duration,
    request_lost: bool,
    reply_lost: bool,
    again: Option<Duration>,
}

pub struct Storm {
    /// The name of the volume that clients use.
    pub name: String,
    weather: Weather,
    random: Mutex<Random>,
    calm: AtomicBool,
    under_way: AtomicUsize,
    /// Every change that came.
    changes: Mutex<Vec<Bytes>>,
    nats: Client,
    behind: String,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Drop for Storm {
    fn drop(&mut self) {
        let task = self.task.lock().unwrap().take();
        task.iter().for_each(JoinHandle::abort);
    }
}

impl Storm {
    /// A front of `volume`.
    pub fn over(nats: &Nats, volume: &str, weather: Weather, seed: u64) -> Arc<Self> {
        let url = nats.url();
        let name = unique("storm");
        let outer = subject(&name, Access::Write);
        let (client, mut requests) = runtime().block_on(async move {
            let client = async_nats::connect(url).await.unwrap();
            let requests = client.subscribe(outer).await.unwrap();
            client.flush().await.unwrap();
            (client, requests)
        });
        let storm = Arc::new(Self {
            name,
            weather,
            random: Mutex::new(Random::new(seed)),
            calm: AtomicBool::new(false),
            under_way: AtomicUsize::new(0),
            changes: Mutex::default(),
            nats: client,
            behind: subject(volume, Access::Write),
            task: Mutex::default(),
        });
        let weak = Arc::downgrade(&storm);
        let task = runtime().spawn(async move {
            while let Some(message) = requests.next().await {
                let Some(storm) = weak.upgrade() else { break };
                storm.under_way.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(async move {
                    storm.carry(message).await;
                    storm.under_way.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        *storm.task.lock().unwrap() = Some(task);
        storm
    }

    /// The next requests come through; returns when none of the others is
    /// under way any more.
    pub fn calm(&self) {
        self.calm.store(true, Ordering::SeqCst);
        eventually("nothing is under way", || self.under_way.load(Ordering::SeqCst) == 0);
    }

    /// All changes that ever came, once more in their order.
    pub fn replay(&self) {
        let changes = self.changes.lock().unwrap().clone();
        runtime().block_on(async {
            for change in changes {
                self.nats.request(self.behind.clone(), change).await.unwrap();
            }
        });
    }

    fn fate(&self) -> Fate {
        let mut random = self.random.lock().unwrap();
        let mut moment = |late| {
            if random.happens(late) { 1000 + random.below(1000) } else { random.below(8) }
        };
        let (before, after) = (moment(self.weather.late), moment(self.weather.late));
        let pause = |milliseconds: usize| Duration::from_millis(milliseconds as u64);
        let again = random.happens(self.weather.repeated).then(|| pause(random.pick(&[0, 3, 10, 300, 2000])));
        let calm = self.calm.load(Ordering::SeqCst);
        Fate {
            before: if calm { Duration::ZERO } else { pause(before) },
            after: if calm { Duration::ZERO } else { pause(after) },
            request_lost: random.happens(self.weather.lost_requests) && !calm,
            reply_lost: random.happens(self.weather.lost_replies) && !calm,
            again: again.filter(|_| !calm),
        }
    }

    async fn carry(&self, message: Message) {
        let fate = self.fate();
        let again = self.take_in(&message.payload);
        let repeat = async {
            if let (Some(pause), Some(again)) = (fate.again, again) {
                tokio::time::sleep(pause).await;
                let _ = self.nats.request(self.behind.clone(), again).await;
            }
        };
        let first = async {
            tokio::time::sleep(fate.before).await;
            if fate.request_lost {
                return;
            }
            let reply = self.nats.request(self.behind.clone(), message.payload).await;
            tokio::time::sleep(fate.after).await;
            if let (Ok(reply), Some(inbox), false) = (reply, message.reply, fate.reply_lost) {
                self.nats.publish(inbox, reply.payload).await.unwrap();
            }
        };
        tokio::join!(first, repeat);
    }

    /// The request as it may be repeated.
    fn take_in(&self, payload: &Bytes) -> Option<Bytes> {
        let mut request = Request::decode(payload.clone()).ok()?;
        let is_query = match &request.operation {
            Some(Operation::Open(open)) => open.flags == 0,
            Some(
                Operation::Commit(_)
                | Operation::SetTimesAt(_)
                | Operation::Make(_)
                | Operation::Remove(_)
                | Operation::Rename(_)
                | Operation::Link(_),
            ) => false,
            _ => true,
        };
        if !is_query {
            self.changes.lock().unwrap().push(payload.clone());
            return Some(payload.clone());
        }
        if let Some(call) = &mut request.call {
            call.notes.clear();
        }
        Some(request.encode_to_vec().into())
    }
}
