//! Several clients of one volume that cache and defer nothing, on a network
//! that loses, repeats, delays and reorders: some order of their calls, one
//! after another on the reference model, explains every answer.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;
mod seeds;
#[macro_use]
mod state;
mod storm;

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use common::nats::{address, shared};
use common::world::World;
use larder_core::{DescriptorFlags, ErrorCode, Follow, OpenFlags};
use larder_model::history::{Span, Stage, search};
use larder_nats_client::{NatsStore, Options};
use larder_store_client::{Client, File};
use seeds::{Random, for_seeds};
use state::{Act, At, DIRECTORIES, RECORD, State, record, tree_of};
use storm::{Storm, Weather};

type Answer = larder_core::Result<String>;

/// A call as its client saw it.
struct Called {
    client: usize,
    act: Act,
    /// None where nobody knows whether it was carried out.
    answer: Option<String>,
    span: Span,
}

/// One client, and what it has open.
struct Guest {
    directories: Vec<File<NatsStore>>,
    open: Vec<File<NatsStore>>,
}

impl Guest {
    fn new(storm: &Storm, deadline: Duration) -> Self {
        let options = Options { deadline, ..Options::default() };
        // The network is bad: connecting, too, may take more than one try.
        let connect = || NatsStore::connect(&address(shared(), &storm.name), options.clone()).ok();
        let store = std::iter::repeat_with(connect).take(20).flatten().next().unwrap();
        let client = Client::new(store, larder_store_client::Options { write_behind: false, cache: false });
        let (root, _) = client.roots().unwrap().into_iter().next().unwrap();
        let open = |path: &&str| {
            let open = || root.open_at(Follow::No, path, OpenFlags::DIRECTORY, DescriptorFlags::READ).ok();
            std::iter::repeat_with(open).take(20).flatten().next().unwrap()
        };
        Self { directories: DIRECTORIES.iter().map(open).collect(), open: Vec::new() }
    }

    /// What a plan says, with what is open now.
    fn resolve(&self, act: Act) -> Act {
        let Some(slot) = act.slot() else { return act };
        match self.open.len() {
            0 => Act::StatAt(At(0, "f")),
            open => act.with_slot(slot % open),
        }
    }

    fn act(&mut self, client: usize, number: usize, act: Act) -> Answer {
        let at = |At(directory, name): At| (&self.directories[directory], name);
        let done = |()| "done".to_owned();
        match act {
            Act::Open { at: place, create, exclusive } => {
                let (directory, name) = at(place);
                let mut how = OpenFlags::empty();
                how.set(OpenFlags::CREATE, create);
                how.set(OpenFlags::EXCLUSIVE, exclusive);
                let access = DescriptorFlags::READ | DescriptorFlags::WRITE;
                let file = directory.open_at(Follow::No, name, how, access)?;
                self.open.push(file);
                Ok("open".to_owned())
            }
            Act::Close(slot) => {
                self.open.remove(slot);
                Ok("done".to_owned())
            }
            Act::Append(slot) => {
                let record = &record(client, number)[..];
                self.open[slot].append(&record).map(|_| done(()))
            }
            Act::Write(slot, position) => {
                let record = &record(client, number)[..];
                self.open[slot].write(position * RECORD, &record).map(|_| done(()))
            }
            Act::SetSize(slot, records) => self.open[slot].set_size(records * RECORD).map(done),
            Act::Read(slot, position) => {
                let length = usize::try_from(RECORD).unwrap();
                self.open[slot].read(position * RECORD, length).map(|read| format!("{:?}", read.concat()))
            }
            Act::Stat(slot) => self.open[slot].stat().map(|attributes| seen!(attributes)),
            Act::StatAt(place) => {
                let (directory, name) = at(place);
                directory.stat_at(Follow::No, name).map(|attributes| seen!(attributes))
            }
            Act::Unlink(place) => at(place).0.unlink_file_at(place.1).map(done),
            Act::RemoveDirectory(place) => at(place).0.remove_directory_at(place.1).map(done),
            Act::CreateDirectory(place) => at(place).0.create_directory_at(place.1).map(done),
            Act::Rename(old, new) => at(old).0.rename_at(old.1, at(new).0, new.1).map(done),
            Act::Link(old, new) => at(old).0.link_at(Follow::No, old.1, at(new).0, new.1).map(done),
            Act::Tree => Ok(String::new()),
        }
    }
}

