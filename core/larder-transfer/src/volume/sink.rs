//! Writes entries into a directory of a volume: what both kinds of import
//! share. Symbolic links below the directory are never followed.

use std::collections::BTreeMap;

use larder_core::{
    Context, Descriptor, DescriptorFlags, Error, ErrorCode, FileType, Follow, OpenFlags, Operation, SetTime, Timestamp,
    View,
};

use super::{MOST_LEVELS, TOO_DEEP, join, split};
use crate::{Report, TransferError};

/// What is kept of an entry besides its content.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Meta {
    /// Permission bits; others are ignored.
    pub(crate) mode: Option<u32>,
    pub(crate) accessed: Option<Timestamp>,
    pub(crate) modified: Option<Timestamp>,
}

/// Why an entry was not written.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// This one cannot be; the others can.
    Skip(String),
    /// Nothing more can be.
    Stop(TransferError),
}

impl From<TransferError> for Refusal {
    fn from(error: TransferError) -> Self {
        Self::Stop(error)
    }
}

/// Puts a skipped entry into the report.
pub(crate) fn noted<T>(
    report: &mut Report,
    path: &str,
    result: Result<T, Refusal>,
) -> Result<Option<T>, TransferError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Refusal::Skip(reason)) => {
            report.skip(path, reason);
            Ok(None)
        }
        Err(Refusal::Stop(error)) => Err(error),
    }
}

/// Writes below one directory. Paths are relative to it, without `.`, `..`,
/// empty components or slashes at the ends.
pub(crate) struct Sink {
    now: Timestamp,
    /// The directory's own path, for messages.
    base_path: String,
    base: Descriptor,
    /// Open directories from the base towards the last entry, for the next.
    way: Vec<(String, Descriptor)>,
    /// The directories that this transfer made, and what they become once
    /// nothing more is written into them. Others keep what they have.
    made: BTreeMap<String, Meta>,
}

impl Sink {
    /// Writes below `path`, from the root of the view; missing directories on
    /// the way are made. Symbolic links in `path` itself are followed: the
    /// caller named them.
    pub(crate) fn open(view: &View, path: &str, now: Timestamp) -> Result<Self, TransferError> {
        let path = path.trim_matches('/');
        let at = |error| TransferError::volume(format!("/{path}"), error);
        let mut base = view.root().map_err(at)?;
        let mut made = BTreeMap::new();
        let root = base.dup().map_err(at)?;
        let ends = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
        for prefix in ends.filter_map(|end| path.get(..end)).filter(|prefix| !prefix.is_empty()) {
            base = match open_directory(&root, prefix, Follow::Yes, now) {
                Err(error) if error.code() == ErrorCode::NoEntry => {
                    root.create_directory_at(now, prefix).map_err(at)?;
                    if prefix == path {
                        made.insert(String::new(), Meta::default());
                    }
                    open_directory(&root, prefix, Follow::No, now)
                }
                opened => opened,
            }
            .map_err(at)?;
        }
        Ok(Self { now, base_path: path.to_owned(), base, way: Vec::new(), made })
    }

    /// Makes a directory, or goes on with the one that is there.
    pub(crate) fn directory(&mut self, path: &str, meta: Meta) -> Result<(), Refusal> {
        self.enter(path)?;
        if let Some(made) = self.made.get_mut(path) {
            *made = meta;
        }
        Ok(())
    }

    /// Makes an empty file in the place of what is there.
    pub(crate) fn file(&mut self, path: &str) -> Result<FileSink, Refusal> {
        let now = self.now;
        let (directory, name) = split(path);
        let create = OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
        let file = self.replace(directory, name, path, |parent| {
            parent.open_at(now, Follow::No, name, create, DescriptorFlags::WRITE)
        })?;
        Ok(FileSink { now, path: join(&self.base_path, path), file })
    }

