//! A process that works on a volume is killed with SIGKILL, again and again,
//! in every mode, on both servers. What it finished is there, and what is there
//! is what it had done by some moment.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a failing test may panic")]

mod common;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{Server, bucket_options, in_all_modes, new_prefix, options};
use larder_core::{
    Descriptor, DescriptorFlags, FileType, Follow, Limits, OpenFlags, Rights, Timestamp, View, Volume, VolumeOptions,
};
use larder_s3::{ReadMode, S3Options, S3Volume, WriteMode};

/// How often the process is killed in each mode; more with `LARDER_KILLS`.
const KILLS: u32 = 12;

/// How long it works at most before it is killed.
const LONGEST_MILLISECONDS: u64 = 400;

/// What a request under way takes until it is carried out, though its client is
/// gone.
const SETTLED: Duration = Duration::from_millis(500);

const NOW: Timestamp = Timestamp { seconds: 1_700_000_000, nanoseconds: 0 };

/// One change of the volume: one record of it.
#[derive(Clone, Debug)]
enum Step {
    Create(String),
    Write(String, u64, usize, u8),
    Cut(String, u64),
    Directory(String),
    Remove(String),
    RemoveDirectory(String),
    Rename(String, String),
    Link(String, String),
    Symlink(String, String),
    Sync,
}

/// The steps of a seed: always the same.
fn step(seed: u64, number: u64) -> Step {
    let mut random = fastrand::Rng::with_seed(seed.wrapping_mul(0x9e37_79b9).wrapping_add(number));
    let name = |random: &mut fastrand::Rng| ["a", "b", "c"][random.usize(..3)].to_owned();
    let path =
        |random: &mut fastrand::Rng| (0..random.usize(1..=3)).map(|_| name(random)).collect::<Vec<_>>().join("/");
    let (one, other) = (path(&mut random), path(&mut random));
    match random.u32(..20) {
        0..3 => Step::Create(one),
        3..7 => {
            let length = if random.u32(..8) == 0 { random.usize(..400_000) } else { random.usize(1..5000) };
            Step::Write(one, random.u64(..100_000), length, random.u8(1..))
        }
        7 => Step::Cut(one, random.u64(..50_000)),
        8..11 => Step::Directory(one),
        11 => Step::Remove(one),
        12 => Step::RemoveDirectory(one),
        13..16 => Step::Rename(one, other),
        16 => Step::Link(one, other),
        17 => Step::Symlink(one, other),
        _ => Step::Sync,
    }
}

/// Carries a step out; whether it could be.
fn carry_out(root: &Descriptor, step: &Step) -> bool {
    let open = |path: &str, flags| root.open_at(NOW, Follow::No, path, flags, DescriptorFlags::WRITE);
    let done = match step {
        Step::Create(path) => open(path, OpenFlags::CREATE | OpenFlags::EXCLUSIVE).map(drop),
        Step::Write(path, offset, length, byte) => {
            open(path, OpenFlags::empty()).and_then(|file| file.write(NOW, *offset, &vec![*byte; *length]).map(drop))
        }
        Step::Cut(path, size) => open(path, OpenFlags::empty()).and_then(|file| file.set_size(NOW, *size)),
        Step::Directory(path) => root.create_directory_at(NOW, path),
        Step::Remove(path) => root.unlink_file_at(NOW, path),
        Step::RemoveDirectory(path) => root.remove_directory_at(NOW, path),
        Step::Rename(from, to) => root.rename_at(NOW, from, root, to),
        Step::Link(from, to) => root.link_at(NOW, Follow::No, from, root, to),
        Step::Symlink(target, path) => root.symlink_at(NOW, target, path),
        Step::Sync => root.sync(),
    };
    done.is_ok()
}

/// All that one can see of a volume: contents by path; files with one inode
/// have one number.
type Seen = BTreeMap<String, (String, u64)>;