fn run(clock: &AtomicU64, guest: &mut Guest, client: usize, plan: &[Act]) -> Vec<Called> {
    let tick = || clock.fetch_add(1, Ordering::SeqCst);
    let call = |(number, act): (usize, &Act)| {
        let act = guest.resolve(*act);
        let invoked = tick();
        let answer = match guest.act(client, number, act).map_err(|error| error.code()) {
            Ok(answer) => Some(answer),
            Err(ErrorCode::Io) => None,
            Err(code) => Some(format!("{code:?}")),
        };
        let certain = answer.is_some();
        Called { client, act, answer, span: Span { invoked, answered: tick(), certain } }
    };
    plan.iter().enumerate().map(call).collect()
}

/// Runs a plan of `clients` clients with `calls` calls each.
fn check(seed: u64, clients: usize, calls: usize, weather: Weather, deadline: Duration) -> Result<(), String> {
    let mut random = Random::new(seed);
    let plans: Vec<Vec<Act>> = (0..clients).map(|_| (0..calls).map(|_| Act::random(&mut random)).collect()).collect();
    let stage = Stage::default();
    let world = World::of(stage.volume.clone(), shared(), Duration::from_secs(60));
    let storm = Storm::over(shared(), &world.name, weather, random.next());
    let guests: Vec<Guest> = (0..clients).map(|_| Guest::new(&storm, deadline)).collect();
    let clock = AtomicU64::new(0);
    let (mut history, guests): (Vec<Vec<Called>>, Vec<Guest>) = std::thread::scope(|scope| {
        let threads: Vec<_> = guests
            .into_iter()
            .zip(&plans)
            .enumerate()
            .map(|(client, (mut guest, plan))| {
                let clock = &clock;
                scope.spawn(move || (run(clock, &mut guest, client, plan), guest))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).unzip()
    });
    // What was lost sight of may have come until here, and no later.
    storm.calm();
    let end = clock.fetch_add(1, Ordering::SeqCst);
    history.iter_mut().flatten().filter(|call| !call.span.certain).for_each(|call| call.span.answered = end);
    storm.replay();
    drop(guests);

    let mut calls: Vec<Called> = history.into_iter().flatten().collect();
    let tree =
        tree_of(stage.volume.root_id(), &mut |operation| stage.volume.apply(&Default::default(), &operation).ok());
    let last = Span { invoked: end + 1, answered: end + 2, certain: true };
    calls.push(Called { client: clients, act: Act::Tree, answer: Some(tree), span: last });
    let spans: Vec<Span> = calls.iter().map(|call| call.span).collect();
    let takes = |state: &mut State, at: usize| {
        let Called { client, act, answer, .. } = &calls[at];
        let number = calls[..at].iter().filter(|call| call.client == *client).count();
        state.carry_out(*client, number, *act, answer.as_deref())
    };
    search(&State::new(stage.model, clients), &spans, takes).map_err(|best| table(&calls, &best))?;
    let (usage, recount) = (stage.volume.usage(), stage.volume.recount());
    if usage == recount { Ok(()) } else { Err(format!("charged {usage:?}, counted {recount:?}")) }
}

fn table(calls: &[Called], best: &[usize]) -> String {
    let mut text =
        String::from("no order explains these calls; [n] is the place in the longest that explains a part\n");
    for (at, call) in calls.iter().enumerate() {
        let place = best.iter().position(|place| *place == at).map_or_else(|| "-".into(), |place| place.to_string());
        let Span { invoked, answered, .. } = call.span;
        let answer = call.answer.as_deref().unwrap_or("unknown");
        let _ = writeln!(text, "  [{place:>2}] {invoked:2}..{answered:<2} {}: {:?} -> {answer}", call.client, call.act);
    }
    text
}

#[test]
fn clients_see_one_order_whatever_is_lost_or_comes_twice() {
    let weather = Weather { lost_requests: 25, lost_replies: 25, repeated: 250, late: 10 };
    for_seeds(120, 30, |seed| check(seed, 3, 7, weather, Duration::from_secs(60)));
}

#[test]
fn what_is_given_up_is_carried_out_once_or_never() {
    let weather = Weather { lost_requests: 150, lost_replies: 150, repeated: 250, late: 100 };
    for_seeds(60, 30, |seed| check(seed, 3, 6, weather, Duration::from_millis(1500)));
}

#[test]
fn on_a_good_network_clients_see_one_order() {
    let weather = Weather { lost_requests: 0, lost_replies: 0, repeated: 100, late: 0 };
    for_seeds(120, 12, |seed| check(seed, 4, 8, weather, Duration::from_secs(60)));
}
