//! Another client changes a volume's bucket while the volume does: nothing is
//! lost, and both see the same in the end.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a failing test may panic")]

mod common;
mod outside;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use common::{Server, in_all_modes};
use larder_core::{CHUNK_BYTES, Descriptor, ErrorCode};
use larder_s3::{ConflictPolicy, ReadMode, S3Volume, WriteMode};
use outside::{
    Host, NOW, Outside, beside, everywhere, names, open_file, read, read_all, root, tree, try_read, try_write, write,
};

/// Programs in each mode; more with `LARDER_PROGRAMS`.
const PROGRAMS: u64 = 3;

/// Steps of a program.
const STEPS: u32 = 40;

const FILES: [&str; 3] = ["f0", "f1", "f2"];
const DIRECTORIES: [&str; 3] = ["d0", "d1", "d2"];

/// The volume and another client at work, and what must not be lost.
struct Program {
    volume: S3Volume,
    at: Descriptor,
    outside: Outside,
    random: fastrand::Rng,
    policy: ConflictPolicy,
    is_async: bool,
    next: u32,
    /// Contents that somebody wrote.
    made: BTreeSet<u32>,
    /// Of these, those that somebody removed or replaced who had seen them,
    /// and those that the policy gives up.
    excused: BTreeSet<u32>,
    /// Paths that the volume changed, and did not sync.
    unsynced: BTreeSet<String>,
    trace: Vec<String>,
}

/// The number that a content has in it.
fn number(content: &[u8]) -> Option<u32> {
    let text = content.strip_prefix(b"<")?;
    let end = text.iter().position(|byte| *byte == b'>')?;
    str::from_utf8(&text[..end]).ok()?.parse().ok()
}

fn both() -> Vec<String> {
    let below = DIRECTORIES.iter().flat_map(|above| FILES.map(|name| format!("{above}/{name}")));
    FILES.iter().map(|name| (*name).to_owned()).chain(below).collect()
}

impl Program {
    fn new(host: &Host, policy: ConflictPolicy, seed: u64) -> Self {
        let volume = host.open_with(|options| options.conflict = policy);
        Self {
            at: root(&volume),
            volume,
            outside: host.outside(),
            random: fastrand::Rng::with_seed(seed),
            policy,
            is_async: host.write == WriteMode::Async,
            next: 0,
            made: BTreeSet::new(),
            excused: BTreeSet::new(),
            unsynced: BTreeSet::new(),
            trace: Vec::new(),
        }
    }

    fn path(&mut self) -> String {
        let name = FILES[self.random.usize(..3)];
        if self.random.bool() { name.to_owned() } else { format!("{}/{name}", self.directory()) }
    }