    /// Makes a symbolic link in the place of what is there.
    pub(crate) fn symlink(&mut self, path: &str, target: &str, meta: Meta) -> Result<(), Refusal> {
        let now = self.now;
        let (directory, name) = split(path);
        self.replace(directory, name, path, |parent| {
            parent.symlink_at(now, target, name)?;
            let (accessed, modified) = (set(meta.accessed), set(meta.modified));
            parent.set_times_at(now, Follow::No, name, accessed, modified)
        })
    }

    /// Gives `existing`, which an earlier call made, another name.
    pub(crate) fn hard_link(&mut self, path: &str, existing: &str) -> Result<(), Refusal> {
        let now = self.now;
        let (old_directory, old_name) = split(existing);
        let no_such = || Refusal::Skip(format!("it is a hard link to {existing}, which is not there"));
        let old = self.existing_directory(old_directory)?.ok_or_else(no_such)?;
        let attributes = match old.stat_at(Follow::No, old_name) {
            Ok(attributes) if attributes.file_type == FileType::Directory => {
                return Err(Refusal::Skip(format!("it is a hard link to {existing}, which is a directory")));
            }
            Ok(attributes) => attributes,
            Err(error) if error.code() == ErrorCode::NoEntry => return Err(no_such()),
            Err(error) => return Err(self.refusal(existing, error)),
        };
        let (directory, name) = split(path);
        let parent = self.enter(directory)?;
        if parent.stat_at(Follow::No, name).is_ok_and(|there| there.id == attributes.id) {
            return Ok(());
        }
        self.replace(directory, name, path, |parent| old.link_at(now, Follow::No, old_name, parent, name))
    }

    /// Gives the directories that were made their modes and times.
    pub(crate) fn finish(mut self) -> Result<(), TransferError> {
        for (path, meta) in std::mem::take(&mut self.made) {
            match self.existing_directory(&path) {
                Ok(Some(directory)) => apply(&directory, meta, self.now)
                    .map_err(|error| TransferError::volume(join(&self.base_path, &path), error))?,
                // A guest removed or replaced it meanwhile.
                Ok(None) | Err(Refusal::Skip(_)) => {}
                Err(Refusal::Stop(error)) => return Err(error),
            }
        }
        Ok(())
    }

    /// Runs `create` in a directory; where something is in the way that is no
    /// directory, removes it and tries again.
    fn replace<T>(
        &mut self,
        directory: &str,
        name: &str,
        path: &str,
        create: impl Fn(&Descriptor) -> Result<T, Error>,
    ) -> Result<T, Refusal> {
        if name.is_empty() {
            return Err(Refusal::Skip("a directory is in the way".into()));
        }
        let now = self.now;
        let parent = self.enter(directory)?;
        let mut made = create(parent);
        if made.as_ref().is_err_and(|error| error.code() == ErrorCode::Exist) {
            made = parent.unlink_file_at(now, name).and_then(|()| create(parent));
        }
        made.map_err(|error| self.refusal(path, error))
    }

    /// Opens a directory below the base; makes it, and those on the way.
    fn enter(&mut self, path: &str) -> Result<&Descriptor, Refusal> {
        let (mut here, missing) = self.reuse(path);
        for name in missing {
            if self.way.len() >= MOST_LEVELS {
                return Err(Refusal::Skip(TOO_DEEP.into()));
            }
            here = join(&here, name);
            let parent = self.innermost();
            let opened = match open_directory(parent, name, Follow::No, self.now) {
                Err(error) if error.code() == ErrorCode::NoEntry => parent
                    .create_directory_at(self.now, name)
                    .and_then(|()| open_directory(parent, name, Follow::No, self.now))
                    .map(|directory| (directory, true)),
                opened => opened.map(|directory| (directory, false)),
            };
            let (directory, is_new) = opened.map_err(|error| self.refusal(&here, error))?;
            if is_new {
                self.made.insert(here.clone(), Meta::default());
            }
            self.way.push((name.to_owned(), directory));
        }
        Ok(self.innermost())
    }

