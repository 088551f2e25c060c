//! The four ways between a volume and the host.

use std::io::{Read, Write};
use std::path::Path;

use larder_core::{Timestamp, View};

use crate::{Progress, Report, Silent, TransferError, archive, clock, host};

/// A transfer that is about to be made: when, and who hears of it.
///
/// Paths in a volume are relative to the root of the view; slashes around them
/// do not matter, and `""` or `"/"` is the root. Symbolic links in the paths
/// that are given are followed, those below never.
///
/// What is there already stays, unless something of the same name is copied:
/// files and links are replaced, directories are merged and keep their own
/// mode and times, and a directory and a file never replace one another (that
/// is in [`Report::skipped`]).
///
/// A transfer that fails leaves what it copied until then.
pub struct Transfer<'p> {
    now: Timestamp,
    progress: Option<&'p mut dyn Progress>,
}

/// What the parts of a transfer share.
pub(crate) struct Run<'p> {
    pub(crate) now: Timestamp,
    pub(crate) progress: &'p mut dyn Progress,
}

impl Default for Transfer<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'p> Transfer<'p> {
    /// A transfer at the time of the host's clock, of which nobody hears.
    #[must_use]
    pub fn new() -> Self {
        Self { now: clock::now(), progress: None }
    }

    /// Sets the time that the volume notes for changes.
    #[must_use]
    pub fn at(mut self, now: Timestamp) -> Self {
        self.now = now;
        self
    }

    /// Lets `progress` hear what is copied.
    #[must_use]
    pub fn with_progress(mut self, progress: &'p mut dyn Progress) -> Self {
        self.progress = Some(progress);
        self
    }

    fn run<T>(self, work: impl FnOnce(Run<'_>) -> T) -> T {
        match self.progress {
            Some(progress) => work(Run { now: self.now, progress }),
            None => work(Run { now: self.now, progress: &mut Silent }),
        }
    }

    /// Copies a host file or directory into a volume.
    ///
    /// The content of a directory goes into `destination`, which is made if it
    /// is not there. A file goes to `destination`, or under its own name into
    /// it if that is a directory or ends with a slash.
    ///
    /// Kept are content with its holes, modification and access times,
    /// permission bits, hard links among what is copied, and symbolic links as
    /// they are. Owners, extended attributes and the like have no place in a
    /// volume. Devices, sockets, pipes, names that are not valid UTF-8 and
    /// what may not be read are in [`Report::skipped`].
    ///
    /// # Errors
    /// [`TransferError::Host`] where `source` itself cannot be read, or reading
    /// fails; [`TransferError::Volume`] where the view is read-only or a limit
    /// is reached.
    pub fn import_host(self, source: &Path, view: &View, destination: &str) -> Result<Report, TransferError> {
        self.run(|run| host::import(run, source, view, destination))
    }

    /// Copies a file or directory of a volume to the host.
    ///
    /// The content of a directory goes into `destination`, which is made if it
    /// is not there, with what is missing above it. A file goes to
    /// `destination`, or under its own name into it if that is a directory or
    /// ends with a slash. Each file appears whole, under its name, or not.
    ///
    /// Kept is what [`import_host`](Self::import_host) keeps, but for the
    /// set-user and set-group bits, which a guest must not bring onto a host.
    /// Nothing is made durable.
    ///
    /// # Errors
    /// [`TransferError::Volume`] where `source` cannot be read,
    /// [`TransferError::Host`] where writing fails.
    pub fn export_host(self, view: &View, source: &str, destination: &Path) -> Result<Report, TransferError> {
        self.run(|run| host::export(run, view, source, destination))
    }

    /// Unpacks a tar stream (ustar, PAX, GNU; not compressed) into a directory
    /// of a volume, which is made if it is not there.
    ///
    /// Kept are content with its holes (all of GNU tar's sparse formats),
    /// times, permission bits, hard and symbolic links. Leading slashes are
    /// taken off names and reported in [`Report::altered`]; names with `..`,
    /// devices, pipes, names that are not valid UTF-8 and members of unknown
    /// kinds are in [`Report::skipped`].
    ///
    /// # Errors
    /// [`TransferError::Archive`] for a damaged stream, with its offset;
    /// [`TransferError::Stream`]; [`TransferError::Volume`] where the view is
    /// read-only or a limit is reached.
    pub fn import_tar(self, input: &mut dyn Read, view: &View, destination: &str) -> Result<Report, TransferError> {
        self.run(|run| archive::import(run, input, view, destination))
    }

    /// Writes a file or directory of a volume as a tar stream (PAX, which GNU
    /// tar, bsdtar, Python and Go read). The same tree gives the same stream.
    ///
    /// Sparse files stay sparse (PAX format 1.0). A directory's own entry is
    /// `./`; a file's is its name.
    ///
    /// # Errors
    /// [`TransferError::Volume`] where `source` cannot be read,
    /// [`TransferError::Stream`] where writing fails.
    pub fn export_tar(self, view: &View, source: &str, output: &mut dyn Write) -> Result<Report, TransferError> {
        self.run(|run| archive::export(run, view, source, output))
    }
}
