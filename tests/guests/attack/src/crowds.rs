//! Too many of something: directory entries, links, open files, streams.

use crate::kit::*;
use crate::{Attack, Outcome};

pub const ATTACKS: &[Attack] = &[
    ("crowd-entries", entries),
    ("crowd-listing", listing),
    ("crowd-links", links),
    ("crowd-handles", handles),
    ("crowd-streams", streams),
];

/// Fills a directory up to its limit, twice: what was removed is given back.
fn entries() -> Outcome {
    let arena = arena()?;
    let mut codes = Codes::default();
    let first = fill(&arena, &mut codes)?;
    let listed = names(&arena)?;
    same("names listed", listed.len() as u64, first)?;
    if keep() {
        return Ok(format!("{first} entries left, {}", codes.done()?));
    }
    for name in &listed {
        works("unlink", arena.unlink_file_at(name))?;
    }
    if limit("DIRECTORY_ENTRIES").is_some() {
        same("entries the second time", fill(&arena, &mut codes)?, first)?;
    }
    Ok(format!("{first} entries, {}", codes.done()?))
}

fn fill(arena: &Descriptor, codes: &mut Codes) -> Result<u64, String> {
    let most = limit("DIRECTORY_ENTRIES");
    for number in 0..tries("DIRECTORY_ENTRIES") {
        let name = format!("entry-{number}");
        let open = arena.open_at(NO_FOLLOW, &name, OpenFlags::CREATE, read_write());
        if let Err(code) = open {
            codes.refused::<()>("create", Err(code), FULL)?;
            if most.is_some_and(|most| number > most) {
                break;
            }
            return Ok(number);
        }
    }
    match most {
        Some(most) => Err(format!("more than {most} entries were made")),
        None => Ok(tries("DIRECTORY_ENTRIES")),
    }
}

/// A listing that is being read while the directory changes: it ends, and
/// names what was there all the time exactly once.
fn listing() -> Outcome {
    let arena = arena()?;
    for number in 0..500 {
        drop(file(&arena, &format!("stays-{number}"))?);
    }
    let stream = works("list", arena.read_directory())?;
    let mut seen = std::collections::BTreeSet::new();
    let mut steps = 0;
    while let Some(entry) = works("list", stream.read_directory_entry())? {
        steps += 1;
        if steps > 20_000 {
            return Err("the listing does not end".into());
        }
        let _ = arena.unlink_file_at(&format!("comes-{}", steps - 1));
        drop(file(&arena, &format!("comes-{steps}"))?);
        if entry.name.starts_with("stays-") && !seen.insert(entry.name) {
            return Err("a name was listed twice".into());
        }
    }
    same("names listed", seen.len(), 500)?;
    Ok(format!("{steps} steps"))
}

fn links() -> Outcome {
    let arena = arena()?;
    let mut codes = Codes::default();
    drop(file(&arena, "file")?);
    let most = limit("LINKS");
    let mut made = 1;
    for number in 0..tries("LINKS").min(200_000) {
        let name = format!("link-{number}");
        if let Err(code) = arena.link_at(NO_FOLLOW, "file", &arena, &name) {
            let wanted = [&[ErrorCode::TooManyLinks], FULL].concat();
            codes.refused::<()>("link", Err(code), &wanted)?;
            break;
        }
        made += 1;
    }
    if most.is_some_and(|most| made > most) {
        return Err(format!("{made} links"));
    }
    let stat = works("stat", arena.stat_at(NO_FOLLOW, "file"))?;
    same("link count", stat.link_count, made)?;
    Ok(format!("{made} links, {}", codes.done()?))
}

/// Opens one file until the host refuses, drops all, and opens it again.
fn handles() -> Outcome {
    let arena = arena()?;
    drop(file(&arena, "file")?);
    let open = || arena.open_at(NO_FOLLOW, "file", NONE, READ);
    exhaust("OPEN_HANDLES", open)
}

fn streams() -> Outcome {
    let arena = arena()?;
    let file = filled(&arena, "file", b"0123456789")?;
    let read = exhaust("STREAMS", || file.read_via_stream(0))?;
    let write = exhaust("STREAMS", || file.write_via_stream(0))?;
    let list = exhaust("STREAMS", || arena.read_directory())?;
    Ok(format!("read {read}; write {write}; list {list}"))
}

fn exhaust<T>(name: &str, open: impl Fn() -> Result<T, ErrorCode>) -> Outcome {
    let wanted = [ErrorCode::Quota, ErrorCode::InsufficientMemory, ErrorCode::InsufficientSpace, ErrorCode::Busy];
    let mut codes = Codes::default();
    let mut held = Vec::new();
    for _ in 0..tries(name) {
        match open() {
            Ok(handle) => held.push(handle),
            Err(code) => {
                codes.refused::<()>("open", Err(code), &wanted)?;
                break;
            }
        }
    }
    let count = held.len() as u64;
    if limit(name).is_some_and(|most| count > most) {
        return Err(format!("{count} handles are open"));
    }
    drop(held);
    works("open after all were dropped", open())?;
    Ok(format!("{count} open, {}", codes.done()?))
}
