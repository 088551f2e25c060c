//! Files that are written from front to back and are larger than what may wait
//! for the bucket: uploaded once, whatever happens meanwhile.
#![allow(
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failing test may panic"
)]

mod common;
mod outside;

use std::time::{Duration, Instant};

use common::Server;
use larder_bucket::Bucket;
use larder_core::{Descriptor, DescriptorFlags, ErrorCode, Follow, OpenFlags, SetTime};
use larder_s3::{ConflictPolicy, ReadMode, S3Options, S3Volume, WriteMode};
use larder_test_s3::{Answer, Fault, Faults, Kind, Rule};
use outside::{Host, NOW, beside, names, open_file, root, write, write_all};

const MIB: u64 = 1 << 20;

/// More than the 32 MiB that may wait for the bucket.
const BEGINNING: u64 = 45 * MIB + 4321;

/// Not a whole number of parts.
const SIZE: u64 = 61 * MIB + 5;

/// What a stream has in a range.
fn content(from: u64, to: u64) -> Vec<u8> {
    (from..to).map(|at| (at ^ (at >> 9) ^ (at >> 17)) as u8).collect()
}

/// Goes on with a stream.
fn stream(file: &Descriptor, from: u64, to: u64) -> larder_core::Result<()> {
    let mut at = from;
    while at < to {
        let end = (at + MIB).min(to);
        write_all(file, at, &content(at, end))?;
        at = end;
    }
    Ok(())
}

fn read_whole(file: &Descriptor) -> Vec<u8> {
    let mut bytes = Vec::new();
    while (bytes.len() as u64) < file.size().unwrap() {
        bytes.extend_from_slice(&file.read(bytes.len() as u64, 8 << 20).unwrap().into_bytes());
    }
    bytes
}

fn assert_same(seen: &[u8], expected: &[u8], what: &str) {
    assert_eq!(seen.len(), expected.len(), "{what}");
    let first = seen.iter().zip(expected).position(|(one, other)| one != other);
    assert_eq!(first, None, "{what}");
}

fn requests(volume: &S3Volume, name: &str) -> u64 {
    volume.status().requests.iter().find(|(operation, _)| operation == name).unwrap().1
}

/// Calls a test on both servers, in both modes of writing.
fn everywhere(test: impl Fn(Host)) {
    for server in Server::ALL {
        for (_, write) in WriteMode::ALL {
            eprintln!("{server:?} write={write}");
            test(Host::new(server, ReadMode::Cached, *write));
        }
    }
}

/// Makes a file, open.
fn create(at: &Descriptor, path: &str) -> Descriptor {
    let flags = DescriptorFlags::READ | DescriptorFlags::WRITE;
    at.open_at(NOW, Follow::No, path, OpenFlags::CREATE | OpenFlags::EXCLUSIVE, flags).unwrap()
}

/// The files that an empty host finds, and nothing of ours beside them, but for
/// what is kept for files without a name.
fn on_an_empty_host(mut host: Host, volume: S3Volume, files: &[(&str, &[u8])], kept: usize) {
    volume.sync().unwrap();
    let status = volume.status();
    assert_eq!((status.conflicts, status.failures, status.dirty_bytes), (0, 0, 0), "{status:?}");
    assert_eq!(host.outside().reserved().len(), kept, "{:?}", host.outside().reserved());
    volume.close().unwrap();
    host.empty();
    let volume = host.open();
    let at = root(&volume);
    for (path, expected) in files {
        assert_same(&read_whole(&open_file(&at, path).unwrap()), expected, path);
    }
}

#[test]
fn it_is_uploaded_once() {
    everywhere(|host| {
        let volume = host.open();
        let at = root(&volume);
        let file = create(&at, "f");
        let begun = Instant::now();
        let size = 150 * MIB + 77;
        stream(&file, 0, size).unwrap();
        let times = (SetTime::At(NOW), SetTime::At(NOW));
        file.set_times(NOW, times.0, times.1).unwrap();
        file.sync().unwrap();
        eprintln!("{:.0} MiB/s", size as f64 / MIB as f64 / begun.elapsed().as_secs_f64());
        let status = volume.status();
        assert_eq!(requests(&volume, "CreateMultipartUpload"), 1, "{status:?}");
        assert_eq!(requests(&volume, "UploadPart"), size.div_ceil(S3Options::PART), "{status:?}");
        assert_eq!(requests(&volume, "UploadPartCopy"), 0, "{status:?}");
        assert_eq!(requests(&volume, "CompleteMultipartUpload"), 1, "{status:?}");
        assert_eq!(requests(&volume, "CopyObject"), 1, "{status:?}");
        assert_eq!(status.uploaded_bytes, size, "{status:?}");
        let object = host.outside().head("f").unwrap();
        assert_eq!(object.size, size);
        assert!(object.metadata["mtime"].starts_with("1700000000"), "{object:?}");
        drop(file);
        drop(at);
        on_an_empty_host(host, volume, &[("f", &content(0, size))], 0);
    });
}

