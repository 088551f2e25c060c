//! Renaming, with everything that POSIX says of it.

use std::sync::atomic::{AtomicBool, Ordering};

use larder_core::Follow;

use super::*;
use crate::{Form, Guest, Mount, Node};

pub(crate) fn a_file_moves<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    let directory = root.make_directory("d");
    let file = root.make_file("f", b"x");
    let hash = file.metadata_hash();
    root.rename("f", "g").unwrap();
    assert!(!root.has("f"));
    assert_eq!(root.content("g"), b"x");
    root.rename_to("g", &directory, "h").unwrap();
    assert_eq!(root.names(), ["d", "scope"]);
    assert_eq!(directory.content("h"), b"x");
    assert_eq!(directory.metadata_hash_at(Follow::No, "h").unwrap(), hash);
    file.write(0, b"y").unwrap();
    assert_eq!(root.content("d/h"), b"y");
}

pub(crate) fn a_directory_moves_with_all_below_it<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    for path in ["a", "a/b", "a/b/c", "x"] {
        root.create_directory(path).unwrap();
    }
    root.put("a/b/c/f", b"content");
    assert_eq!((root.stat_of("a").link_count, root.stat_of("x").link_count), (3, 2));
    root.rename("a/b", "x/y").unwrap();
    assert_eq!(root.content("x/y/c/f"), b"content");
    refused(root.stat_at(Follow::Yes, "a/b"), ErrorCode::NoEntry);
    assert_eq!((root.stat_of("a").link_count, root.stat_of("x").link_count), (2, 3), "links of the parents");
    assert_eq!(root.content("x/y/../y/c/../c/f"), b"content");
}

pub(crate) fn a_link_moves_as_itself<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.put("f", b"x");
    root.create_directory("d").unwrap();
    root.symlink("f", "link").unwrap();
    root.rename("link", "d/link").unwrap();
    assert_eq!(root.readlink("d/link").unwrap(), "f");
    refused(root.open_to_read("d/link"), ErrorCode::NoEntry);
    assert!(root.has("f"));
    // And is replaced as itself.
    root.put("g", b"y");
    root.symlink("f", "target").unwrap();
    root.rename("g", "target").unwrap();
    assert_eq!(root.content("target"), b"y");
    assert_eq!(root.content("f"), b"x");
}

pub(crate) fn a_file_replaces_a_file<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.put("old", &pattern(50_000));
    root.put("new", b"new");
    let before = guest.inodes();
    root.rename("new", "old").unwrap();
    assert_eq!(root.content("old"), b"new");
    assert_eq!(root.names(), ["old", "scope"]);
    assert_eq!(guest.inodes(), before - 1, "the replaced file is refunded");
    root.symlink("nowhere", "link").unwrap();
    root.rename("link", "old").unwrap();
    assert_eq!(root.readlink("old").unwrap(), "nowhere");
}

pub(crate) fn a_directory_replaces_an_empty_one<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    for path in ["from", "to", "from/inside"] {
        root.create_directory(path).unwrap();
    }
    let links = root.stat().link_count;
    let replaced = root.open_directory("to").unwrap();
    root.rename("from", "to").unwrap();
    assert!(root.has("to/inside") && !root.has("from"));
    assert_eq!(root.stat().link_count, links - 1);
    assert_eq!(replaced.stat().link_count, 0);
    refused(replaced.create_directory("x"), ErrorCode::NoEntry);
}

pub(crate) fn a_directory_that_is_not_empty_is_not_replaced<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    for path in ["a", "b", "b/c", "b/c/d"] {
        root.create_directory(path).unwrap();
    }
    refused(root.rename("a", "b"), ErrorCode::NotEmpty);
    refused(root.rename("b/c/d", "b"), ErrorCode::NotEmpty);
    assert!(root.has("a") && root.has("b/c/d"));
}

pub(crate) fn files_and_directories_do_not_replace_each_other<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.put("f", b"x");
    root.create_directory("d").unwrap();
    root.create_directory("full").unwrap();
    root.put("full/x", b"");
    root.symlink("d", "link").unwrap();
    refused(root.rename("f", "d"), ErrorCode::IsDirectory);
    refused(root.rename("f", "full"), ErrorCode::IsDirectory);
    refused(root.rename("link", "d"), ErrorCode::IsDirectory);
    refused(root.rename("d", "f"), ErrorCode::NotDirectory);
    refused(root.rename("d", "link"), ErrorCode::NotDirectory);
    assert_eq!(root.names(), ["d", "f", "full", "link", "scope"]);
}

pub(crate) fn a_directory_does_not_move_into_itself<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    for path in ["a", "a/b", "a/b/c"] {
        root.create_directory(path).unwrap();
    }
    refused(root.rename("a", "a/x"), ErrorCode::Invalid);
    refused(root.rename("a", "a/b"), ErrorCode::Invalid);
    refused(root.rename("a", "a/b/c/x"), ErrorCode::Invalid);
    refused(root.rename("a/b", "a/b/c"), ErrorCode::Invalid);
    let inner = root.open_directory("a/b/c").unwrap();
    refused(root.rename_to("a", &inner, "x"), ErrorCode::Invalid);
    root.rename("a/b/c", "x").unwrap();
    root.rename("a", "x/a").unwrap();
    assert!(root.has("x/a/b"));
}

