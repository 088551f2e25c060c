//! A tree with something of everything, as an image and as it is built by
//! operations, and comparing volumes by all that a guest can see.
#![allow(dead_code, reason = "each test file uses a part")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test may panic")]
#![allow(clippy::cast_possible_truncation, reason = "the values are small")]

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use larder_core::{
    Context, Descriptor, DescriptorFlags, FileType, Follow, Limits, OpenFlags, Rights, SetTime, Timestamp, View,
    Volume, VolumeOptions,
};
use larder_image::{Image, ImageBuilder, Meta, Options, TreeBuilder};

/// When everything in the trees was last changed.
pub(crate) const THEN: Timestamp = Timestamp { seconds: 1_000, nanoseconds: 7 };

pub(crate) fn meta(mode: u32) -> Meta {
    Meta { mode, modified: THEN }
}

/// Bytes that differ from place to place.
pub(crate) fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}

/// An image of one volume whose tree `fill` writes.
pub(crate) fn image_of(limits: Limits, fill: impl FnOnce(&mut TreeBuilder<'_>)) -> Vec<u8> {
    let mut options = Options { composed: THEN, ..Options::default() };
    options.volumes[0].limits = limits;
    let mut builder = ImageBuilder::new(options).unwrap();
    fill(&mut builder.tree(0).unwrap());
    builder.finish().unwrap()
}

pub(crate) fn volume_of(image: &[u8]) -> Arc<Volume> {
    Image::parse(image.to_vec()).unwrap().open_volume(0, 7).unwrap()
}

/// Something of everything, as an image.
pub(crate) fn sample() -> Vec<u8> {
    static SAMPLE: LazyLock<Vec<u8>> = LazyLock::new(make_sample);
    SAMPLE.clone()
}

fn make_sample() -> Vec<u8> {
    image_of(Limits::default(), |tree| {
        tree.directory("", meta(0o700)).unwrap();
        tree.directory("a", meta(0o755)).unwrap();
        tree.directory("a/b", meta(0o750)).unwrap();
        tree.file("a/b/deep", meta(0o600), b"deep").unwrap();
        tree.file("a/large", meta(0o644), &bytes(200_000)).unwrap();
        tree.file("a/c", meta(0o644), b"").unwrap();
        tree.hard_link("a/large", "b").unwrap();
        tree.hard_link("a/large", "a/b/again").unwrap();
        tree.symlink("c", THEN, "a/b/deep").unwrap();
        tree.symlink("dd", THEN, "a/b").unwrap();
        tree.directory("e", meta(0o755)).unwrap();
        tree.sparse_file("holes", meta(0o644), 1 << 30, [(10, &b"x"[..]), (5_000, b"y"), (1 << 20, &bytes(70_000))])
            .unwrap();
    })
}

/// The same tree, built as a guest would.
pub(crate) fn sample_by_operations() -> Arc<Volume> {
    let options = VolumeOptions { name: "volume".into(), generation: 7, now: THEN, ..VolumeOptions::default() };
    let volume = Volume::new(options);
    let view = View::new(&volume, Rights::READ_WRITE).unwrap();
    let root = view.root().unwrap();
    for path in ["a", "a/b", "e"] {
        root.create_directory_at(THEN, path).unwrap();
    }
    let write = |path: &str, offset: u64, content: &[u8]| {
        let flags = DescriptorFlags::READ | DescriptorFlags::WRITE;
        let file = root.open_at(THEN, Follow::No, path, OpenFlags::CREATE, flags).unwrap();
        file.write(THEN, offset, content).unwrap();
        file
    };
    write("a/b/deep", 0, b"deep");
    write("a/large", 0, &bytes(200_000));
    write("a/c", 0, b"");
    write("holes", 10, b"x");
    write("holes", 5_000, b"y");
    write("holes", 1 << 20, &bytes(70_000)).set_size(THEN, 1 << 30).unwrap();
    root.link_at(THEN, Follow::No, "a/large", &root, "b").unwrap();
    root.link_at(THEN, Follow::No, "a/large", &root, "a/b/again").unwrap();
    root.symlink_at(THEN, "a/b/deep", "c").unwrap();
    root.symlink_at(THEN, "a/b", "dd").unwrap();
    for (path, mode) in [("", 0o700), ("a/b", 0o750), ("a/b/deep", 0o600)] {
        let flags = DescriptorFlags::READ;
        let id = match path {
            "" => root.id(),
            path => root.open_at(THEN, Follow::No, path, OpenFlags::empty(), flags).unwrap().id(),
        };
        volume.set_mode_of(&Context::at(THEN), id, mode).unwrap();
    }
    drop(root);
    volume
}

/// All that can be seen of one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    file_type: FileType,
    link_count: u64,
    size: u64,
    allocated: u64,
    mode: u32,
    times: [Timestamp; 3],
    content: Vec<u8>,
    target: Option<String>,
    /// The first path, in order, of the same inode.
    first_name: String,
}

/// All that can be seen of a volume, by path.
pub(crate) fn all(volume: &Arc<Volume>) -> BTreeMap<String, Seen> {
    let view = View::new(volume, Rights::READ_ONLY).unwrap();
    let root = view.root().unwrap();
    let mut paths = BTreeMap::new();
    let mut open = vec![String::new()];
    while let Some(path) = open.pop() {
        let node = match path.as_str() {
            "" => root.stat().unwrap(),
            path => root.stat_at(Follow::No, path).unwrap(),
        };
        if node.file_type == FileType::Directory {
            let directory = open_read(&root, &path);
            for entry in directory.read_directory(0, usize::MAX).unwrap() {
                open.push(if path.is_empty() { entry.name.to_string() } else { format!("{path}/{}", entry.name) });
            }
        }
        paths.insert(path, node);
    }
    let mut first_names = BTreeMap::new();
    for (path, node) in &paths {
        first_names.entry(node.id.ino).or_insert_with(|| path.clone());
    }
    let see = |(path, node): (&String, &larder_core::Attributes)| {
        let content = match node.file_type {
            FileType::RegularFile => open_read(&root, path).read(0, 2 << 20).unwrap().into_bytes().to_vec(),
            _ => Vec::new(),
        };
        let target = (node.file_type == FileType::SymbolicLink).then(|| root.readlink_at(path).unwrap().to_string());
        let seen = Seen {
            file_type: node.file_type,
            link_count: node.link_count,
            size: node.size,
            allocated: node.allocated,
            mode: node.mode,
            times: [node.accessed, node.modified, node.changed],
            content,
            target,
            first_name: first_names[&node.id.ino].clone(),
        };
        (path.clone(), seen)
    };
    paths.iter().map(see).collect()
}

pub(crate) fn open_read(root: &Descriptor, path: &str) -> Descriptor {
    if path.is_empty() {
        return root.dup().unwrap();
    }
    root.open_at(THEN, Follow::No, path, OpenFlags::empty(), DescriptorFlags::READ).unwrap()
}

/// A time to set.
pub(crate) fn at(seconds: i64) -> SetTime {
    SetTime::At(Timestamp::from_seconds(seconds))
}