    fn directory(&mut self) -> &'static str {
        DIRECTORIES[self.random.usize(..3)]
    }

    fn content(&mut self) -> (u32, Vec<u8>) {
        self.next += 1;
        let mut content = format!("<{}>", self.next).into_bytes();
        let size = if self.random.u32(..6) == 0 { 100_000 } else { self.random.usize(10..200) };
        content.resize(size, b'.');
        (self.next, content)
    }

    /// What the volume shows at a path.
    fn seen_here(&self, path: &str) -> Option<u32> {
        number(&try_read(&self.at, path).ok()?)
    }

    fn seen_outside(&self, path: &str) -> Option<u32> {
        number(&self.outside.get(path)?)
    }

    /// What `ours-wins` gives up as the volume changes a path: what it does not
    /// know of.
    fn unknown(&self, path: &str) -> Option<u32> {
        let here = self.seen_here(path);
        let theirs = if self.policy == ConflictPolicy::OursWins { self.seen_outside(path) } else { None };
        theirs.filter(|theirs| Some(*theirs) != here)
    }

    /// What is given up as the volume changes a path.
    fn at_stake(&self, path: &str) -> Vec<u32> {
        self.seen_here(path).into_iter().chain(self.unknown(path)).collect()
    }

    fn changed_here(&mut self, paths: impl IntoIterator<Item = String>, at_stake: Vec<u32>) {
        self.excused.extend(at_stake);
        if self.is_async {
            self.unsynced.extend(paths);
        }
    }

    fn done(&mut self, what: String, done: larder_core::Result<()>) -> bool {
        let is_done = done.is_ok();
        if let Err(error) = &done {
            let is_expected = !matches!(error.code(), ErrorCode::Io | ErrorCode::Access | ErrorCode::Busy);
            assert!(is_expected, "{what}: {error}, {:?}\n{}", self.volume.status(), self.trace.join("\n"));
        }
        self.trace.push(format!("{what}: {done:?}"));
        is_done
    }

    fn step(&mut self) {
        match self.random.u32(..24) {
            0..6 => {
                let path = self.path();
                let (number, content) = self.content();
                let at_stake = self.at_stake(&path);
                let written = try_write(&self.at, &path, &content);
                if self.done(format!("write {path} <{number}>"), written) {
                    self.made.insert(number);
                    self.changed_here([path], at_stake);
                }
            }
            6..9 => {
                let (from, to) = (self.path(), self.path());
                // Its source is given up as well where the volume does not
                // know what is there by now.
                let mut at_stake = self.at_stake(&to);
                at_stake.extend(self.unknown(&from));
                let renamed = self.at.rename_at(NOW, &from, &self.at, &to);
                if self.done(format!("rename {from} {to}"), renamed) && from != to {
                    self.changed_here([from, to], at_stake);
                }
            }
            9..11 => {
                let path = self.path();
                let at_stake = self.at_stake(&path);
                let removed = self.at.unlink_file_at(NOW, &path);
                if self.done(format!("remove {path}"), removed) {
                    self.changed_here([path], at_stake);
                }
            }
            11 => {
                let path = self.directory();
                let made = self.at.create_directory_at(NOW, path);
                self.done(format!("mkdir {path}"), made);
            }
            12 => {
                let path = self.directory();
                let removed = self.at.remove_directory_at(NOW, path);
                self.done(format!("rmdir {path}"), removed);
            }
            13 => {
                let (from, to) = (self.directory(), self.directory());
                let paths: Vec<_> =
                    both().into_iter().filter(|path| path.starts_with(from) || path.starts_with(to)).collect();
                let at_stake = paths.iter().filter_map(|path| self.unknown(path)).collect();
                let renamed = self.at.rename_at(NOW, from, &self.at, to);
                if self.done(format!("rename {from} {to}"), renamed) && from != to {
                    self.changed_here(paths, at_stake);
                }
            }
            14 => {
                self.volume.sync().unwrap_or_else(|error| panic!("{error}\n{}", self.trace.join("\n")));
                self.unsynced.clear();
                self.trace.push("sync".to_owned());
            }
            15..19 => {
                let path = self.path();
                let (number, content) = self.content();
                self.excused.extend(self.seen_outside(&path));
                self.outside.put(&path, &content);
                self.made.insert(number);
                if self.policy == ConflictPolicy::OursWins && self.unsynced.contains(&path) {
                    self.excused.insert(number);
                }
                self.trace.push(format!("outside: put {path} <{number}>"));
            }
            19..21 => {
                let path = self.path();
                self.excused.extend(self.seen_outside(&path));
                self.outside.delete(&path);
                self.trace.push(format!("outside: delete {path}"));
            }
            21 => {
                let (from, to) = (self.path(), self.path());
                if from != to {
                    self.excused.extend(self.seen_outside(&to));
                }
                let copied = self.outside.copy(&from, &to, &[("tool", "x")]);
                self.trace.push(format!("outside: copy {from} {to}: {copied}"));
            }
            _ => self.settle(),
        }
    }

    /// Both sides agree from here on.
    fn settle(&mut self) {
        let trace = || self.trace.join("\n");
        self.volume.sync().unwrap_or_else(|error| panic!("{error}\n{}", trace()));
        for round in 0.. {
            let changed = self.volume.refresh().unwrap_or_else(|error| panic!("{error}\n{}", trace()));
            if changed == 0 {
                break;
            }
            assert!(round < 10, "refreshing does not end\n{}", trace());
        }
        let (here, there) = (tree(&self.at), self.outside.tree());
        assert!(
            here == there,
            "the volume: {here:#?}\nthe bucket: {there:#?}\n{:#?}\n{}",
            self.volume.status().conflict_reports,
            trace()
        );
        let kept: BTreeSet<u32> = there.files.values().filter_map(|content| number(content)).collect();
        let lost: Vec<_> =
            self.made.iter().filter(|made| !self.excused.contains(made) && !kept.contains(made)).collect();
        assert!(
            lost.is_empty(),
            "lost: {lost:?}\nthe bucket: {there:#?}\n{:#?}\n{}",
            self.volume.status().conflict_reports,
            trace()
        );
        self.unsynced.clear();
        self.trace.push("settled".to_owned());
    }
}

