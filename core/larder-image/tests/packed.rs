//! A volume from an image is the volume that operations would have built.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test may panic")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use common::{THEN, all, bytes, image_of, meta, open_read, sample, sample_by_operations, volume_of};
use larder_core::{
    DescriptorFlags, ErrorCode, Follow, Limits, OpenFlags, Result, Rights, Timestamp, TreeNode, TreeSource, TreeTotals,
    View, Volume, VolumeOptions,
};
use larder_image::{Image, ImageBuilder, PackedTree};

#[test]
fn it_looks_like_one_that_operations_built() {
    let packed = volume_of(&sample());
    let built = sample_by_operations();
    assert_eq!(packed.usage(), built.usage(), "charged before anything is read");
    assert_eq!(all(&packed), all(&built));
    assert_eq!(packed.usage(), built.usage());
    assert_eq!(packed.recount(), packed.usage());
}

#[test]
fn a_snapshot_of_it_holds_everything_though_nobody_looked() {
    let packed = volume_of(&sample());
    let options = VolumeOptions { generation: 7, ..VolumeOptions::default() };
    let thawed = packed.freeze().unwrap().into_volume(options).unwrap();
    assert_eq!(all(&thawed), all(&sample_by_operations()));
    assert_eq!(thawed.usage(), packed.usage());
}

#[test]
fn a_volume_copied_into_an_image_comes_out_the_same() {
    let built = sample_by_operations();
    let image = image_of(Limits::default(), |tree| tree.copy_of(&built).unwrap());
    Image::parse(image.clone()).unwrap().verify().unwrap();
    let packed = volume_of(&image);
    assert_eq!(packed.usage(), built.usage());
    assert_eq!(all(&packed), all(&built));
    // Again from the packed one, whose content lies in the image.
    let again = image_of(Limits::default(), |tree| tree.copy_of(&volume_of(&image)).unwrap());
    assert!(again == image, "equal volumes give equal images");
}

#[test]
fn writing_copies_and_leaves_the_image_alone() {
    let image = sample();
    let volume = volume_of(&image);
    let view = View::new(&volume, Rights::READ_WRITE).unwrap();
    let root = view.root().unwrap();
    let flags = DescriptorFlags::READ | DescriptorFlags::WRITE;
    let file = root.open_at(THEN, Follow::No, "a/large", OpenFlags::empty(), flags).unwrap();
    file.write(THEN, 70_000, b"changed").unwrap();
    let mut expected = bytes(200_000);
    expected[70_000..70_007].copy_from_slice(b"changed");
    assert_eq!(open_read(&root, "b").read(0, 300_000).unwrap().into_bytes(), expected);
    file.set_size(THEN, 100_000).unwrap();
    file.set_size(THEN, 200_000).unwrap();
    expected[100_000..].fill(0);
    assert_eq!(open_read(&root, "a/b/again").read(0, 300_000).unwrap().into_bytes(), expected);
    drop(file);
    assert_eq!(volume.recount(), volume.usage());
    assert_eq!(all(&volume_of(&image)), all(&sample_by_operations()));
}

#[test]
fn a_file_with_names_in_two_directories_is_one_whatever_is_looked_into_first() {
    let volume = volume_of(&sample());
    let root = View::new(&volume, Rights::READ_WRITE).unwrap().root().unwrap();
    let top = root.stat_at(Follow::No, "b").unwrap();
    root.unlink_file_at(THEN, "b").unwrap();
    root.unlink_file_at(THEN, "a/large").unwrap();
    let last = root.stat_at(Follow::No, "a/b/again").unwrap();
    assert_eq!((last.id, last.link_count), (top.id, 1));
    root.unlink_file_at(THEN, "a/b/again").unwrap();
    assert_eq!(volume.recount(), volume.usage());
}

