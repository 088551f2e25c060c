//! Copying a tree into a served volume.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::rc::Rc;
use std::vec;

use larder_core::{
    Attributes, Descriptor, DescriptorFlags, Error, ErrorCode, FileType, Follow, NodeId, OpenFlags, Result, SetTime,
    Timestamp,
};
use larder_store_service::{Change, MAX_TRANSFER, NewNode, Position, Removal, Write};
use larder_transfer::{Note, Progress, Report, TransferError, now};

use super::{RemoteDirectory, content};
use crate::files::{list, open_directory};

/// With more names than this to put into a directory it is listed, instead of
/// asking for each of them.
const ASKED: usize = 16;

/// The permission bits that come of themselves, as larder-core gives them.
const FILE_MODE: u32 = 0o644;
const DIRECTORY_MODE: u32 = 0o755;

/// Copies what is in `from` into the directory `to`, with times, links and
/// holes. As everywhere, directories are merged, files and links replaced, and
/// a directory and a file never replace one another. Each file appears whole.
///
/// # Errors
/// Those of both sides; what was copied until then stays.
pub(crate) fn push(
    from: &Descriptor,
    to: RemoteDirectory,
    progress: &mut dyn Progress,
) -> Result<Report, TransferError> {
    let mut push = Push { now: now(), progress, report: Report::default(), links: HashMap::new(), modes: 0 };
    push.tree(from, to)?;
    if push.modes > 0 {
        let reason =
            format!("permission bits, which remote volumes do not keep ({} differ from the usual)", push.modes);
        push.report.altered.push(Note { path: String::new(), reason });
    }
    Ok(push.report)
}

struct Push<'p> {
    now: Timestamp,
    progress: &'p mut dyn Progress,
    report: Report,
    /// Where the first name of a file with several was put.
    links: HashMap<NodeId, (Rc<RemoteDirectory>, String)>,
    /// How many have permission bits that get lost.
    modes: u64,
}

struct Level {
    from: Descriptor,
    to: Rc<RemoteDirectory>,
    path: String,
    names: vec::IntoIter<String>,
    there: There,
    /// What it becomes when all is in it: where the transfer made it.
    made: Option<Made>,
}

struct Made {
    above: Rc<RemoteDirectory>,
    name: String,
    accessed: Timestamp,
    modified: Timestamp,
}

/// What a directory holds already.
enum There {
    Listed(HashMap<String, FileType>),
    /// Each name is asked for.
    Asked,
}

impl There {
    fn of(directory: &RemoteDirectory, names: usize) -> Result<Self> {
        if names <= ASKED {
            return Ok(Self::Asked);
        }
        let entries = directory.list()?.into_iter();
        Ok(Self::Listed(entries.map(|entry| (entry.name, entry.attributes.file_type)).collect()))
    }

    fn find(&self, directory: &RemoteDirectory, name: &str) -> Result<Option<FileType>> {
        match self {
            Self::Listed(names) => Ok(names.get(name).copied()),
            Self::Asked => match directory.stat_at(Follow::No, name) {
                Ok(attributes) => Ok(Some(attributes.file_type)),
                Err(error) if error.code() == ErrorCode::NoEntry => Ok(None),
                Err(error) => Err(error),
            },
        }
    }
}

/// Why one entry cannot be put there although others can.
fn reason(error: &Error) -> Option<&'static str> {
    Some(match error.code() {
        ErrorCode::NotDirectory | ErrorCode::Loop => "a file or symbolic link is in the way of a directory",
        ErrorCode::IsDirectory => "a directory is in the way",
        ErrorCode::NameTooLong => "a name or target is longer than the volume allows",
        ErrorCode::TooManyLinks => "it has more hard links than the volume allows",
        ErrorCode::Invalid | ErrorCode::IllegalByteSequence => "a name or target that a volume cannot hold",
        ErrorCode::NoEntry | ErrorCode::Exist => "somebody else changed the volume meanwhile",
        _ => return None,
    })
}