pub(crate) fn onto_itself_nothing_happens<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.put("f", b"x");
    root.create_directory("d").unwrap();
    root.put("d/inside", b"");
    root.link("f", "same").unwrap();
    let before = root.stat_of("f");
    guest.after(100);
    root.rename("f", "f").unwrap();
    root.rename("d", "d").unwrap();
    root.rename("d", "d/../d").unwrap();
    // POSIX: two names of one file stay both.
    root.rename("f", "same").unwrap();
    assert_eq!(root.names(), ["d", "f", "same", "scope"]);
    assert_eq!(root.stat_of("f"), before);
}

pub(crate) fn what_is_missing_does_not_move<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.put("f", b"x");
    refused(root.rename("missing", "x"), ErrorCode::NoEntry);
    refused(root.rename("missing", "f"), ErrorCode::NoEntry);
    refused(root.rename("missing/x", "y"), ErrorCode::NoEntry);
    refused(root.rename("f", "missing/x"), ErrorCode::NoEntry);
    assert_eq!(root.content("f"), b"x");
}

pub(crate) fn dots_do_not_move<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.create_directory("d").unwrap();
    root.create_directory("e").unwrap();
    for (from, to) in [(".", "x"), ("d/.", "x"), ("d/..", "x"), ("d", "."), ("d", "e/."), ("d", "e/..")] {
        refused(root.rename(from, to), ErrorCode::Busy);
    }
}

pub(crate) fn names_beyond_the_limits_are_too_long<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.put("f", b"x");
    refused(root.rename("f", &"n".repeat(256)), ErrorCode::NameTooLong);
    refused(root.rename("f", &"n/".repeat(2049)), ErrorCode::NameTooLong);
    root.rename("f", &"n".repeat(255)).unwrap();
}

pub(crate) fn nothing_moves_to_another_mount<F: Form>() {
    let guest = Guest::<F>::new();
    let (root, scoped, other) = (guest.root(), guest.mount(Mount::Scoped), guest.mount(Mount::Other));
    root.put("f", b"");
    root.create_directory("d").unwrap();
    scoped.put("s", b"");
    for path in ["f", "d"] {
        refused(root.rename_to(path, &other, "x"), ErrorCode::CrossDevice);
        refused(root.rename_to(path, &scoped, "x"), ErrorCode::CrossDevice);
    }
    refused(scoped.rename_to("s", &root, "x"), ErrorCode::CrossDevice);
    root.rename_to("f", &guest.root(), "g").unwrap();
}

pub(crate) fn a_rename_is_charged_by_its_names<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.create_directory("d").unwrap();
    root.put("four", &pattern(10_000));
    root.put("to-be-replaced", b"");
    let before = guest.usage();
    root.rename("four", "d/seven77").unwrap();
    assert_eq!(guest.bytes(), before.bytes + 7 - 4);
    root.rename("d/seven77", "f").unwrap();
    assert_eq!(guest.bytes(), before.bytes - 3);
    root.rename("f", "to-be-replaced").unwrap();
    assert_eq!(guest.bytes(), before.bytes - 4 - larder_core::ENTRY_BYTES);
    assert_eq!(guest.inodes(), before.inodes - 1);
}

/// Replaces `current` again and again by what `make` puts at `next`, while
/// another guest looks at `current`.
fn replace_and_look<F: Form>(make: impl Fn(&Node<'_, F>, u8) + Sync, look: impl Fn(&Node<'_, F>)) {
    const ROUNDS: u8 = 250;
    let guest = Guest::<F>::new();
    let root = guest.root();
    make(&root, 0);
    root.rename("next", "current").unwrap();
    // A form with one guest looks between the renames alone.
    let Some(another) = guest.another() else {
        for round in 0..ROUNDS {
            make(&root, round);
            root.rename("next", "current").unwrap();
            look(&root);
        }
        return;
    };
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let another = another;
            let root = another.root();
            for round in 0..ROUNDS {
                make(&root, round);
                root.rename("next", "current").unwrap();
            }
            done.store(true, Ordering::Release);
        });
        while !done.load(Ordering::Acquire) {
            look(&root);
        }
    });
}

pub(crate) fn a_replacement_leaves_no_gap<F: Form>() {
    replace_and_look::<F>(
        |root, round| root.put("next", &[round; 1000]),
        |root| {
            let content = root.content("current");
            assert_eq!(content.len(), 1000, "a whole file");
            assert!(content.iter().all(|byte| *byte == content[0]), "of one writer");
            assert_eq!(root.stat_at(Follow::Yes, "current").unwrap().size, 1000, "the attributes of a whole file");
            root.metadata_hash_at(Follow::Yes, "current").unwrap();
        },
    );
}

pub(crate) fn a_replaced_link_leaves_no_gap<F: Form>() {
    replace_and_look::<F>(
        |root, round| {
            let target = if round % 2 == 0 { "scope/even" } else { "scope/odd" };
            if !root.has(target) {
                root.create_directory(target).unwrap();
                root.put(&format!("{target}/f"), target.as_bytes());
            }
            root.symlink(target, "next").unwrap();
        },
        |root| {
            let content = root.content("current/f");
            assert!(content == b"scope/even" || content == b"scope/odd", "one of the two");
            let target = root.readlink("current").unwrap();
            assert!(target == "scope/even" || target == "scope/odd", "one of the two, not {target:?}");
        },
    );
}
