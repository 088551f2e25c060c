//! Replies that no server sends: mutilated, mixed up, random, of another
//! request. A call then ends with an error, or with what the reply happens to
//! say; nothing panics, and later calls are answered.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;
mod seeds;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::nats::{address, runtime, shared, unique};
use common::world::{PATIENCE, World};
use futures::StreamExt;
use larder_core::{DescriptorFlags, ErrorCode, Follow, OpenFlags, SetTime};
use larder_nats_client::{Access, NatsStore, Options};
use larder_protocol::messages::{self, Reply, reply};
use larder_protocol::subject;
use larder_store_client::{Client, File};
use prost::Message;
use seeds::{Random, for_seeds};

/// A front of a volume that spoils replies.
struct Garbler {
    name: String,
    spoils: Arc<AtomicBool>,
}

impl Garbler {
    fn over(volume: &str, seed: u64) -> Self {
        let name = unique("garbled");
        let (behind, outer) = (subject(volume, Access::Write), subject(&name, Access::Write));
        let spoils = Arc::new(AtomicBool::new(false));
        let (own, state) = (Arc::clone(&spoils), Arc::new(Mutex::new((Random::new(seed), Vec::new()))));
        runtime().block_on(async move {
            let nats = async_nats::connect(shared().url()).await.unwrap();
            let mut requests = nats.subscribe(outer).await.unwrap();
            nats.flush().await.unwrap();
            tokio::spawn(async move {
                while let Some(message) = requests.next().await {
                    let Ok(answer) = nats.request(behind.clone(), message.payload).await else { continue };
                    let mut bytes = answer.payload.to_vec();
                    if own.load(Ordering::SeqCst) {
                        let (random, others) = &mut *state.lock().unwrap();
                        bytes = spoil(&bytes, others, random);
                        others.push(answer.payload.to_vec());
                    }
                    nats.publish(message.reply.unwrap(), bytes.into()).await.unwrap();
                }
            });
        });
        Self { name, spoils }
    }
}

fn spoil(bytes: &[u8], others: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let at = random.below(bytes.len().max(1));
    match random.below(8) {
        0 | 1 if !bytes.is_empty() => {
            for _ in 0..=random.below(4) {
                let at = random.below(bytes.len());
                bytes[at] ^= 1 << random.below(8);
            }
            bytes
        }
        2 => bytes[..at].to_vec(),
        3 => (0..random.below(200)).map(|_| random.next().to_le_bytes()[0]).collect(),
        4 => Vec::new(),
        5 if !others.is_empty() => others[random.below(others.len())].clone(),
        6 => Reply { result: Some(reply::Result::Error(random.pick(&[0, 1, 14, 37, 38, u32::MAX]))) }.encode_to_vec(),
        7 => {
            let fault = random.pick(&[-1, 0, 1, 2, 5, 77]);
            let refusal = messages::Refusal { fault, message: "\0\u{7}".repeat(50) };
            Reply { result: Some(reply::Result::Refusal(refusal)) }.encode_to_vec()
        }
        _ => bytes,
    }
}

fn connect(name: &str, cache: bool) -> Result<File<NatsStore>, String> {
    let options = Options { deadline: Duration::from_secs(2), ..Options::default() };
    let store = NatsStore::connect(&address(shared(), name), options).map_err(|error| error.to_string())?;
    let client = Client::new(store, larder_store_client::Options { write_behind: cache, cache });
    let roots = client.roots().map_err(|error| error.to_string())?;
    roots.into_iter().next().map(|(root, _)| root).ok_or_else(|| "no root".to_owned())
}

/// One of everything that a guest does.
fn everything(root: &File<NatsStore>) -> Result<(), ErrorCode> {
    let code = |error: larder_core::Error| error.code();
    let access = DescriptorFlags::READ | DescriptorFlags::WRITE;
    let file = root.open_at(Follow::Yes, "file", OpenFlags::CREATE, access).map_err(code)?;
    let results = [
        file.append(&&[7; 70_000][..]).map(drop),
        file.read(0, 200_000).map(drop),
        file.stat().map(drop),
        file.set_size(1000),
        file.sync(),
        file.set_times(SetTime::Now, SetTime::Keep),
        root.create_directory_at("d"),
        root.symlink_at("file", "l"),
        root.readlink_at("l").map(drop),
        root.stat_at(Follow::Yes, "l").map(drop),
        root.read_directory(0, 100).map(drop),
        root.link_at(Follow::No, "file", root, "g"),
        root.rename_at("g", root, "h"),
        root.unlink_file_at("h"),
        root.unlink_file_at("l"),
        root.remove_directory_at("d"),
    ];
    results.into_iter().find_map(|result| result.err().map(code)).map_or(Ok(()), Err)
}

fn check(seed: u64) -> Result<(), String> {
    let world = World::with_lease(Duration::from_secs(60));
    let garbler = Garbler::over(&world.name, seed);
    let root = connect(&garbler.name, seed.is_multiple_of(2))?;
    garbler.spoils.store(true, Ordering::SeqCst);
    let begun = Instant::now();
    for _ in 0..4 {
        let _ = everything(&root);
        // Most fail; whoever gets through may have been told anything.
        let _ = connect(&garbler.name, false).map(|root| everything(&root));
    }
    assert!(begun.elapsed() < PATIENCE * 10, "calls do not end");
    garbler.spoils.store(false, Ordering::SeqCst);
    drop(root);
    let fresh = connect(&garbler.name, true)?;
    for name in ["l", "g", "h"] {
        let _ = fresh.unlink_file_at(name);
    }
    let _ = fresh.remove_directory_at("d");
    everything(&fresh).map_err(|code| format!("{code:?} on a good network"))?;
    assert_eq!(world.volume.usage(), world.volume.recount());
    Ok(())
}

#[test]
fn spoilt_replies_end_calls_and_nothing_else() {
    for_seeds(40, 8, check);
}
