//! Several clients of one volume that cache and defer, on a network that
//! loses, repeats, delays and reorders: what one closed or synced, another one
//! that opens afterwards sees, and nothing is applied twice.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;
mod seeds;
mod storm;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::nats::{address, shared};
use common::world::World;
use larder_core::{DescriptorFlags, ErrorCode, Follow, OpenFlags};
use larder_nats_client::{NatsStore, Options};
use larder_store_client::{Client, File};
use seeds::{Random, for_seeds};
use storm::{Storm, Weather};

const CLIENTS: usize = 3;
const TURNS: usize = 9;
const LOGS: [&str; 2] = ["log-0", "log-1"];

/// A line of a log: who wrote it, and its number there.
type Line = (usize, usize);

/// What everybody knows of a file that one client writes anew, again and
/// again.
#[derive(Clone, Copy, Default)]
struct Versions {
    begun: u64,
    closed: u64,
}

/// What was promised so far.
#[derive(Default)]
struct Board {
    /// Lines that were closed or synced.
    lines: [Vec<Line>; LOGS.len()],
    /// Of each client's file that is cut and written in place.
    in_place: [Versions; CLIENTS],
    /// Of each client's file that is replaced by renaming.
    replaced: [Versions; CLIENTS],
}

struct Guest {
    number: usize,
    client: Client<NatsStore>,
    root: File<NatsStore>,
    board: Arc<Mutex<Board>>,
    random: Random,
    written: usize,
}

/// A version as content: all of its bytes tell which it is.
fn content(version: u64) -> Vec<u8> {
    let length = Random::new(version).below(150_000);
    let mut bytes = format!("{version:8}:{length:8}\n").into_bytes();
    bytes.resize(bytes.len() + length, u8::try_from(version % 251).unwrap());
    bytes
}

/// The version that a content is, if it is whole.
fn version(bytes: &[u8]) -> Option<u64> {
    let version = std::str::from_utf8(bytes.get(..8)?).ok()?.trim().parse().ok()?;
    (bytes == content(version)).then_some(version)
}

impl Guest {
    fn new(storm: &Storm, number: usize, board: Arc<Mutex<Board>>, random: Random) -> Self {
        let options = Options { deadline: Duration::from_secs(60), ..Options::default() };
        let store = NatsStore::connect(&address(shared(), &storm.name), options).unwrap();
        let client = Client::new(store, larder_store_client::Options { write_behind: true, cache: true });
        let (root, _) = client.roots().unwrap().into_iter().next().unwrap();
        Self { number, client, root, board, random, written: 0 }
    }

    fn open(&self, path: &str, how: OpenFlags, access: DescriptorFlags) -> Result<File<NatsStore>, ErrorCode> {
        self.root.open_at(Follow::Yes, path, how, access).map_err(|error| error.code())
    }

    /// The whole content of a file that is opened for it.
    fn read(&mut self, path: &str) -> Result<Vec<u8>, ErrorCode> {
        let file = self.open(path, OpenFlags::empty(), DescriptorFlags::READ)?;
        let mut bytes = Vec::new();
        let step = self.random.pick(&[1 << 20, 64 << 10, 50_000]);
        loop {
            let read = file.read(bytes.len() as u64, step).map_err(|error| error.code())?.concat();
            if read.is_empty() {
                return Ok(bytes);
            }
            bytes.extend(read);
        }
    }

    /// Closes, and learns whether what waited was carried out.
    fn close(&self, file: File<NatsStore>) {
        drop(file);
        self.client.settle().unwrap();
    }

    fn append(&mut self, log: usize) {
        let file = self.open(LOGS[log], OpenFlags::CREATE, DescriptorFlags::WRITE).unwrap();
        let mut waiting = Vec::new();
        for _ in 0..=self.random.below(3) {
            self.written += 1;
            let line = (self.number, self.written);
            file.append(&format!("{} {}\n", line.0, line.1).as_bytes()).unwrap();
            waiting.push(line);
            if self.random.happens(200) {
                file.sync().unwrap();
                self.board.lock().unwrap().lines[log].append(&mut waiting);
            }
        }
        self.close(file);
        self.board.lock().unwrap().lines[log].append(&mut waiting);
    }

    fn check_log(&mut self, log: usize) -> Result<(), String> {
        let promised = self.board.lock().unwrap().lines[log].clone();
        match self.read(LOGS[log]) {
            Ok(bytes) => check_lines(&bytes, &promised),
            Err(ErrorCode::NoEntry) if promised.is_empty() => Ok(()),
            Err(code) => Err(format!("{code:?} for a log with {promised:?}")),
        }
    }

    fn write_in_place(&mut self) {
        let next = self.begin(|board| &mut board.in_place);
        let how = OpenFlags::CREATE | OpenFlags::TRUNCATE;
        self.write(&format!("in-place-{}", self.number), how, next);
        self.client.settle().unwrap();
        self.board.lock().unwrap().in_place[self.number].closed = next;
    }

    fn replace(&mut self) {
        let next = self.begin(|board| &mut board.replaced);
        let new = format!("new-{}", self.number);
        // The content goes before the name, also where nobody settles.
        self.write(&new, OpenFlags::CREATE, next);
        self.root.rename_at(&new, &self.root, &format!("replaced-{}", self.number)).unwrap();
        self.board.lock().unwrap().replaced[self.number].closed = next;
    }

