//! Attempts to get more bytes or inodes than the volume has.

use crate::kit::*;
use crate::{Attack, Outcome};

pub const ATTACKS: &[Attack] = &[
    ("quota-bytes", bytes),
    ("quota-unlinked", unlinked),
    ("quota-append", append),
    ("quota-holes", holes),
    ("quota-file-bytes", file_bytes),
    ("quota-inodes", inodes),
];

const PIECE: usize = 256 << 10;
/// Without a limit to reach, this much is written.
const ENOUGH: u64 = 64 << 20;

/// Writes pieces to the files in turn until the volume is full.
fn fill(files: &[Descriptor], codes: &mut Codes) -> Result<u64, String> {
    let most = limit("BYTES").map_or(ENOUGH, |limit| limit + PIECE as u64);
    let piece = vec![7; PIECE];
    let (mut written, mut number) = (0, 0);
    while written < most {
        let index = number % files.len();
        let offset = (number / files.len() * PIECE) as u64;
        number += 1;
        match files[index].write(&piece, offset) {
            Ok(count) => written += count,
            Err(code) => {
                codes.refused::<()>("write", Err(code), FULL)?;
                break;
            }
        }
    }
    let mut sum = 0;
    for file in files {
        sum += size(file)?;
    }
    if limit("BYTES").is_some_and(|limit| sum > limit) {
        return Err(format!("{sum} bytes are in the files"));
    }
    Ok(sum)
}

fn open_all(arena: &Descriptor, count: usize) -> Result<Vec<Descriptor>, String> {
    (0..count).map(|number| file(arena, &format!("file-{number}"))).collect()
}

/// Several descriptors fill the volume; what is truncated is given back to
/// the byte.
fn bytes() -> Outcome {
    let arena = arena()?;
    let mut codes = Codes::default();
    let files = open_all(&arena, 7)?;
    let first = fill(&files, &mut codes)?;
    for file in &files {
        works("truncate", file.set_size(0))?;
    }
    same("bytes the second time", fill(&files, &mut codes)?, first)?;
    Ok(format!("{first} bytes, {}", codes.done()?))
}

/// Files without a name are charged while they are open, and given back after.
fn unlinked() -> Outcome {
    let arena = arena()?;
    let mut codes = Codes::default();
    let hidden = open_all(&arena, 3)?;
    for number in 0..3 {
        works("unlink", arena.unlink_file_at(&format!("file-{number}")))?;
    }
    let first = fill(&hidden, &mut codes)?;
    if limit("BYTES").is_some_and(|limit| first + PIECE as u64 > limit) {
        let other = file(&arena, "other")?;
        let write = other.write(&vec![1; PIECE], 0);
        codes.refused("write to a full volume", write, FULL)?;
    }
    drop(hidden);
    let other = open_all(&arena, 3)?;
    same("bytes after the last close", fill(&other, &mut codes)?, first)?;
    Ok(format!("{first} bytes, {}", codes.done()?))
}

/// Two descriptors append to one file, past the limit.
fn append() -> Outcome {
    let arena = arena()?;
    let target = file(&arena, "log")?;
    let streams = [works("append", target.append_via_stream())?, works("append", target.append_via_stream())?];
    let most = limit("BYTES").map_or(1 << 20, |limit| limit + PIECE as u64);
    let mut accepted = 0;
    let mut refused = "nothing refused";
    for number in 0.. {
        if streams[number % 2].blocking_write_and_flush(&[7; 4096]).is_err() {
            refused = "refused";
            break;
        }
        accepted += 4096;
        if accepted >= most {
            break;
        }
    }
    let size = size(&target)?;
    if limit("BYTES").is_some_and(|limit| size > limit) {
        return Err(format!("{size} bytes are in the file"));
    }
    if size < accepted {
        return Err(format!("{accepted} bytes were accepted, {size} are there"));
    }
    Ok(format!("{size} bytes, {refused}"))
}

/// Holes cost nothing; filling one is charged.
fn holes() -> Outcome {
    let arena = arena()?;
    let length = limit("FILE_BYTES").unwrap_or(1 << 30).min(1 << 40);
    let files = open_all(&arena, 100)?;
    for file in &files {
        works("set-size", file.set_size(length))?;
    }
    for file in &files {
        let (data, _) = works("read", file.read(1, length - 1))?;
        same("a hole", data, vec![0])?;
    }
    Ok(format!("100 files of {length} bytes"))
}

fn file_bytes() -> Outcome {
    let arena = arena()?;
    let mut codes = Codes::default();
    let Some(limit) = limit("FILE_BYTES") else {
        return Ok("no limit named".into());
    };
    let file = file(&arena, "file")?;
    works("set-size to the limit", file.set_size(limit))?;
    let wanted = FULL;
    codes.refused("set-size", file.set_size(limit + 1), wanted)?;
    codes.refused("write", file.write(b"x", limit), wanted)?;
    codes.refused("write across", file.write(b"xy", limit - 1), wanted)?;
    let stream = works("append", file.append_via_stream())?;
    if stream.blocking_write_and_flush(b"x").is_ok() {
        return Err("append: was allowed".into());
    }
    same("size", size(&file)?, limit)?;
    codes.done()
}

/// Files, directories and links all count; hard links do not.
fn inodes() -> Outcome {
    let arena = arena()?;
    let mut codes = Codes::default();
    let Some(limit) = limit("INODES") else {
        return Ok("no limit named".into());
    };
    let mut made = 0;
    let mut here = directory(&arena, ".")?;
    for number in 0..limit + 10 {
        // A new directory now and then, so that no directory gets too full.
        let result = if number % 1000 == 0 {
            here.create_directory_at("next")
        } else if number % 3 == 0 {
            here.symlink_at("nothing", &format!("link-{number}"))
        } else {
            let name = format!("file-{number}");
            here.open_at(NO_FOLLOW, &name, OpenFlags::CREATE, read_write()).map(drop)
        };
        if result.is_ok() && number % 1000 == 0 {
            here = directory(&here, "next")?;
        }
        if let Err(code) = result {
            codes.refused::<()>("create", Err(code), FULL)?;
            break;
        }
        made += 1;
    }
    if made > limit {
        return Err(format!("{made} inodes were made"));
    }
    Ok(format!("{made} inodes, {}", codes.done()?))
}
