//! Telling the user what a transfer could not do.

use anyhow::{Result, bail};
use larder_transfer::{Note, Report};

use crate::output::printable;

/// Notes of each sort that are shown; the rest is counted.
const SHOWN: usize = 20;

/// Warns of what was altered and of what was skipped.
///
/// # Errors
/// When something was skipped: the copy is then not complete.
pub(crate) fn tell(report: &Report, what: &str) -> Result<()> {
    warn(&report.altered, "not copied exactly");
    warn(&report.skipped, "skipped");
    if !report.skipped.is_empty() || report.more_notes > 0 {
        let count = report.skipped.len() as u64 + report.more_notes;
        bail!("{what} is not complete: {count} skipped, the rest was copied");
    }
    Ok(())
}

fn warn(notes: &[Note], what: &str) {
    for note in notes.iter().take(SHOWN) {
        let path = if note.path.is_empty() { "." } else { &note.path };
        crate::notice(&format!("{what}: {}: {}", printable(path), note.reason));
    }
    if let Some(more) = notes.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        crate::notice(&format!("{what}: {more} more"));
    }
}