#[test]
fn what_is_not_larger_than_a_group_needs_no_copy() {
    everywhere(|host| {
        let volume = host.open();
        let at = root(&volume);
        let file = create(&at, "f");
        stream(&file, 0, 15 * MIB).unwrap();
        file.sync().unwrap();
        let status = volume.status();
        assert_eq!(requests(&volume, "CopyObject"), 0, "{status:?}");
        assert_eq!(requests(&volume, "UploadPartCopy"), 0, "{status:?}");
    });
}

/// A log that is synced after each piece: what the bucket has of it is copied
/// there, and little more than the piece goes up.
#[test]
fn what_is_appended_is_one_part_beside_one_copy() {
    everywhere(|host| {
        let volume = host.open();
        let at = root(&volume);
        let file = create(&at, "f");
        let mut size = 12 * MIB + 10;
        stream(&file, 0, size).unwrap();
        file.sync().unwrap();
        for turn in 1..=3 {
            let before = volume.status();
            write_all(&file, size, &content(size, size + MIB)).unwrap();
            size += MIB;
            file.sync().unwrap();
            let status = volume.status();
            assert_eq!(requests(&volume, "UploadPartCopy"), turn, "{status:?}");
            let sent = status.uploaded_bytes - before.uploaded_bytes;
            assert!(sent < MIB + MIB / 8, "{sent}: {status:?}");
        }
        // In the middle: the least part that S3 takes, between two copies.
        let before = volume.status();
        write_all(&file, 6 * MIB, b"changed").unwrap();
        file.sync().unwrap();
        let status = volume.status();
        assert_eq!(requests(&volume, "UploadPartCopy"), 3 + 2, "{status:?}");
        let sent = status.uploaded_bytes - before.uploaded_bytes;
        assert!(sent < 6 * MIB, "{sent}: {status:?}");
        let mut expected = content(0, size);
        expected[6 << 20..][..7].copy_from_slice(b"changed");
        drop(file);
        drop(at);
        on_an_empty_host(host, volume, &[("f", &expected)], 0);
    });
}

#[test]
fn it_is_read_and_overwritten_and_cut_meanwhile() {
    everywhere(|host| {
        let volume = host.open();
        let at = root(&volume);
        let files = ["read", "overwritten", "cut", "cut behind", "grown"];
        let mut expected = Vec::new();
        for name in files {
            let file = create(&at, name);
            stream(&file, 0, BEGINNING).unwrap();
            let mut bytes = content(0, SIZE);
            match name {
                "read" => assert_same(&file.read(MIB, 100).unwrap().into_bytes(), &bytes[1 << 20..][..100], name),
                "overwritten" => {
                    file.write(NOW, 100, b"changed").unwrap();
                    bytes[100..107].copy_from_slice(b"changed");
                }
                "cut" => {
                    file.set_size(NOW, 3 * MIB).unwrap();
                    bytes[3 << 20..BEGINNING as usize].fill(0);
                }
                "cut behind" => {
                    file.set_size(NOW, BEGINNING - 10).unwrap();
                    bytes[BEGINNING as usize - 10..BEGINNING as usize].fill(0);
                }
                _ => file.set_size(NOW, BEGINNING + 30).unwrap(),
            }
            stream(&file, BEGINNING, SIZE).unwrap();
            assert_same(&read_whole(&file), &bytes, name);
            drop(file);
            expected.push((name, bytes));
        }
        drop(at);
        let expected: Vec<_> = expected.iter().map(|(name, bytes)| (*name, &bytes[..])).collect();
        on_an_empty_host(host, volume, &expected, 0);
    });
}