fn programs(server: Server, read: ReadMode, write: WriteMode) {
    let count = std::env::var("LARDER_PROGRAMS").ok().and_then(|count| count.parse().ok()).unwrap_or(PROGRAMS);
    let only = std::env::var("LARDER_PROGRAM").ok().and_then(|seed| seed.parse().ok());
    for policy in [ConflictPolicy::BucketWins, ConflictPolicy::OursWins] {
        for seed in only.map_or(0..count, |seed| seed..seed + 1) {
            eprintln!("{server:?} read={read} write={write} conflict={policy} LARDER_PROGRAM={seed}");
            let mut host = Host::new(server, read, write);
            let mut program = Program::new(&host, policy, seed);
            for _ in 0..STEPS {
                program.step();
            }
            program.settle();
            let Program { volume, at, outside, trace, .. } = program;
            let before = tree(&at);
            drop(at);
            volume.close().unwrap();
            host.empty();
            let volume = host.open();
            let at = root(&volume);
            let mut after = tree(&at);
            // SeaweedFS lists a directory without a marker for some time after
            // all in it is gone.
            let begun = Instant::now();
            while server == Server::Weed && after != before && begun.elapsed() < Duration::from_secs(20) {
                assert_eq!(after.files, before.files, "{}", trace.join("\n"));
                std::thread::sleep(Duration::from_millis(100));
                volume.refresh().unwrap();
                after = tree(&at);
            }
            assert!(after == before, "before: {before:#?}\nafter: {after:#?}\n{}", trace.join("\n"));
            assert_eq!(outside.reserved(), [""; 0], "{}", trace.join("\n"));
        }
    }
}

macro_rules! tests {
    ($($name:ident: $server:ident $read:ident $write:ident;)*) => {
        $(#[test]
        fn $name() {
            programs(Server::$server, ReadMode::$read, WriteMode::$write);
        })*
    };
}

in_all_modes!(tests);

#[test]
fn what_another_client_did_is_seen() {
    everywhere(|host| {
        let (volume, outside) = (host.open(), host.outside());
        let at = root(&volume);
        for name in ["replaced", "gone", "stays"] {
            write(&at, name, b"old");
        }
        at.create_directory_at(NOW, "d").unwrap();
        volume.sync().unwrap();
        let (replaced, gone) = (open_file(&at, "replaced").unwrap(), open_file(&at, "gone").unwrap());
        assert_eq!(read_all(&replaced).unwrap(), b"old");
        assert_eq!(read_all(&gone).unwrap(), b"old");

        outside.put("replaced", b"newer");
        outside.delete("gone");
        outside.put("new", b"1");
        outside.put("d/new", b"2");
        outside.put("made/below/new", b"3");
        if host.read == ReadMode::Through {
            assert_eq!(read(&at, "replaced"), "newer");
            assert_eq!(try_read(&at, "gone").unwrap_err().code(), ErrorCode::NoEntry);
            assert_eq!(read(&at, "new"), "1");
            assert_eq!(read(&at, "d/new"), "2");
        }
        volume.refresh().unwrap();
        assert_eq!(volume.refresh().unwrap(), 0);
        assert_eq!(read(&at, "replaced"), "newer");
        assert_eq!(try_read(&at, "gone").unwrap_err().code(), ErrorCode::NoEntry);
        assert_eq!(read(&at, "new"), "1");
        assert_eq!(read(&at, "d/new"), "2");
        assert_eq!(read(&at, "made/below/new"), "3");
        assert_eq!(read(&at, "stays"), "old");
        // What an opening brings in is not counted.
        let least = if host.read == ReadMode::Through { 1 } else { 5 };
        assert!(volume.status().external_changes >= least, "{:?}", volume.status());
        // Who has it open keeps the version that he opened.
        assert_eq!(read_all(&replaced).unwrap(), b"old");
        assert_eq!(read_all(&gone).unwrap(), b"old");

        outside.delete("made/below/new");
        outside.delete("d/new");
        volume.refresh().unwrap();
        assert!(!names(&at, ".").contains(&"made".to_owned()));
        assert_eq!(names(&at, "d"), [""; 0]);
        assert_eq!(volume.status().conflicts, 0, "{:?}", volume.status());
        assert_eq!(tree(&at), outside.tree());
    });
}

/// A file that is open with changes, which another client replaced.
fn conflict(host: &Host, policy: ConflictPolicy) -> (S3Volume, Outside, Descriptor, Descriptor) {
    let (volume, outside) = (host.open_with(|options| options.conflict = policy), host.outside());
    let at = root(&volume);
    write(&at, "f", b"base");
    volume.sync().unwrap();
    let file = open_file(&at, "f").unwrap();
    file.write(NOW, 0, b"ours").unwrap();
    outside.put("f", b"theirs");
    (volume, outside, at, file)
}

