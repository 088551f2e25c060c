//! From a volume to a host file or directory.

use std::collections::HashMap;
use std::fs::FileTimes;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use cap_fs_ext::{DirExt, FollowSymlinks, OpenOptionsFollowExt, SystemTimeSpec};
use cap_std::ambient_authority;
use cap_std::fs::{Dir, DirBuilder, OpenOptions};
use cap_std::time::SystemTime;
use larder_core::{Attributes, Descriptor, FileType, NodeId, View};

use super::names::{single, unwritable};
use crate::clock::{self, to_system};
use crate::transfer::Run;
use crate::volume::{Found, Visit, is_hole, open_named, walk};
use crate::{Report, TransferError};

/// Shared with the volume at once, in bytes.
const READ_BYTES: usize = 4 << 20;

/// Permission bits that come onto the host: none that give rights away.
#[cfg(unix)]
const MODE_MASK: u32 = 0o1777;

/// Copies `source` to `destination`.
pub(crate) fn export(run: Run<'_>, view: &View, source: &str, destination: &Path) -> Result<Report, TransferError> {
    let top = open_named(view, source)?;
    let fail = |action, error| TransferError::host(action, destination, error);
    if top.file_type() == FileType::Directory {
        let existed = destination.is_dir();
        std::fs::create_dir_all(destination).map_err(|error| fail("create", error))?;
        let mut export = Export::open(run, destination, existed)?;
        walk(&top, &mut export)?;
        return Ok(export.report);
    }
    let (directory, name) = place(source, destination).map_err(|error| fail("write", error))?;
    std::fs::create_dir_all(&directory).map_err(|error| TransferError::host("create", &directory, error))?;
    let mut export = Export::open(run, &directory, true)?;
    let attributes = top.stat().map_err(|error| TransferError::volume(source, error))?;
    let name = name.to_str().ok_or_else(|| fail("write", io::Error::other("its name is not valid UTF-8")))?;
    export.file(&Found { path: name, name, attributes: &attributes }, &top)?;
    Ok(export.report)
}

/// Where one file goes, as `cp` does it: into a directory that is there or
/// that a slash at the end promises, under its own name; else to that path.
fn place(source: &str, destination: &Path) -> io::Result<(PathBuf, PathBuf)> {
    let ends_with_slash = destination.as_os_str().as_encoded_bytes().ends_with(b"/");
    if ends_with_slash || destination.is_dir() {
        let name = source.trim_matches('/').rsplit('/').next().unwrap_or_default();
        return Ok((destination.to_owned(), name.into()));
    }
    let name = destination.file_name().ok_or_else(|| io::Error::other("it names no file"))?;
    let directory = match destination.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    Ok((directory.to_owned(), name.into()))
}

struct Export<'r, 'a> {
    run: Run<'r>,
    destination: &'a Path,
    report: Report,
    top: Dir,
    /// Directories on the way to where the walk is, the top one included.
    levels: Vec<Level>,
    /// Where the first name of a file with several went.
    links: HashMap<NodeId, PathBuf>,
    /// Begins the names of this transfer's unfinished files.
    temporary: String,
    temporaries: u64,
}

struct Level {
    directory: Dir,
    /// It was there before, and keeps its mode and times.
    existed: bool,
}

/// What became of an entry.
enum Done {
    Copied,
    Skipped(String),
}

impl<'r, 'a> Export<'r, 'a> {
    fn open(run: Run<'r>, destination: &'a Path, existed: bool) -> Result<Self, TransferError> {
        let fail = |error| TransferError::host("open", destination, error);
        let top = Dir::open_ambient_dir(destination, ambient_authority()).map_err(fail)?;
        let directory = top.try_clone().map_err(fail)?;
        Ok(Self {
            run,
            destination,
            report: Report::default(),
            top,
            levels: vec![Level { directory, existed }],
            links: HashMap::new(),
            temporary: format!(".larder-{}-{:x}-", std::process::id(), clock::now().nanoseconds),
            temporaries: 0,
        })
    }

    /// The directory that the walk is in.
    fn here(&self) -> &Dir {
        self.levels.last().map_or(&self.top, |level| &level.directory)
    }

    /// A name that nobody uses for long.
    fn temporary(&mut self) -> PathBuf {
        self.temporaries += 1;
        format!("{}{}", self.temporary, self.temporaries).into()
    }

