//! Working on a tree: what the file commands share.

mod directories;
mod directory;
mod entry;
mod notes;
mod remote;
mod remove;
mod walk;

pub(crate) use directories::{create_directories, kind_of, open_directory};
pub(crate) use directory::{Directory, Named};
pub(crate) use entry::{Entry, list};
pub(crate) use notes::tell;
pub(crate) use remote::{RemoteDirectory, pull, push};
pub(crate) use remove::remove_tree;
pub(crate) use walk::{Visit, walk};