#[test]
fn in_a_conflict_the_bucket_wins() {
    everywhere(|host| {
        let (volume, outside, at, file) = conflict(host, ConflictPolicy::BucketWins);
        file.sync().unwrap();
        let status = volume.status();
        assert_eq!(status.conflicts, 1, "{status:?}");
        assert_eq!(read(&at, "f"), "theirs");
        let beside = beside(&at, ".", "f");
        assert_eq!(beside.len(), 1, "{beside:?}");
        assert_eq!(read(&at, &beside[0]), "ours");
        assert!(status.conflict_reports[0].contains(&beside[0]), "{status:?}");
        assert_eq!(outside.get("f").unwrap(), b"theirs");
        assert_eq!(outside.get(&beside[0]).unwrap(), b"ours");
        // Who has it open goes on there.
        file.write(NOW, 4, b", and more").unwrap();
        file.sync().unwrap();
        assert_eq!(outside.get("f").unwrap(), b"theirs");
        assert_eq!(outside.get(&beside[0]).unwrap(), b"ours, and more");
        assert_eq!(read(&at, &beside[0]), "ours, and more");
        drop(file);
        volume.sync().unwrap();
        assert_eq!(volume.refresh().unwrap(), 0);
        assert_eq!(volume.status().conflicts, 1);
        assert_eq!(tree(&at), outside.tree());
    });
}

#[test]
fn in_a_conflict_ours_wins() {
    everywhere(|host| {
        let (volume, outside, at, file) = conflict(host, ConflictPolicy::OursWins);
        file.sync().unwrap();
        assert_eq!(volume.status().conflicts, 1, "{:?}", volume.status());
        assert_eq!(read(&at, "f"), "ours");
        assert_eq!(outside.get("f").unwrap(), b"ours");
        assert_eq!(volume.refresh().unwrap(), 0);
        assert_eq!(names(&at, "."), ["f"]);
        file.write(NOW, 4, b", and more").unwrap();
        file.sync().unwrap();
        assert_eq!(outside.get("f").unwrap(), b"ours, and more");
        assert_eq!(volume.status().conflicts, 1);
    });
}

#[test]
fn in_a_conflict_all_stops() {
    everywhere(|host| {
        let (volume, outside, at, file) = conflict(host, ConflictPolicy::Fail);
        assert_eq!(file.sync().unwrap_err().code(), ErrorCode::Io);
        let status = volume.status();
        assert_eq!((status.state.as_str(), status.conflicts), ("halted", 1), "{status:?}");
        let trouble = status.trouble.unwrap();
        assert!(trouble.contains("\"f\"") && trouble.contains("conflict=bucket-wins"), "{trouble}");
        assert_eq!(file.write(NOW, 0, b"x").unwrap_err().code(), ErrorCode::Io);
        assert_eq!(try_write(&at, "g", b"x").unwrap_err().code(), ErrorCode::Io);
        assert_eq!(at.create_directory_at(NOW, "d").unwrap_err().code(), ErrorCode::Io);
        assert_eq!(read_all(&file).unwrap(), b"ours");
        assert_eq!(outside.get("f").unwrap(), b"theirs");
        drop((file, at));
        assert!(volume.close().unwrap_err().to_string().contains("conflict=bucket-wins"));
        assert_eq!(outside.tree().files.len(), 1);
    });
}

/// What the journal kept of a change, when the volume is opened again and
/// another client has changed the same.
fn recovered(
    policy: ConflictPolicy,
    change: impl Fn(&Descriptor),
    theirs: impl Fn(&Outside),
    check: impl Fn(&Descriptor, ReadMode),
) {
    for server in Server::ALL {
        for (_, read) in ReadMode::ALL {
            eprintln!("{server:?} read={read} conflict={policy}");
            let host = Host::new(server, *read, WriteMode::Async);
            let (volume, outside) = (host.open_with(|options| options.conflict = policy), host.outside());
            let at = root(&volume);
            write(&at, "f", b"base");
            volume.sync().unwrap();
            change(&at);
            drop(at);
            drop(volume);
            theirs(&outside);
            let volume = host.open_with(|options| options.conflict = policy);
            assert!(volume.status().conflicts > 0, "{:?}", volume.status());
            let at = root(&volume);
            check(&at, *read);
            assert_eq!(tree(&at), outside.tree());
        }
    }
}

#[test]
fn a_file_that_is_recovered_is_not_mixed_with_another_clients() {
    for policy in [ConflictPolicy::BucketWins, ConflictPolicy::OursWins] {
        let change = |at: &Descriptor| write(at, "f", b"ours");
        let check = |at: &Descriptor, _| {
            let ours = match policy {
                ConflictPolicy::OursWins => "f".to_owned(),
                _ => beside(at, ".", "f").pop().unwrap(),
            };
            assert_eq!(read(at, &ours), "ours");
            if policy != ConflictPolicy::OursWins {
                assert_eq!(read(at, "f"), "theirs");
            }
        };
        recovered(policy, change, |outside| outside.put("f", b"theirs"), check);
    }
}

