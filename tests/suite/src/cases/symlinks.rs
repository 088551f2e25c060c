//! Symbolic links.

use larder_core::{FileType, Follow};

use super::*;
use crate::{Form, Guest, Mount};

pub(crate) fn a_link_holds_its_target_as_given<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    for target in ["f", "../x", "/absolute", "a//b/./", "no such thing", "ä/ß", "."] {
        root.symlink(target, "link").unwrap();
        assert_eq!(root.readlink("link").unwrap(), target);
        let stat = root.stat_of("link");
        assert_eq!((stat.file_type, stat.size), (FileType::SymbolicLink, target.len() as u64));
        root.unlink("link").unwrap();
    }
}

pub(crate) fn only_links_have_targets<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.put("f", b"");
    root.create_directory("d").unwrap();
    refused(root.readlink("f"), ErrorCode::Invalid);
    refused(root.readlink("d"), ErrorCode::Invalid);
    refused(root.readlink("."), ErrorCode::Invalid);
    refused(root.readlink("missing"), ErrorCode::NoEntry);
}

pub(crate) fn making_a_link_fails_as_posix_says<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.put("f", b"");
    root.create_directory("d").unwrap();
    root.symlink("f", "link").unwrap();
    for path in ["f", "d", "link", "d/", "."] {
        refused(root.symlink("t", path), ErrorCode::Exist);
    }
    refused(root.symlink("", "x"), ErrorCode::NoEntry);
    refused(root.symlink("t", ""), ErrorCode::NoEntry);
    refused(root.symlink("t", "x/"), ErrorCode::NoEntry);
    refused(root.symlink(&"t".repeat(4097), "x"), ErrorCode::NameTooLong);
    assert!(!root.has("x"));
}

pub(crate) fn a_relative_target_starts_at_the_link<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.put("f", b"outer");
    let directory = root.make_directory("d");
    directory.put("f", b"inner");
    directory.symlink("f", "same").unwrap();
    directory.symlink("../f", "up").unwrap();
    directory.symlink("./../d/./f", "around").unwrap();
    assert_eq!(root.content("d/same"), b"inner");
    assert_eq!(root.content("d/up"), b"outer");
    assert_eq!(root.content("d/around"), b"inner");
}

pub(crate) fn an_absolute_target_starts_at_the_root_of_the_view<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.put("f", b"outer");
    let scoped = guest.mount(Mount::Scoped);
    scoped.put("f", b"inner");
    scoped.create_directory("d").unwrap();
    scoped.symlink("/f", "d/link").unwrap();
    assert_eq!(scoped.content("d/link"), b"inner");
    // The same link, seen from a view with another root.
    assert_eq!(root.content("scope/d/link"), b"outer");
    // It leads there also from the middle of a path, and to the root itself.
    scoped.symlink("/", "d/root").unwrap();
    assert_eq!(scoped.content("d/root/f"), b"inner");
    assert_eq!(scoped.content("d/root/d/root/d/link"), b"inner");
    refused(scoped.stat_at(Follow::Yes, "d/root/../f"), ErrorCode::NotPermitted);
}

pub(crate) fn an_absolute_target_may_begin_with_the_mount_point<F: Form>() {
    let guest = Guest::<F>::new();
    let scoped = guest.mount(Mount::Scoped);
    scoped.put("f", b"here");
    let mounted = guest.mount_path(Mount::Scoped);
    // A path that only begins as the mount point does.
    let other = format!("{mounted}x");
    let mut path = String::new();
    for name in other[1..].split('/') {
        path.push_str(name);
        scoped.create_directory(&path).unwrap();
        path.push('/');
    }
    scoped.put(&format!("{path}f"), b"there");
    scoped.symlink(&format!("{mounted}/f"), "link").unwrap();
    scoped.symlink(&mounted, "root").unwrap();
    scoped.symlink(&format!("{mounted}//"), "root-too").unwrap();
    scoped.symlink(&format!("{other}/f"), "no-prefix").unwrap();
    assert_eq!(scoped.content("link"), b"here");
    assert_eq!(scoped.content("root/f"), b"here");
    assert_eq!(scoped.content("root-too/f"), b"here");
    assert_eq!(scoped.content("no-prefix"), b"there");
}