    /// Opens a directory below the base if it is there.
    fn existing_directory(&mut self, path: &str) -> Result<Option<Descriptor>, Refusal> {
        let (_, missing) = self.reuse(path);
        for name in missing {
            if self.way.len() >= MOST_LEVELS {
                return Ok(None);
            }
            match open_directory(self.innermost(), name, Follow::No, self.now) {
                Ok(directory) => self.way.push((name.to_owned(), directory)),
                Err(error)
                    if matches!(error.code(), ErrorCode::NoEntry | ErrorCode::NotDirectory | ErrorCode::Loop) =>
                {
                    return Ok(None);
                }
                Err(error) => return Err(self.refusal(path, error)),
            }
        }
        self.innermost().dup().map(Some).map_err(|error| self.refusal(path, error))
    }

    /// Closes the open directories that are not on the way to `path`; returns
    /// the path of the innermost that is, and the names behind it.
    fn reuse<'p>(&mut self, path: &'p str) -> (String, Vec<&'p str>) {
        let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
        let shared = self.way.iter().zip(&names).take_while(|((open, _), name)| open == *name).count();
        self.way.truncate(shared);
        let (have, missing) = names.split_at(shared);
        (have.join("/"), missing.to_vec())
    }

    fn innermost(&self) -> &Descriptor {
        self.way.last().map_or(&self.base, |(_, directory)| directory)
    }

    /// Whether an error concerns this entry alone.
    fn refusal(&self, path: &str, error: Error) -> Refusal {
        let reason = match error.code() {
            ErrorCode::NotDirectory | ErrorCode::Loop => "a file or symbolic link is in the way of a directory",
            ErrorCode::IsDirectory => "a directory is in the way",
            ErrorCode::NameTooLong => "a name or target is longer than the volume allows",
            ErrorCode::TooManyLinks => "it has more hard links than the volume allows",
            ErrorCode::Invalid | ErrorCode::IllegalByteSequence => "a name or target that a volume cannot hold",
            ErrorCode::NoEntry | ErrorCode::Exist => "somebody else changed the volume meanwhile",
            _ => return Refusal::Stop(TransferError::volume(format!("/{}", join(&self.base_path, path)), error)),
        };
        Refusal::Skip(reason.to_owned())
    }
}

/// A file that is being written.
pub(crate) struct FileSink {
    now: Timestamp,
    path: String,
    file: Descriptor,
}

impl FileSink {
    /// Writes at `offset`, in bytes; what is passed over is a hole.
    pub(crate) fn write(&self, offset: u64, data: &[u8]) -> Result<(), TransferError> {
        self.file.write(self.now, offset, data).map(drop).map_err(|error| self.at(error))
    }

    /// Sets length, mode and times.
    pub(crate) fn finish(self, size: u64, meta: Meta) -> Result<(), TransferError> {
        if self.file.stat().map_err(|error| self.at(error))?.size != size {
            self.file.set_size(self.now, size).map_err(|error| self.at(error))?;
        }
        apply(&self.file, meta, self.now).map_err(|error| self.at(error))
    }

    fn at(&self, error: Error) -> TransferError {
        TransferError::volume(format!("/{}", self.path), error)
    }
}

fn open_directory(parent: &Descriptor, path: &str, follow: Follow, now: Timestamp) -> Result<Descriptor, Error> {
    let flags = DescriptorFlags::READ | DescriptorFlags::MUTATE_DIRECTORY;
    parent.open_at(now, follow, path, OpenFlags::DIRECTORY, flags)
}

fn set(time: Option<Timestamp>) -> SetTime {
    time.map_or(SetTime::Keep, SetTime::At)
}

/// Sets mode and times through a descriptor that may change them: setting the
/// times comes first and checks that.
fn apply(descriptor: &Descriptor, meta: Meta, now: Timestamp) -> Result<(), Error> {
    descriptor.set_times(now, set(meta.accessed), set(meta.modified))?;
    if let Some(mode) = meta.mode {
        let operation = Operation::SetMode { node: descriptor.id(), mode };
        descriptor.view().volume().apply(&Context::at(now), &operation)?;
    }
    Ok(())
}
