//! Limits: the exact code at each, nothing changed by what was refused, and
//! refunds.

use std::sync::atomic::{AtomicU64, Ordering};

use larder_core::{ENTRY_BYTES, Follow};

use super::*;
use crate::{Form, Guest};

/// What a guest of the suite begins with: the root and the directory `scope`.
const FIRST_INODES: u64 = 2;
const FIRST_BYTES: u64 = ENTRY_BYTES + 5;

/// The unit in which content is charged.
const PAGE: u64 = larder_core::PAGE_BYTES as u64;

pub(crate) fn a_new_volume_is_charged_for_its_root<F: Form>() {
    let guest = Guest::<F>::new();
    assert_eq!((guest.inodes(), guest.bytes()), (FIRST_INODES, FIRST_BYTES));
}

pub(crate) fn bytes_end_with_insufficient_space<F: Form>() {
    let entry = ENTRY_BYTES + 1;
    let guest = Guest::<F>::with(|limits| limits.bytes = FIRST_BYTES + 2 * entry + 3 * PAGE);
    let root = guest.root();
    let (f, g) = (root.make_file("f", b""), root.make_file("g", b""));
    f.write(0, &[1; 2 * larder_core::PAGE_BYTES]).unwrap();
    g.write(0, &[2; 10]).unwrap();
    let (full, before) = (guest.usage(), f.stat());
    guest.after(10);
    refused(f.write(2 * PAGE, b"x"), ErrorCode::InsufficientSpace);
    refused(f.append(b"x"), ErrorCode::InsufficientSpace);
    refused(g.write(PAGE - 1, b"xy"), ErrorCode::InsufficientSpace);
    assert_eq!(guest.usage(), full);
    assert_eq!(f.stat(), before, "what is refused changes nothing");
    if F::WRITES_WHOLE {
        assert_eq!(g.all(), [2; 10]);
    }
    // What is charged already may be written.
    f.write(5, b"x").unwrap();
    g.write(10, b"in the same page").unwrap();
    f.set_size(1 << 30).unwrap();
    f.set_size(1).unwrap();
    g.write(PAGE, b"the page that became free").unwrap();
    assert_eq!(guest.usage(), full);
}

pub(crate) fn names_and_targets_are_charged<F: Form>() {
    let guest = Guest::<F>::with(|limits| limits.bytes = FIRST_BYTES + 2 * ENTRY_BYTES + 10 + 20);
    let root = guest.root();
    root.symlink(&"t".repeat(20), "12345").unwrap();
    let before = guest.usage();
    let code = ErrorCode::InsufficientSpace;
    refused(root.open("123456", CREATE, BOTH), code);
    refused(root.create_directory("123456"), code);
    refused(root.link("12345", "123456"), code);
    refused(root.symlink("t", "12345a"), code);
    assert_eq!(guest.usage(), before);
    drop(root.open("1234", CREATE, BOTH).unwrap());
    refused(root.rename("1234", "123456"), code);
    assert!(root.has("1234"));
    root.rename("1234", "1234x").unwrap();
    assert_eq!(guest.bytes(), before.bytes + ENTRY_BYTES + 5);
}

pub(crate) fn inodes_end_with_insufficient_space<F: Form>() {
    let guest = Guest::<F>::with(|limits| limits.inodes = FIRST_INODES + 3);
    let root = guest.root();
    let file = root.make_file("f", b"x");
    root.create_directory("d").unwrap();
    root.symlink("f", "link").unwrap();
    let full = guest.usage();
    let code = ErrorCode::InsufficientSpace;
    refused(root.open("new", CREATE, BOTH), code);
    refused(root.create_directory("new"), code);
    refused(root.symlink("f", "new"), code);
    assert_eq!(guest.usage(), full);
    assert!(!root.has("new"));
    // A hard link is no inode.
    root.link("f", "same").unwrap();
    root.unlink("same").unwrap();
    root.unlink("f").unwrap();
    refused(root.open("new", CREATE, BOTH), code);
    drop(file);
    root.put("new", b"x");
    root.rename("new", "link").unwrap();
    root.create_directory("another").unwrap();
}

