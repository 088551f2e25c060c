//! Listing, and the walk.

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::time::Instant;

use larder_core::{FileType, Follow, Limits, Timestamp};

use super::support::{World, buckets, linked, metadata, wait};
use crate::layout::{KeySpace, ObjectMeta, SparseMap, directory_attributes_body};
use crate::options::S3Options;

fn prefixed(prefix: &str) -> S3Options {
    S3Options { prefix: prefix.to_owned(), ..S3Options::default() }
}

fn tree<const N: usize>(expected: [(&str, &str); N]) -> BTreeMap<String, String> {
    expected.into_iter().map(|(path, what)| (path.to_owned(), what.to_owned())).collect()
}

#[test]
fn a_bucket_is_shown_as_a_tree() {
    for outside in buckets() {
        outside.put("elsewhere", "no");
        outside.put("v/plain", "hello");
        outside.put("v/empty", "");
        outside.put("v/d/e/f", "deep");
        outside.put("v/d/é b+c%", "odd");
        outside.put("v/marked/", "");
        outside.put("v/marked/below/", "");
        outside.put("v/.larder/intents/1", "no");
        outside.put_with("v/s3fs", "s3fs", &metadata([("mode", "33152"), ("mtime", "1700000000"), ("uid", "7")]));
        let rclone = metadata([("mode", "100640"), ("mtime", "2024-01-02T03:04:05.123456789Z")]);
        outside.put_with("v/rclone", "rclone", &rclone);
        outside.put_with("v/nonsense", "1", &metadata([("mode", "x"), ("mtime", "y"), ("larder-link", "z")]));
        let world = outside.open_with(prefixed("v"));
        let expected = tree([
            ("d", "d 755"),
            ("d/e", "d 755"),
            ("d/e/f", "f 644 1 4"),
            ("d/é b+c%", "f 644 1 3"),
            ("empty", "f 644 1 0"),
            ("marked", "d 755"),
            ("marked/below", "d 755"),
            ("nonsense", "f 644 1 1"),
            ("plain", "f 644 1 5"),
            ("rclone", "f 640 1 6"),
            ("s3fs", "f 600 1 4"),
        ]);
        assert_eq!(world.tree(), expected);
        assert_eq!(world.text("d/e/f"), "deep");
        assert_eq!(world.text("empty"), "");
        let modified = |path: &str| world.root().stat_at(Follow::No, path).unwrap().modified;
        assert_eq!(modified("s3fs"), Timestamp::from_seconds(1_700_000_000));
        assert_eq!(modified("rclone"), Timestamp { seconds: 1_704_164_645, nanoseconds: 123_456_789 });
        let put = wait(outside.bucket.head("v/plain")).unwrap().unwrap().modified.0;
        assert_eq!(modified("plain").seconds, put);
        // Markers are known, so that they go with their directory.
        let state = world.shared.state.lock();
        for key in ["v/marked/", "v/marked/below/"] {
            assert!(state.catalogue.key(key).is_some(), "{key}");
        }
        assert!(state.catalogue.key("v/d/").is_none());
    }
}

#[test]
fn attributes_of_directories_are_restored() {
    for outside in buckets() {
        let keys = KeySpace::new("").unwrap();
        let long = format!("{0}/{0}", "d".repeat(200));
        let time = Timestamp { seconds: 5, nanoseconds: 6 };
        let meta =
            |mode| ObjectMeta { mode: Some(mode), modified: Some(time), ..ObjectMeta::of_kind(FileType::Directory) };
        for (path, mode) in [("", 0o700), ("a", 0o711), ("a/b", 0o722), (&*long, 0o733)] {
            let key = keys.directory_attributes_key(path).unwrap();
            outside.put_with(&key, directory_attributes_body(path).to_vec(), &meta(mode).to_metadata());
        }
        outside.put(".larder/directories/x/y", "no");
        outside.put("a/b/f", "1");
        outside.put(&format!("{long}/f"), "1");
        let world = outside.open();
        let stat = |path: &str| world.root().stat_at(Follow::No, path).unwrap();
        for (path, mode) in [("a", 0o711), ("a/b", 0o722), (&*long, 0o733)] {
            assert_eq!((stat(path).mode, stat(path).modified), (mode, time), "{path}");
        }
        let root = world.root().stat().unwrap();
        assert_eq!((root.mode, root.modified), (0o700, time));
        let state = world.shared.state.lock();
        assert!(state.catalogue.is_described(root.id));
        assert!(state.catalogue.key(&keys.directory_attributes_key("a/b").unwrap()).is_some());
        assert!(state.changes.is_idle());
    }
}

