//! Doing again what a journal has and the bucket does not.
//!
//! What lives here: the operations, and what becomes of those that another
//! client's changes are in the way of. What does not: how that is found out
//! ([`bases`]), and where our version goes ([`aside`]).

mod aside;
mod bases;

use std::sync::Arc;

use larder_core::{
    Context, Descriptor, DescriptorFlags, Error, ErrorCode, FileType, Follow, OpenFlags, Rights, Timestamp, View,
    Volume,
};
use larder_journal::{Created, Operation, Record, Records};

use self::aside::Asides;
use self::bases::{Bases, Verdict};
use crate::commit::conflict::beside;
use crate::error::S3Error;
use crate::layout::Token;
use crate::options::ConflictPolicy;
use crate::shared::Shared;

/// Carries the records behind number `done` out, in order; answers how many
/// there were. What another client changed since is not mixed with what was
/// changed here: the policy says which one has the name. What cannot be done any
/// more is reported.
///
/// Blocks; not on a thread of the runtime.
///
/// # Errors
/// The journal cannot be read; the bucket does not answer; a conflict under
/// [`ConflictPolicy::Fail`]. The journal has all records then.
pub(crate) fn replay(volume: &Arc<Volume>, shared: &Arc<Shared>, records: Records, done: u64) -> Result<u64, S3Error> {
    let view = View::new(volume, Rights::READ_WRITE)?;
    let bases = Bases::new(shared);
    let mut replay = Replay { volume, shared, root: view.root()?, open: None, bases, asides: Asides::default() };
    let mut count = 0;
    for record in records {
        let record = record.map_err(|error| S3Error::new(error.code(), format!("the journal: {error}")))?;
        if record.seq <= done {
            continue;
        }
        match replay.one(&record) {
            Ok(()) => {}
            Err(Stop::LeftOut(error)) => {
                replay.report(format!("a change in the journal could not be done again: {error}"));
            }
            Err(Stop::All(error)) => return Err(error),
        }
        count += 1;
    }
    replay.finish()?;
    Ok(count)
}

/// Why a record is not done again.
enum Stop {
    /// It cannot be any more; those behind it may be.
    LeftOut(Error),
    /// None can, for now.
    All(S3Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        if is_of_the_tree(error.code()) { Self::LeftOut(error) } else { Self::All(error.into()) }
    }
}

impl From<S3Error> for Stop {
    fn from(error: S3Error) -> Self {
        Self::All(error)
    }
}

/// Whether an error says that the tree is another one than it was. All others
/// may be none at the next attempt: nothing is given up for them.
const fn is_of_the_tree(code: ErrorCode) -> bool {
    is_in_the_way(code)
        || matches!(code, ErrorCode::NoEntry | ErrorCode::Invalid | ErrorCode::NotPermitted | ErrorCode::NameTooLong)
}

/// Whether an error says that something else has the name.
const fn is_in_the_way(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::Exist | ErrorCode::IsDirectory | ErrorCode::NotDirectory | ErrorCode::NotEmpty | ErrorCode::Loop
    )
}

type Done<T = ()> = Result<T, Stop>;

struct Replay<'a> {
    volume: &'a Arc<Volume>,
    shared: &'a Arc<Shared>,
    root: Descriptor,
    /// The file that was written last, for the next write.
    open: Option<(String, Descriptor)>,
    bases: Bases<'a>,
    asides: Asides,
}

