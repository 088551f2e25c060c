//! Volumes in buckets as their users see them, in every mode, on both servers.
#![allow(
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failing test may panic"
)]

use std::time::Duration;

use larder_bucket::{Bucket, BucketOptions};
use larder_core::{Descriptor, DescriptorFlags, Follow, Limits, OpenFlags, Rights, Timestamp, View};
use larder_s3::{JournalServer, ReadMode, S3Options, S3Volume, WriteMode};
use larder_test_s3::{Access, S3sFs, Weed};

const NOW: Timestamp = Timestamp { seconds: 1_700_000_000, nanoseconds: 5 };

struct Place {
    access: Access,
    bucket: String,
    state: tempfile::TempDir,
    _server: Option<S3sFs>,
}

fn places() -> Vec<Place> {
    let server = S3sFs::start();
    let name = || format!("volume-{:x}", fastrand::u64(..));
    let place = |access: Access, server| {
        let bucket = name();
        access.make_bucket(&bucket);
        Place { access, bucket, state: tempfile::tempdir().unwrap(), _server: server }
    };
    vec![place(Weed::shared().access(), None), place(server.access(), Some(server))]
}

impl Place {
    fn bucket_options(&self) -> BucketOptions {
        BucketOptions {
            bucket: self.bucket.clone(),
            endpoint: Some(self.access.endpoint.clone()),
            region: Some(self.access.region.clone()),
            credentials: Some((self.access.access_key.clone(), self.access.secret_key.clone())),
            ..BucketOptions::default()
        }
    }

    fn options(&self, read: ReadMode, write: WriteMode) -> S3Options {
        S3Options {
            bucket: self.bucket_options(),
            prefix: format!("{read}-{write}"),
            read,
            write,
            poll: None,
            memory: S3Options::LEAST_MEMORY,
            state: Some(self.state.path().join(format!("{read}-{write}"))),
            ..S3Options::default()
        }
    }

    fn open(&self, read: ReadMode, write: WriteMode) -> S3Volume {
        S3Volume::open(self.options(read, write), Limits { bytes: u64::MAX, ..Limits::default() }).unwrap()
    }
}

fn everywhere(test: impl Fn(&Place, ReadMode, WriteMode)) {
    for place in places() {
        for (_, read) in ReadMode::ALL {
            for (_, write) in WriteMode::ALL {
                eprintln!("{} read={read} write={write}", place.access.endpoint);
                test(&place, *read, *write);
            }
        }
    }
}

fn root(volume: &S3Volume) -> Descriptor {
    View::new(volume.volume(), Rights::READ_WRITE).unwrap().root().unwrap()
}

fn write(root: &Descriptor, path: &str, data: &[u8]) {
    let flags = OpenFlags::CREATE | OpenFlags::TRUNCATE;
    let file = root.open_at(NOW, Follow::Yes, path, flags, DescriptorFlags::WRITE).unwrap();
    let mut done = 0;
    while done < data.len() {
        done += file.write(NOW, done as u64, &data[done..]).unwrap();
    }
}

fn read(root: &Descriptor, path: &str) -> Vec<u8> {
    let file = root.open_at(NOW, Follow::Yes, path, OpenFlags::empty(), DescriptorFlags::READ).unwrap();
    let mut content = Vec::new();
    while (content.len() as u64) < file.size().unwrap() {
        let bytes = file.read(content.len() as u64, 1 << 20).unwrap().into_bytes();
        content.extend_from_slice(&bytes);
    }
    content
}

fn tree(root: &Descriptor, at: &str, out: &mut Vec<String>) {
    let path = if at.is_empty() { "." } else { at };
    let directory = root.open_at(NOW, Follow::No, path, OpenFlags::DIRECTORY, DescriptorFlags::READ).unwrap();
    for entry in directory.read_directory(0, usize::MAX).unwrap() {
        let path = if at.is_empty() { entry.name.to_string() } else { format!("{at}/{}", entry.name) };
        if entry.file_type == larder_core::FileType::Directory {
            tree(root, &path, out);
            out.push(format!("{path}/"));
        } else {
            out.push(path);
        }
    }
}

fn assert_same(seen: &[u8], expected: &[u8]) {
    assert_eq!(seen.len(), expected.len());
    if seen == expected {
        return;
    }
    let differs = |(at, (one, other)): (usize, (&u8, &u8))| (one != other).then_some((at, *one, *other));
    let first = seen.iter().zip(expected).enumerate().find_map(differs);
    let count = seen.iter().zip(expected).filter(|(one, other)| one != other).count();
    assert_eq!(first, None, "{count} bytes differ, of {}", seen.len());
}

fn whole_tree(root: &Descriptor) -> Vec<String> {
    let mut out = Vec::new();
    tree(root, "", &mut out);
    out.sort();
    out
}