#[test]
fn a_file_that_is_made_again_is_not_mixed_with_another_clients() {
    let change = |at: &Descriptor| write(at, "new", b"ours");
    let check = |at: &Descriptor, _| {
        assert_eq!(read(at, "new"), "theirs and longer");
        assert_eq!(read(at, &beside(at, ".", "new").pop().unwrap()), "ours");
    };
    recovered(ConflictPolicy::BucketWins, change, |outside| outside.put("new", b"theirs and longer"), check);
}

#[test]
fn a_removal_that_is_recovered_does_not_remove_another_clients() {
    let check = |at: &Descriptor, _| assert_eq!(read(at, "f"), "theirs");
    let change = |at: &Descriptor| at.unlink_file_at(NOW, "f").unwrap();
    recovered(ConflictPolicy::BucketWins, change, |outside| outside.put("f", b"theirs"), check);
}

#[test]
fn a_file_is_recovered_whole_or_beside_another_clients() {
    // Only some of it is in the journal.
    for (_, policy) in ConflictPolicy::ALL.iter().filter(|(_, policy)| *policy != ConflictPolicy::Fail) {
        let change = |at: &Descriptor| {
            open_file(at, "f").unwrap().write(NOW, 2, b"!").unwrap();
        };
        let check = |at: &Descriptor, _| {
            assert_eq!(read(at, "f"), "theirs");
            assert_eq!(read(at, &beside(at, ".", "f").pop().unwrap()), "\0\0!\0");
        };
        recovered(*policy, change, |outside| outside.put("f", b"theirs"), check);
    }
}

#[test]
fn a_file_that_is_recovered_and_was_removed_is_back() {
    let change = |at: &Descriptor| {
        open_file(at, "f").unwrap().write(NOW, 2, b"!").unwrap();
    };
    recovered(
        ConflictPolicy::BucketWins,
        change,
        |outside| outside.delete("f"),
        |at, _| {
            assert_eq!(read(at, "f"), "\0\0!\0");
        },
    );
}

#[test]
fn a_file_that_is_recovered_goes_on_under_its_new_name() {
    let change = |at: &Descriptor| {
        write(at, "f", b"ours");
        at.create_directory_at(NOW, "d").unwrap();
        at.rename_at(NOW, "f", at, "d/g").unwrap();
        open_file(at, "d/g").unwrap().write(NOW, 4, b" and more").unwrap();
    };
    recovered(
        ConflictPolicy::BucketWins,
        change,
        |outside| outside.put("f", b"theirs"),
        |at, _| {
            assert_eq!(read(at, "f"), "theirs");
            assert_eq!(read(at, "d/g"), "ours and more");
            assert_eq!((names(at, "."), names(at, "d")), (vec!["d".to_owned(), "f".to_owned()], vec!["g".to_owned()]));
        },
    );
}

#[test]
fn a_rename_that_is_recovered_does_not_replace_another_clients() {
    for policy in [ConflictPolicy::BucketWins, ConflictPolicy::OursWins] {
        let change = |at: &Descriptor| at.rename_at(NOW, "f", at, "g").unwrap();
        recovered(
            policy,
            change,
            |outside| outside.put("g", b"theirs"),
            |at, _| {
                if policy == ConflictPolicy::OursWins {
                    assert_eq!((names(at, "."), read(at, "g")), (vec!["g".to_owned()], "base".to_owned()));
                } else {
                    assert_eq!(read(at, "g"), "theirs");
                    assert_eq!(read(at, &beside(at, ".", "g").pop().unwrap()), "base");
                }
            },
        );
    }
}

#[test]
fn times_that_are_recovered_are_not_given_to_another_clients() {
    let time = larder_core::SetTime::At(larder_core::Timestamp { seconds: 5, nanoseconds: 0 });
    let change = |at: &Descriptor| {
        at.set_times_at(NOW, larder_core::Follow::No, "f", larder_core::SetTime::Keep, time).unwrap();
    };
    recovered(
        ConflictPolicy::BucketWins,
        change,
        |outside| outside.put("f", b"theirs"),
        |at, _| {
            assert_eq!(read(at, "f"), "theirs");
            let found = at.stat_at(larder_core::Follow::No, "f").unwrap();
            assert!(found.modified.seconds > 5, "{found:?}");
        },
    );
}

