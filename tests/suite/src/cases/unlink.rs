//! Removing names of files, and files that live on without one.

use super::*;
use crate::{Form, Guest};

pub(crate) fn an_unlinked_name_is_gone<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.put("f", b"x");
    root.unlink("f").unwrap();
    assert!(!root.has("f"));
    refused(root.unlink("f"), ErrorCode::NoEntry);
    refused(root.open_to_read("f"), ErrorCode::NoEntry);
    refused(root.unlink("f/"), ErrorCode::NoEntry);
    root.put("f", b"");
    refused(root.unlink("f/"), ErrorCode::NotDirectory);
}

pub(crate) fn an_unlinked_file_lives_until_the_last_close<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    let one = root.make_file("f", b"content");
    let two = root.file("f");
    root.unlink("f").unwrap();
    assert_eq!(one.stat().link_count, 0);
    drop(two);
    assert_eq!(one.all(), b"content");
    one.write(7, b" and more").unwrap();
    one.append(b"!").unwrap();
    assert_eq!(one.all(), b"content and more!");
    one.set_size(3).unwrap();
    assert_eq!(one.all(), b"con");
    one.sync().unwrap();
}

pub(crate) fn its_space_is_refunded_at_the_last_close<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    let before = guest.usage();
    let one = root.make_file("f", &pattern(100_000));
    let two = root.file("f");
    let full = guest.usage();
    root.unlink("f").unwrap();
    let unlinked = guest.usage();
    assert_eq!(unlinked.inodes, full.inodes);
    assert_eq!(unlinked.bytes, full.bytes - larder_core::ENTRY_BYTES - 1, "the name alone is refunded");
    one.append(&pattern(50_000)).unwrap();
    assert!(guest.bytes() > unlinked.bytes, "it goes on being charged");
    drop(one);
    assert_eq!(guest.inodes(), full.inodes);
    drop(two);
    assert_eq!(guest.usage(), before);
}

pub(crate) fn a_new_file_of_the_same_name_is_another<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    let old = root.make_file("f", b"old");
    root.unlink("f").unwrap();
    let new = root.make_file("f", b"new one");
    assert_eq!(old.all(), b"old");
    assert_eq!(new.all(), b"new one");
    assert!(!old.is_same_object(&new));
    assert_ne!(old.metadata_hash(), new.metadata_hash());
}

pub(crate) fn a_replaced_file_lives_until_the_last_close<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    let old = root.make_file("f", &pattern(10_000));
    root.put("g", b"new");
    let before = guest.usage();
    root.rename("g", "f").unwrap();
    assert_eq!(guest.inodes(), before.inodes);
    assert_eq!(old.stat().link_count, 0);
    assert!(old.all() == pattern(10_000));
    assert_eq!(root.content("f"), b"new");
    drop(old);
    assert_eq!(guest.inodes(), before.inodes - 1);
}

pub(crate) fn unlinking_a_symlink_leaves_its_target<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.put("f", b"x");
    root.create_directory("d").unwrap();
    root.symlink("f", "to-file").unwrap();
    root.symlink("d", "to-directory").unwrap();
    root.unlink("to-file").unwrap();
    root.unlink("to-directory").unwrap();
    assert_eq!(root.content("f"), b"x");
    assert!(root.has("d"));
}