#[test]
fn it_may_have_holes() {
    everywhere(|host| {
        let volume = host.open();
        let at = root(&volume);
        let file = create(&at, "f");
        stream(&file, 0, BEGINNING).unwrap();
        let behind = BEGINNING + 20 * MIB;
        stream(&file, behind, behind + 20 * MIB).unwrap();
        let mut expected = content(0, behind + 20 * MIB);
        expected[BEGINNING as usize..behind as usize].fill(0);
        drop((file, at));
        on_an_empty_host(host, volume, &[("f", &expected)], 0);
    });
}

#[test]
fn its_names_change_meanwhile() {
    everywhere(|host| {
        let volume = host.open();
        let at = root(&volume);
        at.create_directory_at(NOW, "d").unwrap();
        let whole = content(0, SIZE);
        for (name, change) in [
            ("renamed", &(|| at.rename_at(NOW, "f", &at, "renamed")) as &dyn Fn() -> larder_core::Result<()>),
            ("e/f", &|| {
                at.rename_at(NOW, "f", &at, "d/f")?;
                at.rename_at(NOW, "d", &at, "e")
            }),
            ("linked", &|| {
                at.link_at(NOW, Follow::No, "f", &at, "linked")?;
                at.unlink_file_at(NOW, "f")
            }),
        ] {
            let file = create(&at, "f");
            stream(&file, 0, BEGINNING).unwrap();
            change().unwrap();
            stream(&file, BEGINNING, SIZE).unwrap();
            drop(file);
            assert_same(&read_whole(&open_file(&at, name).unwrap()), &whole, name);
        }
        drop(at);
        on_an_empty_host(host, volume, &[("renamed", &whole), ("e/f", &whole), ("linked", &whole)], 0);
    });
}

#[test]
fn it_has_two_names_meanwhile() {
    everywhere(|host| {
        let volume = host.open();
        let at = root(&volume);
        let file = create(&at, "f");
        stream(&file, 0, BEGINNING).unwrap();
        at.link_at(NOW, Follow::No, "f", &at, "g").unwrap();
        stream(&file, BEGINNING, SIZE).unwrap();
        drop(file);
        volume.sync().unwrap();
        let outside = host.outside();
        let (one, other) = (outside.head("f").unwrap(), outside.head("g").unwrap());
        assert_eq!((one.etag, one.size), (other.etag, SIZE));
        let whole = content(0, SIZE);
        drop(at);
        on_an_empty_host(host, volume, &[("f", &whole), ("g", &whole)], 0);
    });
}

#[test]
fn it_is_removed_and_replaced_meanwhile() {
    everywhere(|host| {
        let volume = host.open();
        let at = root(&volume);
        let (removed, replaced) = (create(&at, "removed"), create(&at, "replaced"));
        stream(&removed, 0, BEGINNING).unwrap();
        at.unlink_file_at(NOW, "removed").unwrap();
        stream(&replaced, 0, BEGINNING).unwrap();
        write(&at, "other", b"other");
        at.rename_at(NOW, "other", &at, "replaced").unwrap();
        stream(&removed, BEGINNING, BEGINNING + MIB).unwrap();
        volume.sync().unwrap();
        assert_same(&read_whole(&removed), &content(0, BEGINNING + MIB), "removed");
        assert_same(&read_whole(&replaced), &content(0, BEGINNING), "replaced");
        // Nobody has it open.
        let gone = create(&at, "gone");
        stream(&gone, 0, BEGINNING).unwrap();
        drop(gone);
        at.unlink_file_at(NOW, "gone").unwrap();
        drop((removed, replaced));
        volume.sync().unwrap();
        assert_eq!(names(&at, "."), ["replaced"]);
        drop(at);
        let kept = host.outside().reserved().len();
        assert!(kept >= 2, "{kept}");
        on_an_empty_host(host, volume, &[("replaced", b"other")], kept);
    });
}

