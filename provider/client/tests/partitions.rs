//! A network that is slow, stalls, heals and dies between a client, NATS and
//! the server: every call ends, what heals goes on, and nothing is carried out
//! twice.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;
mod seeds;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::nats::shared;
use common::world::{PATIENCE, World, empty, eventually};
use larder_core::{DescriptorFlags, ErrorCode, Follow, OpenFlags};
use larder_nats_client::{NatsStore, Options};
use larder_store_client::{Client, File};
use larder_test_nats::{Nats, Proxy};
use seeds::{Random, for_seeds};

const LEASE: Duration = Duration::from_secs(120);

/// Tries again where a busy machine does not keep a short deadline.
fn persist<T, E: std::fmt::Debug>(mut call: impl FnMut() -> Result<T, E>) -> T {
    let begun = Instant::now();
    loop {
        match call() {
            Ok(result) => return result,
            Err(error) => assert!(begun.elapsed() < PATIENCE, "{error:?}"),
        }
    }
}

/// The root that a client sees that asks for everything.
fn connect(url: &str, world: &World, deadline: Duration) -> File<NatsStore> {
    let options = Options { deadline, ..Options::default() };
    let address = format!("{url}/{}", world.name).parse().unwrap();
    let store = persist(|| NatsStore::connect(&address, options.clone()));
    let client = Client::new(store, larder_store_client::Options { write_behind: false, cache: false });
    client.roots().unwrap().remove(0).0
}

fn create(root: &File<NatsStore>, path: &str) -> File<NatsStore> {
    let access = DescriptorFlags::READ | DescriptorFlags::WRITE;
    persist(|| root.open_at(Follow::No, path, OpenFlags::CREATE, access))
}

/// The call's result; it ends at its deadline, give or take a busy machine.
fn ends<T>(deadline: Duration, call: impl FnOnce() -> larder_core::Result<T>) -> Result<T, ErrorCode> {
    let begun = Instant::now();
    let result = call().map_err(|error| error.code());
    assert!(begun.elapsed() < deadline + PATIENCE, "the call took {:?}", begun.elapsed());
    result
}

/// Appends a line that no other call appends, until that is answered; gives
/// the lines whose fate is not known.
fn append_until_answered(file: &File<NatsStore>, name: &str, deadline: Duration) -> (String, Vec<String>) {
    let mut unknown = Vec::new();
    let begun = Instant::now();
    loop {
        assert!(begun.elapsed() < PATIENCE, "it does not go on");
        let line = format!("{name}-{}\n", unknown.len());
        match ends(deadline, || file.append(&line.as_bytes())) {
            Ok(_) => return (line, unknown),
            Err(code) => assert_eq!(code, ErrorCode::Io),
        }
        unknown.push(line);
    }
}

/// Each line is there at most once, and of those that were answered each.
fn check_lines(content: &[u8], answered: &[String], unknown: &[String]) {
    let text = String::from_utf8(content.to_vec()).unwrap();
    let count = |line: &str| text.split_inclusive('\n').filter(|found| *found == line).count();
    for line in answered {
        assert_eq!(count(line), 1, "{line:?} in {text:?}");
    }
    for line in unknown {
        assert!(count(line) <= 1, "{line:?} in {text:?}");
    }
    let known = answered.iter().chain(unknown).filter(|line| count(line) == 1).map(String::len).sum::<usize>();
    assert_eq!(known, text.len(), "{text:?}");
}

#[test]
fn a_slow_network_brings_everything() {
    let world = World::with_lease(LEASE);
    let proxy = Proxy::to(shared().port());
    let root = connect(&proxy.url(), &world, Duration::from_secs(60));
    let file = create(&root, "file");
    proxy.slow(Duration::from_millis(10));
    let content: Vec<u8> = (0..300_000_usize).map(|at| u8::try_from(at % 251).unwrap()).collect();
    file.write(0, &&content[..]).unwrap();
    assert!(file.read(0, content.len()).unwrap().concat() == content);
    assert!(world.content("file") == content);
    for number in 0..5 {
        root.create_directory_at(&format!("d-{number}")).unwrap();
    }
    assert_eq!(root.read_directory(0, 100).unwrap().len(), 6);
}

#[test]
fn a_stalled_client_is_answered_when_it_heals() {
    let world = World::with_lease(LEASE);
    let proxy = Proxy::to(shared().port());
    let deadline = Duration::from_millis(500);
    let root = connect(&proxy.url(), &world, deadline);
    let patient = connect(&proxy.url(), &world, Duration::from_secs(60));
    let (file, same) = (create(&root, "file"), create(&patient, "file"));
    let (before, mut unknown) = append_until_answered(&file, "before", deadline);
    proxy.stall();
    assert_eq!(ends(deadline, || file.append(&"stalled\n".as_bytes())), Err(ErrorCode::Io));
    assert_eq!(ends(deadline, || root.stat_at(Follow::No, "file")).map(drop), Err(ErrorCode::Io));
    let waiting = std::thread::spawn(move || same.append(&"patient\n".as_bytes()).map(drop));
    std::thread::sleep(Duration::from_millis(300));
    proxy.heal();
    waiting.join().unwrap().unwrap();
    let (after, more) = append_until_answered(&file, "after", deadline);
    unknown.extend(more.into_iter().chain(["stalled\n".to_owned()]));
    let answered = [before, "patient\n".to_owned(), after];
    check_lines(&world.content("file"), &answered, &unknown);
}

