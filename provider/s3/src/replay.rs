//! Doing again what a journal has and the bucket does not.

use larder_core::{Context, Descriptor, DescriptorFlags, Follow, OpenFlags, Rights, Timestamp, View, Volume};
use larder_journal::{Created, Operation, Records};
use std::sync::Arc;

use crate::error::S3Error;
use crate::shared::Counters;

/// Carries the records behind number `done` out, in order. One that cannot be any more, as another
/// client changed what it is about, is reported and left out.
///
/// # Errors
/// The journal cannot be read.
pub(crate) fn replay(volume: &Arc<Volume>, records: Records, done: u64, counters: &Counters) -> Result<u64, S3Error> {
    let view = View::new(volume, Rights::READ_WRITE)?;
    let mut replay = Replay { volume, root: view.root()?, open: None };
    let mut count = 0;
    for record in records {
        let record = record.map_err(|error| S3Error::new(error.code(), format!("the journal: {error}")))?;
        if record.seq <= done {
            continue;
        }
        if let Err(error) = replay.one(record.time, &record.operation) {
            counters.conflict(format!("a change in the journal could not be done again: {error}"));
        }
        count += 1;
    }
    Ok(count)
}

struct Replay<'a> {
    volume: &'a Arc<Volume>,
    root: Descriptor,
    /// The file that was written last, for the next write.
    open: Option<(String, Descriptor)>,
}

impl Replay<'_> {
    fn one(&mut self, time: Timestamp, operation: &Operation) -> larder_core::Result<()> {
        let is_of_file = matches!(operation, Operation::Write { .. } | Operation::SetSize { .. });
        if !is_of_file {
            self.open = None;
        }
        match operation {
            Operation::Create { path, made: Created::File { mode } } => {
                let flags = OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
                let file = self.root.open_at(time, Follow::No, path, flags, DescriptorFlags::WRITE)?;
                if file.stat()?.mode != *mode {
                    self.volume.set_mode_of(&Context::at(time), file.id(), *mode)?;
                }
                self.open = Some((path.clone(), file));
                Ok(())
            }
            Operation::Create { path, made: Created::Directory { mode } } => {
                let (made, _) = self.root.make_directory_at(time, path)?;
                if made.mode != *mode {
                    self.volume.set_mode_of(&Context::at(time), made.id, *mode)?;
                }
                Ok(())
            }
            Operation::Create { path, made: Created::Symlink { target } } => self.root.symlink_at(time, target, path),
            Operation::Link { from, to } => self.root.link_at(time, Follow::No, from, &self.root, to),
            Operation::Remove { path } => {
                let found = self.root.stat_at(Follow::No, path)?;
                match found.file_type {
                    larder_core::FileType::Directory => self.root.remove_directory_at(time, path),
                    _ => self.root.unlink_file_at(time, path),
                }
            }
            Operation::Rename { from, to } => self.root.rename_at(time, from, &self.root, to),
            Operation::Write { path, offset, data } => {
                let file = self.file(time, path)?;
                let mut done = 0;
                while let Some(rest) = data.get(done..).filter(|rest| !rest.is_empty()) {
                    done += file.write(time, offset + done as u64, rest)?;
                }
                Ok(())
            }
            Operation::SetSize { path, size } => self.file(time, path)?.set_size(time, *size),
            Operation::SetTimes { path, accessed, modified } => {
                let path = if path.is_empty() { "." } else { path };
                self.root.set_times_at(time, Follow::No, path, *accessed, *modified)
            }
            Operation::SetMode { path, mode } => {
                let node = if path.is_empty() { self.root.id() } else { self.root.stat_at(Follow::No, path)?.id };
                self.volume.set_mode_of(&Context::at(time), node, *mode)
            }
        }
    }

    fn file(&mut self, time: Timestamp, path: &str) -> larder_core::Result<&Descriptor> {
        if self.open.as_ref().is_none_or(|(open, _)| open != path) {
            let file = self.root.open_at(time, Follow::No, path, OpenFlags::empty(), DescriptorFlags::WRITE)?;
            self.open = Some((path.to_owned(), file));
        }
        match &self.open {
            Some((_, file)) => Ok(file),
            None => Err(larder_core::Error::new(larder_core::ErrorCode::Io, "replay")),
        }
    }
}
