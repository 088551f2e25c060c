//! What the methods do.

use std::fs::{self, File, OpenOptions};
use std::io::{Error, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::body::{Answer, Pieces};

/// The guest path that a request names; `%xx` is a byte of it. Whether `..` may
/// lead there is left to the file system.
pub fn path(target: &str) -> std::io::Result<PathBuf> {
    let invalid = || Error::from(ErrorKind::InvalidInput);
    let mut bytes = Vec::new();
    let mut rest = target.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|byte| char::from(byte).to_digit(16));
        let (Some(high), Some(low)) = (digit(), digit()) else { return Err(invalid()) };
        bytes.push((high * 16 + low) as u8);
    }
    let decoded = String::from_utf8(bytes).map_err(|_| invalid())?;
    let root = std::env::var("FILES_ROOT").unwrap_or_else(|_| "/".into());
    Ok(Path::new(&root).join(decoded.trim_start_matches('/')))
}

pub fn get(path: &Path) -> std::io::Result<Answer> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return list(path);
    }
    Ok(Answer::file(file, metadata.len()))
}

fn list(path: &Path) -> std::io::Result<Answer> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let slash = if entry.file_type()?.is_dir() { "/" } else { "" };
        names.push(format!("{}{slash}\n", entry.file_name().to_string_lossy()));
    }
    names.sort_unstable();
    Ok(Answer::text(200, names.concat()))
}

/// Written beside and renamed, so that nobody sees a part of it.
pub fn put(path: &Path, mut body: Pieces, sync: bool) -> std::io::Result<Answer> {
    let parent = path.parent().ok_or(ErrorKind::IsADirectory)?;
    fs::create_dir_all(parent)?;
    let beside = parent.join(format!(".put-{:016x}", wasip2::random::random::get_random_u64()));
    let existed = path.exists();
    let mut store = || {
        let mut file = File::create_new(&beside)?;
        while let Some(piece) = body.next()? {
            file.write_all(&piece)?;
        }
        drop(file);
        fs::rename(&beside, path)?;
        if sync { File::open(path)?.sync_all() } else { Ok(()) }
    };
    if let Err(error) = store() {
        let _ = fs::remove_file(&beside);
        return Err(error);
    }
    Ok(Answer::text(if existed { 204 } else { 201 }, ""))
}

pub fn append(path: &Path, body: &[u8]) -> std::io::Result<Answer> {
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    file.write_all(body)?;
    Ok(Answer::text(204, ""))
}

pub fn delete(path: &Path) -> std::io::Result<Answer> {
    if fs::symlink_metadata(path)?.is_dir() {
        fs::remove_dir(path)?;
    } else {
        fs::remove_file(path)?;
    }
    Ok(Answer::text(204, ""))
}