    /// Sorts an error of one entry: the others go on, or nothing does.
    fn sort(&self, action: &'static str, path: &str, result: io::Result<Done>) -> Result<Done, TransferError> {
        result.or_else(|error| match unwritable(&error) {
            Some(reason) => Ok(Done::Skipped(reason)),
            None => Err(TransferError::host(action, self.destination.join(path), error)),
        })
    }

    /// Notes what became of an entry; says whether it is there now.
    fn note(&mut self, found: &Found<'_>, done: Done) -> bool {
        match done {
            Done::Copied => true,
            Done::Skipped(reason) => {
                self.report.skip(found.path, reason);
                false
            }
        }
    }

    /// Makes something under `name`; where something is there, makes it under
    /// another name and renames it over that, which follows no link.
    fn put(&mut self, name: &Path, make: impl Fn(&Self, &Path) -> io::Result<()>) -> io::Result<Done> {
        match make(self, name) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.map(|()| Done::Copied),
        }
        let temporary = self.temporary();
        make(self, &temporary)?;
        let renamed = self.here().rename(&temporary, self.here(), name);
        // It is gone, unless that failed, or both were links of one file.
        let _ = self.here().remove_file(&temporary);
        renamed.map(|()| Done::Copied)
    }

    /// Remembers the first copy of what has several names.
    fn remember(&mut self, found: &Found<'_>) {
        if found.attributes.link_count > 1 {
            self.links.insert(found.attributes.id, found.path.into());
        }
    }

    /// Links to the first copy of a file with several names; `None` where a
    /// copy of its own has to do.
    fn link(&mut self, found: &Found<'_>, name: &Path) -> Result<Option<Done>, TransferError> {
        if found.attributes.link_count < 2 {
            return Ok(None);
        }
        let Some(first) = self.links.get(&found.attributes.id).cloned() else { return Ok(None) };
        let linked = self.put(name, |export, name| export.top.hard_link(&first, export.here(), name));
        match linked {
            Ok(done) => Ok(Some(done)),
            Err(error) if unwritable(&error).is_some() => self.sort("link", found.path, Err(error)).map(Some),
            Err(error) => {
                let reason = format!("copied instead of linked to {}: {error}", first.display());
                self.report.alter(found.path, reason);
                Ok(None)
            }
        }
    }

    fn content(&mut self, found: &Found<'_>, name: &Path, file: &Descriptor) -> Result<Done, TransferError> {
        let temporary = self.temporary();
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).follow(FollowSymlinks::No);
        #[cfg(unix)]
        cap_std::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let copy = match self.here().open_with(&temporary, &options) {
            Ok(copy) => copy.into_std(),
            Err(error) => return self.sort("create", found.path, Err(error)),
        };
        let copied = self.copy(found, file, copy).and_then(|()| {
            let renamed = self.here().rename(&temporary, self.here(), name);
            self.sort("create", found.path, renamed.map(|()| Done::Copied))
        });
        if !matches!(copied, Ok(Done::Copied)) {
            let _ = self.here().remove_file(&temporary);
        }
        copied
    }

    /// Copies content, and sets mode and times.
    fn copy(&mut self, found: &Found<'_>, file: &Descriptor, mut copy: std::fs::File) -> Result<(), TransferError> {
        let path = self.destination.join(found.path);
        let written = |error| TransferError::host("write", &path, error);
        let mut size = found.attributes.size;
        let sparse = found.attributes.allocated < size;
        let mut at = 0;
        // A file that is all hole, of whatever length, is not read.
        while found.attributes.allocated > 0 && at < size {
            let want = usize::try_from(size - at).unwrap_or(usize::MAX).min(READ_BYTES);
            let chunks = file.read(at, want).map_err(|error| TransferError::volume(found.path, error))?;
            if chunks.is_empty() {
                // A guest cut the file meanwhile.
                size = at;
            }
            for piece in &chunks {
                if sparse && is_hole(piece) {
                    at += piece.len() as u64;
                    copy.seek(SeekFrom::Start(at)).map_err(written)?;
                } else {
                    copy.write_all(piece).map_err(written)?;
                    at += piece.len() as u64;
                    self.report.bytes += piece.len() as u64;
                }
            }
            self.run.progress.bytes(chunks.len() as u64);
        }
        self.run.progress.bytes(size.saturating_sub(at));
        copy.set_len(size).map_err(written)?;
        self.finish(found, &copy).map_err(written)
    }

    /// Sets mode and times of a file or directory through its handle.
    fn finish(&mut self, found: &Found<'_>, file: &std::fs::File) -> io::Result<()> {
        let attributes = found.attributes;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            file.set_permissions(std::fs::Permissions::from_mode(attributes.mode & MODE_MASK))?;
            if attributes.mode & 0o6000 != 0 {
                self.report.alter(found.path, "its set-user and set-group bits are not kept on the host");
            }
        }
        let mut times = FileTimes::new();
        for (time, is_access) in [(attributes.accessed, true), (attributes.modified, false)] {
            match to_system(time) {
                Some(time) if is_access => times = times.set_accessed(time),
                Some(time) => times = times.set_modified(time),
                None => self.report.alter(found.path, "the host cannot hold one of its times"),
            }
        }
        file.set_times(times)
    }
}

