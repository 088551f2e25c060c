//! Symbolic links: loops, chains, bombs, and ways out.

use std::time::{Duration, Instant};

use crate::kit::*;
use crate::{Attack, Outcome};

pub const ATTACKS: &[Attack] = &[
    ("symlink-loop", loops),
    ("symlink-chain", chain),
    ("symlink-bomb", bomb),
    ("symlink-target", targets),
    ("symlink-escape", escape),
];

fn loops() -> Outcome {
    let arena = arena()?;
    let mut codes = Codes::default();
    works("symlink", arena.symlink_at("self", "self"))?;
    works("symlink", arena.symlink_at("pong", "ping"))?;
    works("symlink", arena.symlink_at("ping", "pong"))?;
    works("symlink", arena.symlink_at("./dots/x", "dots"))?;
    let wanted = &[ErrorCode::Loop];
    for name in ["self", "ping", "pong", "dots", "self/x", "ping/../x"] {
        codes.refused("open", arena.open_at(FOLLOW, name, NONE, READ), wanted)?;
        codes.refused("stat", arena.stat_at(FOLLOW, name), wanted)?;
        let create = arena.open_at(FOLLOW, name, OpenFlags::CREATE, read_write());
        codes.refused("create", create, wanted)?;
    }
    codes.done()
}

fn chain() -> Outcome {
    let arena = arena()?;
    let mut codes = Codes::default();
    drop(file(&arena, "0")?);
    for number in 1..=2000 {
        let (target, link) = ((number - 1).to_string(), number.to_string());
        works("symlink", arena.symlink_at(&target, &link))?;
    }
    works("a chain of 8", arena.stat_at(FOLLOW, "8"))?;
    let wanted = &[ErrorCode::Loop];
    codes.refused("stat", arena.stat_at(FOLLOW, "2000"), wanted)?;
    let open = arena.open_at(FOLLOW, "2000", OpenFlags::CREATE, read_write());
    codes.refused("open", open, wanted)?;
    codes.done()
}

/// Each link names the one before twice, so that 40 of them would take 2^40
/// steps; the number of links followed in one path must be bounded in sum.
fn bomb() -> Outcome {
    let arena = arena()?;
    let mut codes = Codes::default();
    works("mkdir", arena.create_directory_at("0"))?;
    for number in 1..=40 {
        let before = number - 1;
        let target = format!("{before}/../{before}");
        works("symlink", arena.symlink_at(&target, &number.to_string()))?;
    }
    let start = Instant::now();
    codes.refused("stat", arena.stat_at(FOLLOW, "40"), &[ErrorCode::Loop])?;
    let wanted = &[ErrorCode::Loop, ErrorCode::NameTooLong];
    let path = "40/../".repeat(600) + "40";
    codes.refused("stat", arena.stat_at(FOLLOW, &path), wanted)?;
    if start.elapsed() > Duration::from_secs(5) {
        return Err(format!("it took {:?}", start.elapsed()));
    }
    codes.done()
}

fn targets() -> Outcome {
    let arena = arena()?;
    let mut codes = Codes::default();
    let too_long = &[ErrorCode::NameTooLong, ErrorCode::Invalid];
    let long = "t".repeat(1 << 20);
    codes.refused("1 MiB", arena.symlink_at(&long, "long"), too_long)?;
    let dots = "../".repeat(100_000);
    codes.refused("dots", arena.symlink_at(&dots, "dots"), too_long)?;
    let empty = &[ErrorCode::NoEntry, ErrorCode::Invalid];
    codes.refused("empty", arena.symlink_at("", "empty"), empty)?;
    same("names", names(&arena)?, Vec::new())?;
    codes.done()
}

/// No link may lead above the directory of the descriptor or of the mount.
fn escape() -> Outcome {
    let arena = arena()?;
    let mut codes = Codes::default();
    works("mkdir", arena.create_directory_at("a"))?;
    let wanted = &[ErrorCode::NotPermitted];
    for (number, target) in ["../..", "../../etc/passwd", "a/../../..", "..", "a/../.."].iter().enumerate() {
        let link = format!("link-{number}");
        works("symlink", arena.symlink_at(target, &link))?;
        codes.refused(target, arena.open_at(FOLLOW, &link, NONE, READ), wanted)?;
        codes.refused(target, arena.stat_at(FOLLOW, &link), wanted)?;
        let below = format!("{link}/new");
        codes.refused(target, arena.create_directory_at(&below), wanted)?;
    }
    codes.done()
}