pub(crate) fn a_file_ends_with_file_too_large<F: Form>() {
    let guest = Guest::<F>::with(|limits| limits.file_bytes = 10_000);
    let file = guest.root().make_file("f", b"");
    file.set_size(10_000).unwrap();
    refused(file.set_size(10_001), ErrorCode::FileTooLarge);
    file.write(9_999, b"x").unwrap();
    let before = (guest.usage(), file.stat());
    guest.after(10);
    refused(file.write(10_000, b"x"), ErrorCode::FileTooLarge);
    refused(file.write(9_999, b"xy"), ErrorCode::FileTooLarge);
    refused(file.append(b"x"), ErrorCode::FileTooLarge);
    refused(file.write(20_000, b"x"), ErrorCode::FileTooLarge);
    if F::WRITES_WHOLE {
        assert_eq!((guest.usage(), file.stat()), before, "what is refused changes nothing");
    }
    file.set_size(9_998).unwrap();
    file.append(b"12").unwrap();
    assert_eq!(file.stat().size, 10_000);
}

pub(crate) fn names_end_with_name_too_long<F: Form>() {
    let guest = Guest::<F>::with(|limits| limits.name_bytes = 20);
    let root = guest.root();
    let (fits, long) = ("n".repeat(20), "n".repeat(21));
    root.put(&fits, b"x");
    // Bytes count, not characters.
    root.put(&"ä".repeat(10), b"x");
    let code = ErrorCode::NameTooLong;
    for name in [long.as_str(), &"ä".repeat(11)] {
        refused(root.open(name, CREATE, BOTH), code);
        refused(root.open_to_read(name), code);
        refused(root.create_directory(name), code);
        refused(root.symlink("t", name), code);
        refused(root.link(&fits, name), code);
        refused(root.rename(&fits, name), code);
        refused(root.unlink(name), code);
        refused(root.stat_at(Follow::Yes, name), code);
        refused(root.stat_at(Follow::Yes, &format!("{name}/x")), code);
    }
    root.symlink(&long, "link").unwrap();
    refused(root.open_to_read("link"), code);
}

pub(crate) fn paths_end_with_name_too_long<F: Form>() {
    let guest = Guest::<F>::with(|limits| limits.path_bytes = 100);
    let root = guest.root();
    root.put("f", b"x");
    root.create_directory("d").unwrap();
    let fits = format!(".{}f", "/".repeat(98));
    assert_eq!(fits.len(), 100);
    assert_eq!(root.content(&fits), b"x");
    let long = format!("./{fits}");
    let code = ErrorCode::NameTooLong;
    refused(root.open_to_read(&long), code);
    refused(root.open(&long, CREATE, BOTH), code);
    refused(root.stat_at(Follow::Yes, &long), code);
    refused(root.unlink(&long), code);
    refused(root.rename(&long, "g"), code);
    refused(root.rename("f", &long), code);
    refused(root.link("f", &long), code);
    refused(root.create_directory(&format!("d{}", "/".repeat(100))), code);
    root.symlink(&"t".repeat(100), "link").unwrap();
    refused(root.symlink(&"t".repeat(101), "long"), code);
}

pub(crate) fn a_directory_ends_with_quota<F: Form>() {
    let guest = Guest::<F>::with(|limits| limits.directory_entries = 4);
    let root = guest.root();
    let directory = root.make_directory("d");
    for name in ["a", "b", "c", "e"] {
        directory.put(name, b"");
    }
    root.put("outside", b"");
    let before = guest.usage();
    let code = ErrorCode::Quota;
    refused(directory.open("new", CREATE, BOTH), code);
    refused(directory.create_directory("new"), code);
    refused(directory.symlink("t", "new"), code);
    refused(directory.link("a", "new"), code);
    refused(root.rename("outside", "d/new"), code);
    assert_eq!(guest.usage(), before);
    // What needs no further entry goes on.
    directory.rename("a", "renamed").unwrap();
    root.rename("outside", "d/b").unwrap();
    directory.unlink("c").unwrap();
    directory.put("new", b"");
    refused(directory.open("one too many", CREATE, BOTH), code);
}

