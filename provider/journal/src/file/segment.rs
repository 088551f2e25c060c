//! One file of a journal. It begins with eight bytes, `LARDERJL`, and the
//! version in four more, little-endian; behind them are frames. The first is
//! its head, which says whose journal it is and what was before it.

use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::frame::{self, FrameReader, Kind, Next};
use crate::{Error, Result};

const MAGIC: [u8; 8] = *b"LARDERJL";
const VERSION: u32 = 1;
/// What comes before the frames.
const PREFIX_BYTES: usize = 12;
/// Behind a number of eight digits or more.
const SUFFIX: &str = ".journal";
/// Bytes that are read at a time.
const READ_BYTES: usize = 256 << 10;

/// The head's body. Its number is the last one that was used before it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) identity: String,
    /// Which journal it is.
    pub(super) id: u64,
    /// All up to this was stored when the segment was made.
    pub(super) stored: u64,
    /// The last number of a frame before the segment.
    pub(super) last: u64,
}

/// A segment as it is on the disk.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) number: u64,
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    /// The last number in it or before it.
    pub(super) last: u64,
}

pub(super) fn path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number:08}{SUFFIX}"))
}

fn new_path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number:08}{SUFFIX}.new"))
}

/// The numbers of the segments that there are, in order. Removes what was
/// being made in a crash.
pub(super) fn list(directory: &Path) -> Result<Vec<u64>> {
    let failed = |error| Error::io("list", directory.display(), error);
    let mut numbers = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        if let Some(number) = name.strip_suffix(SUFFIX).and_then(|number| number.parse().ok()) {
            numbers.push(number);
        } else if name.ends_with(".journal.new") {
            let path = entry.path();
            fs::remove_file(&path).map_err(|error| Error::io("remove", path.display(), error))?;
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Makes a segment, whole and durable or not at all.
pub(super) fn create(directory: &Path, number: u64, head: &Head) -> Result<(Segment, File)> {
    let last = head.last;
    let body = postcard::to_allocvec(head)
        .map_err(|_| Error::Invalid { reason: "the volume's identity cannot be written to its journal" })?;
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    frame::write(&mut bytes, Kind::Head, last, body.len(), |out| out.extend_from_slice(&body));

    let (new, path) = (new_path(directory, number), path(directory, number));
    let failed = |error| Error::io("create", new.display(), error);
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&new).map_err(failed)?;
    file.write_all(&bytes).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    fs::rename(&new, &path).map_err(failed)?;
    // What is appended to the segment before it now is lost if it is there
    // after a crash, and must not be if it is not.
    sync_directory(directory).map_err(Error::broken)?;
    Ok((Segment { number, path, bytes: bytes.len() as u64, last }, file))
}

/// Makes names durable that were made or removed.
fn sync_directory(directory: &Path) -> Result<()> {
    // Elsewhere a directory cannot be opened, and needs no sync.
    #[cfg(unix)]
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(|error| Error::io("sync", directory.display(), error))?;
    let _ = directory;
    Ok(())
}

/// Opens a segment of `bytes`, and reads its head.
pub(super) fn read(path: &Path, identity: &str) -> Result<(Head, FrameReader<BufReader<File>>)> {
    let place = || path.display().to_string();
    let failed = |error| Error::io("read", path.display(), error);
    let damaged = |offset, reason| Error::Damaged { place: place(), offset, reason };
    let file = File::open(path).map_err(failed)?;
    let end = file.metadata().map_err(failed)?.len();
    let mut file = BufReader::with_capacity(READ_BYTES, file);
    let mut prefix = [0; PREFIX_BYTES];
    if end < PREFIX_BYTES as u64 {
        return Err(damaged(0, "it is too short for a journal"));
    }
    file.read_exact(&mut prefix).map_err(failed)?;
    let (magic, version) = prefix.split_at(MAGIC.len());
    if magic != MAGIC {
        return Err(damaged(0, "it does not begin as a journal does"));
    }
    let version = version.first_chunk().map_or(0, |version| u32::from_le_bytes(*version));
    if version != VERSION {
        return Err(Error::Version { place: place(), found: version });
    }
    let mut frames = FrameReader::new(file, PREFIX_BYTES as u64, end);
    let head = match frames.next().map_err(failed)? {
        Next::Frame(frame) if frame.kind == Kind::Head => postcard::from_bytes::<Head>(&frame.body).ok(),
        _ => None,
    };
    let head = head.ok_or_else(|| damaged(PREFIX_BYTES as u64, "its head is damaged"))?;
    if head.identity != identity {
        return Err(Error::Identity { place: place(), expected: identity.to_owned(), found: head.identity });
    }
    Ok((head, frames))
}