fn see(root: &Descriptor) -> Seen {
    let mut seen = Seen::new();
    let mut open = vec![String::new()];
    let mut inodes = BTreeMap::new();
    while let Some(at) = open.pop() {
        let path = if at.is_empty() { "." } else { &at };
        let directory = root.open_at(NOW, Follow::No, path, OpenFlags::DIRECTORY, DescriptorFlags::READ).unwrap();
        let mut entries = directory.read_directory(0, usize::MAX).unwrap();
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        for entry in entries {
            let path = if at.is_empty() { entry.name.to_string() } else { format!("{at}/{}", entry.name) };
            let what = match entry.file_type {
                FileType::Directory => {
                    open.push(path.clone());
                    "directory".to_owned()
                }
                FileType::SymbolicLink => format!("link to {}", root.readlink_at(&path).unwrap()),
                FileType::RegularFile => {
                    let file = root.open_at(NOW, Follow::No, &path, OpenFlags::empty(), DescriptorFlags::READ).unwrap();
                    let size = file.size().unwrap();
                    let bytes = file.read(0, usize::try_from(size).unwrap()).unwrap().into_bytes();
                    format!("{size} bytes, {:08x}", crc32fast::hash(&bytes))
                }
            };
            let next = inodes.len() as u64;
            let inode =
                if entry.file_type == FileType::RegularFile { *inodes.entry(entry.id).or_insert(next) } else { 0 };
            seen.insert(path, (what, inode));
        }
    }
    // Numbered by path, whatever the order of directories.
    let mut numbers = BTreeMap::new();
    for (_, inode) in seen.values_mut() {
        let next = numbers.len() as u64;
        *inode = *numbers.entry(*inode).or_insert(next);
    }
    seen
}

fn root(volume: &Arc<Volume>) -> Descriptor {
    View::new(volume, Rights::READ_WRITE).unwrap().root().unwrap()
}

const CHILD: &str = "LARDER_S3_KILL_CHILD";

fn volume_options(
    server: Server,
    access: Option<(&str, &str)>,
    prefix: &str,
    state: &Path,
    modes: (ReadMode, WriteMode),
) -> S3Options {
    let bucket = match access {
        None => bucket_options(&server.access(), server.bucket()),
        Some((endpoint, bucket)) => {
            let mut options = larder_bucket::BucketOptions { bucket: bucket.into(), ..Default::default() };
            options.endpoint = Some(endpoint.into());
            options
        }
    };
    S3Options { age: Duration::from_millis(30), ..options(bucket, prefix, state, modes.0, modes.1) }
}

fn open(options: S3Options) -> S3Volume {
    S3Volume::open(options, Limits { bytes: u64::MAX, ..Limits::default() }).unwrap()
}

/// The process that is killed: works from a step on, and tells each that is
/// done.
#[test]
fn child() {
    let Ok(arguments) = std::env::var(CHILD) else { return };
    let [endpoint, bucket, prefix, state, read, write, seed, from] =
        arguments.split('\n').collect::<Vec<_>>().try_into().unwrap();
    let modes = (read.parse().unwrap(), write.parse().unwrap());
    let options = volume_options(Server::Weed, Some((endpoint, bucket)), prefix, Path::new(state), modes);
    let volume = open(options);
    let at = root(volume.volume());
    let mut out = std::fs::File::options().append(true).open(Path::new(state).join("done")).unwrap();
    writeln!(out, "ready").unwrap();
    for number in from.parse().unwrap().. {
        carry_out(&at, &step(seed.parse().unwrap(), number));
        writeln!(out, "{number}").unwrap();
        let status = volume.status();
        if status.conflicts + status.external_changes > 0 {
            writeln!(
                out,
                "not alone at {number}: {:?}, {} changes of others",
                status.conflict_reports, status.external_changes
            )
            .unwrap();
        }
    }
}

struct Test {
    server: Server,
    modes: (ReadMode, WriteMode),
    prefix: String,
    state: tempfile::TempDir,
    seed: u64,
}