#[test]
fn what_was_written_is_there_on_an_empty_host() {
    everywhere(|place, mode, writes| {
        let volume = place.open(mode, writes);
        let at = root(&volume);
        at.create_directory_at(NOW, "d").unwrap();
        at.create_directory_at(NOW, "empty").unwrap();
        at.create_directory_at(NOW, "d/e").unwrap();
        write(&at, "a", b"one");
        write(&at, "d/b", b"two");
        write(&at, "d/e/c", &vec![7; 200_000]);
        at.symlink_at(NOW, "d/b", "link").unwrap();
        at.link_at(NOW, Follow::No, "a", &at, "d/hard").unwrap();
        write(&at, "gone", b"x");
        at.unlink_file_at(NOW, "gone").unwrap();
        at.rename_at(NOW, "d/e", &at, "moved").unwrap();
        write(&at, "d/x", b"x");
        at.unlink_file_at(NOW, "d/x").unwrap();
        let before = whole_tree(&at);
        at.sync().unwrap();
        drop(at);
        volume.close().unwrap();

        // Another host: no journal.
        std::fs::remove_dir_all(place.state.path()).unwrap();
        let volume = place.open(mode, writes);
        let at = root(&volume);
        assert_eq!(whole_tree(&at), before);
        assert_eq!(before, ["a", "d/", "d/b", "d/hard", "empty/", "link", "moved/", "moved/c"]);
        assert_eq!(read(&at, "a"), b"one");
        assert_eq!(read(&at, "link"), b"two");
        assert_eq!(read(&at, "moved/c"), vec![7; 200_000]);
        let (one, other) = (at.stat_at(Follow::No, "a").unwrap(), at.stat_at(Follow::No, "d/hard").unwrap());
        assert_eq!((one.id, one.link_count), (other.id, 2));
        assert_eq!(one.modified, NOW);
        // It goes on.
        write(&at, "a", b"three");
        assert_eq!(read(&at, "d/hard"), b"three");
        at.rename_at(NOW, "moved", &at, "again").unwrap();
        at.sync().unwrap();
        let status = volume.status();
        assert_eq!((status.conflicts, status.failures), (0, 0), "{status:?}");
        drop(at);
        drop(volume);
        let volume = place.open(mode, writes);
        let at = root(&volume);
        assert_eq!(read(&at, "d/hard"), b"three");
        assert_eq!(read(&at, "a"), b"three");
        assert_eq!(read(&at, "again/c").len(), 200_000);
        assert!(volume.wait_restored(Duration::from_secs(10)));
    });
}

#[test]
fn large_files_go_up_in_parts_and_unchanged_parts_are_copied() {
    everywhere(|place, mode, writes| {
        let volume = place.open(mode, writes);
        let at = root(&volume);
        let mut content: Vec<u8> = (0..26_u32 << 20).map(|at| (at >> 12) as u8 ^ at as u8).collect();
        write(&at, "large", &content);
        at.sync().unwrap();
        let file = at.open_at(NOW, Follow::No, "large", OpenFlags::empty(), DescriptorFlags::WRITE).unwrap();
        file.write(NOW, 13 << 20, b"changed").unwrap();
        content[13 << 20..][..7].copy_from_slice(b"changed");
        file.sync().unwrap();
        drop(file);
        at.rename_at(NOW, "large", &at, "renamed").unwrap();
        at.sync().unwrap();
        assert_same(&read(&at, "renamed"), &content);
        drop(at);
        drop(volume);
        std::fs::remove_dir_all(place.state.path()).unwrap();
        let volume = place.open(mode, writes);
        let at = root(&volume);
        assert_eq!(whole_tree(&at), ["renamed"]);
        assert_same(&read(&at, "renamed"), &content);
        assert_eq!(volume.status().conflicts, 0);
    });
}

#[test]
fn nothing_of_ours_is_left_in_the_bucket() {
    everywhere(|place, mode, writes| {
        let volume = place.open(mode, writes);
        let at = root(&volume);
        for name in 0..50 {
            write(&at, &format!("f{name}"), &[1; 100]);
        }
        at.sync().unwrap();
        for (from, to) in [("f0", "swap"), ("f1", "f0"), ("swap", "f1")] {
            at.rename_at(NOW, from, &at, to).unwrap();
        }
        at.sync().unwrap();
        drop(at);
        volume.close().unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let left = runtime.block_on(async {
            let bucket = Bucket::connect(place.bucket_options()).await.unwrap();
            bucket.list(&format!("{mode}-{writes}/.larder/"), false, None, None).await.unwrap()
        });
        let keys: Vec<_> = left.objects.iter().map(|object| &object.key).filter(|key| !key.ends_with('/')).collect();
        assert!(keys.is_empty(), "{keys:?}");
    });
}

/// With the journal on a server, nothing that was acknowledged needs this host.
#[test]
fn a_journal_in_jetstream_survives_the_host() {
    let nats = larder_test_nats::Nats::with("jetstream { store_dir: \"streams\" }\n");
    for place in places() {
        let journal_server = Some(JournalServer { url: nats.url(), ..JournalServer::default() });
        let options = S3Options {
            state: None,
            age: Duration::from_secs(3600),
            journal_server,
            ..place.options(ReadMode::Cached, WriteMode::Async)
        };
        let open = || S3Volume::open(options.clone(), Limits::default()).unwrap();
        for round in 0..3_u8 {
            let volume = open();
            let at = root(&volume);
            if round > 0 {
                let file = at.open_at(NOW, Follow::No, "f", OpenFlags::empty(), DescriptorFlags::READ).unwrap();
                assert_eq!(file.stat().unwrap().size, u64::from(round));
            }
            let flags = OpenFlags::CREATE;
            let file = at.open_at(NOW, Follow::No, "f", flags, DescriptorFlags::WRITE).unwrap();
            file.write(NOW, round.into(), &[round]).unwrap();
            assert!(volume.status().journal_bytes > 0);
        }
        let volume = open();
        volume.sync().unwrap();
        assert_eq!(volume.status().conflicts, 0, "{:?}", volume.status());
    }
}

#[test]
fn a_journal_server_that_is_not_there_is_told_of() {
    let place = &places()[0];
    let server = JournalServer { url: "nats://127.0.0.1:9".to_owned(), ..JournalServer::default() };
    let options =
        S3Options { state: None, journal_server: Some(server), ..place.options(ReadMode::Cached, WriteMode::Async) };
    let error = S3Volume::open(options, Limits::default()).err().unwrap().to_string();
    assert!(error.contains("nats://127.0.0.1:9 (`journal-server`)"), "{error}");
}
