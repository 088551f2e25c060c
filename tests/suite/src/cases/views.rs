//! Views: read-only and scoped mounts, and the ways by which guests have
//! escaped such (GHSA-2r75-cxrj-cmph, GHSA-4ch3-9j33-3pmj in Wasmtime).

use larder_core::{DescriptorFlags, Follow, OpenFlags, SetTime, Timestamp};

use super::*;
use crate::{Form, Guest, Mount, Node, Stat};

/// A tree to attack: a file, a directory with a file, links.
fn tree<F: Form>(directory: &Node<'_, F>) {
    directory.put("f", b"content");
    directory.create_directory("d").unwrap();
    directory.put("d/f", b"inner");
    directory.create_directory("d/empty").unwrap();
    directory.symlink("f", "link").unwrap();
    directory.symlink("/d", "absolute").unwrap();
}

/// Everything of the tree that a change would show in.
fn state<F: Form>(directory: &Node<'_, F>) -> Vec<(String, Stat, Vec<u8>)> {
    [".", "f", "d", "d/f", "d/empty", "link", "absolute"]
        .into_iter()
        .map(|path| {
            let stat = directory.stat_of(path);
            let content = match stat.file_type {
                larder_core::FileType::RegularFile => directory.content(path),
                larder_core::FileType::SymbolicLink => directory.readlink(path).unwrap().into_bytes(),
                larder_core::FileType::Directory => directory.open_directory(path).unwrap().names().concat().into(),
            };
            (path.to_owned(), stat, content)
        })
        .collect()
}

/// Both read-only mounts, with the writable one that shows the same tree.
const READ_ONLY: [(Mount, Mount); 2] = [(Mount::Main, Mount::ReadOnly), (Mount::Scoped, Mount::ScopedReadOnly)];