#[test]
fn other_files_go_on() {
    everywhere(|host| {
        let volume = host.open();
        let at = root(&volume);
        let (one, other) = (create(&at, "one"), create(&at, "other"));
        let mut done = 0;
        while done < SIZE {
            let to = (done + 3 * MIB).min(SIZE);
            stream(&one, done, to).unwrap();
            stream(&other, done, to).unwrap();
            done = to;
            if host.write == WriteMode::Through {
                write(&at, "small", format!("{done}").as_bytes());
            }
        }
        drop((one, other));
        volume.sync().unwrap();
        let status = volume.status();
        assert_eq!(requests(&volume, "UploadPartCopy"), 0, "{status:?}");
        assert!(status.uploaded_bytes <= 2 * SIZE + 1000, "{status:?}");
        let whole = content(0, SIZE);
        drop(at);
        on_an_empty_host(host, volume, &[("one", &whole), ("other", &whole)], 0);
    });
}

#[test]
fn another_client_makes_the_object_meanwhile() {
    for (_, policy) in ConflictPolicy::ALL {
        everywhere(|host| {
            let volume = host.open_with(|options| options.conflict = *policy);
            let at = root(&volume);
            let file = create(&at, "f");
            stream(&file, 0, BEGINNING).unwrap();
            host.outside().put("f", b"theirs");
            stream(&file, BEGINNING, SIZE).unwrap();
            let synced = file.sync();
            let (ours, outside) = (content(0, SIZE), host.outside());
            assert_same(&read_whole(&file), &ours, "open");
            let status = volume.status();
            assert_eq!(status.conflicts, 1, "{status:?}");
            match policy {
                ConflictPolicy::BucketWins => {
                    synced.unwrap();
                    assert_eq!(outside.get("f").unwrap(), b"theirs");
                    let kept = beside(&at, ".", "f");
                    assert_eq!(kept.len(), 1);
                    assert_same(&outside.get(&kept[0]).unwrap(), &ours, "kept");
                    // Who has it open goes on there.
                    file.write(NOW, 0, b"more").unwrap();
                    file.sync().unwrap();
                    assert_eq!(&outside.get(&kept[0]).unwrap()[..4], b"more");
                    assert_eq!(outside.reserved(), [""; 0]);
                }
                ConflictPolicy::OursWins => {
                    synced.unwrap();
                    assert_same(&outside.get("f").unwrap(), &ours, "f");
                    assert_eq!(outside.reserved(), [""; 0]);
                }
                ConflictPolicy::Fail => {
                    assert_eq!(synced.unwrap_err().code(), ErrorCode::Io);
                    assert_eq!(outside.get("f").unwrap(), b"theirs");
                }
            }
        });
    }
}

#[test]
fn somebody_ends_the_upload() {
    everywhere(|host| {
        let volume = host.open();
        let at = root(&volume);
        let file = create(&at, "f");
        stream(&file, 0, BEGINNING).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let bucket = Bucket::connect(host.bucket.clone()).await.unwrap();
            let uploads = bucket.uploads(&host.prefix).await.unwrap();
            assert_eq!(uploads.len(), 1, "{uploads:?}");
            for (upload, _) in uploads {
                bucket.abort_upload(&upload).await.unwrap();
            }
        });
        stream(&file, BEGINNING, SIZE).unwrap();
        // What was under way when it ended may have failed in any way.
        let begun = Instant::now();
        while let Err(error) = file.sync() {
            eprintln!("{error}: {:?}", volume.status());
            assert!(begun.elapsed() < Duration::from_secs(20));
        }
        let status = volume.status();
        assert_eq!(status.conflicts, 1, "{status:?}");
        let seen = host.outside().get("f").unwrap();
        let expected = content(0, SIZE);
        assert_eq!(seen.len(), expected.len());
        assert!(seen.iter().zip(&expected).all(|(seen, expected)| seen == expected || *seen == 0));
        assert_same(&read_whole(&file), &seen, "read");
    });
}

