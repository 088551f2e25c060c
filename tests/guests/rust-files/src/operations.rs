//! One check for each operation that a program can ask of a file.

use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::Outcome;
use crate::tree::{at, symlink};

type Check = fn(&Path) -> Outcome;

const CHECKS: &[(&str, Check)] = &[
    ("exclusive-create", exclusive_create),
    ("truncate", truncate),
    ("append", append),
    ("seek", seek),
    ("sparse", sparse),
    ("timestamps", timestamps),
    ("unlink-open", unlink_open),
    ("rename-replaces", rename_replaces),
    ("rename-errors", rename_errors),
    ("directory-errors", directory_errors),
    ("symlinks", symlinks),
    ("absolute-symlinks", absolute_symlinks),
    ("copy", copy),
];

pub fn all(root: &Path) -> Outcome {
    for (name, check) in CHECKS {
        let directory = root.join(name);
        at("create", &directory, fs::create_dir_all(&directory))?;
        check(&directory).map_err(|message| format!("{name}: {message}"))?;
    }
    println!("rust-files: {} kinds of operation verified", CHECKS.len());
    Ok(())
}

fn equal<T: PartialEq + std::fmt::Debug>(what: &str, got: T, wanted: T) -> Outcome {
    if got == wanted { Ok(()) } else { Err(format!("{what}: got {got:?}, wanted {wanted:?}")) }
}

/// Error numbers of WASI 0.1, which `std` reports on both targets. They are
/// compared instead of `ErrorKind` because std 1.95 gives some of them, as
/// `ENOTEMPTY`, no kind on WASI.
mod errno {
    pub const EEXIST: i32 = 20;
    pub const EINVAL: i32 = 28;
    pub const EISDIR: i32 = 31;
    pub const ELOOP: i32 = 32;
    pub const ENOENT: i32 = 44;
    pub const ENOTDIR: i32 = 54;
    pub const ENOTEMPTY: i32 = 55;
}

fn refused<T>(what: &str, result: std::io::Result<T>, wanted: i32) -> Outcome {
    match result {
        Ok(_) => Err(format!("{what} succeeded, wanted error {wanted}")),
        Err(error) if error.raw_os_error() == Some(wanted) => Ok(()),
        Err(error) => Err(format!("{what}: got {error:?}, wanted error {wanted}")),
    }
}

fn exclusive_create(directory: &Path) -> Outcome {
    let path = directory.join("once");
    at("create", &path, File::create_new(&path))?;
    refused("second create", File::create_new(&path), errno::EEXIST)
}

fn truncate(directory: &Path) -> Outcome {
    let path = directory.join("file");
    at("write", &path, fs::write(&path, vec![7; 100_000]))?;
    let file = at("open", &path, OpenOptions::new().write(true).open(&path))?;
    at("shorten", &path, file.set_len(10))?;
    equal("short", at("read", &path, fs::read(&path))?, vec![7; 10])?;
    at("lengthen", &path, file.set_len(70_000))?;
    let read = at("read", &path, fs::read(&path))?;
    equal("length", read.len(), 70_000)?;
    equal("zeroes", read[10..].iter().all(|&byte| byte == 0), true)?;
    at("truncate", &path, File::create(&path))?;
    equal("empty", at("stat", &path, fs::metadata(&path))?.len(), 0)
}

fn append(directory: &Path) -> Outcome {
    let path = directory.join("file");
    let open = || OpenOptions::new().append(true).create(true).open(&path);
    let (mut first, mut second) = (at("open", &path, open())?, at("open", &path, open())?);
    for number in 0..500 {
        let file = if number % 2 == 0 { &mut first } else { &mut second };
        at("append", &path, writeln!(file, "line {number}"))?;
    }
    let wanted: String = (0..500).map(|number| format!("line {number}\n")).collect();
    let read = at("read", &path, fs::read_to_string(&path))?;
    equal("lines of two writers", read, wanted)
}

