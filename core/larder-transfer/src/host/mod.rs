//! The host's side of a transfer: its directories and files.
//!
//! All work below the path that the caller named goes through directory
//! handles and single names, with symbolic links never followed: whoever
//! plants links there, before or meanwhile, cannot lead a transfer elsewhere.

mod export;
mod holes;
mod import;
mod names;

pub(crate) use export::export;
pub(crate) use import::import;