#[test]
fn a_directory_that_is_recovered_has_another_clients_file_for_a_name() {
    let change = |at: &Descriptor| {
        at.create_directory_at(NOW, "d").unwrap();
        write(at, "d/in", b"ours");
    };
    recovered(
        ConflictPolicy::BucketWins,
        change,
        |outside| outside.put("d", b"theirs"),
        |at, _| {
            assert_eq!(read(at, "d"), "theirs");
            let ours = beside(at, ".", "d").pop().unwrap();
            assert_eq!(read(at, &format!("{ours}/in")), "ours");
        },
    );
}

/// What is recovered is no conflict with what the same journal's groups wrote
/// before.
#[test]
fn what_this_volume_wrote_is_no_other_clients() {
    for server in Server::ALL {
        for (_, read_mode) in ReadMode::ALL {
            let host = Host::new(server, *read_mode, WriteMode::Async);
            for round in 0..3 {
                let volume = host.open();
                assert_eq!(volume.status().conflicts, 0, "{:?}", volume.status());
                let at = root(&volume);
                if round > 0 {
                    assert_eq!(read(&at, "f"), format!("ours {}", round - 1));
                    assert_eq!(names(&at, "."), ["f", "g"]);
                }
                write(&at, "f", b"base");
                volume.sync().unwrap();
                write(&at, "f", format!("ours {round}").as_bytes());
                write(&at, "new", b"x");
                at.rename_at(NOW, "new", &at, "g").unwrap();
            }
        }
    }
}

#[test]
fn with_fail_a_conflict_in_the_journal_is_not_opened() {
    for server in Server::ALL {
        let host = Host::new(server, ReadMode::Cached, WriteMode::Async);
        let open = |policy| outside::open(larder_s3::S3Options { conflict: policy, ..host.options() });
        let (volume, outside) = (open(ConflictPolicy::Fail).unwrap(), host.outside());
        let at = root(&volume);
        write(&at, "f", b"base");
        volume.sync().unwrap();
        write(&at, "f", b"ours");
        write(&at, "g", b"more");
        drop((at, volume));
        outside.put("f", b"theirs");
        for _ in 0..2 {
            let error = open(ConflictPolicy::Fail).err().unwrap().to_string();
            assert!(error.contains("\"f\"") && error.contains("conflict=bucket-wins"), "{error}");
            assert_eq!(outside.get("f").unwrap(), b"theirs");
            assert!(outside.get("g").is_none());
        }
        let volume = open(ConflictPolicy::OursWins).unwrap();
        let at = root(&volume);
        assert_eq!((read(&at, "f"), read(&at, "g")), ("ours".to_owned(), "more".to_owned()));
        assert_eq!(outside.get("f").unwrap(), b"ours");
    }
}

/// The note of a group that removes a file, as the process of this number of a
/// volume's state directory writes it.
fn note(host: &Host, session: u64) -> Vec<u8> {
    let kept: serde_json::Value =
        serde_json::from_slice(&std::fs::read(host.state.path().join("session.json")).unwrap()).unwrap();
    let step = serde_json::json!({
        "key": format!("{}/f", host.prefix), "path": "f", "phase": "Delete", "condition": "Always", "token": "",
        "what": "Delete",
    });
    let note = serde_json::json!({ "version": 1, "writer": kept["writer"], "session": session, "steps": [step] });
    let json = note.to_string().into_bytes();
    [u32::try_from(json.len()).unwrap().to_be_bytes().to_vec(), json].concat()
}

/// A note that comes when the process that sent it was killed, and the next one
/// has changed what it is about.
#[test]
fn a_note_that_comes_late_is_not_carried_out() {
    everywhere(|host| {
        for _ in 0..2 {
            let volume = host.open();
            write(&root(&volume), "f", b"ours");
            volume.close().unwrap();
        }
        let outside = host.outside();
        outside.put(".larder/intents/late", &note(host, 1));
        let volume = host.open();
        assert_eq!((read(&root(&volume), "f"), outside.reserved().len()), ("ours".to_owned(), 0));
        volume.close().unwrap();
        // That of the last process is.
        outside.put(".larder/intents/unfinished", &note(host, 3));
        let volume = host.open();
        assert_eq!((names(&root(&volume), "."), outside.reserved().len()), (Vec::<String>::new(), 0));
    });
}

#[test]
fn what_another_client_removed_is_made_anew_if_it_was_changed() {
    for (_, policy) in ConflictPolicy::ALL {
        everywhere(|host| {
            let (volume, outside) = (host.open_with(|options| options.conflict = *policy), host.outside());
            let at = root(&volume);
            write(&at, "f", b"base");
            write(&at, "large", &vec![b'b'; 100_000]);
            volume.sync().unwrap();
            let (file, large) = (open_file(&at, "f").unwrap(), open_file(&at, "large").unwrap());
            file.write(NOW, 0, b"ours").unwrap();
            large.write(NOW, 0, b"ours").unwrap();
            outside.delete("f");
            outside.delete("large");
            drop((file, large));
            volume.sync().unwrap();
            assert_eq!(outside.get("f").unwrap(), b"ours");
            assert!(outside.get("large").unwrap().starts_with(b"oursbbbb"));
            assert_eq!(volume.refresh().unwrap(), 0);
            assert_eq!(tree(&at), outside.tree());
            assert_eq!(names(&at, "."), ["f", "large"]);
        });
    }
}

