//! The bucket is in trouble: what guests are told, in bounded time, and what is
//! in the bucket once it works again.
#![allow(
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failing test may panic"
)]

mod common;
mod outside;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use common::Server;
use larder_core::{Descriptor, ErrorCode, OpenFlags};
use larder_s3::{ReadMode, S3Options, S3Volume, WriteMode};
use larder_test_s3::{Answer, Fault, Faults, Kind, Rule};
use outside::{Host, NOW, Tree, open, open_file, read, read_all, root, tree, try_read, try_write, write, write_all};

/// How long an operation waits for a bucket that does nothing.
const PATIENCE: Duration = Duration::from_secs(2);

/// What an operation takes at most: its attempts, and its patience. Machines
/// that run tests are slow.
const BOUND: Duration = Duration::from_secs(15);

/// Calls a test in all modes on both servers, each with a network before it.
fn everywhere(test: impl Fn(&mut Host, &Faults)) {
    outside::everywhere(|host| {
        let faults = Faults::to(&host.server.access().endpoint);
        host.bucket.endpoint = Some(faults.endpoint());
        host.bucket.attempts = 2;
        host.bucket.request_timeout = Duration::from_secs(3);
        host.bucket.first_pause = Duration::from_millis(10);
        test(host, &faults);
    });
}

fn opened(host: &Host) -> S3Volume {
    host.open_with(impatient)
}

fn impatient(options: &mut S3Options) {
    options.patience = PATIENCE;
}

fn in_time<T>(what: &str, act: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let done = act();
    assert!(begun.elapsed() < BOUND, "{what} took {:?}", begun.elapsed());
    done
}

/// Until the bucket has all changes: pauses between attempts have grown.
fn synced(volume: &S3Volume) {
    let begun = Instant::now();
    while let Err(error) = volume.sync() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{error}: {:?}", volume.status());
    }
    let status = volume.status();
    assert_eq!((status.state.as_str(), status.trouble), ("ready", None));
}

/// The volume, the bucket and a volume on an empty host show the same tree.
fn all_agree(mut host: Host, volume: S3Volume, at: Descriptor) -> Tree {
    let here = tree(&at);
    assert_eq!(here, host.outside().tree());
    drop(at);
    volume.close().unwrap();
    host.empty();
    let volume = opened(&host);
    assert_eq!(tree(&root(&volume)), here);
    assert_eq!(host.outside().reserved(), [""; 0]);
    here
}

/// Takes the host out, for [`all_agree`].
fn take(host: &mut Host) -> Host {
    let next = Host::new(host.server, host.read, host.write);
    std::mem::replace(host, next)
}

#[test]
fn a_bucket_that_is_down_cannot_be_opened() {
    everywhere(|host, faults| {
        faults.down();
        let mut options = host.options();
        impatient(&mut options);
        let error = in_time("opening", || open(options)).err().unwrap();
        assert_eq!(error.code(), ErrorCode::Io);
        let text = error.to_string();
        assert!(text.contains(&faults.endpoint()) && text.contains("check the endpoint"), "{text}");
        faults.up();
        opened(host);
    });
}

#[test]
fn a_bucket_that_goes_down_gets_the_changes_when_it_is_up() {
    everywhere(|host, faults| {
        let volume = opened(host);
        let at = root(&volume);
        write(&at, "f", b"before");
        write(&at, "moved", b"moved");
        volume.sync().unwrap();
        assert_eq!(read(&at, "f"), "before");
        let file = open_file(&at, "f").unwrap();

        faults.down();
        assert_eq!(in_time("reading", || read_all(&file)).unwrap(), b"before");
        assert_eq!(in_time("opening", || try_read(&at, "f")).unwrap(), b"before");
        let is_async = host.write == WriteMode::Async;
        let changes: [(&str, &dyn Fn() -> larder_core::Result<()>); 3] = [
            ("mkdir", &|| at.create_directory_at(NOW, "d")),
            ("rename", &|| at.rename_at(NOW, "moved", &at, "d/moved")),
            ("create", &|| {
                let flags = OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
                let write = larder_core::DescriptorFlags::WRITE;
                write_all(&at.open_at(NOW, larder_core::Follow::No, "d/new", flags, write)?, 0, b"new")
            }),
        ];
        for (what, change) in changes {
            match in_time(what, change) {
                Ok(()) => assert!(is_async || what == "create", "{what}"),
                // With `read=through` the bucket is asked whether there is
                // such a file, and does not answer.
                Err(error) => {
                    assert!(!is_async || (what == "create" && host.read == ReadMode::Through), "{what}: {error}");
                    assert_eq!(error.code(), ErrorCode::Io, "{what}");
                }
            }
        }
        file.write(NOW, 0, b"behind").unwrap();
        drop(file);
        assert_eq!(in_time("sync", || at.sync()).unwrap_err().code(), ErrorCode::Io);
        let error = in_time("sync", || volume.sync()).unwrap_err();
        assert!(error.to_string().contains("check the endpoint"), "{error}");
        let status = volume.status();
        assert_eq!(status.state, "failing");
        assert!(status.failures > 0 && status.trouble.is_some(), "{status:?}");
        assert_eq!(read(&at, "f"), "behind");

        faults.up();
        synced(&volume);
        let tree = all_agree(take(host), volume, at);
        assert_eq!(tree.files["f"], b"behind");
        assert_eq!(tree.files["d/moved"], b"moved");
        assert!(!tree.files.contains_key("moved"), "{tree:?}");
    });
}