#[test]
fn the_bucket_goes_down_meanwhile() {
    everywhere(|mut host| {
        let faults = Faults::to(&host.server.access().endpoint);
        host.bucket.endpoint = Some(faults.endpoint());
        host.bucket.attempts = 2;
        host.bucket.request_timeout = Duration::from_secs(3);
        host.bucket.first_pause = Duration::from_millis(10);
        let volume = host.open_with(|options| options.patience = Duration::from_secs(2));
        let at = root(&volume);
        let file = create(&at, "f");
        stream(&file, 0, BEGINNING).unwrap();
        faults.down();
        let (mut done, begun) = (BEGINNING, Instant::now());
        while let Ok(()) = stream(&file, done, done + MIB) {
            done += MIB;
            assert!(done <= 2 * BEGINNING, "{:?}", volume.status());
        }
        assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
        let status = volume.status();
        assert!(status.trouble.is_some() && status.dirty_bytes <= host.options().most_dirty(), "{status:?}");
        faults.up();
        let begun = Instant::now();
        let to = done + 40 * MIB;
        while done < to {
            match stream(&file, done, done + MIB) {
                Ok(()) => done += MIB,
                Err(error) => assert!(begun.elapsed() < Duration::from_secs(20), "{error}: {:?}", volume.status()),
            }
        }
        // Its patience is short, and this machine may be slow.
        let begun = Instant::now();
        while let Err(error) = file.sync() {
            assert!(begun.elapsed() < Duration::from_secs(20), "{error}: {:?}", volume.status());
        }
        assert_eq!(requests(&volume, "UploadPartCopy"), 0, "{:?}", volume.status());
        assert_eq!(volume.status().conflicts, 0);
        assert_same(&host.outside().get("f").unwrap(), &content(0, done), "f");
        assert_eq!(host.outside().reserved(), [""; 0]);
    });
}

#[test]
fn changes_wait_for_its_end_and_not_for_their_age() {
    for server in Server::ALL {
        let host = Host::new(server, ReadMode::Cached, WriteMode::Async);
        let volume = host.open_with(|options| options.age = Duration::from_secs(1));
        let at = root(&volume);
        let file = create(&at, "f");
        stream(&file, 0, SIZE).unwrap();
        write(&at, "other", b"other");
        // Nobody syncs.
        let begun = Instant::now();
        while host.outside().head("f").is_none_or(|object| object.size != SIZE) {
            assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", volume.status());
            std::thread::sleep(Duration::from_millis(50));
        }
        let status = volume.status();
        assert_eq!(requests(&volume, "UploadPartCopy"), 0, "{status:?}");
        let whole = content(0, SIZE);
        drop((file, at));
        on_an_empty_host(host, volume, &[("f", &whole), ("other", b"other")], 0);
    }
}

#[test]
fn the_process_dies_meanwhile() {
    everywhere(|host| {
        let volume = host.open();
        let at = root(&volume);
        write(&at, "f", b"old");
        volume.sync().unwrap();
        let file = open_file(&at, "f").unwrap();
        stream(&file, 0, BEGINNING).unwrap();
        drop(at);
        // Before its descriptor, which would bring it to the bucket.
        drop(volume);
        drop(file);
        let volume = host.open();
        let at = root(&volume);
        let seen = read_whole(&open_file(&at, "f").unwrap());
        match host.write {
            WriteMode::Async => assert_same(&seen, &content(0, BEGINNING), "replayed"),
            WriteMode::Through => assert_same(&seen, b"old", "old"),
        }
        drop(at);
        on_an_empty_host(host, volume, &[("f", &seen)], 0);
    });
}

#[test]
fn it_is_read_before_it_has_its_name_and_a_crash_then_loses_nothing() {
    everywhere(|mut host| {
        let faults = Faults::to(&host.server.access().endpoint);
        host.bucket.endpoint = Some(faults.endpoint());
        host.bucket.attempts = 2;
        host.bucket.first_pause = Duration::from_millis(10);
        let volume = host.open_with(|options| options.patience = Duration::from_secs(5));
        let at = root(&volume);
        let file = create(&at, "f");
        stream(&file, 0, SIZE).unwrap();
        faults.set(Rule::new(Fault::Answer(Answer::INTERNAL_ERROR)).kind(Kind::Copy));
        assert_eq!(file.sync().unwrap_err().code(), ErrorCode::Io);
        let whole = content(0, SIZE);
        assert_same(&read_whole(&file), &whole, "copying fails");
        assert_eq!(host.outside().reserved().len(), 1);
        if host.write == WriteMode::Async {
            drop(at);
            drop(volume);
            drop(file);
            faults.clear();
            let volume = host.open();
            // What it was copied from is removed a day later.
            return on_an_empty_host(host, volume, &[("f", &whole)], 1);
        }
        faults.clear();
        let begun = Instant::now();
        while let Err(error) = file.sync() {
            assert!(begun.elapsed() < Duration::from_secs(20), "{error}: {:?}", volume.status());
        }
        assert_same(&host.outside().get("f").unwrap(), &whole, "f");
        assert_eq!(host.outside().reserved(), [""; 0]);
    });
}