#[test]
fn what_was_removed_here_and_changed_by_another_client() {
    for (_, policy) in ConflictPolicy::ALL {
        everywhere(|host| {
            let (volume, outside) = (host.open_with(|options| options.conflict = *policy), host.outside());
            let at = root(&volume);
            write(&at, "f", b"base");
            volume.sync().unwrap();
            outside.put("f", b"theirs");
            let removed = at.unlink_file_at(NOW, "f");
            let synced = volume.sync();
            if *policy == ConflictPolicy::Fail {
                assert!(synced.is_err());
                assert_eq!(removed.is_err(), host.write == WriteMode::Through);
                assert_eq!(volume.status().state, "halted");
                assert_eq!(outside.get("f").unwrap(), b"theirs");
                return;
            }
            removed.unwrap();
            synced.unwrap();
            assert_eq!(volume.status().conflicts, 1, "{:?}", volume.status());
            if *policy == ConflictPolicy::BucketWins {
                assert_eq!(read(&at, "f"), "theirs");
                assert_eq!(outside.get("f").unwrap(), b"theirs");
            } else {
                assert_eq!(outside.get("f"), None);
                assert_eq!(names(&at, "."), [""; 0]);
            }
            assert_eq!(volume.refresh().unwrap(), 0);
            assert_eq!(tree(&at), outside.tree());
        });
    }
}

/// What was in memory of a version that another client replaced goes with its
/// new name; the other client's version stays.
#[test]
fn what_was_renamed_here_and_replaced_by_another_client() {
    for policy in [ConflictPolicy::BucketWins, ConflictPolicy::OursWins] {
        everywhere(|host| {
            let (volume, outside) = (host.open_with(|options| options.conflict = policy), host.outside());
            let at = root(&volume);
            write(&at, "f", b"base");
            volume.sync().unwrap();
            outside.put("f", b"theirs");
            at.rename_at(NOW, "f", &at, "g").unwrap();
            volume.sync().unwrap();
            volume.refresh().unwrap();
            let tree = tree(&at);
            assert_eq!(tree, outside.tree());
            assert_eq!(tree.files.get("g").map(Vec::as_slice), Some(&b"base"[..]), "conflict={policy}");
            let theirs = tree.files.get("f").map(Vec::as_slice);
            assert_eq!(theirs, (policy == ConflictPolicy::BucketWins).then_some(&b"theirs"[..]));
        });
    }
}

