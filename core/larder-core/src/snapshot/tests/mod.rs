//! Tests of the snapshot stream: round trips, damage, hostile streams, and
//! the golden file that keeps old streams readable.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a failing test may panic")]

mod damage;
mod golden;
mod hostile;
mod limits;
mod round_trip;

use std::sync::Arc;

use super::{SnapshotError, read_snapshot};
use crate::{
    Attributes, Context, Descriptor, DescriptorFlags, FileType, Follow, OpenFlags, Operation, Rights, SetTime,
    Timestamp, View, Volume, VolumeOptions,
};

fn options() -> VolumeOptions {
    VolumeOptions { name: "sample".into(), generation: 7, now: at(1_000), ..VolumeOptions::default() }
}

const fn at(seconds: i64) -> Timestamp {
    Timestamp { seconds, nanoseconds: 123_456_789 }
}

fn root(volume: &Arc<Volume>) -> Descriptor {
    View::new(volume, Rights::READ_WRITE).unwrap().root().unwrap()
}

fn create(directory: &Descriptor, path: &str) -> Descriptor {
    directory.open_at(at(2_000), Follow::No, path, OpenFlags::CREATE, DescriptorFlags::WRITE).unwrap()
}

fn set_mode(file: &Descriptor, mode: u32) {
    let operation = Operation::SetMode { node: file.id(), mode };
    file.view().volume().apply(&Context::at(at(2_500)), &operation).unwrap();
}

/// A small volume with something of everything that a snapshot keeps.
fn sample() -> Arc<Volume> {
    let volume = Volume::new(options());
    let root = root(&volume);
    let now = at(2_000);
    for directory in ["empty", "a", "a/b", "a/b/c", "ünï→code"] {
        root.create_directory_at(now, directory).unwrap();
    }
    for gone in ["a/gone", "a/z-gone"] {
        create(&root, gone);
    }
    let text = create(&root, "a/text");
    text.write(at(3_000), 0, b"hello, snapshot\n").unwrap();
    set_mode(&text, 0o4751);
    text.set_times(at(4_000), SetTime::At(at(-5)), SetTime::At(at(i64::MIN))).unwrap();
    for (path, name) in [("a/text", "hard"), ("a/text", "a/b/c/hard")] {
        root.link_at(now, Follow::No, path, &root, name).unwrap();
    }
    // Cookies: a gap in the middle, and one at the end.
    root.unlink_file_at(now, "a/gone").unwrap();
    create(&root, "a/last");
    root.unlink_file_at(now, "a/last").unwrap();
    root.unlink_file_at(now, "a/z-gone").unwrap();

    create(&root, "a/nothing");
    let sparse = create(&root, "sparse");
    sparse.write(at(3_000), (1 << 30) + 5_000, b"far").unwrap();
    sparse.write(at(3_000), 70_000, b"near\0\0\0").unwrap();
    sparse.set_size(at(3_500), (1 << 34) + 1).unwrap();
    root.symlink_at(now, "../somewhere/else", "a/link").unwrap();
    root.symlink_at(now, "/a/text", "absolute").unwrap();
    root.set_times_at(at(4_000), Follow::No, "absolute", SetTime::Keep, SetTime::At(at(9))).unwrap();
    root.set_times(at(5_000), SetTime::At(at(6_000)), SetTime::At(at(7_000))).unwrap();
    set_mode(&root.open_at(now, Follow::No, "empty", OpenFlags::DIRECTORY, DescriptorFlags::READ).unwrap(), 0o1777);
    volume
}

fn write(volume: &Arc<Volume>) -> Vec<u8> {
    let mut stream = Vec::new();
    let length = volume.freeze().unwrap().write_to(&mut stream).unwrap();
    assert_eq!(length, stream.len() as u64);
    stream
}

fn read(stream: &[u8]) -> Result<Arc<Volume>, SnapshotError> {
    read_snapshot(&mut &*stream, options())
}

/// What can be seen of one inode under one name.
#[derive(Debug, PartialEq)]
struct Seen {
    path: String,
    cookie: u64,
    attributes: Attributes,
    content: Vec<u8>,
}

/// Everything that can be seen of a volume.
fn dump(volume: &Arc<Volume>) -> Vec<Seen> {
    let root = root(volume);
    let mut seen = vec![Seen { path: String::new(), cookie: 0, attributes: root.stat().unwrap(), content: Vec::new() }];
    dump_directory(&root, "", &mut seen);
    seen
}

fn dump_directory(directory: &Descriptor, path: &str, seen: &mut Vec<Seen>) {
    for entry in directory.read_directory(0, usize::MAX).unwrap() {
        let path = format!("{path}/{}", entry.name);
        let attributes = directory.stat_at(Follow::No, &entry.name).unwrap();
        assert_eq!((attributes.id, attributes.file_type), (entry.id, entry.file_type));
        let content = match entry.file_type {
            FileType::RegularFile => content(directory, &entry.name),
            FileType::SymbolicLink => directory.readlink_at(&entry.name).unwrap().as_bytes().to_vec(),
            FileType::Directory => Vec::new(),
        };
        seen.push(Seen { path: path.clone(), cookie: entry.cookie, attributes, content });
        if entry.file_type == FileType::Directory {
            let flags = DescriptorFlags::READ;
            let below = directory.open_at(at(0), Follow::No, &entry.name, OpenFlags::DIRECTORY, flags).unwrap();
            dump_directory(&below, &path, seen);
        }
    }
}

/// The head of a file's content, and the head of its second gigabyte.
fn content(directory: &Descriptor, name: &str) -> Vec<u8> {
    let file = directory.open_at(at(0), Follow::No, name, OpenFlags::empty(), DescriptorFlags::READ).unwrap();
    let mut content = file.read(0, 1 << 20).unwrap().into_bytes().to_vec();
    content.extend_from_slice(&file.read(1 << 30, 1 << 20).unwrap().into_bytes());
    content
}