#[test]
fn what_waits_for_a_bucket_that_is_down_is_bounded() {
    everywhere(|host, faults| {
        let volume = opened(host);
        let at = root(&volume);
        write(&at, "f", b"");
        volume.sync().unwrap();
        let file = open_file(&at, "f").unwrap();
        faults.down();
        let most = host.options().most_dirty();
        let piece: Vec<u8> = (0..1_u32 << 20).map(|at| (at >> 8) as u8).collect();
        let mut written = 0;
        let error = loop {
            match in_time("writing", || file.write(NOW, written, &piece)) {
                Ok(length) => written += length as u64,
                Err(error) => break error,
            }
            assert!(written <= most, "{written}");
        };
        assert_eq!(error.code(), ErrorCode::Io);
        assert!(written >= most - (2 << 20), "{written}");
        assert_eq!(in_time("writing", || file.write(NOW, written, &piece)).unwrap_err().code(), ErrorCode::Io);
        let status = volume.status();
        assert!(status.dirty_bytes <= most && status.state == "failing", "{status:?}");
        assert_eq!(file.size().unwrap(), written);

        faults.up();
        synced(&volume);
        assert_eq!(volume.status().dirty_bytes, 0);
        file.write(NOW, written, b"the end").unwrap();
        drop(file);
        synced(&volume);
        let content = host.outside().get("f").unwrap();
        assert_eq!(content.len() as u64, written + 7);
        assert!(content.chunks(1 << 20).all(|part| part == &piece[..part.len()] || part == b"the end"));
    });
}

/// Random changes, and what they come to.
fn work(at: &Descriptor, seed: u64, steps: u32) -> Tree {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for name in ["d0", "d1"] {
        at.create_directory_at(NOW, name).unwrap();
    }
    for step in 0..steps {
        let mut path = || format!("{}f{}", ["", "d0/", "d1/"][random.usize(..3)], random.u32(..4));
        let (one, other) = (path(), path());
        match random.u32(..8) {
            0..5 => {
                let size = [10, 100, 100_000][random.usize(..3)];
                let content = format!("{step}.").repeat(size / 2).into_bytes();
                write(at, &one, &content);
                files.insert(one, content);
            }
            5..7 => {
                if at.rename_at(NOW, &one, at, &other).is_ok() {
                    let content = files.remove(&one).unwrap();
                    files.insert(other, content);
                }
            }
            _ => {
                if at.unlink_file_at(NOW, &one).is_ok() {
                    files.remove(&one).unwrap();
                }
            }
        }
    }
    Tree { files, directories: ["d0".to_owned(), "d1".to_owned()].into() }
}

/// Random changes with a rule for the network, which all happen, and are no
/// conflicts.
fn works_with(rules: &[Rule], steps: u32) {
    everywhere(|host, faults| {
        host.bucket.attempts = 10;
        let volume = opened(host);
        let at = root(&volume);
        rules.iter().for_each(|rule| faults.set(rule.clone()));
        let expected = work(&at, 7, steps);
        synced(&volume);
        faults.clear();
        let status = volume.status();
        assert_eq!(status.conflicts, 0, "{status:?}");
        let seen = all_agree(take(host), volume, at);
        assert_eq!(seen, expected);
    });
}

#[test]
fn a_bucket_that_wants_fewer_requests_gets_all_changes() {
    works_with(&[Rule::new(Fault::Answer(Answer::SLOW_DOWN)).chance(0.3, 1)], 40);
}

#[test]
fn a_change_whose_answer_is_lost_is_no_conflict() {
    let lost = |method: &'static str, seed| Rule::new(Fault::ResetAfter).method(method).chance(0.4, seed);
    works_with(&[lost("PUT", 1), lost("DELETE", 2), lost("POST", 3)], 40);
}