impl Push<'_> {
    fn tree(&mut self, from: &Descriptor, to: RemoteDirectory) -> Result<(), TransferError> {
        let at = |path: &str| {
            let path = format!("/{path}");
            move |error| TransferError::Volume { path, error }
        };
        let top = from.dup().and_then(|from| self.level(from, Rc::new(to), String::new(), None));
        let mut levels = vec![top.map_err(at(""))?];
        while let Some(level) = levels.last_mut() {
            let Some(name) = level.names.next() else {
                if let Some(Made { above, name, accessed, modified }) = &level.made {
                    // Whoever removed it meanwhile needs no times.
                    match above.set_times(name, SetTime::At(*accessed), SetTime::At(*modified)) {
                        Err(error) if error.code() != ErrorCode::NoEntry => return Err(at(&level.path)(error)),
                        _ => {}
                    }
                }
                levels.pop();
                continue;
            };
            let path = match level.path.as_str() {
                "" => name.clone(),
                above => format!("{above}/{name}"),
            };
            self.progress.entry(&path);
            match self.entry(level, &name, &path) {
                Ok(Some(below)) => levels.push(below),
                Ok(None) => {}
                Err(error) => match reason(&error) {
                    Some(reason) => self.report.skipped.push(Note { path, reason: reason.to_owned() }),
                    None => return Err(at(&path)(error)),
                },
            }
        }
        Ok(())
    }

    fn level(&mut self, from: Descriptor, to: Rc<RemoteDirectory>, path: String, made: Option<Made>) -> Result<Level> {
        self.report.directories += 1;
        let names = list(&from)?;
        let there = match made {
            Some(_) => There::Listed(HashMap::new()),
            None => There::of(&to, names.len())?,
        };
        Ok(Level { from, to, path, names: names.into_iter(), there, made })
    }

    fn entry(&mut self, level: &Level, name: &str, path: &str) -> Result<Option<Level>> {
        let attributes = level.from.stat_at(Follow::No, name)?;
        let there = level.there.find(&level.to, name)?;
        let is_directory = attributes.file_type == FileType::Directory;
        match there {
            Some(FileType::Directory) if !is_directory => return Err(Error::new(ErrorCode::IsDirectory, "copy")),
            Some(FileType::RegularFile | FileType::SymbolicLink) if is_directory => {
                return Err(Error::new(ErrorCode::NotDirectory, "copy"));
            }
            _ => {}
        }
        let usual = if is_directory { DIRECTORY_MODE } else { FILE_MODE };
        if attributes.file_type != FileType::SymbolicLink && attributes.mode != usual {
            self.modes += 1;
        }
        match attributes.file_type {
            FileType::Directory => {
                let made = match there {
                    Some(_) => None,
                    None => {
                        level.to.make(name, NewNode::Directory)?;
                        let Attributes { accessed, modified, .. } = attributes;
                        Some(Made { above: Rc::clone(&level.to), name: name.to_owned(), accessed, modified })
                    }
                };
                let to = Rc::new(level.to.enter(Follow::No, name)?);
                return self
                    .level(open_directory(&level.from, self.now, Follow::No, name)?, to, path.to_owned(), made)
                    .map(Some);
            }
            FileType::SymbolicLink => {
                let target = level.from.readlink_at(name)?;
                self.replace(&level.to, name, there.is_some(), |name| {
                    level.to.make(name, NewNode::SymbolicLink(&target))?;
                    let (accessed, modified) = (SetTime::At(attributes.accessed), SetTime::At(attributes.modified));
                    level.to.set_times(name, accessed, modified)
                })?;
                self.report.symlinks += 1;
            }
            FileType::RegularFile => self.file_or_link(level, name, &attributes, there.is_some())?,
        }
        Ok(None)
    }

    fn file_or_link(&mut self, level: &Level, name: &str, attributes: &Attributes, is_there: bool) -> Result<()> {
        if let Some((directory, first)) = self.links.get(&attributes.id) {
            let is_same = || {
                let (one, other) = (directory.stat_at(Follow::No, first)?, level.to.stat_at(Follow::No, name)?);
                Ok::<_, larder_core::Error>(one.node == other.node)
            };
            // A rename to another name of the same file would do nothing.
            if !is_there || !is_same()? {
                self.replace(&level.to, name, is_there, |name| directory.link(first, &level.to, name))?;
            }
            self.report.hard_links += 1;
            return Ok(());
        }
        let file = level.from.open_at(self.now, Follow::No, name, OpenFlags::empty(), DescriptorFlags::READ)?;
        if attributes.size <= MAX_TRANSFER as u64 {
            self.replace(&level.to, name, is_there, |name| small(&file, attributes, &level.to, name))?;
            self.progress.bytes(attributes.size);
        } else {
            // Whoever looks meanwhile does not see a part of it.
            let progress = &mut *self.progress;
            let temporary = temporary_name();
            let written = large(&file, attributes, &level.to, &temporary, progress);
            put(&level.to, &temporary, name, written)?;
        }
        if attributes.link_count > 1 {
            self.links.insert(attributes.id, (Rc::clone(&level.to), name.to_owned()));
        }
        self.report.files += 1;
        self.report.bytes += attributes.size;
        Ok(())
    }

    /// Runs `make` with the name; where something is there already, with
    /// another one, which then replaces it.
    fn replace(
        &self,
        to: &RemoteDirectory,
        name: &str,
        is_there: bool,
        make: impl FnOnce(&str) -> Result<()>,
    ) -> Result<()> {
        if !is_there {
            return make(name);
        }
        let temporary = temporary_name();
        let made = make(&temporary);
        put(to, &temporary, name, made)
    }
}