impl Test {
    /// Lets a process work from a step on, and kills it; the number of the
    /// first step that it did not finish.
    fn work(&self, from: u64, milliseconds: u64) -> u64 {
        let access = self.server.access();
        let state = self.state.path().to_str().unwrap();
        let done = self.state.path().join("done");
        std::fs::write(&done, "").unwrap();
        let (read, write) = (self.modes.0.to_string(), self.modes.1.to_string());
        let (seed, from_text) = (self.seed.to_string(), from.to_string());
        let arguments =
            [&access.endpoint, self.server.bucket(), &self.prefix, state, &read, &write, &seed, &from_text].join("\n");
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["child", "--exact", "--nocapture", "--test-threads=1"])
            .env(CHILD, arguments)
            .env("AWS_ACCESS_KEY_ID", &access.access_key)
            .env("AWS_SECRET_ACCESS_KEY", &access.secret_key)
            .env("AWS_REGION", &access.region)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        while std::fs::metadata(&done).unwrap().len() == 0 {
            assert!(begun.elapsed() < Duration::from_secs(60), "the volume is not opened");
            assert!(child.try_wait().unwrap().is_none(), "the child ended");
            std::thread::sleep(Duration::from_millis(2));
        }
        std::thread::sleep(Duration::from_millis(milliseconds));
        child.kill().unwrap();
        child.wait().unwrap();
        // A request that is under way when its client dies is carried out all the
        // same: docs/s3.md, "Limits of it". A restart takes longer than this.
        std::thread::sleep(SETTLED);
        let lines = BufReader::new(std::fs::File::open(&done).unwrap()).lines();
        let lines: Vec<String> = lines.map(Result::unwrap).collect();
        // Nobody else works on it.
        let other = lines.iter().find(|line| line.starts_with("not alone"));
        assert_eq!(other, None, "from {from}");
        let last = lines.iter().filter_map(|line| line.parse::<u64>().ok()).next_back();
        last.map_or(from, |last| last + 1)
    }

    fn options(&self, state: &Path) -> S3Options {
        volume_options(self.server, None, &self.prefix, state, self.modes)
    }
}

/// States of the volume after each number of steps, from one on.
struct Model {
    volume: Arc<Volume>,
    root: Descriptor,
    seed: u64,
    /// After so many steps, what one sees.
    states: Vec<Seen>,
    /// The number of steps of each last `Sync`.
    synced: Vec<u64>,
}

impl Model {
    fn new(seed: u64) -> Self {
        let volume = Volume::new(VolumeOptions::default());
        let root = root(&volume);
        Self { volume, root, seed, states: vec![Seen::new()], synced: vec![0] }
    }

    fn steps(&mut self, to: u64) {
        while (self.states.len() as u64) <= to {
            let number = self.states.len() as u64 - 1;
            let step = step(self.seed, number);
            carry_out(&self.root, &step);
            let synced = if matches!(step, Step::Sync) { number + 1 } else { *self.synced.last().unwrap() };
            self.synced.push(synced);
            self.states.push(see(&self.root));
        }
    }

    /// The last number of steps up to `to` after which a volume looks so.
    fn find(&mut self, seen: &Seen, least: u64, to: u64) -> Option<u64> {
        self.steps(to);
        (least..=to).rev().find(|steps| self.states[usize::try_from(*steps).unwrap()] == *seen)
    }
}

fn kills(server: Server, read: ReadMode, write: WriteMode) {
    let count = std::env::var("LARDER_KILLS").ok().and_then(|count| count.parse().ok()).unwrap_or(KILLS);
    let mut random = fastrand::Rng::with_seed(server as u64 * 100 + write as u64 * 10 + read as u64);
    let test = Test {
        server,
        modes: (read, write),
        prefix: new_prefix(),
        state: tempfile::tempdir().unwrap(),
        seed: random.u64(..),
    };
    let mut model = Model::new(test.seed);
    let mut at = 0;
    for kill in 0..count {
        let finished = test.work(at, random.u64(..LONGEST_MILLISECONDS));
        eprintln!("{server:?} read={read} write={write}: killed after {at}..{finished}");
        // The step under way may have been done.
        let most = finished + 1;
        model.steps(most);
        let complain = |what: &str, seen: &Seen, model: &Model| -> ! {
            let expected = &model.states[usize::try_from(finished).unwrap()];
            let difference = difference(seen, expected);
            let same: Vec<_> = (0..model.states.len()).filter(|steps| model.states[*steps] == *seen).collect();
            let last = (finished.saturating_sub(if std::env::var_os("LARDER_KILL_TRACE").is_some() { 150 } else { 4 })
                ..=finished)
                .map(|number| (number, step(model.seed, number)))
                .collect::<Vec<_>>();
            let what = format!("{what}; it looks as after {same:?}; the last steps: {last:?}");
            panic!("{server:?} read={read} write={write} kill {kill}, {finished} steps finished: {what}{difference}")
        };
        if write == WriteMode::Async && random.bool() {
            // An empty host: what was synced, and a moment since.
            let elsewhere = tempfile::tempdir().unwrap();
            let volume = open(test.options(elsewhere.path()));
            let seen = see(&root(volume.volume()));
            let synced = model.synced[usize::try_from(finished).unwrap()];
            if model.find(&seen, synced, most).is_none() {
                complain("the bucket shows no moment since the last sync", &seen, &model);
            }
            volume.close().unwrap();
        }
        let volume = open(test.options(test.state.path()));
        let seen = see(&root(volume.volume()));
        let status = volume.status();
        assert_eq!(status.conflicts, 0, "{:?}", status.conflict_reports);
        let Some(steps) = model.find(&seen, finished, most) else {
            complain("what was acknowledged is not there", &seen, &model);
        };
        volume.close().unwrap();
        at = steps;
        // The steps that fail in the one fail in the other: go on from there.
        let _ = &model.volume;
    }
    assert!(at > 0, "nothing was done");
    eprintln!("{server:?} read={read} write={write}: {at} steps, {count} kills");
}