#[test]
fn a_directory_that_nobody_looked_into_can_be_moved_but_not_removed() {
    let volume = volume_of(&sample());
    let root = View::new(&volume, Rights::READ_WRITE).unwrap().root().unwrap();
    assert_eq!(root.remove_directory_at(THEN, "a").unwrap_err().code(), ErrorCode::NotEmpty);
    let volume = volume_of(&sample());
    let root = View::new(&volume, Rights::READ_WRITE).unwrap().root().unwrap();
    assert_eq!(root.rename_at(THEN, "e", &root, "a").unwrap_err().code(), ErrorCode::NotEmpty);
    root.rename_at(THEN, "a", &root, "e").unwrap();
    root.rename_at(THEN, "e", &root, "moved").unwrap();
    assert_eq!(root.rename_at(THEN, "moved", &root, "moved/b/below").unwrap_err().code(), ErrorCode::Invalid);
    assert_eq!(root.stat_at(Follow::No, "moved/b/deep").unwrap().size, 4);
    assert_eq!(volume.recount(), volume.usage());
}

#[test]
fn limits_hold_for_the_tree_and_what_is_added() {
    let limits = Limits { inodes: 5, ..Limits::default() };
    let image = image_of(limits, |tree| {
        for name in ["1", "2", "3"] {
            tree.file(name, meta(0o644), b"x").unwrap();
        }
        tree.file("4", meta(0o644), b"x").unwrap();
        assert_eq!(tree.file("5", meta(0o644), b"x").unwrap_err().code(), ErrorCode::InsufficientSpace);
    });
    let volume = volume_of(&image);
    let root = View::new(&volume, Rights::READ_WRITE).unwrap().root().unwrap();
    let create = || root.create_directory_at(THEN, "new").map_err(|error| error.code());
    assert_eq!(create(), Err(ErrorCode::InsufficientSpace));
    root.unlink_file_at(THEN, "3").unwrap();
    assert_eq!(create(), Ok(()));

    let small = Limits { bytes: 4096 + 64 + 1, ..Limits::default() };
    image_of(small, |tree| {
        assert_eq!(tree.file("ab", meta(0o644), b"x").unwrap_err().code(), ErrorCode::InsufficientSpace);
        tree.file("a", meta(0o644), b"x").unwrap();
        assert_eq!(tree.symlink("b", THEN, "a").unwrap_err().code(), ErrorCode::InsufficientSpace);
    });
}

#[test]
fn names_that_a_volume_could_not_have_are_refused() {
    image_of(Limits::default(), |tree| {
        let mut code = |path: &str| tree.file(path, meta(0o644), b"").unwrap_err().code();
        assert_eq!(code(""), ErrorCode::Exist);
        assert_eq!(code("a/../b"), ErrorCode::Invalid);
        assert_eq!(code("a/./b"), ErrorCode::Invalid);
        assert_eq!(code("n\0l"), ErrorCode::Invalid);
        assert_eq!(code(&"n".repeat(256)), ErrorCode::NameTooLong);
        assert_eq!(code(&"n/".repeat(2049)), ErrorCode::NameTooLong);
        tree.file("a", meta(0o644), b"").unwrap();
        let mut code = |path: &str| tree.file(path, meta(0o644), b"").unwrap_err().code();
        assert_eq!(code("a"), ErrorCode::Exist);
        assert_eq!(code("a/b"), ErrorCode::NotDirectory);
        let overlapping = [(0, &b"ab"[..]), (1, b"c")];
        assert_eq!(tree.sparse_file("b", meta(0), 9, overlapping).unwrap_err().code(), ErrorCode::Invalid);
        let outside = [(8, &b"ab"[..])];
        assert_eq!(tree.sparse_file("b", meta(0), 9, outside).unwrap_err().code(), ErrorCode::Invalid);
        assert_eq!(tree.hard_link("c", "d").unwrap_err().code(), ErrorCode::NoEntry);
        tree.directory("x/y", meta(0o755)).unwrap();
        assert_eq!(tree.hard_link("x", "d").unwrap_err().code(), ErrorCode::NotPermitted);
    });
}