/// Runs an attack on both read-only mounts; nothing may change.
fn unharmed<F: Form>(attack: impl Fn(&Guest<F>, &Node<'_, F>)) {
    for (writable, read_only) in READ_ONLY {
        let guest = Guest::<F>::new();
        let trusted = guest.mount(writable);
        tree(&trusted);
        let before = state(&trusted);
        let usage = guest.bytes();
        guest.after(1_000);
        attack(&guest, &guest.mount(read_only));
        guest.after(0);
        assert_eq!(state(&trusted), before, "a read-only view changed something");
        assert_eq!(guest.bytes(), usage);
    }
}

pub(crate) fn a_read_only_view_shows_what_is_there<F: Form>() {
    for (writable, read_only) in READ_ONLY {
        let guest = Guest::<F>::new();
        let trusted = guest.mount(writable);
        tree(&trusted);
        let view = guest.mount(read_only);
        assert_eq!(view.flags(), READ);
        assert_eq!(view.content("f"), b"content");
        assert_eq!(view.content("link"), b"content");
        assert_eq!(view.content("absolute/f"), b"inner");
        assert_eq!(view.names(), trusted.names());
        assert_eq!(view.stat(), trusted.stat());
        trusted.file("f").write(0, b"CON").unwrap();
        assert_eq!(view.content("f"), b"CONtent", "what others write is seen");
    }
}

pub(crate) fn a_read_only_view_refuses_every_change_of_names<F: Form>() {
    unharmed::<F>(|_, view| {
        let code = ErrorCode::ReadOnly;
        refused(view.open("new", CREATE, READ), code);
        refused(view.open("new", NEW, READ), code);
        refused(view.create_directory("new"), code);
        refused(view.symlink("f", "new"), code);
        refused(view.link("f", "new"), code);
        refused(view.link_at(Follow::Yes, "link", view, "new"), code);
        refused(view.rename("f", "new"), code);
        refused(view.rename("d", "new"), code);
        refused(view.rename("f", "d/f"), code);
        refused(view.rename("f", "f"), code);
        refused(view.unlink("f"), code);
        refused(view.unlink("link"), code);
        refused(view.remove_directory("d/empty"), code);
        refused(view.unlink("absolute/f"), code);
        refused(view.create_directory("absolute/new"), code);
    });
}

pub(crate) fn a_read_only_view_opens_nothing_for_writing<F: Form>() {
    unharmed::<F>(|_, view| {
        let code = ErrorCode::ReadOnly;
        for path in ["f", "d/f", "link", "absolute/f", "d/../f"] {
            refused(view.open(path, NO_OPEN, WRITE), code);
            refused(view.open(path, NO_OPEN, BOTH), code);
            refused(view.open(path, NO_OPEN, DescriptorFlags::all()), code);
            refused(view.open(path, CREATE, READ), code);
            refused(view.open(path, CREATE, BOTH), code);
        }
        refused(view.open("d", NO_OPEN, READ | MUTATE), code);
        refused(view.open("d", DIRECTORY, MUTATE), code);
        refused(view.open(".", NO_OPEN, MUTATE), code);
    });
}

pub(crate) fn a_read_only_view_truncates_nothing<F: Form>() {
    unharmed::<F>(|_, view| {
        for path in ["f", "d/f", "link", "absolute/f"] {
            for open in [TRUNCATE, TRUNCATE | CREATE, OpenFlags::all() - OpenFlags::DIRECTORY - OpenFlags::EXCLUSIVE] {
                for flags in [NO_FLAGS, READ, WRITE, BOTH] {
                    refused(view.open(path, open, flags), ErrorCode::ReadOnly);
                }
            }
        }
        let file = view.open_to_read("f").unwrap();
        refused(file.set_size(0), ErrorCode::BadDescriptor);
        refused(file.write(0, b"x"), ErrorCode::BadDescriptor);
        refused(file.append(b"x"), ErrorCode::BadDescriptor);
    });
}

pub(crate) fn a_read_only_view_sets_no_times<F: Form>() {
    unharmed::<F>(|_, view| {
        let time = SetTime::At(Timestamp::from_seconds(1));
        for (accessed, modified) in [(SetTime::Now, SetTime::Keep), (SetTime::Keep, time), (time, time)] {
            for path in ["f", "d", "d/f", ".", "absolute/f"] {
                refused(view.set_times_at(Follow::No, path, accessed, modified), ErrorCode::ReadOnly);
                let node = view.open_to_read(path).unwrap();
                refused(node.set_times(accessed, modified), ErrorCode::ReadOnly);
            }
            refused(view.set_times_at(Follow::No, "link", accessed, modified), ErrorCode::ReadOnly);
            refused(view.set_times_at(Follow::Yes, "link", accessed, modified), ErrorCode::ReadOnly);
        }
    });
}

pub(crate) fn reading_through_a_read_only_view_leaves_no_trace<F: Form>() {
    unharmed::<F>(|_, view| {
        for path in ["f", "d/f", "link"] {
            let _ = view.content(path);
        }
        let _ = view.names();
        let _ = view.readlink("link").unwrap();
    });
}

pub(crate) fn a_second_descriptor_has_no_more_rights<F: Form>() {
    unharmed::<F>(|_, view| {
        let below = view.open_directory("d").unwrap();
        let again = below.open_directory(".").unwrap();
        let around = view.open_directory("d/empty/../../d").unwrap();
        let through = view.open_directory("absolute").unwrap();
        let read_too = view.open("d", NO_OPEN, READ).unwrap();
        for directory in [&below, &again, &around, &through, &read_too] {
            assert_eq!(directory.flags(), READ);
            refused(directory.open("f", NO_OPEN, WRITE), ErrorCode::ReadOnly);
            refused(directory.open("f", TRUNCATE, READ), ErrorCode::ReadOnly);
            refused(directory.open("new", CREATE, READ), ErrorCode::ReadOnly);
            refused(directory.open(".", NO_OPEN, MUTATE), ErrorCode::ReadOnly);
            refused(directory.unlink("f"), ErrorCode::ReadOnly);
            refused(directory.rename("f", "new"), ErrorCode::ReadOnly);
            refused(directory.rename_to("f", view, "new"), ErrorCode::ReadOnly);
            refused(directory.link("f", "new"), ErrorCode::ReadOnly);
            refused(directory.create_directory("new"), ErrorCode::ReadOnly);
            refused(directory.set_times(SetTime::Now, SetTime::Now), ErrorCode::ReadOnly);
        }
    });
}

pub(crate) fn a_writable_mount_lends_no_rights_to_a_read_only_one<F: Form>() {
    unharmed::<F>(|guest, view| {
        // A hard link or a rename into a writable mount would make what may
        // only be read writable; one out of it would change what is read.
        for mount in [Mount::Main, Mount::Scoped, Mount::Other] {
            let writable = guest.mount(mount);
            refused(view.link_at(Follow::No, "f", &writable, "stolen"), ErrorCode::CrossDevice);
            refused(view.link_at(Follow::Yes, "link", &writable, "stolen"), ErrorCode::CrossDevice);
            refused(view.rename_to("f", &writable, "stolen"), ErrorCode::CrossDevice);
            refused(view.rename_to("d", &writable, "stolen"), ErrorCode::CrossDevice);
            let bait = writable.open("bait", CREATE, BOTH).unwrap();
            refused(writable.link_at(Follow::No, "bait", view, "planted"), ErrorCode::CrossDevice);
            refused(writable.rename_to("bait", view, "f"), ErrorCode::CrossDevice);
            writable.unlink("bait").unwrap();
            drop(bait);
        }
        for mount in [Mount::Main, Mount::Scoped] {
            let writable = guest.mount(mount);
            // The bait changed the times of a directory that is compared.
            guest.after(0);
            writable.set_times(SetTime::At(crate::START), SetTime::At(crate::START)).unwrap();
            guest.after(1_000);
        }
    });
}

pub(crate) fn a_scoped_view_is_a_root_of_its_own<F: Form>() {
    let guest = Guest::<F>::new();
    let (root, scoped) = (guest.root(), guest.mount(Mount::Scoped));
    root.put("outside", b"secret");
    scoped.put("f", b"x");
    assert_eq!(scoped.names(), ["f"]);
    assert_eq!(root.content("scope/f"), b"x");
    for path in ["..", "../outside", "./../outside", "f/../../outside", "../scope/f", "/outside"] {
        let refusal = scoped.open_to_read(path).err().unwrap();
        assert!(
            matches!(refusal, ErrorCode::NotPermitted | ErrorCode::NotDirectory),
            "{path}: {}",
            refusal.wasi_name()
        );
    }
    scoped.create_directory("d").unwrap();
    let below = scoped.open_directory("d").unwrap();
    refused(below.open_to_read("../f"), ErrorCode::NotPermitted);
    refused(below.open_to_read("../../outside"), ErrorCode::NotPermitted);
}

pub(crate) fn nothing_leads_out_of_a_scoped_view<F: Form>() {
    let guest = Guest::<F>::new();
    let (root, scoped) = (guest.root(), guest.mount(Mount::Scoped));
    root.put("outside", b"secret");
    // Links that others made, or the guest itself.
    root.symlink("../outside", "scope/made-outside").unwrap();
    scoped.symlink("../outside", "relative").unwrap();
    scoped.symlink("/outside", "absolute").unwrap();
    scoped.symlink("/../outside", "absolute-up").unwrap();
    scoped.symlink(&format!("{}/../outside", guest.mount_path(Mount::Scoped)), "mount-point-up").unwrap();
    scoped.symlink("..", "up").unwrap();
    for path in ["made-outside", "relative", "absolute-up", "mount-point-up", "up/outside"] {
        refused(scoped.open_to_read(path), ErrorCode::NotPermitted);
        refused(scoped.open(path, CREATE | TRUNCATE, BOTH), ErrorCode::NotPermitted);
        refused(scoped.link_at(Follow::Yes, path, &scoped, "stolen"), ErrorCode::NotPermitted);
        refused(scoped.set_times_at(Follow::Yes, path, SetTime::Now, SetTime::Now), ErrorCode::NotPermitted);
    }
    refused(scoped.open_to_read("absolute"), ErrorCode::NoEntry);
    refused(scoped.rename("relative", "up/stolen"), ErrorCode::NotPermitted);
    refused(scoped.rename("up/outside", "stolen"), ErrorCode::NotPermitted);
    refused(scoped.unlink("up/outside"), ErrorCode::NotPermitted);
    assert_eq!(root.content("outside"), b"secret");
}

pub(crate) fn a_directory_moved_out_of_a_scoped_view_opens_no_way_out<F: Form>() {
    let guest = Guest::<F>::new();
    let (root, scoped) = (guest.root(), guest.mount(Mount::Scoped));
    root.put("outside", b"secret");
    scoped.create_directory("a").unwrap();
    scoped.create_directory("a/b").unwrap();
    let inner = scoped.open_directory("a/b").unwrap();
    root.rename("scope/a/b", "b").unwrap();
    refused(inner.open_to_read("../outside"), ErrorCode::NotPermitted);
    refused(inner.open_to_read(".."), ErrorCode::NotPermitted);
    refused(scoped.open_to_read("a/b"), ErrorCode::NoEntry);
    inner.symlink("../outside", "link").unwrap();
    refused(inner.open_to_read("link"), ErrorCode::NotPermitted);
    // The descriptor is a capability that stays: the directory goes on.
    inner.put("f", b"x");
    assert_eq!(root.content("b/f"), b"x");
}

pub(crate) fn a_scoped_view_follows_its_directory<F: Form>() {
    let guest = Guest::<F>::new();
    let (root, scoped) = (guest.root(), guest.mount(Mount::Scoped));
    scoped.put("f", b"x");
    root.create_directory("elsewhere").unwrap();
    root.rename("scope", "elsewhere/renamed").unwrap();
    assert_eq!(scoped.content("f"), b"x");
    scoped.put("g", b"y");
    assert_eq!(root.content("elsewhere/renamed/g"), b"y");
    scoped.unlink("f").unwrap();
    scoped.unlink("g").unwrap();
    root.remove_directory("elsewhere/renamed").unwrap();
    refused(scoped.open("f", CREATE, BOTH), ErrorCode::NoEntry);
    assert_eq!(scoped.names(), [] as [&str; 0]);
    assert_eq!(guest.mount(Mount::Scoped).stat().link_count, 0);
}

pub(crate) fn what_one_guest_writes_another_reads<F: Form>() {
    let guest = Guest::<F>::new();
    // A form with one guest shares between its mounts alone.
    let another = guest.another();
    let theirs = another.as_ref().unwrap_or(&guest);
    let file = guest.root().make_file("scope/f", b"one");
    assert_eq!(theirs.mount(Mount::ScopedReadOnly).content("f"), b"one");
    theirs.mount(Mount::Scoped).file("f").append(b" two").unwrap();
    assert_eq!(file.all(), b"one two");
    theirs.root().unlink("scope/f").unwrap();
    assert_eq!(file.all(), b"one two");
    refused(guest.root().open_to_read("scope/f"), ErrorCode::NoEntry);
}

pub(crate) fn the_other_volume_is_another<F: Form>() {
    let guest = Guest::<F>::new();
    let (root, other) = (guest.root(), guest.mount(Mount::Other));
    let before = guest.usage();
    other.put("f", &pattern(100_000));
    assert_eq!(guest.bytes(), before.bytes, "each volume has its own charges");
    assert_eq!(guest.inodes(), before.inodes);
    assert!(!root.has("f"));
    assert_eq!(other.names(), ["f"]);
}
