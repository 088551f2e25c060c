//! Attempts to get out of `/sub`, a sub-directory of a volume with a file
//! `secret` beside it, and to widen the rights of a descriptor.

use crate::kit::*;
use crate::{Attack, Outcome};

pub const ATTACKS: &[Attack] = &[
    ("sub-dots", dots),
    ("sub-symlinks", symlinks),
    ("sub-moves", moves),
    ("sub-moved-directory", moved_directory),
    ("descriptor-widening", widening),
];

const OUT: &[ErrorCode] = &[ErrorCode::NotPermitted, ErrorCode::Access];
const GONE: &[ErrorCode] = &[ErrorCode::NotPermitted, ErrorCode::Access, ErrorCode::NoEntry, ErrorCode::CrossDevice];

fn dots() -> Outcome {
    let sub = mount("/sub")?;
    let mut codes = Codes::default();
    let _ = sub.create_directory_at("in");
    for path in ["..", "../", "../secret", "in/../../secret", "./../secret", "in/./../../secret"] {
        codes.refused(path, sub.open_at(FOLLOW, path, NONE, READ), OUT)?;
        codes.refused(path, sub.stat_at(NO_FOLLOW, path), OUT)?;
        codes.refused(path, sub.metadata_hash_at(FOLLOW, path), OUT)?;
        codes.refused(path, sub.unlink_file_at(path), OUT)?;
        let create = sub.open_at(NO_FOLLOW, path, OpenFlags::CREATE, read_write());
        codes.refused(path, create, OUT)?;
    }
    // From a directory within the mount, `..` is refused as well.
    let inner = directory(&sub, "in")?;
    codes.refused("inner", inner.open_at(FOLLOW, "..", NONE, READ), OUT)?;
    let out = inner.open_at(FOLLOW, "../../secret", NONE, READ);
    codes.refused("inner", out, OUT)?;
    remove_tree(&sub, "in");
    codes.done()
}

fn symlinks() -> Outcome {
    let sub = mount("/sub")?;
    let mut codes = Codes::default();
    let _ = sub.create_directory_at("in");
    for (number, target) in ["..", "../secret", "in/../../secret", "/secret", "/../secret"].iter().enumerate() {
        let link = format!("way-{number}");
        let _ = sub.unlink_file_at(&link);
        if let Err(code) = sub.symlink_at(target, &link) {
            // A host may refuse the link itself.
            codes.refused::<()>(target, Err(code), OUT)?;
            continue;
        }
        let through = if target.ends_with("..") { format!("{link}/secret") } else { link.clone() };
        codes.refused(target, sub.open_at(FOLLOW, &through, NONE, READ), GONE)?;
        codes.refused(target, sub.stat_at(FOLLOW, &through), GONE)?;
        let write = sub.open_at(FOLLOW, &through, OpenFlags::TRUNCATE, read_write());
        codes.refused(target, write, GONE)?;
        let hard = sub.link_at(FOLLOW, &through, &sub, "stolen");
        // A host may have no links that follow links.
        let wanted = [GONE, &[ErrorCode::Invalid]].concat();
        codes.refused(target, hard, &wanted)?;
        works("unlink", sub.unlink_file_at(&link))?;
    }
    remove_tree(&sub, "in");
    codes.done()
}

/// Names taken out of the mount, or brought in from beside it.
fn moves() -> Outcome {
    let (sub, arena) = (mount("/sub")?, arena()?);
    let mut codes = Codes::default();
    drop(filled(&sub, "mine", b"mine")?);
    codes.refused("out", sub.rename_at("mine", &sub, "../mine"), GONE)?;
    codes.refused("in", sub.rename_at("../secret", &sub, "stolen"), GONE)?;
    let link = sub.link_at(NO_FOLLOW, "../secret", &sub, "stolen");
    codes.refused("link in", link, GONE)?;
    let link = sub.link_at(NO_FOLLOW, "mine", &sub, "../mine");
    codes.refused("link out", link, GONE)?;
    let across = sub.rename_at("mine", &arena, "mine");
    let apart = &[ErrorCode::CrossDevice, ErrorCode::NotPermitted];
    codes.refused("another mount", across, apart)?;
    let across = sub.link_at(NO_FOLLOW, "mine", &arena, "mine");
    codes.refused("another mount", across, apart)?;
    works("unlink", sub.unlink_file_at("mine"))?;
    codes.done()
}

/// A directory that moves while a descriptor to it is open: `..` from there
/// leads nowhere, before and after.
fn moved_directory() -> Outcome {
    let sub = mount("/sub")?;
    let mut codes = Codes::default();
    remove_tree(&sub, "a");
    remove_tree(&sub, "moved");
    for path in ["a", "a/b", "a/b/c"] {
        works("mkdir", sub.create_directory_at(path))?;
    }
    let deep = directory(&sub, "a/b/c")?;
    works("rename", sub.rename_at("a/b/c", &sub, "moved"))?;
    for path in ["..", "../..", "../secret", "../../secret", "../../../secret"] {
        codes.refused(path, deep.open_at(FOLLOW, path, NONE, READ), OUT)?;
    }
    works("rmdir", sub.remove_directory_at("moved"))?;
    let removed = &[ErrorCode::NoEntry];
    codes.refused("mkdir in a removed one", deep.create_directory_at("x"), removed)?;
    remove_tree(&sub, "a");
    codes.done()
}

/// Flags of a descriptor bind what is done with it and what it opens.
fn widening() -> Outcome {
    let arena = arena()?;
    let mut codes = Codes::default();
    drop(filled(&arena, "file", b"0123456789")?);
    let closed = [ErrorCode::BadDescriptor, ErrorCode::NotPermitted, ErrorCode::ReadOnly, ErrorCode::Access];
    let reader = works("open", arena.open_at(NO_FOLLOW, "file", NONE, READ))?;
    codes.refused("write to a reader", reader.write(b"x", 0), &closed)?;
    let wanted = [closed.as_slice(), &[ErrorCode::Invalid]].concat();
    codes.refused("size of a reader", reader.set_size(0), &wanted)?;
    let only_write = DescriptorFlags::WRITE;
    let writer = works("open", arena.open_at(NO_FOLLOW, "file", NONE, only_write))?;
    codes.refused("read from a writer", writer.read(1, 0), &closed)?;
    let plain = works("open", arena.open_at(FOLLOW, ".", OpenFlags::DIRECTORY, READ))?;
    // A host may give a directory the rights of the one that it was opened
    // from, as wasi-libc expects, but then its flags must say so.
    if works("flags", plain.get_flags())?.contains(MUTATE) {
        return codes.done();
    }
    codes.refused("mkdir", plain.create_directory_at("new"), &closed)?;
    codes.refused("unlink", plain.unlink_file_at("file"), &closed)?;
    codes.refused("rename", plain.rename_at("file", &arena, "new"), &closed)?;
    let into = arena.rename_at("file", &plain, "new");
    codes.refused("rename into", into, &closed)?;
    let create = plain.open_at(NO_FOLLOW, "new", OpenFlags::CREATE, read_write());
    codes.refused("create", create, &closed)?;
    let truncate = plain.open_at(NO_FOLLOW, "file", OpenFlags::TRUNCATE, read_write());
    codes.refused("truncate", truncate, &closed)?;
    let again = plain.open_at(FOLLOW, ".", OpenFlags::DIRECTORY, READ | MUTATE);
    codes.refused("a second descriptor", again, &closed)?;
    same("names", names(&arena)?, vec!["file".to_owned()])?;
    same("size", size(&reader)?, 10)?;
    codes.done()
}
