//! Walks a directory of a volume, depth first, in listing order: what both
//! kinds of export share. Symbolic links are reported, not followed.

use std::sync::Arc;
use std::vec;

use larder_core::{
    Attributes, Descriptor, DescriptorFlags, DirectoryEntry, Error, ErrorCode, FileType, Follow, OpenFlags, Timestamp,
};

use super::{MOST_LEVELS, TOO_DEEP, join};
use crate::{Report, TransferError};

/// Something that the walk found.
pub(crate) struct Found<'a> {
    /// Relative to where the walk began.
    pub(crate) path: &'a str,
    pub(crate) name: &'a str,
    pub(crate) attributes: &'a Attributes,
}

/// Takes what a walk finds.
pub(crate) trait Visit {
    /// A directory; says whether to go on inside. `leave` follows then.
    fn enter(&mut self, found: &Found<'_>) -> Result<bool, TransferError>;
    /// The end of the innermost directory.
    fn leave(&mut self, found: &Found<'_>) -> Result<(), TransferError>;
    fn file(&mut self, found: &Found<'_>, file: &Descriptor) -> Result<(), TransferError>;
    fn symlink(&mut self, found: &Found<'_>, target: &str) -> Result<(), TransferError>;
    fn report(&mut self) -> &mut Report;
}

struct Level {
    directory: Descriptor,
    attributes: Attributes,
    path: String,
    name: Arc<str>,
    /// As they were when the walk came here. Asking again would never end
    /// where a guest removes and creates names all the time.
    entries: vec::IntoIter<DirectoryEntry>,
}

impl Level {
    fn new(directory: Descriptor, path: String, name: Arc<str>) -> Result<Self, Error> {
        let attributes = directory.stat()?;
        let entries = directory.read_directory(0, usize::MAX)?.into_iter();
        Ok(Self { directory, attributes, path, name, entries })
    }

    fn found(&self) -> Found<'_> {
        Found { path: &self.path, name: &self.name, attributes: &self.attributes }
    }
}

/// Walks everything below `top`. Its own `enter` and `leave` have empty names.
pub(crate) fn walk(top: &Descriptor, visit: &mut dyn Visit) -> Result<(), TransferError> {
    let at_top = |error| TransferError::volume("/", error);
    let top = Level::new(top.dup().map_err(at_top)?, String::new(), "".into()).map_err(at_top)?;
    if !visit.enter(&top.found())? {
        return Ok(());
    }
    let mut levels = vec![top];
    while let Some(level) = levels.last_mut() {
        let Some(entry) = level.entries.next() else {
            visit.leave(&level.found())?;
            levels.pop();
            continue;
        };
        let path = join(&level.path, &entry.name);
        let deeper = match visit_entry(level, &entry, &path, visit) {
            Ok(deeper) => deeper,
            Err(Stop::Gone) => {
                visit.report().skip(path, "somebody removed or replaced it meanwhile");
                continue;
            }
            Err(Stop::Failed(error)) => return Err(error),
        };
        let Some(directory) = deeper else { continue };
        if levels.len() >= MOST_LEVELS {
            visit.report().skip(path, TOO_DEEP);
            continue;
        }
        let below = |error| TransferError::volume(path.clone(), error);
        let level = Level::new(directory, path.clone(), entry.name).map_err(below)?;
        if visit.enter(&level.found())? {
            levels.push(level);
        }
    }
    Ok(())
}

enum Stop {
    /// The entry is not what it was when it was listed.
    Gone,
    Failed(TransferError),
}

/// Visits a file or link; opens a directory.
fn visit_entry(
    level: &Level,
    entry: &DirectoryEntry,
    path: &str,
    visit: &mut dyn Visit,
) -> Result<Option<Descriptor>, Stop> {
    let name = &*entry.name;
    let failed = |error: Error| match error.code() {
        ErrorCode::NoEntry
        | ErrorCode::NotDirectory
        | ErrorCode::IsDirectory
        | ErrorCode::Loop
        | ErrorCode::Invalid => Stop::Gone,
        _ => Stop::Failed(TransferError::volume(path, error)),
    };
    let open = |flags| {
        let access = DescriptorFlags::READ;
        level.directory.open_at(Timestamp::UNIX_EPOCH, Follow::No, name, flags, access).map_err(failed)
    };
    match entry.file_type {
        FileType::Directory => open(OpenFlags::DIRECTORY).map(Some),
        FileType::RegularFile => {
            let file = open(OpenFlags::empty())?;
            if file.file_type() != FileType::RegularFile {
                return Err(Stop::Gone);
            }
            let attributes = file.stat().map_err(failed)?;
            visit.file(&Found { path, name, attributes: &attributes }, &file).map_err(Stop::Failed)?;
            Ok(None)
        }
        FileType::SymbolicLink => {
            let target = level.directory.readlink_at(name).map_err(failed)?;
            let attributes = level.directory.stat_at(Follow::No, name).map_err(failed)?;
            visit.symlink(&Found { path, name, attributes: &attributes }, &target).map_err(Stop::Failed)?;
            Ok(None)
        }
    }
}