pub(crate) fn an_absolute_target_is_refused_below_the_root<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    let directory = root.make_directory("d");
    root.put("f", b"");
    directory.put("f", b"");
    directory.symlink("/d/f", "link").unwrap();
    directory.symlink("/", "root").unwrap();
    for path in ["link", "root/f", "root/d/f"] {
        refused(directory.open_to_read(path), ErrorCode::NotPermitted);
        refused(directory.stat_at(Follow::Yes, path), ErrorCode::NotPermitted);
    }
    refused(directory.unlink("root/f"), ErrorCode::NotPermitted);
    refused(directory.rename("f", "root/g"), ErrorCode::NotPermitted);
    refused(directory.open("root/g", CREATE, BOTH), ErrorCode::NotPermitted);
    assert!(root.has("f") && directory.has("f"));
    // The link itself is a thing of this directory.
    assert_eq!(directory.readlink("link").unwrap(), "/d/f");
    directory.unlink("link").unwrap();
}

pub(crate) fn a_dangling_link_names_nothing<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.symlink("nowhere", "link").unwrap();
    refused(root.open_to_read("link"), ErrorCode::NoEntry);
    refused(root.stat_at(Follow::Yes, "link"), ErrorCode::NoEntry);
    refused(root.open_directory("link/"), ErrorCode::NoEntry);
    assert!(root.has("link"));
}

pub(crate) fn creating_through_a_dangling_link_makes_its_target<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.create_directory("d").unwrap();
    root.symlink("d/f", "link").unwrap();
    root.open("link", CREATE, BOTH).unwrap().write(0, b"x").unwrap();
    assert_eq!(root.content("d/f"), b"x");
    assert_eq!(root.readlink("link").unwrap(), "d/f");
}

pub(crate) fn without_following_a_path_names_the_link<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.put("f", b"x");
    root.create_directory("d").unwrap();
    root.symlink("f", "to-file").unwrap();
    root.symlink("d", "to-directory").unwrap();
    assert_eq!(root.stat_at(Follow::No, "to-file").unwrap().file_type, FileType::SymbolicLink);
    assert_eq!(root.stat_at(Follow::Yes, "to-file").unwrap().file_type, FileType::RegularFile);
    for path in ["to-file", "to-directory"] {
        refused(root.open_at(Follow::No, path, NO_OPEN, READ), ErrorCode::Loop);
        refused(root.open_at(Follow::No, path, CREATE, BOTH), ErrorCode::Loop);
        refused(root.open_at(Follow::No, path, TRUNCATE, BOTH), ErrorCode::Loop);
    }
    assert_eq!(root.content("f"), b"x");
}

pub(crate) fn a_link_in_the_middle_is_always_followed<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.create_directory("d").unwrap();
    root.put("d/f", b"x");
    root.symlink("d", "link").unwrap();
    assert_eq!(root.open_at(Follow::No, "link/f", NO_OPEN, READ).unwrap().all(), b"x");
    root.rename("link/f", "link/g").unwrap();
    root.link("link/g", "h").unwrap();
    root.unlink("link/g").unwrap();
    root.put("f", b"");
    root.symlink("f", "to-file").unwrap();
    refused(root.open_to_read("to-file/x"), ErrorCode::NotDirectory);
}

