//! How many calls it takes: the cases that `docs/forwarding.md` promises.

mod counted;

use counted::{World, open_flags};
use larder_core::{DescriptorFlags, ErrorCode, Follow, OpenFlags};

const READ: DescriptorFlags = DescriptorFlags::READ;
const WRITE: DescriptorFlags = DescriptorFlags::WRITE;

#[test]
fn reading_a_small_file_is_one_call() {
    let world = World::new();
    world.put("file", b"some content");
    let root = world.root();
    let calls = world.calls(|| {
        // As Rust's std::fs::read does.
        let file = root.open_at(Follow::Yes, "file", OpenFlags::empty(), READ).unwrap();
        file.metadata_hash().unwrap();
        assert_eq!(file.stat().unwrap().size, 12);
        assert_eq!(file.read(0, 12).unwrap().concat(), b"some content");
        assert!(file.read(12, 32).unwrap().is_empty());
    });
    assert_eq!(calls, ["open"]);
}

#[test]
fn a_fresh_session_reads_a_small_file_in_one_call() {
    let world = World::begun_late();
    world.put("file", b"some content");
    let calls = world.calls(|| {
        let root = world.root();
        let file = root.open_at(Follow::Yes, "file", OpenFlags::empty(), READ).unwrap();
        assert_eq!(file.read(0, 12).unwrap().concat(), b"some content");
        assert!(file.read(12, 32).unwrap().is_empty());
    });
    assert_eq!(calls, ["begin-open"]);
    // What follows knows the root as any session does.
    let root = world.root();
    assert!(root.flags().contains(DescriptorFlags::MUTATE_DIRECTORY));
    assert_eq!(root.metadata_hash().unwrap(), root.metadata_hash_at(Follow::Yes, ".").unwrap());
}

#[test]
fn a_session_begins_with_whatever_is_first() {
    let world = World::begun_late();
    let root = world.root();
    assert_eq!(world.calls(|| assert_eq!(root.stat().unwrap().size, 0)), ["begin"]);

    let world = World::begun_late();
    let root = world.root();
    assert_eq!(world.calls(|| assert!(root.flags().contains(READ))), ["begin"]);

    let world = World::begun_late();
    let (root, again) = (world.root(), world.root());
    let calls = world.calls(|| drop(root.open_at(Follow::Yes, "new", open_flags(), WRITE).unwrap()));
    assert_eq!(calls[..2], ["begin", "open"]);
    assert!(again.stat_at(Follow::Yes, "new").is_ok());

    let world = World::begun_late();
    let missing = world.root().open_at(Follow::Yes, "missing", OpenFlags::empty(), READ).unwrap_err();
    assert_eq!(missing.code(), ErrorCode::NoEntry);
    world.put("missing", b"not any more");
    world.root().open_at(Follow::Yes, "missing", OpenFlags::empty(), READ).unwrap();
}

#[test]
fn a_session_that_cannot_begin_is_tried_again() {
    let world = World::begun_late();
    world.put("file", b"content");
    world.kill();
    let root = world.root();
    let open = || root.open_at(Follow::Yes, "file", OpenFlags::empty(), READ);
    assert_eq!(open().unwrap_err().code(), ErrorCode::Io);
    assert_eq!(root.stat().unwrap_err().code(), ErrorCode::Io);
    assert!(root.flags().is_empty());
    world.revive();
    assert_eq!(open().unwrap().read(0, 100).unwrap().concat(), b"content");
    assert!(root.flags().contains(READ));
}

#[test]
fn a_lock_shows_what_was_written_before_it() {
    let world = World::new();
    world.put("file", b"old");
    let root = world.root();
    let file = root.open_at(Follow::Yes, "file", OpenFlags::empty(), READ | WRITE).unwrap();
    assert_eq!(file.read(0, 3).unwrap().concat(), b"old");
    world.put("file", b"new!");
    assert_eq!(file.read(0, 3).unwrap().concat(), b"old", "cached until it is opened anew");
    let token = file.try_lock(false).unwrap();
    assert_eq!(file.read(0, 10).unwrap().concat(), b"new!");
    assert_eq!(file.stat().unwrap().size, 4);
    // And what is written under it is there when it ends.
    file.write(0, &&b"mine"[..]).unwrap();
    assert_eq!(world.get("file"), b"new!", "it waits");
    file.unlock().unwrap();
    assert_eq!(world.get("file"), b"mine");
    assert!(file.try_lock(true).unwrap() > token);
    file.unlock().unwrap();
}