/// What differs: by path what is seen and what is expected.
fn difference(seen: &Seen, expected: &Seen) -> String {
    let paths: std::collections::BTreeSet<_> = seen.keys().chain(expected.keys()).collect();
    let differ = paths.into_iter().filter(|path| seen.get(*path) != expected.get(*path));
    differ.map(|path| format!("\n  {path}: seen {:?}, expected {:?}", seen.get(path), expected.get(path))).collect()
}

/// Nobody is killed; another host looks every few steps.
fn looks(server: Server, read: ReadMode, write: WriteMode, seed: u64, steps: u64) {
    let state = tempfile::tempdir().unwrap();
    let (prefix, modes) = (new_prefix(), (read, write));
    let mut volume = open(volume_options(server, None, &prefix, state.path(), modes));
    let mut at = root(volume.volume());
    let mut model = Model::new(seed);
    let mut last = 0;
    for number in 0..steps {
        if number % 50 == 49 {
            drop((at, volume));
            volume = open(volume_options(server, None, &prefix, state.path(), modes));
            at = root(volume.volume());
        }
        carry_out(&at, &step(seed, number));
        if !number.is_multiple_of(10) {
            continue;
        }
        at.sync().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let other = open(volume_options(server, None, &prefix, elsewhere.path(), modes));
        let seen = see(&root(other.volume()));
        model.steps(number + 1);
        let expected = &model.states[usize::try_from(number + 1).unwrap()];
        let steps: Vec<_> = (last..=number).map(|number| (number, step(seed, number))).collect();
        let here = difference(&see(&at), expected);
        assert!(
            here.is_empty(),
            "{server:?} read={read} write={write} seed {seed}, in the volume itself: {here}\n{steps:?}"
        );
        let difference = difference(&seen, expected);
        assert!(difference.is_empty(), "{server:?} read={read} write={write} seed {seed}: {difference}\n{steps:?}");
        last = number + 1;
    }
}

#[test]
fn other_hosts_see_what_was_synced() {
    for seed in 0..3 {
        for server in Server::ALL {
            looks(server, ReadMode::Cached, WriteMode::Through, seed, 250);
            looks(server, ReadMode::Through, WriteMode::Async, seed, 250);
        }
    }
}

/// A volume that is opened anew does what one does that has seen all.
#[test]
fn what_is_not_listed_yet_is_changed_like_the_rest() {
    for (seed, server) in
        [(fastrand::Rng::with_seed(101).u64(..), Server::S3sFs), (1, Server::S3sFs), (2, Server::Weed)]
    {
        let state = tempfile::tempdir().unwrap();
        let (prefix, modes) = (new_prefix(), (ReadMode::Through, WriteMode::Through));
        let mut model = Model::new(seed);
        let mut number = 0;
        while number < 660 {
            let volume = open(volume_options(server, None, &prefix, state.path(), modes));
            let at = root(volume.volume());
            for _ in 0..15 {
                carry_out(&at, &step(seed, number));
                number += 1;
            }
            model.steps(number);
            let steps: Vec<_> = (number - 15..number).map(|number| (number, step(seed, number))).collect();
            let before = &model.states[usize::try_from(number - 15).unwrap()];
            let difference = difference(&see(&at), &model.states[usize::try_from(number).unwrap()]);
            assert!(difference.is_empty(), "seed {seed}: {difference}\n{steps:?}\nbefore: {before:?}");
            volume.close().unwrap();
        }
    }
}

macro_rules! tests {
    ($($name:ident: $server:ident $read:ident $write:ident;)*) => {
        $(#[test]
        fn $name() {
            kills(Server::$server, ReadMode::$read, WriteMode::$write);
        })*
    };
}

in_all_modes!(tests);
