//! Path bombs: too many components, too long names, odd names, deep trees.

use crate::kit::*;
use crate::{Attack, Outcome};

pub const ATTACKS: &[Attack] = &[
    ("path-components", components),
    ("path-long-name", long_name),
    ("path-refused", refused_paths),
    ("path-odd-names", odd_names),
    ("path-deep", deep),
];

fn components() -> Outcome {
    let arena = arena()?;
    let mut codes = Codes::default();
    works("mkdir", arena.create_directory_at("a"))?;
    let long = [ErrorCode::NameTooLong, ErrorCode::NoEntry];
    let up = [ErrorCode::NameTooLong, ErrorCode::NotPermitted];
    for (bomb, wanted) in [
        ("a/".repeat(100_000), &long),
        (format!("{}b", "./".repeat(1_000_000)), &long),
        (format!("{}b", "/".repeat(1_000_000)), &up),
        (format!("a{}b", "/".repeat(1_000_000)), &long),
        ("../".repeat(100_000), &up),
        (format!("{}b", "a/../".repeat(100_000)), &long),
    ] {
        let open = arena.open_at(FOLLOW, &bomb, NONE, READ);
        codes.refused("open", open, wanted)?;
        codes.refused("stat", arena.stat_at(NO_FOLLOW, &bomb), wanted)?;
        codes.refused("unlink", arena.unlink_file_at(&bomb), wanted)?;
    }
    codes.done()
}

fn long_name() -> Outcome {
    let arena = arena()?;
    let mut codes = Codes::default();
    let wanted = &[ErrorCode::NameTooLong];
    drop(file(&arena, "file")?);
    for length in [256, 4096, 65_536, 1 << 20] {
        let name = "n".repeat(length);
        let create = arena.open_at(NO_FOLLOW, &name, OpenFlags::CREATE, read_write());
        codes.refused("create", create, wanted)?;
        codes.refused("mkdir", arena.create_directory_at(&name), wanted)?;
        codes.refused("rename", arena.rename_at("file", &arena, &name), wanted)?;
        codes.refused("link", arena.link_at(NO_FOLLOW, "file", &arena, &name), wanted)?;
        codes.refused("symlink", arena.symlink_at("file", &name), wanted)?;
        codes.refused("stat", arena.stat_at(NO_FOLLOW, &name), wanted)?;
        codes.refused("readlink", arena.readlink_at(&name), wanted)?;
    }
    same("names", names(&arena)?, vec!["file".to_owned()])?;
    codes.done()
}

fn refused_paths() -> Outcome {
    let arena = arena()?;
    let mut codes = Codes::default();
    works("mkdir", arena.create_directory_at("a"))?;
    let no_entry = [ErrorCode::NoEntry].as_slice();
    let out = [ErrorCode::NotPermitted].as_slice();
    let invalid = [ErrorCode::Invalid, ErrorCode::IllegalByteSequence].as_slice();
    for (path, wanted) in [
        ("", no_entry),
        ("/", out),
        ("/etc/passwd", out),
        ("//etc/passwd", out),
        ("..", out),
        ("../attack-path-refused", out),
        ("a/../..", out),
        ("a/../../attack-path-refused/a", out),
        ("a/./.././../x", out),
        ("a\0b", invalid),
        ("\0", invalid),
    ] {
        let open = arena.open_at(FOLLOW, path, NONE, READ);
        codes.refused(&format!("open {path:?}"), open, wanted)?;
        let create = arena.open_at(NO_FOLLOW, path, OpenFlags::CREATE, read_write());
        codes.refused(&format!("create {path:?}"), create, wanted).or_else(|error| match path {
            // Not a file's name in any case.
            "/" | ".." | "" => Ok(()),
            _ => Err(error),
        })?;
        let make = arena.create_directory_at(path);
        if make.is_ok() {
            return Err(format!("mkdir {path:?}: was allowed"));
        }
    }
    codes.done()
}

/// Names that are odd, but names: they must come back as they were given.
fn odd_names() -> Outcome {
    let arena = arena()?;
    let crab = "🦀".repeat(63);
    let mut given = vec![
        "\n",
        "\r\n",
        "\x1b[31m",
        "\\",
        "..\\..",
        "...",
        ". ",
        " ",
        "a:b",
        "con",
        "NUL.txt",
        "~",
        "-rf",
        "*?",
        "\u{202e}gpj",
        "\u{feff}",
        "e\u{301}",
        "é",
        "\u{7f}",
        "\u{ffff}",
        "%00",
        crab.as_str(),
    ];
    for name in &given {
        drop(filled(&arena, name, name.as_bytes())?);
    }
    let mut got = names(&arena)?;
    got.sort_unstable();
    given.sort_unstable();
    same("names", got, given.iter().map(|n| (*n).to_owned()).collect())?;
    for name in &given {
        let (content, _) = works("read", file(&arena, name)?.read(1000, 0))?;
        same("content", content, name.as_bytes().to_vec())?;
    }
    Ok(format!("{} names kept", given.len()))
}

/// A tree as deep as the volume lets it be, made with a handle at each step so
/// that no path is long. Whoever walks or drops it must not recurse.
fn deep() -> Outcome {
    let arena = arena()?;
    let mut codes = Codes::default();
    let mut here = directory(&arena, ".")?;
    let depth = tries("INODES").min(100_000);
    let mut reached = 0;
    for _ in 0..depth {
        if let Err(code) = here.create_directory_at("d") {
            codes.refused::<()>("mkdir", Err(code), FULL)?;
            break;
        }
        here = directory(&here, "d")?;
        reached += 1;
    }
    let _ = file(&here, "bottom");
    let path = "d/".repeat(reached.min(10_000) as usize);
    if let Err(code) = arena.stat_at(NO_FOLLOW, &path) {
        codes.refused::<()>("stat", Err(code), &[ErrorCode::NameTooLong])?;
    }
    let rename = arena.rename_at("d", &here, "into-itself");
    codes.refused("rename", rename, &[ErrorCode::Invalid])?;
    Ok(format!("{reached} deep, {}", codes.done()?))
}