#[test]
fn a_bucket_that_fails_after_the_change_is_no_conflict() {
    let lost = |method: &'static str, seed| {
        Rule::new(Fault::AnswerAfter(Answer::INTERNAL_ERROR)).method(method).chance(0.4, seed)
    };
    works_with(&[lost("PUT", 1), lost("DELETE", 2), lost("POST", 3)], 30);
}

#[test]
fn a_slow_network_takes_its_time() {
    works_with(&[Rule::new(Fault::Latency(Duration::from_millis(200)))], 6);
}

#[test]
fn a_large_upload_whose_answers_are_lost_is_whole() {
    everywhere(|host, faults| {
        host.bucket.attempts = 10;
        let volume = opened(host);
        let at = root(&volume);
        let content: Vec<u8> = (0..18_u32 << 20).map(|at| (at >> 11) as u8).collect();
        for kind in [Kind::CreateMultipart, Kind::UploadPart, Kind::CompleteMultipart, Kind::AbortMultipart] {
            faults.set(Rule::new(Fault::ResetAfter).kind(kind).times(2));
        }
        write(&at, "large", &content);
        synced(&volume);
        assert_eq!(volume.status().conflicts, 0, "{:?}", volume.status());
        assert!(host.outside().get("large").unwrap() == content);
    });
}

/// Reads give what was written, or `io`.
#[test]
fn answers_that_break_off_are_never_taken_for_content() {
    everywhere(|host, faults| {
        let volume = opened(host);
        let at = root(&volume);
        let content: Vec<u8> = (0..3_u32 << 20).map(|at| (at >> 10) as u8 ^ at as u8).collect();
        write(&at, "large", &content);
        write(&at, "small", &content[..5000]);
        drop(at);
        volume.close().unwrap();
        host.empty();
        let volume = opened(host);
        let at = root(&volume);
        faults.set(Rule::new(Fault::Truncate(1234)).kind(Kind::Get).chance(0.7, 5));
        for name in ["small", "large"] {
            let length = if name == "small" { 5000 } else { content.len() };
            for _ in 0..3 {
                match in_time("reading", || try_read(&at, name)) {
                    Ok(read) => assert!(read == content[..length], "{name}"),
                    Err(error) => assert_eq!(error.code(), ErrorCode::Io),
                }
            }
        }
        faults.clear();
        assert!(try_read(&at, "small").unwrap() == content[..5000]);
        assert!(try_read(&at, "large").unwrap() == content);
    });
}

/// Our own notes are compared with their checksums.
#[test]
fn a_note_that_is_damaged_on_its_way_is_not_carried_out() {
    everywhere(|host, faults| {
        let volume = opened(host);
        let at = root(&volume);
        for name in ["a", "b"] {
            write(&at, name, b"one");
        }
        synced(&volume);
        // The note is written, and nothing else.
        faults.set(Rule::new(Fault::ResetBefore).kind(Kind::Copy));
        let _ = at.rename_at(NOW, "a", &at, "c");
        assert!(volume.sync().is_err());
        drop(at);
        drop(volume);
        assert_eq!(host.outside().reserved().len(), 1);
        host.empty();
        faults.clear();
        faults.set(Rule::new(Fault::Corrupt(40)).kind(Kind::Get).path("intents"));
        let mut options = host.options();
        impatient(&mut options);
        let error = in_time("opening", || open(options)).err().unwrap();
        assert_eq!(error.code(), ErrorCode::Io, "{error}");
        faults.clear();
        let volume = opened(host);
        let seen = tree(&root(&volume));
        assert_eq!(seen.files.keys().collect::<Vec<_>>(), ["b", "c"]);
        assert_eq!(seen, host.outside().tree());
    });
}