#[test]
fn a_stalled_connection_that_dies_is_replaced() {
    let world = World::with_lease(LEASE);
    let proxy = Proxy::to(shared().port());
    let deadline = Duration::from_millis(700);
    let root = connect(&proxy.url(), &world, deadline);
    let file = create(&root, "file");
    proxy.stall();
    assert_eq!(ends(deadline, || file.append(&"stalled\n".as_bytes())), Err(ErrorCode::Io));
    proxy.cut();
    assert_eq!(ends(deadline, || file.append(&"cut\n".as_bytes())), Err(ErrorCode::Io));
    proxy.heal();
    let (after, unknown) = append_until_answered(&file, "after", deadline);
    let unknown: Vec<String> = unknown.into_iter().chain(["stalled\n".to_owned(), "cut\n".to_owned()]).collect();
    check_lines(&world.content("file"), &[after], &unknown);
}

#[test]
fn connecting_over_a_dead_network_ends() {
    let world = World::with_lease(LEASE);
    let proxy = Proxy::to(shared().port());
    for kill in [Proxy::stall, Proxy::cut] {
        kill(&proxy);
        let options = Options { deadline: Duration::from_millis(500), ..Options::default() };
        let address = format!("{}/{}", proxy.url(), world.name).parse().unwrap();
        let begun = Instant::now();
        assert!(NatsStore::connect(&address, options).is_err());
        assert!(begun.elapsed() < PATIENCE);
        proxy.heal();
    }
    connect(&proxy.url(), &world, PATIENCE).stat().unwrap();
}

/// A world whose server is behind a network of its own.
fn world_behind(proxy: &Proxy) -> World {
    World::reached(empty(), &proxy.url(), async_nats::ConnectOptions::new(), LEASE)
}

#[test]
fn a_server_that_is_cut_off_serves_again() {
    let proxy = Proxy::to(shared().port());
    let world = world_behind(&proxy);
    let deadline = Duration::from_millis(700);
    let root = connect(&shared().url(), &world, deadline);
    let file = create(&root, "file");
    let (mut answered, mut unknown) = (Vec::new(), Vec::new());
    for (round, kill) in [Proxy::stall, Proxy::cut, Proxy::stall].into_iter().enumerate() {
        kill(&proxy);
        let line = format!("lost-{round}\n");
        assert_eq!(ends(deadline, || file.append(&line.as_bytes())), Err(ErrorCode::Io));
        unknown.push(line);
        proxy.heal();
        let (line, more) = append_until_answered(&file, &format!("after-{round}"), deadline);
        answered.push(line);
        unknown.extend(more);
    }
    check_lines(&world.content("file"), &answered, &unknown);
}

/// Two clients append while the networks of both and of the server meet what
/// follows from the seed.
fn spoiled(seed: u64) -> Result<(), String> {
    let networks = [0, 1, 2].map(|_| Proxy::to(shared().port()));
    let world = world_behind(&networks[0]);
    // Long enough for what is asked to be repeated.
    let deadline = Duration::from_millis(2500);
    let files: Vec<_> = networks[1..]
        .iter()
        .map(|network| {
            let root = connect(&network.url(), &world, PATIENCE);
            drop(create(&root, "file"));
            let hasty = connect(&network.url(), &world, deadline);
            create(&hasty, "file")
        })
        .collect();
    let over = AtomicBool::new(false);
    let lines: Vec<(Vec<String>, Vec<String>)> = std::thread::scope(|scope| {
        let over = &over;
        let clients: Vec<_> = files
            .iter()
            .enumerate()
            .map(|(client, file)| {
                scope.spawn(move || {
                    let (mut answered, mut unknown) = (Vec::new(), Vec::new());
                    while !over.load(Ordering::SeqCst) {
                        let line = format!("{client}-{}\n", answered.len() + unknown.len());
                        match ends(deadline, || file.append(&line.as_bytes())) {
                            Ok(_) => answered.push(line),
                            Err(_) => unknown.push(line),
                        }
                        std::thread::sleep(Duration::from_millis(20));
                    }
                    let (line, more) = append_until_answered(file, &format!("{client}-last"), deadline);
                    answered.push(line);
                    unknown.extend(more);
                    (answered, unknown)
                })
            })
            .collect();
        let mut random = Random::new(seed);
        for _ in 0..8 {
            let network = &networks[random.below(networks.len())];
            match random.below(4) {
                0 => network.stall(),
                1 => network.cut(),
                2 => network.slow(Duration::from_millis(random.below(30) as u64)),
                _ => network.heal(),
            }
            std::thread::sleep(Duration::from_millis(random.below(600) as u64));
        }
        networks.iter().for_each(Proxy::heal);
        over.store(true, Ordering::SeqCst);
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    let (answered, unknown): (Vec<_>, Vec<_>) = lines.into_iter().unzip();
    check_lines(&world.content("file"), &answered.concat(), &unknown.concat());
    Ok(())
}

#[test]
fn whatever_the_networks_do_each_line_is_written_once() {
    for_seeds(24, 12, spoiled);
}

#[test]
fn nats_may_be_started_anew_again_and_again() {
    let mut nats = Nats::start();
    let world = World::on(&nats, LEASE);
    let deadline = Duration::from_secs(1);
    let files: Vec<_> = (0..2).map(|_| create(&connect(&nats.url(), &world, deadline), "file")).collect();
    let (mut answered, mut unknown) = (Vec::new(), Vec::new());
    for round in 0..4 {
        std::thread::scope(|scope| {
            let write = |(client, file)| move || append_until_answered(file, &format!("{client}-{round}"), deadline);
            let writing: Vec<_> = files.iter().enumerate().map(|at| scope.spawn(write(at))).collect();
            nats.stop();
            nats.start_again();
            for writing in writing {
                let (line, more) = writing.join().unwrap();
                answered.push(line);
                unknown.extend(more);
            }
        });
    }
    check_lines(&world.content("file"), &answered, &unknown);
    drop(files);
    eventually("the sessions ended", || world.sessions() == 0);
}
