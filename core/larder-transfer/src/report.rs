//! What a transfer did, and what it could not do.

/// At most this many notes of each sort are kept: a hostile archive can give
/// rise to any number of them.
const MOST_NOTES: usize = 10_000;

/// A remark about one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The path, relative to what was copied; empty for all of it. Bytes that
    /// are not valid UTF-8 are shown as `U+FFFD`.
    pub path: String,
    /// Why.
    pub reason: String,
}

/// What a transfer did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Regular files whose content was copied.
    pub files: u64,
    /// Directories, the top one included; existing ones that were merged into
    /// count as well.
    pub directories: u64,
    /// Symbolic links.
    pub symlinks: u64,
    /// Further names of files that were copied already.
    pub hard_links: u64,
    /// Bytes of file content that were copied; holes do not count.
    pub bytes: u64,
    /// What was not copied, and why. Of a directory this means all below it.
    pub skipped: Vec<Note>,
    /// What was copied, but not exactly, and what is not the same.
    pub altered: Vec<Note>,
    /// Notes that were dropped, for there were too many.
    pub more_notes: u64,
}

impl Report {
    pub(crate) fn skip(&mut self, path: impl Into<String>, reason: impl Into<String>) {
        keep(&mut self.skipped, &mut self.more_notes, path.into(), reason.into());
    }

    pub(crate) fn alter(&mut self, path: impl Into<String>, reason: impl Into<String>) {
        keep(&mut self.altered, &mut self.more_notes, path.into(), reason.into());
    }

    /// Whether all was copied exactly.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.skipped.is_empty() && self.altered.is_empty() && self.more_notes == 0
    }
}

fn keep(notes: &mut Vec<Note>, more: &mut u64, path: String, reason: String) {
    if notes.len() < MOST_NOTES {
        notes.push(Note { path, reason });
    } else {
        *more += 1;
    }
}