#[test]
fn content_lies_at_pages_and_what_is_short_leaves_no_gaps() {
    let image = image_of(Limits::default(), |tree| {
        for number in 0..100 {
            tree.file(&format!("short{number}"), meta(0o644), b"short").unwrap();
            tree.file(&format!("page{number}"), meta(0o644), &bytes(4096)).unwrap();
        }
    });
    let first = bytes(4096);
    let found = image.chunks(4096).filter(|page| *page == first).count();
    assert_eq!(found, 100, "each at a multiple of a page");
    assert!(image.len() < 102 * 4096 + 200 * 110, "{}", image.len());
}

/// Counts the inodes that are asked for.
struct Counting(PackedTree, AtomicUsize);

impl TreeSource for Counting {
    fn totals(&self) -> TreeTotals {
        self.0.totals()
    }
    fn node(&self, ino: u64) -> Result<TreeNode> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.node(ino)
    }
    fn list(&self, directory: u64, visitor: &mut dyn FnMut(&str, u64) -> Result<()>) -> Result<()> {
        self.0.list(directory, visitor)
    }
    fn extents(&self, file: u64, visitor: &mut dyn FnMut(u64, Bytes) -> Result<()>) -> Result<()> {
        self.0.extents(file, visitor)
    }
    fn target(&self, symlink: u64) -> Result<&str> {
        self.0.target(symlink)
    }
}

#[test]
fn only_the_directories_on_the_way_are_read() {
    let image = image_of(Limits::default(), |tree| {
        for number in 0..10_000 {
            tree.file(&format!("d{}/f{number}", number % 100), meta(0o644), b"x").unwrap();
        }
    });
    let tree = Image::parse(image).unwrap().tree(0).unwrap().clone();
    let source = Arc::new(Counting(tree, AtomicUsize::new(0)));
    let read = || source.1.load(Ordering::Relaxed);
    let volume = Volume::from_tree(VolumeOptions::default(), source.clone()).unwrap();
    assert_eq!((read(), volume.usage().inodes), (1, 10_101));
    let root = View::new(&volume, Rights::READ_ONLY).unwrap().root().unwrap();
    assert_eq!(root.stat_at(Follow::No, "d7/f9907").unwrap().size, 1);
    assert_eq!(read(), 1 + 100 + 100);
    drop(root);
    assert_eq!((volume.recount(), read()), (volume.usage(), 10_101));
}

#[test]
fn an_image_with_mounts_opens_as_views() {
    use larder_image::{Mount, Options};
    let mount = |guest_path: &str, directory: &str, rights| Mount {
        guest_path: guest_path.into(),
        volume: 0,
        directory: directory.into(),
        rights,
    };
    let options = Options {
        composed: THEN,
        mounts: vec![
            mount("/", "", Rights::READ_WRITE),
            mount("/data", "x/y", Rights::READ_ONLY),
            mount("/new", "n/ew", Rights::READ_WRITE),
        ],
        ..Options::default()
    };
    let mut builder = ImageBuilder::new(options).unwrap();
    builder.tree(0).unwrap().file("x/y/file", meta(0o644), b"text").unwrap();
    let image = Image::parse(builder.finish().unwrap()).unwrap();
    image.verify().unwrap();
    let mounts = image.open(3).unwrap();
    let paths: Vec<&str> = mounts.iter().map(|mount| &*mount.guest_path).collect();
    assert_eq!(paths, ["/", "/data", "/new"]);
    let data = mounts[1].view.root().unwrap();
    assert_eq!(open_read(&data, "file").read(0, 9).unwrap().into_bytes(), "text");
    assert_eq!(data.unlink_file_at(THEN, "file").unwrap_err().code(), ErrorCode::ReadOnly);
    let new = mounts[2].view.root().unwrap();
    new.create_directory_at(Timestamp::from_seconds(9), "there").unwrap();
    let root = mounts[0].view.root().unwrap();
    assert_eq!(root.stat_at(Follow::No, "n/ew/there").unwrap().modified.seconds, 9);
    let volume: &Arc<Volume> = mounts[0].view.volume();
    assert!(Arc::ptr_eq(volume, mounts[2].view.volume()));
}
