//! Hard links.

use larder_core::Follow;

use super::*;
use crate::{Form, Guest, Mount};

pub(crate) fn a_hard_link_is_the_same_file<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    let directory = root.make_directory("d");
    root.put("one", b"first");
    root.link_at(Follow::No, "one", &directory, "two").unwrap();
    directory.file("two").write(0, b"FIRST and more").unwrap();
    assert_eq!(root.content("one"), b"FIRST and more");
    assert!(root.file("one").is_same_object(&directory.file("two")));
    assert_eq!(root.stat_of("one"), directory.stat_of("two"));
}

pub(crate) fn link_counts_follow_the_names<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    let file = root.make_file("a", b"x");
    root.link("a", "b").unwrap();
    root.link("b", "c").unwrap();
    assert_eq!(file.stat().link_count, 3);
    root.unlink("a").unwrap();
    assert_eq!(file.stat().link_count, 2);
    root.put("other", b"");
    root.rename("other", "b").unwrap();
    assert_eq!(file.stat().link_count, 1);
    assert_eq!(root.content("c"), b"x");
    root.unlink("c").unwrap();
    assert_eq!(file.stat().link_count, 0);
}

pub(crate) fn a_link_is_not_charged_again<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.put("f", &pattern(100_000));
    let before = guest.usage();
    root.link("f", "four").unwrap();
    let after = guest.usage();
    assert_eq!(after.inodes, before.inodes, "no inode");
    assert_eq!(after.bytes - before.bytes, larder_core::ENTRY_BYTES + 4, "nothing but the name");
    root.unlink("f").unwrap();
    assert_eq!(guest.bytes(), after.bytes - larder_core::ENTRY_BYTES - 1, "the content stays charged");
    root.unlink("four").unwrap();
}

pub(crate) fn a_link_does_not_replace<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.put("f", b"f");
    root.put("g", b"g");
    root.create_directory("d").unwrap();
    root.symlink("nowhere", "dangling").unwrap();
    for path in ["f", "g", "d", "dangling", "d/", ".", "d/.."] {
        refused(root.link("f", path), ErrorCode::Exist);
    }
    assert_eq!(root.content("g"), b"g");
    assert_eq!(root.stat_of("f").link_count, 1);
}

pub(crate) fn a_directory_has_one_name<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.create_directory("d").unwrap();
    root.symlink("d", "link").unwrap();
    refused(root.link("d", "e"), ErrorCode::NotPermitted);
    refused(root.link("d/", "e"), ErrorCode::NotPermitted);
    refused(root.link(".", "e"), ErrorCode::NotPermitted);
    refused(root.link_at(Follow::Yes, "link", &root, "e"), ErrorCode::NotPermitted);
    assert!(!root.has("e"));
    assert_eq!(root.stat_of("d").link_count, 2);
}

pub(crate) fn linking_a_symlink_names_the_link_or_its_target<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.put("f", b"x");
    root.symlink("f", "link").unwrap();
    root.link_at(Follow::No, "link", &root, "same-link").unwrap();
    assert_eq!(root.readlink("same-link").unwrap(), "f");
    assert_eq!(root.stat_of("link").link_count, 2);
    root.link_at(Follow::Yes, "link", &root, "same-file").unwrap();
    refused(root.readlink("same-file"), ErrorCode::Invalid);
    assert_eq!(root.stat_of("f").link_count, 2);
}

pub(crate) fn linking_fails_as_posix_says<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.put("f", b"");
    root.symlink("nowhere", "dangling").unwrap();
    refused(root.link("missing", "x"), ErrorCode::NoEntry);
    refused(root.link_at(Follow::Yes, "dangling", &root, "x"), ErrorCode::NoEntry);
    refused(root.link("f/", "x"), ErrorCode::NotDirectory);
    refused(root.link("f", "x/"), ErrorCode::NoEntry);
    refused(root.link("f", ""), ErrorCode::NoEntry);
    refused(root.link("", "x"), ErrorCode::NoEntry);
    assert!(!root.has("x"));
}

pub(crate) fn a_link_stays_within_its_mount<F: Form>() {
    let guest = Guest::<F>::new();
    let (root, scoped, other) = (guest.root(), guest.mount(Mount::Scoped), guest.mount(Mount::Other));
    root.put("f", b"");
    scoped.put("s", b"");
    refused(root.link_at(Follow::No, "f", &other, "x"), ErrorCode::CrossDevice);
    refused(root.link_at(Follow::No, "f", &scoped, "x"), ErrorCode::CrossDevice);
    refused(scoped.link_at(Follow::No, "s", &root, "x"), ErrorCode::CrossDevice);
    // Two descriptors of one mount are one device.
    root.link_at(Follow::No, "f", &guest.root(), "x").unwrap();
}
