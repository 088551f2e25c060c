//! Copying a tree out of a served volume.

use std::collections::HashMap;
use std::rc::Rc;
use std::vec;

use larder_core::{Descriptor, DescriptorFlags, ErrorCode, FileType, Follow, OpenFlags, Result, SetTime, Timestamp};
use larder_store_service::{Attributes, Entry, Node};
use larder_transfer::{Note, Progress, Report, now};

use super::{RemoteDirectory, content};
use crate::files::{create_directories, open_directory};

/// Copies what `path` names, links in it followed, to the same path below
/// `to`, with times, links and holes. Nothing must be there but directories.
///
/// # Errors
/// When it is missing, and those of both sides.
pub(crate) fn pull(from: &RemoteDirectory, path: &str, to: &Descriptor, progress: &mut dyn Progress) -> Result<Report> {
    let path = path.trim_matches('/');
    let mut pull = Pull { now: now(), progress, report: Report::default(), links: HashMap::new() };
    let top = if path.is_empty() { from.stat()? } else { from.stat_at(Follow::Yes, path)? };
    if top.file_type == FileType::Directory {
        create_directories(to, pull.now, path)?;
        pull.tree(from.enter(Follow::Yes, path)?, open_directory(to, pull.now, Follow::Yes, path)?, &top)?;
    } else {
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        create_directories(to, pull.now, above)?;
        pull.file(from, Follow::Yes, path, &open_directory(to, pull.now, Follow::Yes, above)?, name, path)?;
    }
    Ok(pull.report)
}

struct Pull<'p> {
    now: Timestamp,
    progress: &'p mut dyn Progress,
    report: Report,
    /// Where the first name of a file with several was put.
    links: HashMap<Node, (Rc<Descriptor>, String)>,
}

struct Level {
    from: RemoteDirectory,
    to: Rc<Descriptor>,
    path: String,
    times: (SetTime, SetTime),
    entries: vec::IntoIter<Entry>,
}

fn times(attributes: &Attributes) -> (SetTime, SetTime) {
    (SetTime::At(attributes.accessed), SetTime::At(attributes.modified))
}

/// Somebody changed it since it was listed.
const fn is_gone(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::NoEntry | ErrorCode::NotDirectory | ErrorCode::IsDirectory | ErrorCode::Loop | ErrorCode::Invalid
    )
}

impl Pull<'_> {
    fn tree(&mut self, from: RemoteDirectory, to: Descriptor, attributes: &Attributes) -> Result<()> {
        let mut levels = vec![self.level(from, to, String::new(), attributes)?];
        while let Some(level) = levels.last_mut() {
            let Some(entry) = level.entries.next() else {
                // Only now nothing changes its times any more.
                level.to.set_times(self.now, level.times.0, level.times.1)?;
                levels.pop();
                continue;
            };
            let path = match level.path.as_str() {
                "" => entry.name.clone(),
                above => format!("{above}/{}", entry.name),
            };
            match self.entry(level, &entry, &path) {
                Ok(Some(below)) => levels.push(below),
                Ok(None) => {}
                Err(error) if is_gone(error.code()) => {
                    let reason = "somebody removed or replaced it meanwhile".to_owned();
                    self.report.skipped.push(Note { path, reason });
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn level(&mut self, from: RemoteDirectory, to: Descriptor, path: String, attributes: &Attributes) -> Result<Level> {
        self.report.directories += 1;
        let entries = from.list()?.into_iter();
        Ok(Level { from, to: Rc::new(to), path, times: times(attributes), entries })
    }

    fn entry(&mut self, level: &Level, entry: &Entry, path: &str) -> Result<Option<Level>> {
        let (from, into) = (&level.from, &level.to);
        let name = entry.name.as_str();
        self.progress.entry(path);
        match entry.attributes.file_type {
            FileType::Directory => {
                let from = from.enter(Follow::No, name)?;
                into.create_directory_at(self.now, name)?;
                let to = open_directory(into, self.now, Follow::No, name)?;
                return self.level(from, to, path.to_owned(), &entry.attributes).map(Some);
            }
            FileType::SymbolicLink => {
                let target = from.read_link(name)?;
                into.symlink_at(self.now, &target, name)?;
                let (accessed, modified) = times(&entry.attributes);
                into.set_times_at(self.now, Follow::No, name, accessed, modified)?;
                self.report.symlinks += 1;
            }
            FileType::RegularFile => {
                if let Some((directory, first)) = self.links.get(&entry.attributes.node) {
                    directory.link_at(self.now, Follow::No, first, into, name)?;
                    self.report.hard_links += 1;
                    return Ok(None);
                }
                self.file(from, Follow::No, name, into, name, path)?;
                if entry.attributes.link_count > 1 {
                    self.links.insert(entry.attributes.node, (Rc::clone(into), name.to_owned()));
                }
            }
        }
        Ok(None)
    }

    fn file(
        &mut self,
        from: &RemoteDirectory,
        follow: Follow,
        source: &str,
        into: &Descriptor,
        name: &str,
        path: &str,
    ) -> Result<()> {
        let (file, mut content) = from.open_file(follow, source)?;
        if file.attributes.file_type != FileType::RegularFile {
            return Err(larder_core::Error::new(ErrorCode::IsDirectory, "read").at(source));
        }
        let create = OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
        let copy = into.open_at(self.now, Follow::No, name, create, DescriptorFlags::WRITE)?;
        let (mut offset, mut pieces) = (0, 0_u64);
        loop {
            let piece = match content.take() {
                Some(piece) => piece,
                None => file.read(offset)?,
            };
            for range in content::data(&piece.bytes) {
                let at = offset + range.start as u64;
                copy.write(self.now, at, piece.bytes.get(range).unwrap_or_default())?;
            }
            pieces += 1;
            offset += piece.bytes.len() as u64;
            self.progress.bytes(piece.bytes.len() as u64);
            if piece.at_end || piece.bytes.is_empty() {
                break;
            }
        }
        if copy.size()? != offset {
            copy.set_size(self.now, offset)?;
        }
        if pieces > 1 && file.stat()?.version != file.attributes.version {
            let reason = "somebody changed it while it was copied".to_owned();
            self.report.altered.push(Note { path: path.to_owned(), reason });
        }
        let (accessed, modified) = times(&file.attributes);
        copy.set_times(self.now, accessed, modified)?;
        self.report.files += 1;
        self.report.bytes += offset;
        Ok(())
    }
}