/// What was not in memory of a version that another client replaced is gone:
/// that does not stop the rest.
#[test]
fn what_is_not_in_memory_and_replaced_by_another_client() {
    for policy in [ConflictPolicy::BucketWins, ConflictPolicy::OursWins] {
        everywhere(|host| {
            let (volume, outside) = (host.open(), host.outside());
            let at = root(&volume);
            let large = vec![b'b'; 300_000];
            for name in ["changed", "changed-gone", "renamed", "renamed-gone", "swapped", "touched", "touched-gone"] {
                write(&at, name, &large);
            }
            drop(at);
            volume.close().unwrap();
            host.empty();

            let volume = host.open_with(|options| options.conflict = policy);
            let at = root(&volume);
            // Whoever opens a file with `read=through` sees what is there then.
            let (changed, changed_gone) = (open_file(&at, "changed").unwrap(), open_file(&at, "changed-gone").unwrap());
            for name in ["changed", "renamed", "swapped", "touched"] {
                outside.put(name, b"theirs");
            }
            for name in ["changed-gone", "renamed-gone", "touched-gone"] {
                outside.delete(name);
            }
            // All of a chunk: nothing has to be loaded for it.
            let ours = vec![b'o'; CHUNK_BYTES];
            let chunk = CHUNK_BYTES..2 * CHUNK_BYTES;
            changed.write(NOW, chunk.start as u64, &ours).unwrap();
            changed_gone.write(NOW, chunk.start as u64, &ours).unwrap();
            drop((changed, changed_gone));
            at.rename_at(NOW, "renamed", &at, "renamed-here").unwrap();
            at.rename_at(NOW, "renamed-gone", &at, "renamed-gone-here").unwrap();
            at.rename_at(NOW, "swapped", &at, "swapped-here").unwrap();
            write(&at, "swapped", b"ours");
            let time = larder_core::SetTime::At(NOW);
            for name in ["touched", "touched-gone"] {
                at.set_times_at(NOW, larder_core::Follow::No, name, time, time).unwrap();
            }
            write(&at, "other", b"other");
            volume.sync().unwrap();
            while volume.refresh().unwrap() > 0 {}
            let status = volume.status();
            let tree = tree(&at);
            assert_eq!(tree, outside.tree(), "{:#?}", status.conflict_reports);
            let file = |name: &str| tree.files.get(name).map(Vec::as_slice);
            assert_eq!(file("other"), Some(&b"other"[..]));
            // Zeros replace nothing, whatever the policy.
            assert_eq!(file("changed"), Some(&b"theirs"[..]));
            let beside = beside(&at, ".", "changed");
            assert_eq!(beside.len(), 1, "{tree:?}");
            let mut torn = vec![0; 300_000];
            torn[chunk].copy_from_slice(&ours);
            assert!(file(&beside[0]).unwrap() == torn && file("changed-gone").unwrap() == torn, "{tree:?}");
            assert_eq!(file("touched"), Some(&b"theirs"[..]));
            assert_eq!(file("touched-gone"), None);
            assert_eq!(file("renamed-gone-here"), None);
            let theirs = Some(&b"theirs"[..]);
            if policy == ConflictPolicy::BucketWins {
                assert_eq!((file("renamed"), file("renamed-here")), (theirs, None));
                assert_eq!(file("swapped-here"), None);
                // With `write=through` theirs is back before it is written here.
                let is_seen = host.write == WriteMode::Through;
                assert_eq!(file("swapped"), if is_seen { Some(&b"ours"[..]) } else { theirs });
            } else {
                assert_eq!((file("renamed"), file("renamed-here")), (None, theirs));
                assert_eq!(file("swapped"), Some(&b"ours"[..]));
            }
            assert!(status.conflicts >= 7, "{:#?}", status.conflict_reports);
        });
    }
}

#[test]
fn what_tools_note_on_an_object_goes_with_it() {
    everywhere(|host| {
        let outside = host.outside();
        outside.put_with("f", b"content", &[("uid", "1000"), ("color", "blue"), ("mtime", "1600000000.5")]);
        let volume = host.open();
        let at = root(&volume);
        at.rename_at(NOW, "f", &at, "g").unwrap();
        at.create_directory_at(NOW, "d").unwrap();
        at.rename_at(NOW, "g", &at, "d/h").unwrap();
        at.rename_at(NOW, "d", &at, "e").unwrap();
        volume.sync().unwrap();
        let metadata = outside.head("e/h").unwrap().metadata;
        let field = |name: &str| metadata.get(name).map(String::as_str);
        assert_eq!((field("uid"), field("color")), (Some("1000"), Some("blue")), "{metadata:?}");
        assert_eq!(field("mtime"), Some("1600000000.500000000"), "{metadata:?}");
    });
}

#[test]
fn keys_that_are_no_paths_are_reported_and_left_alone() {
    everywhere(|host| {
        let outside = host.outside();
        // The other server takes them for paths all the same, or refuses them.
        let foreign: &[&str] = match host.server {
            Server::Weed => &["d/f"],
            Server::S3sFs => &["d//x", "d/../y", "d/f", "z//"],
        };
        foreign.iter().for_each(|key| outside.put(key, b"foreign"));
        outside.put("d/f/below", b"hides d/f");
        outside.put("d/g", b"1");
        let volume = host.open();
        let at = root(&volume);
        assert_eq!(read(&at, "d/f/below"), "hides d/f");
        volume.refresh().unwrap();
        let status = volume.status();
        for key in foreign {
            let report = status.foreign_keys.iter().any(|report| report.contains(key));
            assert!(report, "{key}: {status:?}");
        }
        assert!(status.foreign >= foreign.len() as u64, "{status:?}");
        write(&at, "d/g", b"2");
        at.rename_at(NOW, "d/g", &at, "d/f/g").unwrap();
        at.rename_at(NOW, "d", &at, "e").unwrap();
        at.unlink_file_at(NOW, "e/f/g").unwrap();
        at.unlink_file_at(NOW, "e/f/below").unwrap();
        at.remove_directory_at(NOW, "e/f").unwrap();
        at.remove_directory_at(NOW, "e").unwrap();
        volume.sync().unwrap();
        volume.refresh().unwrap();
        for key in foreign {
            assert_eq!(outside.get(key).as_deref(), Some(&b"foreign"[..]), "{key}");
        }
    });
}