#[test]
fn credentials_that_are_wrong_are_told() {
    everywhere(|host, faults| {
        let volume = opened(host);
        let at = root(&volume);
        write(&at, "f", b"before");
        volume.sync().unwrap();
        faults.set(Rule::new(Fault::Answer(Answer::INVALID_KEY)));
        let made = in_time("mkdir", || at.create_directory_at(NOW, "d"));
        if host.write == WriteMode::Through {
            assert_eq!(made.unwrap_err().code(), ErrorCode::Access);
        }
        assert_eq!(in_time("sync", || at.sync()).unwrap_err().code(), ErrorCode::Access);
        let error = in_time("sync", || volume.sync()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Access);
        let trouble = volume.status().trouble.unwrap();
        assert!(trouble.contains("InvalidAccessKeyId") && trouble.contains("check the access key"), "{trouble}");
        assert!(error.to_string().contains("check the access key"), "{error}");
        assert_eq!(read(&at, "f"), "before");
        faults.clear();
        faults.set(Rule::new(Fault::Answer(Answer::FULL)).method("PUT"));
        // From the next attempt on.
        std::thread::sleep(Duration::from_secs(1));
        let code = in_time("sync", || volume.sync()).unwrap_err().code();
        assert!(matches!(code, ErrorCode::InsufficientSpace | ErrorCode::Access), "{code:?}");
        faults.clear();
        synced(&volume);
        all_agree(take(host), volume, at);

        host.bucket.credentials = Some((host.server.access().access_key, "wrong".to_owned()));
        let error = in_time("opening", || open(host.options())).err().unwrap();
        assert_eq!(error.code(), ErrorCode::Access);
        assert!(error.to_string().contains("check the secret key"), "{error}");
    });
}

/// The network goes down after so many requests, and then the process.
fn renames(server: Server, read: ReadMode, write_mode: WriteMode) {
    const FILES: u32 = 50;
    let mut host = Host::new(server, read, write_mode);
    let faults = Faults::to(&server.access().endpoint);
    host.bucket.endpoint = Some(faults.endpoint());
    host.bucket.attempts = 1;
    let outside = host.outside();
    // With markers: SeaweedFS lists a directory without one for some time
    // after all in it is gone.
    let volume = opened(&host);
    root(&volume).create_directory_at(NOW, "one").unwrap();
    root(&volume).create_directory_at(NOW, "one/below").unwrap();
    volume.close().unwrap();
    for file in 0..FILES {
        outside.put(&format!("one/below/f{file}"), format!("{file}").as_bytes());
    }
    let mut names = ["one", "other"];
    let mut renames = 0;
    for requests in [0, 1, 2, 3, 30, 53, 54, 80, 104, 200] {
        let volume = opened(&host);
        let at = root(&volume);
        // Listed, which a rename needs.
        tree(&at);
        faults.set(Rule::new(Fault::ResetBefore).skip(requests));
        let renamed = at.rename_at(NOW, names[0], &at, names[1]);
        let synced = volume.sync();
        drop(at);
        drop(volume);
        faults.clear();
        let is_kept = write_mode == WriteMode::Async && requests % 2 == 1;
        if !is_kept {
            host.empty();
        }
        let volume = opened(&host);
        let seen = tree(&root(&volume));
        let is_renamed = seen.directories.contains(names[1]);
        let what = format!("{server:?} {read} {write_mode}, {requests} requests: {renamed:?}, {synced:?}");
        assert!(is_renamed || (synced.is_err() && !is_kept), "{what}");
        let top = if is_renamed { names[1] } else { names[0] };
        let expected: BTreeMap<String, Vec<u8>> =
            (0..FILES).map(|file| (format!("{top}/below/f{file}"), format!("{file}").into_bytes())).collect();
        assert_eq!(seen.files, expected, "{what}");
        assert_eq!(seen.directories, [top.to_owned(), format!("{top}/below")].into(), "{what}");
        assert_eq!(seen, outside.tree(), "{what}");
        assert_eq!(volume.status().conflicts, 0, "{what}: {:?}", volume.status().conflict_reports);
        volume.close().unwrap();
        assert_eq!(outside.reserved(), [""; 0], "{what}");
        if is_renamed {
            names.swap(0, 1);
            renames += 1;
        }
    }
    assert!(renames > 3, "{renames}");
}

#[test]
fn a_directory_is_renamed_as_a_whole_or_not_at_all_on_weed() {
    renames(Server::Weed, ReadMode::Cached, WriteMode::Through);
    renames(Server::Weed, ReadMode::Through, WriteMode::Async);
}

#[test]
fn a_directory_is_renamed_as_a_whole_or_not_at_all_on_s3s() {
    renames(Server::S3sFs, ReadMode::Through, WriteMode::Through);
    renames(Server::S3sFs, ReadMode::Cached, WriteMode::Async);
}

/// Who closes a file is told of nothing.
#[test]
fn a_file_that_is_closed_while_the_bucket_is_down_is_kept() {
    everywhere(|host, faults| {
        let volume = opened(host);
        let at = root(&volume);
        write(&at, "f", b"before");
        volume.sync().unwrap();
        faults.down();
        if let Err(error) = in_time("writing", || try_write(&at, "f", b"after")) {
            panic!("{error}");
        }
        faults.up();
        synced(&volume);
        assert_eq!(host.outside().get("f").unwrap(), b"after");
    });
}
