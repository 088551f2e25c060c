//! Apps as users describe them: files to copy in and out, and up files.

mod copies;
mod up_file;

pub(crate) use copies::{copy_in, copy_out};
pub(crate) use up_file::{AppEntry, MountMode, UpFile};