fn seek(directory: &Path) -> Outcome {
    let path = directory.join("file");
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true);
    let mut file = at("open", &path, options.open(&path))?;
    at("write", &path, file.write_all(b"0123456789"))?;
    at("seek", &path, file.seek(SeekFrom::End(-4)))?;
    at("write", &path, file.write_all(b"ab"))?;
    at("seek", &path, file.seek(SeekFrom::Start(2)))?;
    at("seek", &path, file.seek(SeekFrom::Current(1)))?;
    let mut rest = String::new();
    at("read", &path, file.read_to_string(&mut rest))?;
    equal("rest", rest.as_str(), "345ab89")?;
    equal("position", at("position", &path, file.stream_position())?, 10)?;
    refused("seek before the start", file.seek(SeekFrom::Current(-11)), errno::EINVAL)
}

fn sparse(directory: &Path) -> Outcome {
    const HOLE: u64 = 64 << 20;
    let path = directory.join("file");
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true);
    let mut file = at("open", &path, options.open(&path))?;
    at("seek", &path, file.seek(SeekFrom::Start(HOLE)))?;
    at("write", &path, file.write_all(b"end"))?;
    equal("length", at("stat", &path, file.metadata())?.len(), HOLE + 3)?;
    at("seek", &path, file.seek(SeekFrom::Start(HOLE - 1000)))?;
    let mut tail = Vec::new();
    at("read", &path, file.read_to_end(&mut tail))?;
    equal("hole", tail[..1000].iter().all(|&byte| byte == 0), true)?;
    equal("end", &tail[1000..], b"end")
}

fn timestamps(directory: &Path) -> Outcome {
    let path = directory.join("file");
    at("write", &path, fs::write(&path, "x"))?;
    let file = at("open", &path, OpenOptions::new().write(true).open(&path))?;
    let modified = SystemTime::UNIX_EPOCH + Duration::new(1_000_000_000, 123_456_789);
    let accessed = SystemTime::UNIX_EPOCH + Duration::new(1_500_000_000, 987_654_321);
    let times = FileTimes::new().set_modified(modified).set_accessed(accessed);
    at("set times", &path, file.set_times(times))?;
    let metadata = at("stat", &path, fs::metadata(&path))?;
    equal("modified", at("modified", &path, metadata.modified())?, modified)?;
    equal("accessed", at("accessed", &path, metadata.accessed())?, accessed)?;
    at("write", &path, fs::write(&path, "y"))?;
    let later = at("modified", &path, fs::metadata(&path).and_then(|m| m.modified()))?;
    equal("a write moves the time on", later > modified, true)
}

fn unlink_open(directory: &Path) -> Outcome {
    let path = directory.join("file");
    at("write", &path, fs::write(&path, "still here"))?;
    let mut file = at("open", &path, File::open(&path))?;
    at("remove", &path, fs::remove_file(&path))?;
    refused("open after unlink", File::open(&path), errno::ENOENT)?;
    let mut text = String::new();
    at("read", &path, file.read_to_string(&mut text))?;
    equal("content", text.as_str(), "still here")
}

fn rename_replaces(directory: &Path) -> Outcome {
    let (from, to) = (directory.join("from"), directory.join("to"));
    at("write", &from, fs::write(&from, "new"))?;
    at("write", &to, fs::write(&to, "old"))?;
    at("rename", &from, fs::rename(&from, &to))?;
    equal("content", at("read", &to, fs::read_to_string(&to))?.as_str(), "new")?;
    equal("old name", from.exists(), false)?;
    // An empty directory may be replaced by a directory.
    let (full, empty) = (directory.join("full"), directory.join("empty"));
    at("create", &full, fs::create_dir(&full))?;
    at("create", &empty, fs::create_dir(&empty))?;
    at("write", &full, fs::write(full.join("inside"), "kept"))?;
    at("rename", &full, fs::rename(&full, &empty))?;
    let inside = empty.join("inside");
    equal("inside", at("read", &inside, fs::read_to_string(&inside))?.as_str(), "kept")
}