impl Replay<'_> {
    fn report(&self, what: String) {
        self.shared.counters.conflict(what);
    }

    fn policy(&self) -> ConflictPolicy {
        self.shared.options.conflict
    }

    /// What another client did to what a record changes.
    fn judge(&mut self, record: &Record) -> Done {
        for base in &record.bases {
            // What is aside is ours alone.
            if self.asides.covers(&base.path) {
                continue;
            }
            // The bucket is asked once its directory is listed.
            match self.root.stat_at(Follow::No, &base.path) {
                Err(error) if !is_of_the_tree(error.code()) => return Err(error.into()),
                _ => {}
            }
            if self.bases.judge(base)? == Verdict::Changed && self.policy() == ConflictPolicy::Fail {
                return Err(Stop::All(refused(&base.path)));
            }
        }
        Ok(())
    }

    fn one(&mut self, record: &Record) -> Done {
        self.judge(record)?;
        let time = record.time;
        if !matches!(record.operation, Operation::Write { .. } | Operation::SetSize { .. }) {
            self.open = None;
        }
        match &record.operation {
            Operation::Create { path, made } => self.named(path, |replay, at| replay.create(time, at, made)),
            Operation::Link { from, to } => {
                let from = self.asides.place(from);
                self.named(to, |replay, to| replay.root.link_at(time, Follow::No, &from, &replay.root, to))
            }
            Operation::Remove { path } => self.remove(time, path),
            Operation::Rename { from, to } => self.rename(time, from, to),
            Operation::Write { path, offset, data } => {
                let file = self.file(time, path)?;
                let mut done = 0;
                while let Some(rest) = data.get(done..).filter(|rest| !rest.is_empty()) {
                    done += file.write(time, offset + done as u64, rest)?;
                }
                self.asides.written(path, *offset..offset.saturating_add(data.len() as u64));
                Ok(())
            }
            Operation::SetSize { path, size } => {
                self.file(time, path)?.set_size(time, *size)?;
                self.asides.cut(path, *size);
                Ok(())
            }
            Operation::SetTimes { path, accessed, modified } => {
                self.attributes(path, |replay, at| replay.root.set_times_at(time, Follow::No, at, *accessed, *modified))
            }
            Operation::SetMode { path, mode } => self.attributes(path, |replay, at| {
                let node = replay.root.stat_at(Follow::No, at)?.id;
                replay.volume.set_mode_of(&Context::at(time), node, *mode)
            }),
        }
    }

    /// Gives something a name: where another client has it, one beside.
    fn named(&mut self, path: &str, make: impl Fn(&Self, &str) -> larder_core::Result<()>) -> Done {
        let at = self.asides.place(path);
        let mut made = make(self, &at);
        if made.as_ref().is_err_and(|error| error.code() == ErrorCode::NoEntry) {
            self.directories_above(&at)?;
            made = make(self, &at);
        }
        match made {
            Err(error) if is_in_the_way(error.code()) => {
                let at = self.put_aside(path, None)?;
                Ok(make(self, &at)?)
            }
            made => Ok(made?),
        }
    }

    fn create(&self, time: Timestamp, at: &str, made: &Created) -> larder_core::Result<()> {
        let set_mode = |attributes: larder_core::Attributes, mode: u32| {
            if attributes.mode == mode {
                return Ok(());
            }
            self.volume.set_mode_of(&Context::at(time), attributes.id, mode)
        };
        match made {
            Created::File { mode } => {
                let flags = OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
                let file = self.root.open_at(time, Follow::No, at, flags, DescriptorFlags::WRITE)?;
                set_mode(file.stat()?, *mode)
            }
            Created::Directory { mode } => match self.root.make_directory_at(time, at) {
                Ok((attributes, _)) => set_mode(attributes, *mode),
                // Another client made it, too.
                Err(error) if error.code() == ErrorCode::Exist && self.is_directory(at) => Ok(()),
                Err(error) => Err(error),
            },
            Created::Symlink { target } => self.root.symlink_at(time, target, at),
        }
    }

    fn is_directory(&self, at: &str) -> bool {
        self.root.stat_at(Follow::No, at).is_ok_and(|attributes| attributes.file_type == FileType::Directory)
    }

    fn remove(&mut self, time: Timestamp, path: &str) -> Done {
        let is_aside = self.asides.is_aside(path);
        if !is_aside && self.bases.of(path) == Verdict::Changed {
            if self.policy() == ConflictPolicy::BucketWins {
                self.report(format!("another client changed {path:?}, which was removed here: it stays"));
                return Ok(());
            }
            self.report(format!("another client changed {path:?}, which was removed here: it was removed"));
        }
        let at = self.asides.place(path);
        self.asides.removed(path);
        let removed = match self.root.stat_at(Follow::No, &at) {
            Ok(found) if found.file_type == FileType::Directory => self.root.remove_directory_at(time, &at),
            Ok(_) => self.root.unlink_file_at(time, &at),
            Err(error) => Err(error),
        };
        match removed {
            // Another client removed it, too.
            Err(error) if error.code() == ErrorCode::NoEntry => Ok(()),
            removed => Ok(removed?),
        }
    }

    fn rename(&mut self, time: Timestamp, from: &str, to: &str) -> Done {
        let gives_way = self.policy() == ConflictPolicy::BucketWins;
        if gives_way && !self.asides.covers(from) && self.bases.of(from) == Verdict::Changed {
            self.report(format!(
                "another client changed {from:?}, which became {to:?} here: it stays, and our version is gone"
            ));
            return Ok(());
        }
        if !self.asides.covers(to) && self.bases.of(to) == Verdict::Changed {
            if gives_way {
                self.put_aside(to, None)?;
            } else {
                self.report(format!("another client changed {to:?}: it was replaced by ours"));
            }
        }
        let source = self.asides.place(from);
        self.named(to, |replay, at| replay.root.rename_at(time, &source, &replay.root, at))?;
        let target = self.asides.place(to);
        self.asides.moved((from, &source), (to, &target));
        self.bases.moved(from, to);
        Ok(())
    }

    /// Attributes alone: another client's version keeps its own, unless ours
    /// wins.
    fn attributes(&self, path: &str, set: impl Fn(&Self, &str) -> larder_core::Result<()>) -> Done {
        let is_theirs = !self.asides.covers(path) && self.bases.of(path) == Verdict::Changed;
        if is_theirs && self.policy() == ConflictPolicy::BucketWins {
            self.report(format!("another client changed {path:?}: the times and mode that were set here are dropped"));
            return Ok(());
        }
        let at = self.asides.place(path);
        Ok(set(self, if at.is_empty() { "." } else { &at })?)
    }

    /// The file whose content a record changes.
    fn file(&mut self, time: Timestamp, path: &str) -> Done<&Descriptor> {
        if self.open.as_ref().is_none_or(|(open, _)| open != path) {
            let file = self.open(time, path)?;
            self.open = Some((path.to_owned(), file));
        }
        match &self.open {
            Some((_, file)) => Ok(file),
            None => Err(Error::new(ErrorCode::Io, "replay").into()),
        }
    }

    fn open(&mut self, time: Timestamp, path: &str) -> Done<Descriptor> {
        let open =
            |replay: &Self, at: &str, flags| replay.root.open_at(time, Follow::No, at, flags, DescriptorFlags::WRITE);
        let flags = OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
        let size = self.bases.size(path);
        let is_theirs = !self.asides.covers(path) && self.bases.of(path) == Verdict::Changed;
        if !is_theirs {
            let at = self.asides.place(path);
            match open(self, &at, OpenFlags::empty()) {
                Ok(file) => return Ok(file),
                Err(error) if error.code() == ErrorCode::NoEntry => {
                    self.directories_above(&at)?;
                    let file = open(self, &at, flags)?;
                    file.set_size(time, size)?;
                    self.report(format!(
                        "another client removed {path:?}, which was changed here: it is back, and what was not changed of it is gone, and zeros"
                    ));
                    return Ok(file);
                }
                Err(error) if is_in_the_way(error.code()) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let at = self.put_aside(path, Some(size))?;
        let file = open(self, &at, flags)?;
        file.set_size(time, size)?;
        Ok(file)
    }

    /// Our version of what another client has under a name gets one beside it.
    /// `of`: how many bytes of it only the bucket had. Answers where it is.
    fn put_aside(&mut self, path: &str, of: Option<u64>) -> Done<String> {
        if self.policy() == ConflictPolicy::Fail {
            return Err(Stop::All(refused(path)));
        }
        let at = beside(&self.asides.place(path), &Token(fastrand::u128(..)).to_string());
        self.report(format!("another client changed {path:?} before the journal was done again: ours is {at:?}"));
        self.asides.add(path, at.clone(), of.unwrap_or(0));
        Ok(at)
    }

    /// Makes directories that another client removed.
    fn directories_above(&self, path: &str) -> Done {
        for (at, _) in path.match_indices('/') {
            let above = path.get(..at).unwrap_or_default();
            match self.root.create_directory_at(crate::shared::now(), above) {
                Err(error) if error.code() != ErrorCode::Exist => return Err(error.into()),
                _ => {}
            }
        }
        Ok(())
    }

    /// Ours takes its name, where it wins and all of it is there.
    fn finish(&mut self) -> Result<(), S3Error> {
        for (path, at, is_whole) in self.asides.all() {
            if !is_whole {
                self.report(format!("{at:?} is our version of {path:?}: what was not changed here is gone, and zeros"));
            } else if self.policy() == ConflictPolicy::OursWins {
                match self.root.rename_at(crate::shared::now(), &at, &self.root, &path) {
                    Ok(()) => self.report(format!("another client changed {path:?}: it was replaced by ours")),
                    // It stays beside.
                    Err(error) if is_of_the_tree(error.code()) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }
}

fn refused(path: &str) -> S3Error {
    let what = format!(
        "another client changed {path:?}, which the journal has changes of, and the conflict policy is `fail`: open the volume with conflict=bucket-wins or conflict=ours-wins"
    );
    S3Error::new(ErrorCode::Io, what)
}