impl Visit for Export<'_, '_> {
    fn enter(&mut self, found: &Found<'_>) -> Result<bool, TransferError> {
        if found.path.is_empty() {
            self.report.directories += 1;
            return Ok(true);
        }
        self.run.progress.entry(found.path);
        let Some(name) = single(found.name) else {
            self.report.skip(found.path, "the host cannot hold its name");
            return Ok(false);
        };
        let made = self.here().create_dir_with(name, &private_directory());
        let existed = made.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::AlreadyExists);
        let opened = if existed { Ok(()) } else { made }.and_then(|()| self.here().open_dir_nofollow(name));
        match opened {
            Ok(directory) => {
                self.levels.push(Level { directory, existed });
                self.report.directories += 1;
                Ok(true)
            }
            Err(error) => {
                let done = self.sort("create", found.path, Err(error))?;
                Ok(self.note(found, done))
            }
        }
    }

    fn leave(&mut self, found: &Found<'_>) -> Result<(), TransferError> {
        let Some(level) = self.levels.pop() else { return Ok(()) };
        if level.existed {
            return Ok(());
        }
        // The handle itself may be one that cannot change anything (`O_PATH`).
        let opened = level.directory.open(".").map(cap_std::fs::File::into_std);
        opened
            .and_then(|directory| self.finish(found, &directory))
            .map_err(|error| TransferError::host("set mode and times of", self.destination.join(found.path), error))
    }

    fn file(&mut self, found: &Found<'_>, file: &Descriptor) -> Result<(), TransferError> {
        self.run.progress.entry(found.path);
        let Some(name) = single(found.name) else {
            self.report.skip(found.path, "the host cannot hold its name");
            return Ok(());
        };
        if let Some(done) = self.link(found, name)? {
            let linked = self.note(found, done);
            self.report.hard_links += u64::from(linked);
            return Ok(());
        }
        let done = self.content(found, name, file)?;
        if self.note(found, done) {
            self.report.files += 1;
            self.remember(found);
        }
        Ok(())
    }

    fn symlink(&mut self, found: &Found<'_>, target: &str) -> Result<(), TransferError> {
        self.run.progress.entry(found.path);
        let Some(name) = single(found.name) else {
            self.report.skip(found.path, "the host cannot hold its name");
            return Ok(());
        };
        if let Some(done) = self.link(found, name)? {
            let linked = self.note(found, done);
            self.report.hard_links += u64::from(linked);
            return Ok(());
        }
        let made = self.put(name, |export, name| symlink(export.here(), target, name));
        let done = self.sort("create", found.path, made)?;
        if self.note(found, done) {
            self.report.symlinks += 1;
            if let Err(error) = set_link_times(self.here(), name, found.attributes) {
                self.report.alter(found.path, format!("its times are not kept: {error}"));
            }
            self.remember(found);
        }
        Ok(())
    }

    fn report(&mut self) -> &mut Report {
        &mut self.report
    }
}

/// A directory that nobody else looks into before it has its own mode.
fn private_directory() -> DirBuilder {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "there are no modes to set"))]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    cap_std::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

fn symlink(directory: &Dir, target: &str, name: &Path) -> io::Result<()> {
    // The target is kept as it is: nobody follows it here.
    #[cfg(unix)]
    return directory.symlink_contents(target, name);
    #[cfg(not(unix))]
    return DirExt::symlink(directory, target, name);
}

fn set_link_times(directory: &Dir, name: &Path, attributes: &Attributes) -> io::Result<()> {
    let spec = |time| to_system(time).map(|time| SystemTimeSpec::Absolute(SystemTime::from_std(time)));
    directory.set_symlink_times(name, spec(attributes.accessed), spec(attributes.modified))
}
