//! Directories: making and removing them, their link counts.

use larder_core::{FileType, Follow};

use super::*;
use crate::{Form, Guest, Mount};

pub(crate) fn a_new_directory_is_empty_and_has_two_links<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    let directory = root.make_directory("d");
    assert_eq!(directory.entries(), []);
    let stat = directory.stat();
    assert_eq!((stat.file_type, stat.link_count), (FileType::Directory, 2));
    assert_eq!(directory.file_type(), FileType::Directory);
    assert_eq!(root.stat_of("d"), stat);
}

pub(crate) fn a_sub_directory_is_a_link_of_its_parent<F: Form>() {
    let guest = Guest::<F>::new();
    let directory = guest.root().make_directory("d");
    directory.create_directory("a").unwrap();
    directory.create_directory("b").unwrap();
    directory.put("file", b"");
    directory.symlink("a", "link").unwrap();
    assert_eq!(directory.stat().link_count, 4);
    directory.remove_directory("a").unwrap();
    assert_eq!(directory.stat().link_count, 3);
}

pub(crate) fn making_a_directory_refuses_a_name_that_is_there<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.put("f", b"x");
    root.create_directory("d").unwrap();
    root.symlink("d", "link").unwrap();
    root.symlink("nowhere", "dangling").unwrap();
    for path in ["f", "d", "link", "dangling", "d/", "dangling/", ".", "d/.", "d/.."] {
        refused(root.create_directory(path), ErrorCode::Exist);
    }
    assert_eq!(root.content("f"), b"x");
    assert!(!root.has("nowhere"));
}

pub(crate) fn a_parent_must_be_a_directory_that_is_there<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.put("f", b"");
    for (parent, code) in [("missing", ErrorCode::NoEntry), ("f", ErrorCode::NotDirectory)] {
        let path = format!("{parent}/x");
        refused(root.create_directory(&path), code);
        refused(root.open(&path, CREATE, BOTH), code);
        refused(root.open(&path, NO_OPEN, READ), code);
        refused(root.symlink("t", &path), code);
        refused(root.link("f", &path), code);
        refused(root.rename("f", &path), code);
        refused(root.unlink(&path), code);
        refused(root.remove_directory(&path), code);
        refused(root.readlink(&path), code);
        refused(root.stat_at(Follow::Yes, &path), code);
    }
}

pub(crate) fn only_an_empty_directory_is_removed<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    for inside in ["file", "directory", "link"] {
        let directory = root.make_directory("d");
        match inside {
            "file" => directory.put("x", b""),
            "directory" => directory.create_directory("x").unwrap(),
            _ => directory.symlink("nowhere", "x").unwrap(),
        }
        refused(root.remove_directory("d"), ErrorCode::NotEmpty);
        match inside {
            "directory" => directory.remove_directory("x").unwrap(),
            _ => directory.unlink("x").unwrap(),
        }
        root.remove_directory("d").unwrap();
        assert!(!root.has("d"));
    }
}

pub(crate) fn removing_a_directory_refuses_everything_else<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.put("f", b"");
    root.create_directory("d").unwrap();
    root.symlink("d", "link").unwrap();
    refused(root.remove_directory("f"), ErrorCode::NotDirectory);
    refused(root.remove_directory("link"), ErrorCode::NotDirectory);
    refused(root.remove_directory("link/"), ErrorCode::NotDirectory);
    refused(root.remove_directory("missing"), ErrorCode::NoEntry);
    refused(root.remove_directory("."), ErrorCode::Invalid);
    refused(root.remove_directory("d/."), ErrorCode::Invalid);
    assert!(root.has("f") && root.has("d") && root.has("link"));
    root.remove_directory("d/").unwrap();
}

pub(crate) fn unlinking_refuses_directories<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.create_directory("d").unwrap();
    for path in ["d", "d/", ".", "d/."] {
        refused(root.unlink(path), ErrorCode::IsDirectory);
    }
    assert!(root.has("d"));
}

pub(crate) fn a_removed_directory_takes_no_names<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    let directory = root.make_directory("d");
    root.put("f", b"");
    root.remove_directory("d").unwrap();
    assert_eq!(directory.stat().link_count, 0);
    assert_eq!(directory.entries(), []);
    refused(directory.open("x", CREATE, BOTH), ErrorCode::NoEntry);
    refused(directory.create_directory("x"), ErrorCode::NoEntry);
    refused(directory.symlink("t", "x"), ErrorCode::NoEntry);
    refused(root.rename_to("f", &directory, "x"), ErrorCode::NoEntry);
    refused(root.link_at(Follow::No, "f", &directory, "x"), ErrorCode::NoEntry);
    // A new directory of the same name is another one.
    root.create_directory("d").unwrap();
    root.put("d/x", b"");
    assert_eq!(directory.entries(), []);
}

pub(crate) fn an_open_removed_directory_is_refunded_when_closed<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    let before = guest.usage();
    let directory = root.make_directory("d");
    root.remove_directory("d").unwrap();
    assert_eq!(guest.inodes(), before.inodes + 1);
    drop(directory);
    assert_eq!(guest.usage(), before);
}

pub(crate) fn the_granted_directory_cannot_be_removed_through_itself<F: Form>() {
    let guest = Guest::<F>::new();
    for mount in [Mount::Main, Mount::Scoped] {
        let root = guest.mount(mount);
        refused(root.remove_directory("."), ErrorCode::Invalid);
        refused(root.rename(".", "x"), ErrorCode::Busy);
        refused(root.remove_directory(".."), ErrorCode::NotPermitted);
        refused(root.rename("..", "x"), ErrorCode::NotPermitted);
    }
}