/// A name that nobody else takes.
fn temporary_name() -> String {
    format!(".larder-copy-{:016x}", RandomState::new().hash_one(0))
}

/// Gives what was made under another name its own, or removes it.
fn put(to: &RemoteDirectory, temporary: &str, name: &str, made: Result<()>) -> Result<()> {
    let renamed = made.and_then(|()| to.rename(temporary, name));
    if renamed.is_err() {
        // It may not even be there; what failed before is told.
        let _ = to.remove(temporary, Removal::File);
    }
    renamed
}

/// What of a piece of content is to be written.
fn writes(offset: u64, piece: &[u8]) -> Vec<Write<'_>> {
    content::data(piece)
        .into_iter()
        .filter_map(|range| {
            let position = Position::At(offset + range.start as u64);
            Some(Write { position, bytes: piece.get(range)? })
        })
        .collect()
}

/// A file that fits into one call, and takes one.
fn small(file: &Descriptor, attributes: &Attributes, to: &RemoteDirectory, name: &str) -> Result<()> {
    let bytes = file.read(0, MAX_TRANSFER)?.into_bytes();
    let mut writes = writes(0, &bytes);
    // Its end, where it ends with a hole.
    let end = bytes.len().saturating_sub(1);
    if let Some(last @ [0]) = bytes.get(end..) {
        writes.push(Write { position: Position::At(end as u64), bytes: last });
    }
    to.commit(&Change {
        size: Some(0),
        writes,
        accessed: SetTime::At(attributes.accessed),
        modified: SetTime::At(attributes.modified),
        ..to.change(name)
    })?;
    Ok(())
}

fn large(
    file: &Descriptor,
    attributes: &Attributes,
    to: &RemoteDirectory,
    name: &str,
    progress: &mut dyn Progress,
) -> Result<()> {
    let copy = to.create(name, attributes.size)?;
    let mut offset = 0;
    while offset < attributes.size {
        let piece = file.read(offset, MAX_TRANSFER)?.into_bytes();
        if piece.is_empty() {
            break;
        }
        let writes = writes(offset, &piece);
        if !writes.is_empty() {
            copy.commit(&Change { writes, ..copy.change() })?;
        }
        offset += piece.len() as u64;
        progress.bytes(piece.len() as u64);
    }
    let (accessed, modified) = (SetTime::At(attributes.accessed), SetTime::At(attributes.modified));
    copy.commit(&Change { accessed, modified, ..copy.change() })?;
    Ok(())
}