#[test]
fn links_are_restored() {
    for outside in buckets() {
        let symlink = |mode: u32| metadata([("mode", &mode.to_string())]);
        outside.put_with("symlink", "some/where", &symlink(0o120_777));
        for (key, body) in [("empty", b"".as_slice()), ("binary", b"\xff\xff"), ("long", &[b'a'; 70_000])] {
            outside.put_with(key, body.to_vec(), &symlink(0o120_777));
        }
        for key in ["one", "two", "a/three", "z/four"] {
            outside.put_with(key, "same", &linked(7));
        }
        outside.put_with("copied", "same", &linked(8));
        outside.put_with("changed", "other", &linked(7));
        let world = outside.open();
        world.walk();
        let expected = tree([
            ("a", "d 755"),
            ("a/three", "f 644 4 4"),
            ("binary", "f 777 1 2"),
            ("changed", "f 644 1 5"),
            ("copied", "f 644 1 4"),
            ("empty", "f 777 1 0"),
            ("long", "f 777 1 70000"),
            ("one", "f 644 4 4"),
            ("symlink", "l some/where"),
            ("two", "f 644 4 4"),
            ("z", "d 755"),
            ("z/four", "f 644 4 4"),
        ]);
        assert_eq!(world.tree(), expected);
        assert_eq!(world.node("one"), world.node("z/four"));
        assert_ne!(world.node("one"), world.node("changed"));
        assert_eq!(world.text("z/four"), "same");
        for key in ["empty", "binary", "long"] {
            assert_eq!(world.reported(key), 1, "{key}: {:?}", world.status().foreign_keys);
        }
        let state = world.shared.state.lock();
        assert_eq!(state.catalogue.key("two").unwrap().version, state.catalogue.key("one").unwrap().version);
    }
}

#[test]
fn sparse_objects_are_files_with_holes() {
    const MIB: u64 = 1 << 20;
    for outside in buckets() {
        let map = SparseMap::new(64 * MIB, &[0..10, 32 * MIB..32 * MIB + 5]).unwrap();
        let mut body = map.encode_header();
        for range in map.ranges() {
            body.resize(body.len() + (range.end - range.start) as usize, b'x');
        }
        let meta = |size| ObjectMeta { sparse_size: Some(size), ..ObjectMeta::of_kind(FileType::RegularFile) };
        outside.put_with("sparse", body.clone(), &meta(64 * MIB).to_metadata());
        outside.put_with("another size", body.clone(), &meta(64 * MIB - 1).to_metadata());
        outside.put_with("another body", "replaced", &meta(64 * MIB).to_metadata());
        outside.put_with("nothing", "", &meta(64 * MIB).to_metadata());
        body.truncate(body.len() - 1);
        outside.put_with("cut", body.clone(), &meta(64 * MIB).to_metadata());
        let many: Vec<_> = (0..1000).map(|at| at * MIB..at * MIB + 1).collect();
        let long = SparseMap::new(2000 * MIB, &many).unwrap();
        let mut object = long.encode_header();
        object.resize(long.object_size() as usize, 1);
        outside.put_with("many", object, &meta(2000 * MIB).to_metadata());
        let world = outside.open();
        let size = |path: &str| world.root().stat_at(Follow::No, path).unwrap().size;
        assert_eq!((size("sparse"), size("many")), (64 * MIB, 2000 * MIB));
        assert_eq!((size("another size"), size("cut")), (body.len() as u64 + 1, body.len() as u64));
        assert_eq!((size("nothing"), world.text("another body").as_str()), (0, "replaced"));
        let file = world.open_file("sparse").unwrap();
        let read = |at, length| file.read(at, length).unwrap().into_bytes();
        assert_eq!(
            (&read(0, 3)[..], &read(9 * MIB, 2)[..], &read(32 * MIB, 2)[..]),
            (&b"xxx"[..], &[0, 0][..], &b"xx"[..])
        );
        let allocated = world.root().stat_at(Follow::No, "sparse").unwrap().allocated;
        assert!(allocated < MIB, "{allocated}");
    }
}