pub(crate) fn open_descriptors_end_with_quota<F: Form>() {
    let guest = Guest::<F>::with(|limits| limits.open_handles = 100);
    let root = guest.root();
    root.put("f", b"x");
    let before = guest.usage().open_handles;
    let mut open = Vec::new();
    let code = loop {
        match root.open_to_read("f") {
            Ok(file) => open.push(file),
            Err(code) => break code,
        }
        assert!(open.len() <= 100, "the limit is kept");
    };
    assert_eq!(code, ErrorCode::Quota);
    assert_eq!(open.len() as u64, 100 - before);
    assert_eq!(guest.usage().open_handles, 100);
    refused(root.open_directory("."), ErrorCode::Quota);
    refused(root.open("new", CREATE, BOTH), ErrorCode::Quota);
    assert!(!root.has("new"), "no file without a descriptor for it");
    refused(root.open("f", TRUNCATE, BOTH), ErrorCode::Quota);
    // Not by reading: a 0.3 stream is a descriptor of its own.
    assert_eq!(open[0].stat().size, 1, "nothing is cut by an open that fails");
    // What needs no descriptor goes on.
    root.create_directory("d").unwrap();
    root.rename("f", "d/f").unwrap();
    drop(open.pop());
    let last = root.open_to_read("d/f").unwrap();
    refused(root.open_to_read("d/f"), ErrorCode::Quota);
    drop(last);
    drop(open);
    assert_eq!(guest.usage().open_handles, before);
}

pub(crate) fn links_end_with_too_many_links<F: Form>() {
    let guest = Guest::<F>::with(|limits| limits.links = 3);
    let root = guest.root();
    root.put("a", b"");
    root.link("a", "b").unwrap();
    root.link("a", "c").unwrap();
    let before = guest.usage();
    refused(root.link("b", "d"), ErrorCode::TooManyLinks);
    assert_eq!(guest.usage(), before);
    assert!(!root.has("d"));
    root.unlink("a").unwrap();
    root.link("b", "d").unwrap();
}

pub(crate) fn what_fails_is_not_charged<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.put("f", b"x");
    root.create_directory("d").unwrap();
    root.put("d/inside", b"x");
    root.put("g", b"x");
    let before = guest.usage();
    for _ in 0..3 {
        refused(root.open("f", NEW, BOTH), ErrorCode::Exist);
        refused(root.open("f", DIRECTORY, READ), ErrorCode::NotDirectory);
        refused(root.open("d", NO_OPEN, WRITE), ErrorCode::IsDirectory);
        refused(root.open("missing", NO_OPEN, READ), ErrorCode::NoEntry);
        refused(root.create_directory("f"), ErrorCode::Exist);
        refused(root.symlink("long target", "f"), ErrorCode::Exist);
        refused(root.link("f", "d"), ErrorCode::Exist);
        refused(root.rename("f", "d"), ErrorCode::IsDirectory);
        refused(root.rename("d", "d/x"), ErrorCode::Invalid);
        refused(root.remove_directory("d"), ErrorCode::NotEmpty);
        refused(root.unlink("d"), ErrorCode::IsDirectory);
    }
    assert_eq!(guest.usage(), before);
}

pub(crate) fn a_full_volume_can_be_emptied<F: Form>() {
    let guest = Guest::<F>::with(|limits| limits.bytes = 1 << 20);
    let root = guest.root();
    let before = guest.usage();
    let mut made = 0;
    for i in 0..10_000 {
        let name = format!("f{i}");
        let Ok(file) = root.open(&name, NEW, BOTH) else { break };
        made += 1;
        if file.write(0, &[1; 30_000]).is_err() {
            break;
        }
    }
    assert!(guest.bytes() <= 1 << 20);
    for i in 0..made {
        root.unlink(&format!("f{i}")).unwrap();
    }
    assert_eq!(guest.usage(), before);
    root.put("fits again", &[1; 1_000_000]);
}

pub(crate) fn a_race_of_two_guests_does_not_pass_a_limit<F: Form>() {
    const LIMIT: u64 = FIRST_BYTES + 300 * PAGE;
    fn fill<F: Form>(guest: &Guest<F>, name: &str, highest: &AtomicU64) {
        for _ in 0..3 {
            let file = guest.root().make_file(name, b"");
            while file.append(&[1; larder_core::PAGE_BYTES]).is_ok() {
                highest.fetch_max(guest.bytes(), Ordering::Relaxed);
            }
            guest.root().unlink(name).unwrap();
        }
    }
    let guest = Guest::<F>::with(|limits| limits.bytes = LIMIT);
    let highest = AtomicU64::new(0);
    if let Some(another) = guest.another() {
        std::thread::scope(|scope| {
            let highest = &highest;
            scope.spawn(move || fill(&another, "theirs", highest));
            fill(&guest, "ours", highest);
        });
    } else {
        fill(&guest, "ours", &highest);
    }
    let highest = highest.into_inner();
    assert!(highest <= LIMIT, "{highest} of {LIMIT}");
    assert!(highest >= LIMIT - 2 * PAGE, "the limit was reached: {highest} of {LIMIT}");
}