    fn begin(&self, of: impl Fn(&mut Board) -> &mut [Versions; CLIENTS]) -> u64 {
        let mut board = self.board.lock().unwrap();
        let versions = &mut of(&mut board)[self.number];
        versions.begun += 1;
        versions.begun
    }

    fn write(&mut self, path: &str, how: OpenFlags, version: u64) {
        let file = self.open(path, how, DescriptorFlags::WRITE).unwrap();
        let content = content(version);
        let (first, second) = content.split_at(self.random.below(content.len()));
        file.write(0, &first).unwrap();
        file.write(first.len() as u64, &second).unwrap();
    }

    /// A file that one client writes anew is as it was when it was last closed,
    /// or later; `torn` while it is being written.
    fn check_version(&mut self, path: &str, torn: bool, of: impl Fn(&Board) -> Versions) -> Result<(), String> {
        let before = of(&self.board.lock().unwrap()).closed;
        let read = self.read(path);
        let begun = of(&self.board.lock().unwrap()).begun;
        match read {
            Err(ErrorCode::NoEntry) if before == 0 => Ok(()),
            Err(code) => Err(format!("{code:?} for {path}, whose version {before} was closed")),
            Ok(bytes) => match version(&bytes) {
                Some(version) if (before..=begun).contains(&version) => Ok(()),
                None if torn && begun > before => Ok(()),
                version => {
                    Err(format!("{path} is version {version:?} of {} bytes, not {before} to {begun}", bytes.len()))
                }
            },
        }
    }

    fn turn(&mut self) -> Result<(), String> {
        let (log, other) = (self.random.below(LOGS.len()), self.random.below(CLIENTS));
        match self.random.below(10) {
            0..3 => self.append(log),
            3 => self.write_in_place(),
            4 => self.replace(),
            5 | 6 => return self.check_log(log),
            7 | 8 => return self.check_version(&format!("in-place-{other}"), true, |board| board.in_place[other]),
            _ => return self.check_version(&format!("replaced-{other}"), false, |board| board.replaced[other]),
        }
        Ok(())
    }
}

/// Whole lines, each once, those of one writer in their order, and all that
/// were promised.
fn check_lines(bytes: &[u8], promised: &[Line]) -> Result<(), String> {
    let text = String::from_utf8_lossy(bytes);
    let parse = |line: &str| {
        let (writer, number) = line.split_once(' ')?;
        Some((writer.parse::<usize>().ok()?, number.parse::<usize>().ok()?))
    };
    let lines: Vec<Line> =
        text.lines().map(|line| parse(line).ok_or_else(|| text.to_string())).collect::<Result<_, _>>()?;
    for writer in 0..CLIENTS {
        let of_writer: Vec<usize> = lines.iter().filter(|line| line.0 == writer).map(|line| line.1).collect();
        if !of_writer.is_sorted_by(|one, next| one < next) {
            return Err(format!("the lines of {writer} are {of_writer:?}"));
        }
    }
    match promised.iter().find(|line| !lines.contains(line)) {
        Some(line) => Err(format!("{line:?} is missing in {lines:?}")),
        None => Ok(()),
    }
}

fn check(seed: u64, weather: Weather) -> Result<(), String> {
    let mut random = Random::new(seed);
    let world = World::with_lease(Duration::from_secs(60));
    let storm = Storm::over(shared(), &world.name, weather, random.next());
    let board = Arc::new(Mutex::new(Board::default()));
    let new = |number| Guest::new(&storm, number, Arc::clone(&board), Random::new(random.next()));
    let guests: Vec<Guest> = (0..CLIENTS).map(new).collect();
    std::thread::scope(|scope| {
        let turns = |mut guest: Guest| move || (0..TURNS).try_for_each(|_| guest.turn());
        let threads: Vec<_> = guests.into_iter().map(|guest| scope.spawn(turns(guest))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().unwrap())
    })?;
    storm.calm();
    storm.replay();
    let mut last = Guest::new(&storm, 0, Arc::clone(&board), Random::new(seed));
    for (log, name) in LOGS.iter().enumerate() {
        last.check_log(log)?;
        let (lines, written) = (board.lock().unwrap().lines[log].len(), last.read(name).unwrap_or_default());
        if written.iter().filter(|byte| **byte == b'\n').count() != lines {
            return Err(format!("{lines} lines were written: {}", String::from_utf8_lossy(&written)));
        }
    }
    for number in 0..CLIENTS {
        last.check_version(&format!("in-place-{number}"), false, |board| board.in_place[number])?;
        last.check_version(&format!("replaced-{number}"), false, |board| board.replaced[number])?;
    }
    Ok(())
}

#[test]
fn what_was_closed_is_seen_whatever_is_lost_or_comes_twice() {
    let weather = Weather { lost_requests: 25, lost_replies: 25, repeated: 250, late: 10 };
    for_seeds(100, 24, |seed| check(seed, weather));
}

#[test]
fn on_a_good_network_what_was_closed_is_seen() {
    let weather = Weather { lost_requests: 0, lost_replies: 0, repeated: 100, late: 0 };
    for_seeds(100, 8, |seed| check(seed, weather));
}