#[test]
fn what_it_goes_on_from_is_replaced_meanwhile() {
    everywhere(|mut host| {
        let volume = host.open();
        let (before, at) = (10 * MIB, root(&volume));
        let file = create(&at, "f");
        stream(&file, 0, before).unwrap();
        drop((file, at));
        volume.close().unwrap();
        host.empty();
        let volume = host.open();
        let at = root(&volume);
        let file = open_file(&at, "f").unwrap();
        stream(&file, before, SIZE).unwrap();
        host.outside().put("f", b"theirs");
        file.sync().unwrap();
        assert_eq!(host.outside().get("f").unwrap(), b"theirs");
        let kept = beside(&at, ".", "f");
        assert_eq!(kept.len(), 1);
        // Nobody has the rest any more, and the report says so.
        let (seen, whole) = (host.outside().get(&kept[0]).unwrap(), content(0, SIZE));
        assert_same(&seen[before as usize..], &whole[before as usize..], "kept");
        let gone = seen[..before as usize].iter().zip(&whole).all(|(seen, whole)| seen == whole || *seen == 0);
        assert!(gone);
        let status = volume.status();
        assert!(status.conflict_reports.iter().any(|report| report.contains("zeros")), "{status:?}");
        assert_eq!(host.outside().reserved(), [""; 0]);
    });
}

#[test]
fn it_has_holes_and_is_removed_meanwhile() {
    everywhere(|host| {
        let volume = host.open();
        let at = root(&volume);
        let file = create(&at, "f");
        stream(&file, 0, BEGINNING).unwrap();
        let behind = BEGINNING + 20 * MIB;
        stream(&file, behind, behind + MIB).unwrap();
        at.unlink_file_at(NOW, "f").unwrap();
        let mut expected = content(0, behind + MIB);
        expected[BEGINNING as usize..behind as usize].fill(0);
        assert_same(&read_whole(&file), &expected, "removed");
        volume.sync().unwrap();
        assert_same(&read_whole(&file), &expected, "synced");
        assert_eq!(volume.status().conflicts, 0);
    });
}

/// Random changes to two files, some of which are streams, and what they come
/// to. More with `LARDER_PROGRAMS`.
#[test]
fn whatever_happens_to_them() {
    let programs = std::env::var("LARDER_PROGRAMS").ok().and_then(|count| count.parse().ok()).unwrap_or(1);
    for seed in 0..programs {
        everywhere(|host| {
            let volume = host.open();
            let at = root(&volume);
            let mut random = fastrand::Rng::with_seed(seed ^ (host.server as u64) << 32 ^ (host.write as u64) << 33);
            let mut trace = Vec::new();
            let mut files: Vec<(String, Descriptor, Vec<u8>)> = Vec::new();
            for step in 0..40_u32 {
                while files.len() < 2 {
                    let name = format!("f{step}-{}", files.len());
                    files.push((name.clone(), create(&at, &name), Vec::new()));
                }
                let (name, file, bytes) = &mut files[random.usize(..2)];
                let length = bytes.len() as u64;
                let within = random.u64(..=length);
                match random.u32(..20) {
                    0..11 => {
                        let to = length + random.u64(..20 * MIB);
                        trace.push(format!("{name}: stream from {length} to {to}"));
                        stream(file, length, to).unwrap();
                        bytes.extend(content(length, to));
                    }
                    11 => {
                        trace.push(format!("{name}: overwrite {within}"));
                        let piece = vec![step as u8; random.usize(..300_000)];
                        write_all(file, within, &piece).unwrap();
                        bytes.resize(bytes.len().max(within as usize + piece.len()), 0);
                        bytes[within as usize..][..piece.len()].copy_from_slice(&piece);
                    }
                    12 => {
                        let to = if random.bool() { within } else { length + random.u64(..20 * MIB) };
                        trace.push(format!("{name}: set the size {to}"));
                        file.set_size(NOW, to).unwrap();
                        bytes.resize(to as usize, 0);
                    }
                    13 => {
                        trace.push(format!("{name}: read {within}"));
                        let seen = file.read(within, 1 << 20).unwrap().into_bytes();
                        assert_same(&seen, &bytes[within as usize..][..seen.len()], &trace.join("\n"));
                    }
                    14 => {
                        trace.push(format!("{name}: sync"));
                        file.sync().unwrap();
                    }
                    15 => {
                        trace.push(format!("{name}: close"));
                        *file = open_file(&at, name).unwrap();
                    }
                    16 => {
                        let to = format!("r{step}");
                        trace.push(format!("{name}: rename to {to}"));
                        at.rename_at(NOW, name, &at, &to).unwrap();
                        *name = to;
                    }
                    17 => {
                        let to = format!("l{step}");
                        trace.push(format!("{name}: link to {to}"));
                        at.link_at(NOW, Follow::No, name, &at, &to).unwrap();
                        at.unlink_file_at(NOW, name).unwrap();
                        *name = to;
                    }
                    18 => {
                        trace.push(format!("{name}: write another"));
                        write(&at, "another", format!("{step}").as_bytes());
                    }
                    _ => {
                        trace.push(format!("{name}: remove"));
                        at.unlink_file_at(NOW, name).unwrap();
                        assert_same(&read_whole(file), bytes, &trace.join("\n"));
                        let removed = name.clone();
                        files.retain(|(name, _, _)| *name != removed);
                    }
                }
            }
            for (_, file, bytes) in &files {
                assert_same(&read_whole(file), bytes, &trace.join("\n"));
            }
            let status = volume.status();
            assert_eq!((status.conflicts, status.failures), (0, 0), "{status:?}");
            let files: Vec<_> = files.into_iter().map(|(name, _, bytes)| (name, bytes)).collect();
            let expected: Vec<_> = files.iter().map(|(name, bytes)| (name.as_str(), &bytes[..])).collect();
            drop(at);
            eprintln!("{}", trace.join("\n"));
            volume.sync().unwrap();
            let kept = host.outside().reserved().len();
            on_an_empty_host(host, volume, &expected, kept);
        });
    }
}