#[test]
fn what_is_no_tree_is_left_alone_and_reported() {
    for outside in buckets() {
        outside.put("both", "file");
        outside.put("both/below", "1");
        outside.put(".larderx", "1");
        if !outside.is_weed {
            for key in ["a//b", "../up", "d/./x", "back\\slash", "/top", ".larder", &"n".repeat(300)] {
                outside.put(key, "1");
            }
        }
        let world = outside.open();
        world.walk();
        assert_eq!(world.text("both/below"), "1");
        assert_eq!(world.text("both"), "IsDirectory");
        assert_eq!(world.reported("both"), 1);
        if outside.is_weed {
            assert_eq!(world.names("").unwrap(), [".larderx", "both"]);
        } else {
            assert_eq!(world.names("").unwrap(), [".larderx", "a", "both", "d"]);
            assert_eq!(world.names("a").unwrap(), [""; 0]);
            for key in ["a//", "../", "d/./", "back\\slash", "/", ".larder", &"n".repeat(300)] {
                assert_eq!(world.reported(key), 1, "{key}: {:#?}", world.status().foreign_keys);
            }
            assert_eq!(world.status().foreign, 8);
        }
        // Nothing of it is counted as a change later.
        assert_eq!(world.poll(), 0);
    }
}

#[test]
fn what_the_volume_does_not_take_is_reported() {
    let [_, outside] = buckets();
    outside.put("small", "1");
    outside.put("large", vec![0; 2000]);
    let limits = Limits { file_bytes: 1000, ..Limits::default() };
    let world = World::new(outside.open().shared.options.clone(), limits);
    assert_eq!(world.names("").unwrap(), ["small"]);
    assert_eq!(world.reported("large"), 1);
    assert_eq!(world.poll(), 0);
}

#[test]
fn large_directories_and_deep_trees_are_listed() {
    for outside in buckets() {
        let many = (0..2_000).map(|at| format!("many/{at:04}"));
        let tree = (0..300).map(|at| format!("tree/{}/{}/{at}", at % 10, at % 30));
        outside.put_all(many.chain(tree));
        let world = outside.open();
        let began = Instant::now();
        world.walk();
        let status = world.status();
        println!("weed: {}, {:?} for {} objects", outside.is_weed, began.elapsed(), status.listed_objects);
        assert_eq!((status.listed_objects, status.listed_directories, status.unlisted_directories), (2_300, 43, 0));
        let names: Vec<_> = (0..2_000).map(|at| format!("{at:04}")).collect();
        assert_eq!(world.names("many").unwrap(), names);
        assert_eq!(world.text("many/1999"), "many/1999");
        assert_eq!(world.names("tree/7/17").unwrap().len(), 10);
        // Nothing is asked again.
        let requests = world.shared.bucket.requests();
        world.volume.list_all().unwrap();
        assert_eq!(world.shared.bucket.requests(), requests);
        assert_eq!(world.poll(), 0);
    }
}

#[test]
fn who_lists_at_the_same_time_shares_the_work() {
    for outside in buckets() {
        outside.put_all((0..50).map(|at| format!("d/{at}")));
        let world = outside.open();
        let start = Barrier::new(8);
        std::thread::scope(|scope| {
            for at in 0..8 {
                let (world, start) = (&world, &start);
                scope.spawn(move || {
                    // Also inside of another runtime.
                    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                    start.wait();
                    runtime.block_on(async {
                        assert_eq!(world.text(&format!("d/{at}")), format!("d/{at}"));
                    });
                });
            }
        });
        let requests = world.shared.bucket.requests();
        assert_eq!(requests.of(larder_bucket::Operation::ListObjectsV2), 3, "attributes, root, d");
        assert_eq!(requests.of(larder_bucket::Operation::HeadObject), 50);
    }
}

#[test]
fn directories_below_one_are_listed_together() {
    let [_, outside] = buckets();
    outside.put_all(["a/b/c/d", "a/e/f", "g/h/i"].map(str::to_owned));
    let world = outside.open();
    world.restore.list_all_below(world.node("a")).unwrap();
    assert_eq!(world.status().listed_directories, 5);
    assert_eq!(world.status().unlisted_directories, 1);
}