#[test]
fn reading_it_again_is_one_call_without_content() {
    let world = World::new();
    world.put("file", &[7; 50_000]);
    let root = world.root();
    for content in [50_000, 0] {
        world.reset();
        let file = root.open_at(Follow::Yes, "file", OpenFlags::empty(), READ).unwrap();
        assert_eq!(file.read(0, 1 << 20).unwrap().concat(), vec![7; 50_000]);
        drop(file);
        assert_eq!(world.made(), ["open"]);
        assert_eq!(world.content_bytes(), content);
    }
    world.put("file", b"changed by somebody else");
    let file = root.open_at(Follow::Yes, "file", OpenFlags::empty(), READ).unwrap();
    assert_eq!(file.read(0, 1 << 20).unwrap().concat(), b"changed by somebody else");
}

#[test]
fn a_cached_file_is_read_without_calls() {
    let world = World::new();
    world.put("file", &[7; 50_000]);
    let root = world.root();
    let file = root.open_at(Follow::Yes, "file", OpenFlags::empty(), READ).unwrap();
    let calls = world.calls(|| {
        for offset in (0..50_u64).rev().map(|step| step * 1000) {
            assert_eq!(file.read(offset, 1000).unwrap().concat(), vec![7; 1000]);
        }
    });
    assert!(calls.is_empty(), "{calls:?}");
}

#[test]
fn writing_a_new_small_file_is_one_call() {
    let world = World::new();
    let root = world.root();
    root.create_directory_at("made").unwrap();
    let calls = world.calls(|| {
        // As Rust's std::fs::write does.
        let file = root.open_at(Follow::Yes, "made/file", open_flags(), WRITE).unwrap();
        assert_eq!(file.write(0, &b"some ".as_slice()).unwrap(), 5);
        file.flush().unwrap();
        assert_eq!(file.write(5, &b"content".as_slice()).unwrap(), 7);
        file.flush().unwrap();
    });
    assert_eq!(calls, ["commit"]);
    assert_eq!(world.get("made/file"), b"some content");
}

#[test]
fn overwriting_a_file_that_was_read_is_one_call() {
    let world = World::new();
    world.put("file", b"old and long");
    let root = world.root();
    drop(root.open_at(Follow::Yes, "file", OpenFlags::empty(), READ).unwrap());
    let calls = world.calls(|| {
        let file = root.open_at(Follow::Yes, "file", open_flags(), WRITE).unwrap();
        file.write(0, &b"new".as_slice()).unwrap();
    });
    assert_eq!(calls, ["commit"]);
    assert_eq!(world.get("file"), b"new");
}

#[test]
fn writing_where_nothing_is_known_is_two_calls() {
    let world = World::new();
    let root = world.root();
    let calls = world.calls(|| {
        let file = root.open_at(Follow::Yes, "file", open_flags(), WRITE).unwrap();
        file.write(0, &b"content".as_slice()).unwrap();
    });
    assert_eq!(calls, ["open", "commit"]);
}

#[test]
fn file_after_file_in_a_directory_is_one_call_each() {
    let world = World::new();
    world.make_directory("way");
    world.make_directory("way/there");
    world.put("way/there/old", b"");
    let root = world.root();
    let write = |path: &str| {
        let file = root.open_at(Follow::Yes, path, OpenFlags::CREATE | OpenFlags::TRUNCATE, WRITE).unwrap();
        file.write(0, &b"content".as_slice()).unwrap();
    };
    assert_eq!(world.calls(|| write("way/there/1")), ["open", "commit"]);
    // The second one is worth looking at the directory.
    assert_eq!(world.calls(|| write("way/there/2")), ["open", "open", "list", "commit"]);
    for path in ["way/there/3", "way/there/old", "way/there/1"] {
        assert_eq!(world.calls(|| write(path)), ["commit"]);
    }
    for name in ["1", "2", "3", "old"] {
        assert_eq!(world.get(&format!("way/there/{name}")), b"content");
    }
}

#[test]
fn appending_to_a_known_file_is_one_call() {
    let world = World::new();
    world.put("log", b"one\n");
    let root = world.root();
    drop(root.open_at(Follow::Yes, "log", OpenFlags::empty(), READ).unwrap());
    let calls = world.calls(|| {
        let file = root.open_at(Follow::Yes, "log", OpenFlags::CREATE, WRITE).unwrap();
        file.append(&b"two\n".as_slice()).unwrap();
        file.append(&b"three\n".as_slice()).unwrap();
    });
    assert_eq!(calls, ["commit"]);
    assert_eq!(world.get("log"), b"one\ntwo\nthree\n");
}

