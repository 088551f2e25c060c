//! Path resolution.

use larder_core::{FileType, Follow, SetTime};

use super::*;
use crate::{Form, Guest, Mount};

pub(crate) fn dots_and_slashes_change_nothing<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.create_directory("a").unwrap();
    root.create_directory("a/b").unwrap();
    root.put("a/b/f", b"x");
    for path in ["a/b/f", "./a/b/f", "a//b///f", "a/./b/./f", "a/../a/b/f", "a/b/../../a/b/f", ".//.//a/b/../b/f"] {
        assert_eq!(root.content(path), b"x", "{path}");
    }
    for path in [".", "./", "a/..", "a/b/../..", "a/../"] {
        assert_eq!(root.metadata_hash_at(Follow::Yes, path).unwrap(), root.metadata_hash(), "{path}");
    }
}

pub(crate) fn a_path_never_leaves_its_directory<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.put("f", b"secret");
    root.create_directory("d").unwrap();
    root.create_directory("d/e").unwrap();
    let inner = root.open_directory("d").unwrap();
    for directory in [&inner, &guest.mount(Mount::Scoped), &root] {
        for path in ["..", "../", "../f", "./../f", "../d/e", "../../f", "../scope"] {
            let code = ErrorCode::NotPermitted;
            refused(directory.open_at(Follow::Yes, path, NO_OPEN, READ), code);
            refused(directory.open(path, CREATE | TRUNCATE, BOTH), code);
            refused(directory.stat_at(Follow::No, path), code);
            refused(directory.metadata_hash_at(Follow::No, path), code);
            refused(directory.set_times_at(Follow::No, path, SetTime::Now, SetTime::Now), code);
            refused(directory.readlink(path), code);
            refused(directory.create_directory(path), code);
            refused(directory.remove_directory(path), code);
            refused(directory.unlink(path), code);
            refused(directory.symlink("x", path), code);
        }
        directory.put("mine", b"");
        refused(directory.rename("mine", "../mine"), ErrorCode::NotPermitted);
        refused(directory.rename("../f", "f2"), ErrorCode::NotPermitted);
        refused(directory.link("mine", "../mine"), ErrorCode::NotPermitted);
        refused(directory.link("../f", "f2"), ErrorCode::NotPermitted);
        directory.unlink("mine").unwrap();
    }
    refused(inner.stat_at(Follow::Yes, "e/../../f"), ErrorCode::NotPermitted);
    assert_eq!(root.content("f"), b"secret");
}

pub(crate) fn an_absolute_path_is_refused<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.put("f", b"");
    for path in ["/", "/f", "//f", "/./f"] {
        let code = ErrorCode::NotPermitted;
        refused(root.open_to_read(path), code);
        refused(root.open(path, CREATE | TRUNCATE, BOTH), code);
        refused(root.stat_at(Follow::Yes, path), code);
        refused(root.create_directory(path), code);
        refused(root.remove_directory(path), code);
        refused(root.unlink(path), code);
        refused(root.rename("f", path), code);
        refused(root.rename(path, "g"), code);
        refused(root.link("f", path), code);
        refused(root.symlink("f", path), code);
        refused(root.readlink(path), code);
    }
}

pub(crate) fn an_empty_path_names_nothing<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.put("f", b"");
    refused(root.open_to_read(""), ErrorCode::NoEntry);
    refused(root.open("", CREATE, BOTH), ErrorCode::NoEntry);
    refused(root.stat_at(Follow::Yes, ""), ErrorCode::NoEntry);
    refused(root.create_directory(""), ErrorCode::NoEntry);
    refused(root.remove_directory(""), ErrorCode::NoEntry);
    refused(root.unlink(""), ErrorCode::NoEntry);
    refused(root.rename("", "x"), ErrorCode::NoEntry);
    refused(root.rename("f", ""), ErrorCode::NoEntry);
    refused(root.readlink(""), ErrorCode::NoEntry);
}