/// `cargo test -p larder-s3 --test stream -- --ignored --nocapture` tells how
/// fast it is, on this machine's servers.
#[test]
#[ignore = "takes long"]
fn a_gibibyte() {
    everywhere(|host| {
        // A journal that is full has the bucket take what it has.
        let volume = host.open_with(|options| options.journal_bytes = 4 << 30);
        let at = root(&volume);
        let file = create(&at, "f");
        let begun = Instant::now();
        let piece = content(0, MIB);
        for number in 0..1024 {
            write_all(&file, number * MIB, &piece).unwrap();
        }
        let written = begun.elapsed();
        file.sync().unwrap();
        let all = begun.elapsed();
        let status = volume.status();
        eprintln!("written in {written:?}, synced {all:?}: {:.0} MiB/s", 1024.0 / all.as_secs_f64());
        eprintln!("{:?}", status.requests);
        assert_eq!(requests(&volume, "UploadPartCopy"), 0, "{status:?}");
    });
}

#[test]
fn answers_are_lost() {
    everywhere(|mut host| {
        let faults = Faults::to(&host.server.access().endpoint);
        host.bucket.endpoint = Some(faults.endpoint());
        host.bucket.attempts = 2;
        host.bucket.first_pause = Duration::from_millis(10);
        let volume = host.open();
        let at = root(&volume);
        for kind in [Kind::CreateMultipart, Kind::UploadPart, Kind::CompleteMultipart, Kind::Copy, Kind::Delete] {
            let file = create(&at, &format!("{kind:?}"));
            // Both attempts of a call.
            faults.set(Rule::new(Fault::ResetAfter).kind(kind).times(2));
            let mut done = 0;
            while done < BEGINNING {
                // A writer who waits for room is told of what failed.
                if stream(&file, done, (done + MIB).min(BEGINNING)).is_ok() {
                    done = (done + MIB).min(BEGINNING);
                }
            }
            while file.sync().is_err() {}
            faults.clear();
            let seen = host.outside().get(&format!("{kind:?}")).unwrap();
            assert_same(&seen, &content(0, BEGINNING), &format!("{kind:?}"));
        }
        volume.sync().unwrap();
        let status = volume.status();
        assert_eq!(status.conflicts, 0, "{status:?}");
        assert!(status.failures > 0, "{status:?}");
    });
}