fn rename_errors(directory: &Path) -> Outcome {
    let (file, parent) = (directory.join("file"), directory.join("parent"));
    let child = parent.join("child");
    at("write", &file, fs::write(&file, "x"))?;
    at("create", &child, fs::create_dir_all(&child))?;
    refused("a directory into itself", fs::rename(&parent, child.join("below")), errno::EINVAL)?;
    refused("a file over a directory", fs::rename(&file, &parent), errno::EISDIR)?;
    refused("a directory over a file", fs::rename(&parent, &file), errno::ENOTDIR)?;
    let full = directory.join("full");
    at("create", &full, fs::create_dir_all(full.join("entry")))?;
    refused("over a full directory", fs::rename(&parent, &full), errno::ENOTEMPTY)?;
    refused("what is not there", fs::rename(directory.join("none"), &file), errno::ENOENT)
}

fn directory_errors(directory: &Path) -> Outcome {
    let inner = directory.join("inner");
    at("create", &inner, fs::create_dir(&inner))?;
    at("write", &inner, fs::write(inner.join("file"), "x"))?;
    refused("mkdir twice", fs::create_dir(&inner), errno::EEXIST)?;
    refused("rmdir of a full one", fs::remove_dir(&inner), errno::ENOTEMPTY)?;
    refused("rmdir of a file", fs::remove_dir(inner.join("file")), errno::ENOTDIR)?;
    refused("a path through a file", fs::read(inner.join("file/below")), errno::ENOTDIR)?;
    refused("list of nothing", fs::read_dir(directory.join("none")), errno::ENOENT)
}

fn symlinks(directory: &Path) -> Outcome {
    let target = directory.join("target");
    at("write", &target, fs::write(&target, "through"))?;
    let link = directory.join("link");
    at("symlink", &link, symlink(Path::new("target"), &link))?;
    equal("content", at("read", &link, fs::read_to_string(&link))?.as_str(), "through")?;
    let metadata = at("lstat", &link, fs::symlink_metadata(&link))?;
    equal("lstat", metadata.file_type().is_symlink(), true)?;
    equal("stat", at("stat", &link, fs::metadata(&link))?.is_file(), true)?;
    let looped = directory.join("loop");
    at("symlink", &looped, symlink(Path::new("loop"), &looped))?;
    refused("a link to itself", fs::read(&looped), errno::ELOOP)?;
    let dangling = directory.join("dangling");
    at("symlink", &dangling, symlink(Path::new("none"), &dangling))?;
    refused("dangling", fs::read(&dangling), errno::ENOENT)?;
    at("remove", &link, fs::remove_file(&link))?;
    equal("target stays", target.exists(), true)
}

/// Wasmtime's host directory refuses to make them; Larder must not, which its
/// tests ask for with `ABSOLUTE_SYMLINKS=1`.
fn absolute_symlinks(directory: &Path) -> Outcome {
    let target = directory.join("target");
    at("write", &target, fs::write(&target, "absolute"))?;
    let link = directory.join("link");
    match symlink(&target, &link) {
        Err(error) if std::env::var_os("ABSOLUTE_SYMLINKS").is_none() => {
            println!("rust-files: absolute symbolic links are refused: {error}");
            return Ok(());
        }
        other => at("symlink", &link, other)?,
    }
    equal("target", at("readlink", &link, fs::read_link(&link))?, target)?;
    equal("content", at("read", &link, fs::read_to_string(&link))?.as_str(), "absolute")
}

fn copy(directory: &Path) -> Outcome {
    let (from, to) = (directory.join("from"), directory.join("to"));
    let bytes: Vec<u8> = (0..1_000_003_u32).map(|number| number as u8).collect();
    at("write", &from, fs::write(&from, &bytes))?;
    equal("copied", at("copy", &from, fs::copy(&from, &to))?, bytes.len() as u64)?;
    equal("same", at("read", &to, fs::read(&to))? == bytes, true)
}