pub(crate) fn a_slash_behind_a_link_follows_it<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.put("f", b"");
    root.create_directory("d").unwrap();
    root.symlink("d", "link").unwrap();
    root.symlink("d/", "with-slash").unwrap();
    root.symlink("f", "to-file").unwrap();
    root.symlink("f/", "file-with-slash").unwrap();
    assert_eq!(root.stat_at(Follow::No, "link/").unwrap().file_type, FileType::Directory);
    assert_eq!(root.stat_at(Follow::No, "with-slash/").unwrap().file_type, FileType::Directory);
    assert_eq!(root.stat_at(Follow::Yes, "with-slash").unwrap().file_type, FileType::Directory);
    assert_eq!(root.stat_at(Follow::No, "with-slash").unwrap().file_type, FileType::SymbolicLink);
    refused(root.stat_at(Follow::No, "to-file/"), ErrorCode::NotDirectory);
    refused(root.stat_at(Follow::Yes, "file-with-slash"), ErrorCode::NotDirectory);
    // What creates, removes or moves a name means the link all the same.
    refused(root.unlink("link/"), ErrorCode::NotDirectory);
    refused(root.rename("link/", "x"), ErrorCode::NotDirectory);
}

pub(crate) fn links_may_lead_to_links<F: Form>() {
    let guest = Guest::<F>::with(|limits| limits.symlink_depth = 5);
    let root = guest.root();
    root.put("link0", b"x");
    for i in 1..=6 {
        root.symlink(&format!("link{}", i - 1), &format!("link{i}")).unwrap();
    }
    assert_eq!(root.content("link5"), b"x", "as many as the limit says");
    refused(root.open_to_read("link6"), ErrorCode::Loop);
    refused(root.stat_at(Follow::Yes, "link6"), ErrorCode::Loop);
    assert_eq!(root.readlink("link6").unwrap(), "link5");
}

pub(crate) fn the_depth_counts_links_of_the_whole_path<F: Form>() {
    let guest = Guest::<F>::with(|limits| limits.symlink_depth = 5);
    let root = guest.root();
    root.symlink(".", "here").unwrap();
    root.put("f", b"x");
    assert_eq!(root.content("here/here/here/here/here/f"), b"x");
    refused(root.open_to_read("here/here/here/here/here/here/f"), ErrorCode::Loop);
}

pub(crate) fn circles_are_a_loop<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.symlink("self", "self").unwrap();
    root.symlink("b", "a").unwrap();
    root.symlink("a", "b").unwrap();
    root.symlink("deeper/x", "deeper").unwrap();
    root.symlink("/absolute", "absolute").unwrap();
    for path in ["self", "a", "b", "deeper", "absolute"] {
        refused(root.open_to_read(path), ErrorCode::Loop);
        refused(root.open(path, CREATE, BOTH), ErrorCode::Loop);
        refused(root.stat_at(Follow::Yes, path), ErrorCode::Loop);
        refused(root.create_directory(&format!("{path}/x")), ErrorCode::Loop);
    }
}

pub(crate) fn parents_are_those_of_the_target<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.put("f", b"outer");
    root.create_directory("a").unwrap();
    root.create_directory("a/b").unwrap();
    root.put("a/f", b"of a");
    root.symlink("a/b", "link").unwrap();
    assert_eq!(root.content("link/../f"), b"of a");
}

pub(crate) fn a_target_never_leads_outside<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.put("secret", b"x");
    let scoped = guest.mount(Mount::Scoped);
    scoped.create_directory("d").unwrap();
    for (target, link) in [("../secret", "link"), ("../../secret", "d/link"), ("d/../../secret", "through")] {
        scoped.symlink(target, link).unwrap();
        refused(scoped.open_to_read(link), ErrorCode::NotPermitted);
        refused(scoped.stat_at(Follow::Yes, link), ErrorCode::NotPermitted);
        refused(scoped.open(link, CREATE | TRUNCATE, BOTH), ErrorCode::NotPermitted);
        refused(
            scoped.set_times_at(Follow::Yes, link, larder_core::SetTime::Now, larder_core::SetTime::Now),
            ErrorCode::NotPermitted,
        );
    }
    assert_eq!(root.content("scope/link"), b"x", "where the whole volume is granted it leads there");
}
