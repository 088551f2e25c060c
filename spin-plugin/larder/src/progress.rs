//! Progress of copies, on standard error and only when it is a terminal.

use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use larder_transfer::Progress;

use crate::output::printable;

/// Copies that are done within this show nothing.
const DELAY: Duration = Duration::from_millis(500);

/// Directory entries looked at, at most, to find out how much there is to copy.
const SCANNED: u32 = 100_000;

/// A bar that appears when a copy takes long.
pub(crate) struct Bar {
    bar: ProgressBar,
    started: Instant,
    shown: bool,
}

impl Bar {
    /// A bar for a copy of so many bytes, if that is known.
    pub(crate) fn new(action: &'static str, total: Option<u64>) -> Self {
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
        let template = match total {
            Some(_) => {
                "{prefix} [{bar:30}] {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} {eta} {wide_msg}"
            }
            None => "{prefix} {spinner} {decimal_bytes} {decimal_bytes_per_sec} {elapsed} {wide_msg}",
        };
        // The template is constant; should indicatif not like it, its default
        // serves as well.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_prefix(action);
        Self { bar, started: Instant::now(), shown: false }
    }

    fn show_when_long(&mut self) {
        if !self.shown && self.started.elapsed() > DELAY {
            self.shown = true;
            // Draws nothing when standard error is no terminal.
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }
}

impl Progress for Bar {
    fn entry(&mut self, path: &str) {
        if self.shown {
            self.bar.set_message(printable(path));
        }
        self.show_when_long();
    }

    fn bytes(&mut self, count: u64) {
        self.bar.inc(count);
        self.show_when_long();
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// The bytes of the files at and below `path` on the host, `None` when there
/// are too many to count or not all can be looked at.
pub(crate) fn host_size(path: &Path) -> Option<u64> {
    let metadata = std::fs::metadata(path).ok()?;
    if metadata.is_file() {
        return Some(metadata.len());
    }
    let mut left = SCANNED;
    let mut total = 0_u64;
    let mut directories = vec![path.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).ok()? {
            left = left.checked_sub(1)?;
            let entry = entry.ok()?;
            let file_type = entry.file_type().ok()?;
            if file_type.is_dir() {
                directories.push(entry.path());
            } else if file_type.is_file() {
                total = total.saturating_add(entry.metadata().ok()?.len());
            }
        }
    }
    Some(total)
}
