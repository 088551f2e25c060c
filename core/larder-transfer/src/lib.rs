//! Moves Larder volumes to and from the operating system: snapshot files
//! ([`save`], [`load`]), host directories and tar streams ([`Transfer`]).
//!
//! Imports and exports go through a [`View`](larder_core::View), so its rights
//! and the volume's limits hold. Neither direction follows symbolic links below
//! the paths that the caller names, and what cannot be kept is in the
//! [`Report`]: nothing is lost in silence.

mod archive;
mod beside;
mod clock;
mod error;
mod host;
mod progress;
mod report;
mod snapshot_file;
mod transfer;
mod volume;

pub use clock::now;
pub use error::TransferError;
pub use progress::{Progress, Silent};
pub use report::{Note, Report};
pub use snapshot_file::{load, save, save_snapshot};
pub use transfer::Transfer;
