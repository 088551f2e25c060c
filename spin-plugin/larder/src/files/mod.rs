//! Working on a tree through descriptors: what the file commands share.

mod directories;
mod entry;
mod notes;
mod remote;
mod remove;
mod walk;

pub(crate) use directories::{create_directories, kind_of, open_directory};
pub(crate) use entry::{Entry, list};
pub(crate) use notes::tell;
pub(crate) use remote::RemoteTree;
pub(crate) use remove::remove_tree;
pub(crate) use walk::{Visit, walk};
