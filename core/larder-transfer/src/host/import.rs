//! From a host file or directory into a volume.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::vec;

use cap_fs_ext::{DirExt, FollowSymlinks, MetadataExt, OpenOptionsFollowExt, OpenOptionsSyncExt};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, Metadata, OpenOptions};
use larder_core::{FileType, View};

use super::holes::next_data;
use super::names::unreadable;
use crate::clock::from_system;
use crate::transfer::Run;
use crate::volume::{MOST_LEVELS, Meta, Refusal, Sink, TOO_DEEP, join, noted, open_named, split};
use crate::{Report, TransferError};

/// Read and written at once, in bytes: whole chunks of the volume.
const BUFFER_BYTES: usize = 256 << 10;

/// Copies `source`, following it if it is a symbolic link, to `destination`.
pub(crate) fn import(run: Run<'_>, source: &Path, view: &View, destination: &str) -> Result<Report, TransferError> {
    let found = std::fs::metadata(source).map_err(|error| TransferError::host("look at", source, error))?;
    let mut import =
        Import { run, source, report: Report::default(), links: HashMap::new(), buffer: vec![0; BUFFER_BYTES] };
    if found.is_dir() {
        let top = Dir::open_ambient_dir(source, ambient_authority())
            .map_err(|error| TransferError::host("open", source, error))?;
        let mut sink = Sink::open(view, destination, import.run.now)?;
        import.tree(top, &mut sink)?;
        sink.finish()?;
    } else {
        let (directory, name) = place(source, view, destination)?;
        let file = File::open(source).map_err(|error| TransferError::host("open", source, error))?;
        let mut sink = Sink::open(view, &directory, import.run.now)?;
        let copied = import.file(file, &name, &mut sink);
        noted(&mut import.report, &name, copied)?;
        sink.finish()?;
    }
    Ok(import.report)
}

/// Where one file goes, as `cp` does it: into a directory that is there or
/// that a slash at the end promises, under its own name; else to that path.
fn place(source: &Path, view: &View, destination: &str) -> Result<(String, String), TransferError> {
    let is_directory = destination.ends_with('/')
        || destination.is_empty()
        || open_named(view, destination).is_ok_and(|there| there.file_type() == FileType::Directory);
    if !is_directory {
        let (directory, name) = split(destination.trim_start_matches('/'));
        return Ok((directory.to_owned(), name.to_owned()));
    }
    let name = source.file_name().and_then(OsStr::to_str).ok_or_else(|| {
        TransferError::host("name", source, io::Error::other("its name is not valid UTF-8; give one in the volume"))
    })?;
    Ok((destination.to_owned(), name.to_owned()))
}

struct Import<'r, 'a> {
    run: Run<'r>,
    source: &'a Path,
    report: Report,
    /// Where the first name of a file with several went, by device and inode.
    links: HashMap<(u64, u64), String>,
    buffer: Vec<u8>,
}

struct Level {
    directory: Dir,
    path: String,
    names: vec::IntoIter<OsString>,
}

impl Import<'_, '_> {
    fn tree(&mut self, top: Dir, sink: &mut Sink) -> Result<(), TransferError> {
        let mut levels = Vec::new();
        let entered = self.enter(top, String::new(), sink);
        levels.extend(noted(&mut self.report, "", entered)?);
        while let Some(level) = levels.last_mut() {
            let Some(name) = level.names.next() else {
                levels.pop();
                continue;
            };
            let path = join(&level.path, &name.to_string_lossy());
            let Some(name) = name.to_str() else {
                self.report.skip(path, "its name is not valid UTF-8");
                continue;
            };
            self.run.progress.entry(&path);
            let depth = levels.len();
            let Some(level) = levels.last_mut() else { break };
            let entered = self.entry(&level.directory, name, &path, depth, sink);
            levels.extend(noted(&mut self.report, &path, entered)?.flatten());
        }
        Ok(())
    }

    /// Copies a file or link; opens a directory.
    fn entry(
        &mut self,
        directory: &Dir,
        name: &str,
        path: &str,
        depth: usize,
        sink: &mut Sink,
    ) -> Result<Option<Level>, Refusal> {
        let found = directory.symlink_metadata(name).map_err(|error| self.refusal("look at", path, error))?;
        let kind = found.file_type();
        if kind.is_dir() {
            if depth >= MOST_LEVELS {
                return Err(Refusal::Skip(TOO_DEEP.into()));
            }
            let below = directory.open_dir_nofollow(name).map_err(|error| self.refusal("open", path, error))?;
            return self.enter(below, path.to_owned(), sink).map(Some);
        }
        if kind.is_symlink() {
            let target = directory.read_link_contents(name).map_err(|error| self.refusal("read", path, error))?;
            let target = target.to_str().ok_or_else(|| Refusal::Skip("its target is not valid UTF-8".into()))?;
            if !self.linked(&found, path, sink)? {
                sink.symlink(path, target, Meta { mode: None, ..meta(&found) })?;
                self.report.symlinks += 1;
                self.remember(&found, path);
            }
            return Ok(None);
        }
        if !kind.is_file() {
            return Err(Refusal::Skip("it is a device, socket or pipe, which a volume cannot hold".into()));
        }
        // Not blocking: it might be a pipe by now.
        let mut options = OpenOptions::new();
        options.read(true).follow(FollowSymlinks::No).nonblock(true);
        let file = directory.open_with(name, &options).map_err(|error| self.refusal("open", path, error))?;
        self.file(file.into_std(), path, sink)?;
        Ok(None)
    }