pub(crate) fn a_trailing_slash_asks_for_a_directory<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.put("f", b"x");
    root.create_directory("d/").unwrap();
    assert_eq!(root.stat_at(Follow::Yes, "d/").unwrap().file_type, FileType::Directory);
    assert_eq!(root.open("d///", NO_OPEN, READ).unwrap().file_type(), FileType::Directory);
    refused(root.open_to_read("f/"), ErrorCode::NotDirectory);
    refused(root.open("f/", CREATE, BOTH), ErrorCode::NotDirectory);
    refused(root.stat_at(Follow::Yes, "f/"), ErrorCode::NotDirectory);
    refused(root.set_times_at(Follow::Yes, "f/", SetTime::Now, SetTime::Now), ErrorCode::NotDirectory);
    refused(root.unlink("f/"), ErrorCode::NotDirectory);
    refused(root.remove_directory("f/"), ErrorCode::NotDirectory);
    refused(root.rename("f/", "g"), ErrorCode::NotDirectory);
    refused(root.rename("f", "g/"), ErrorCode::NotDirectory);
    refused(root.link("f/", "g"), ErrorCode::NotDirectory);
    refused(root.open("new/", CREATE, BOTH), ErrorCode::IsDirectory);
    root.rename("d/", "e/").unwrap();
    assert_eq!(root.names(), ["e", "f", "scope"]);
}

pub(crate) fn a_file_in_the_middle_is_not_a_directory<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    let file = root.make_file("f", b"");
    for path in ["f/x", "f/.", "f/..", "f/../f"] {
        refused(root.open_to_read(path), ErrorCode::NotDirectory);
        refused(root.stat_at(Follow::Yes, path), ErrorCode::NotDirectory);
    }
    // Nor is an open file one to start from.
    for path in ["x", ".", "f"] {
        refused(file.open_to_read(path), ErrorCode::NotDirectory);
        refused(file.open(path, CREATE, BOTH), ErrorCode::NotDirectory);
        refused(file.stat_at(Follow::Yes, path), ErrorCode::NotDirectory);
        refused(file.create_directory(path), ErrorCode::NotDirectory);
        refused(file.unlink(path), ErrorCode::NotDirectory);
        refused(root.rename_to("f", &file, path), ErrorCode::NotDirectory);
    }
}

pub(crate) fn a_missing_directory_has_no_entries<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    for path in ["missing", "missing/x", "missing/.", "missing/.."] {
        refused(root.open_to_read(path), ErrorCode::NoEntry);
        refused(root.stat_at(Follow::Yes, path), ErrorCode::NoEntry);
        refused(root.metadata_hash_at(Follow::Yes, path), ErrorCode::NoEntry);
        refused(root.set_times_at(Follow::Yes, path, SetTime::Now, SetTime::Now), ErrorCode::NoEntry);
    }
}

pub(crate) fn names_are_any_text_without_slash_and_nul<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    let names = ["...", "a b", "ä", "a\u{308}", "A", "a", "\\", "c:", "*", "\u{7f}", "\n", "日本", "-", " ", "💾"];
    let directory = root.make_directory("d");
    for name in names {
        directory.put(name, name.as_bytes());
    }
    for name in names {
        assert_eq!(directory.content(name), name.as_bytes(), "{name:?}");
    }
    let mut expected = names.map(str::to_owned);
    expected.sort_unstable();
    assert_eq!(directory.names(), expected, "as they were given: not folded, not normalised");
    for path in ["\0", "a\0b", "a\0", "d\0/x"] {
        refused(root.open(path, CREATE, BOTH), ErrorCode::Invalid);
        refused(root.create_directory(path), ErrorCode::Invalid);
        refused(root.stat_at(Follow::Yes, path), ErrorCode::Invalid);
    }
    refused(root.symlink("a\0b", "x"), ErrorCode::Invalid);
}

pub(crate) fn an_open_directory_is_the_same_wherever_it_moves<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    let directory = root.make_directory("d");
    root.create_directory("e").unwrap();
    directory.put("f", b"x");
    root.rename("d", "e/moved").unwrap();
    assert_eq!(directory.content("f"), b"x");
    directory.put("g", b"y");
    assert_eq!(root.content("e/moved/g"), b"y");
    refused(directory.stat_at(Follow::Yes, ".."), ErrorCode::NotPermitted);
    refused(directory.stat_at(Follow::Yes, "../moved/f"), ErrorCode::NotPermitted);
}

pub(crate) fn deep_trees_work<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    // 300 levels of "deep/" fit in a path; each is made by its whole path.
    let depth = 300.min((F::longest_path() - 1) / "deep/".len());
    let mut path = String::new();
    for _ in 0..depth {
        path.push_str("deep/");
        root.create_directory(&path).unwrap();
    }
    root.put(&format!("{path}f"), b"x");
    assert_eq!(root.content(&format!("{path}{}{path}f", "../".repeat(depth))), b"x");
}