#[test]
fn listing_with_attributes_is_one_call() {
    let world = World::new();
    for name in 0..100 {
        world.put(&format!("file-{name}"), b"x");
    }
    let root = world.root();
    let calls = world.calls(|| {
        assert_eq!(root.read_directory(0, 1).unwrap().len(), 1, "as the engine probes");
        let entries = root.read_directory(0, 128).unwrap();
        assert_eq!(entries.len(), 100);
        for entry in entries {
            // As wasi-libc's readdir and fstatat do.
            root.metadata_hash_at(Follow::No, &entry.name).unwrap();
            root.metadata_hash_at(Follow::No, &entry.name).unwrap();
            assert_eq!(root.stat_at(Follow::No, &entry.name).unwrap().size, 1);
        }
    });
    assert_eq!(calls, ["list"]);
}

#[test]
fn a_stat_of_a_path_is_one_call() {
    let world = World::new();
    world.put("file", b"x");
    let root = world.root();
    let calls = world.calls(|| {
        root.metadata_hash_at(Follow::Yes, "file").unwrap();
        root.stat_at(Follow::Yes, "file").unwrap();
    });
    assert_eq!(calls, ["stat-at"]);
}

#[test]
fn sequential_reading_asks_for_more_each_time() {
    let world = World::new();
    world.put("file", &vec![1; 4 << 20]);
    let root = world.root();
    let file = root.open_at(Follow::Yes, "file", OpenFlags::empty(), READ).unwrap();
    let calls = world.calls(|| {
        for offset in (0..4 << 20).step_by(4096) {
            assert_eq!(file.read(offset, 4096).unwrap().concat().len(), 4096);
        }
    });
    assert!(calls.len() <= 12, "{} calls for 1,024 reads", calls.len());
}

#[test]
fn a_reader_of_more_than_is_cached_goes_on_with_large_calls() {
    let world = World::new();
    world.put("file", &vec![1; 40 << 20]);
    let root = world.root();
    let file = root.open_at(Follow::Yes, "file", OpenFlags::empty(), READ).unwrap();
    let calls = world.calls(|| {
        for offset in (0..40 << 20).step_by(64 << 10) {
            assert_eq!(file.read(offset, 64 << 10).unwrap().concat().len(), 64 << 10);
        }
    });
    // Each of 512 KiB, but for the first ones.
    assert!(calls.len() <= 80 + 5, "{} calls", calls.len());
}

#[test]
fn sequential_writing_fills_its_calls() {
    let world = World::new();
    let root = world.root();
    let calls = world.calls(|| {
        let file = root.open_at(Follow::Yes, "file", open_flags(), WRITE).unwrap();
        for offset in (0..4 << 20).step_by(4096) {
            file.write(offset, &[1; 4096].as_slice()).unwrap();
        }
    });
    assert_eq!(calls.len(), 1 + 8, "{calls:?}");
    assert_eq!(world.get("file").len(), 4 << 20);
}

#[test]
fn a_creation_that_must_be_exclusive_is_never_deferred() {
    let world = World::new();
    let root = world.root();
    root.create_directory_at("made").unwrap();
    let exclusive = OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
    let file = root.open_at(Follow::Yes, "made/lock", exclusive, WRITE).unwrap();
    assert!(world.exists("made/lock"));
    let again = root.open_at(Follow::Yes, "made/lock", exclusive, WRITE);
    assert_eq!(again.unwrap_err().code(), ErrorCode::Exist);
    drop(file);
}

#[test]
fn a_deferred_creation_is_there_for_every_other_call() {
    let world = World::new();
    let root = world.root();
    root.create_directory_at("made").unwrap();
    let made = root.open_at(Follow::Yes, "made", OpenFlags::DIRECTORY, READ).unwrap();
    let file = root.open_at(Follow::Yes, "made/file", open_flags(), WRITE).unwrap();
    file.write(0, &b"content".as_slice()).unwrap();
    assert!(!world.exists("made/file"), "it is deferred");
    assert_eq!(made.read_directory(0, 10).unwrap().len(), 1);
    assert_eq!(root.stat_at(Follow::Yes, "made/file").unwrap().size, 7);
    root.rename_at("made/file", &made, "renamed").unwrap();
    file.write(7, &b", and more".as_slice()).unwrap();
    drop(file);
    assert_eq!(world.get("made/renamed"), b"content, and more");
}