    fn enter(&mut self, directory: Dir, path: String, sink: &mut Sink) -> Result<Level, Refusal> {
        let found = directory.dir_metadata().map_err(|error| self.refusal("look at", &path, error))?;
        let entries = directory.entries().map_err(|error| self.refusal("list", &path, error))?;
        let names = entries.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<_>>>();
        let mut names = names.map_err(|error| self.refusal("list", &path, error))?;
        // The order of the host's listing is as good as random.
        names.sort_unstable();
        sink.directory(&path, meta(&found))?;
        self.report.directories += 1;
        Ok(Level { directory, path, names: names.into_iter() })
    }

    fn file(&mut self, file: File, path: &str, sink: &mut Sink) -> Result<(), Refusal> {
        let found = file.metadata().map_err(|error| self.refusal("look at", path, error))?;
        if !found.is_file() {
            return Err(Refusal::Skip("it is a device, socket or pipe, which a volume cannot hold".into()));
        }
        let found = Metadata::from_file(&file).map_err(|error| self.refusal("look at", path, error))?;
        if !self.linked(&found, path, sink)? {
            self.content(file, &found, path, sink)?;
            self.report.files += 1;
            self.remember(&found, path);
        }
        Ok(())
    }

    /// Links to the first copy of what has several names, if there is one.
    fn linked(&mut self, found: &Metadata, path: &str, sink: &mut Sink) -> Result<bool, Refusal> {
        if found.nlink() < 2 {
            return Ok(false);
        }
        let Some(first) = self.links.get(&(found.dev(), found.ino())) else { return Ok(false) };
        match sink.hard_link(path, first) {
            Ok(()) => {
                self.report.hard_links += 1;
                Ok(true)
            }
            Err(Refusal::Skip(reason)) => {
                self.report.alter(path, format!("copied instead of linked to {first}: {reason}"));
                Ok(false)
            }
            Err(stop) => Err(stop),
        }
    }

    /// Remembers the first copy of what has several names.
    fn remember(&mut self, found: &Metadata, path: &str) {
        if found.nlink() > 1 {
            self.links.insert((found.dev(), found.ino()), path.to_owned());
        }
    }

    fn content(&mut self, mut file: File, found: &Metadata, path: &str, sink: &mut Sink) -> Result<(), Refusal> {
        let copy = sink.file(path)?;
        let mut size = found.len();
        let mut at = 0;
        while let Some(data) = next_data(&file, at, size).map_err(|error| self.refusal("read", path, error))? {
            self.run.progress.bytes(data.start - at);
            at = data.start;
            file.seek(SeekFrom::Start(at)).map_err(|error| self.refusal("read", path, error))?;
            while at < data.end {
                let want = usize::try_from(data.end - at).unwrap_or(usize::MAX).min(self.buffer.len());
                let buffer = self.buffer.get_mut(..want).unwrap_or_default();
                let read = read_full(&mut file, buffer).map_err(|error| self.refusal("read", path, error))?;
                copy.write(at, self.buffer.get(..read).unwrap_or_default())?;
                at += read as u64;
                self.report.bytes += read as u64;
                self.run.progress.bytes(read as u64);
                if read < want {
                    // Somebody cut the file meanwhile.
                    size = at;
                    break;
                }
            }
        }
        self.run.progress.bytes(size.saturating_sub(at));
        Ok(copy.finish(size, meta(found))?)
    }

    fn refusal(&self, action: &'static str, path: &str, error: io::Error) -> Refusal {
        match unreadable(&error) {
            // Without its top nothing is imported: that is an error.
            Some(reason) if !path.is_empty() => Refusal::Skip(reason),
            _ => Refusal::Stop(TransferError::host(action, self.source.join(path), error)),
        }
    }
}

/// Reads until the buffer is full or the file ends.
fn read_full(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn meta(found: &Metadata) -> Meta {
    #[cfg(unix)]
    let mode = Some(cap_std::fs::MetadataExt::mode(found) & 0o7777);
    #[cfg(not(unix))]
    let mode = None;
    Meta {
        mode,
        accessed: found.accessed().ok().map(|time| from_system(time.into_std())),
        modified: found.modified().ok().map(|time| from_system(time.into_std())),
    }
}
