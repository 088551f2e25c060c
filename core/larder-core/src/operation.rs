//! The operation set as plain values: what travels on the wire, what a journal
//! records, and what the reference model generates. No handles of a process,
//! no pointers.
//!
//! Paths are not in here: a form resolves them with `Lookup`s.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

use crate::error::During;
use crate::volume::{NewNode, OpenFor};
use crate::{Attributes, Context, DirectoryEntry, NodeId, Result, SetTime, Volume};

/// The most entries that one `ReadDirectory` answers; a larger `max` gets so
/// many. Bounds the answer to somebody who asks for a whole directory.
pub const MOST_LISTED_ENTRIES: u32 = 4096;

/// One operation. Names are single components; offsets and sizes are bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are named as in POSIX and explained at the variants")]
pub enum Operation {
    /// What `name` names in `directory`. Reply: `Node`.
    Lookup { directory: NodeId, name: String },
    /// Reply: `Node`.
    GetAttributes { node: NodeId },
    /// A symlink's target. Reply: `Target`.
    ReadLink { node: NodeId },
    /// Up to `max` entries behind the cookie `after` (0: from the start).
    /// Reply: `Entries`, empty at the end.
    ReadDirectory { directory: NodeId, after: u64, max: u32 },
    /// Reply: `Data`, short at the end of file and after 16 MiB.
    Read { node: NodeId, offset: u64, length: u32 },
    /// Creates a file; `exist` if the name is there. Reply: `Node`.
    CreateFile { directory: NodeId, name: String, mode: u32 },
    /// Creates a directory; `exist` if the name is there. Reply: `Node`.
    CreateDirectory { directory: NodeId, name: String, mode: u32 },
    /// Creates a symbolic link; `exist` if the name is there. Reply: `Node`.
    CreateSymlink { directory: NodeId, name: String, target: String },
    /// Adds a name to a file. Reply: `Done`.
    Link { node: NodeId, directory: NodeId, name: String },
    /// Removes a name of a file. Reply: `Done`.
    Unlink { directory: NodeId, name: String },
    /// Removes an empty directory. Reply: `Done`.
    RemoveDirectory { directory: NodeId, name: String },
    /// Moves a name, replacing the target. Reply: `Done`.
    Rename { from: NodeId, from_name: String, to: NodeId, to_name: String },
    /// Writes all of `data` or nothing. Reply: `Written`.
    Write { node: NodeId, offset: u64, data: Bytes },
    /// Writes all of `data` at the end of file, or nothing. Reply: `Written`.
    Append { node: NodeId, data: Bytes },
    /// Reply: `Done`.
    SetSize { node: NodeId, size: u64 },
    /// Reply: `Done`.
    SetTimes { node: NodeId, accessed: SetTime, modified: SetTime },
    /// Reply: `Done`.
    SetMode { node: NodeId, mode: u32 },
    /// Keeps the node alive, name or no name. Reply: `Handle`.
    Open { node: NodeId },
    /// Ends what `Open` began. Reply: `Done`.
    Close { handle: u64 },
    /// Makes everything accepted so far as durable as the volume promises.
    /// Reply: `Done`.
    Sync,
}

/// What an operation answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// An inode's attributes.
    Node(Attributes),
    /// A symlink's target.
    Target(Arc<str>),
    /// Directory entries.
    Entries(Vec<DirectoryEntry>),
    /// Content.
    Data(Bytes),
    /// Where the written bytes begin, and how many they are.
    Written {
        /// Offset in bytes.
        offset: u64,
        /// Length in bytes.
        length: u64,
    },
    /// A number for `Close`.
    Handle(u64),
    /// Nothing to tell.
    Done,
}

/// The answer of a backend that may have to wait for it.
pub type Pending<'a> = Pin<Box<dyn Future<Output = Result<Reply>> + Send + 'a>>;

/// Whoever carries out the operation set: a local volume, or a client of one
/// that is elsewhere.
pub trait Backend: Send + Sync {
    /// Carries out one operation.
    fn apply<'a>(&'a self, context: &'a Context, operation: &'a Operation) -> Pending<'a>;
}

impl Backend for Arc<Volume> {
    fn apply<'a>(&'a self, context: &'a Context, operation: &'a Operation) -> Pending<'a> {
        Box::pin(std::future::ready(Volume::apply(self, context, operation)))
    }
}

impl Volume {
    /// Carries out one operation of the set.
    ///
    /// # Errors
    /// `no-entry` for a node that is gone; else as each operation says, with
    /// the codes of `wasi:filesystem`. A failed operation changes nothing.
    pub fn apply(self: &Arc<Self>, context: &Context, operation: &Operation) -> Result<Reply> {
        self.counting_applied(operation, || self.carry_out(context, operation))
    }

    fn carry_out(self: &Arc<Self>, context: &Context, operation: &Operation) -> Result<Reply> {
        match operation {
            Operation::Lookup { .. }
            | Operation::GetAttributes { .. }
            | Operation::ReadLink { .. }
            | Operation::ReadDirectory { .. }
            | Operation::Read { .. } => self.query(operation),
            Operation::CreateFile { directory, name, mode } => {
                self.make(context, *directory, name, NewNode::File { mode: *mode })
            }
            Operation::CreateDirectory { directory, name, mode } => {
                self.make(context, *directory, name, NewNode::Directory { mode: *mode })
            }
            Operation::CreateSymlink { directory, name, target } => {
                self.make(context, *directory, name, NewNode::Symlink { target })
            }
            Operation::Write { node, offset, data } => {
                self.write(context, &self.node(*node, "write")?, *offset, &&**data)?;
                Ok(Reply::Written { offset: *offset, length: data.len() as u64 })
            }
            Operation::Append { node, data } => {
                let offset = self.append(context, &self.node(*node, "append")?, &&**data)?;
                Ok(Reply::Written { offset, length: data.len() as u64 })
            }
            Operation::Open { node } => self.open_handle(&self.node(*node, "open")?).map(Reply::Handle),
            _ => self.change(context, operation).map(|()| Reply::Done),
        }
    }

    fn query(&self, operation: &Operation) -> Result<Reply> {
        match operation {
            Operation::Lookup { directory, name } => {
                self.lookup_attributes(&self.node(*directory, "lookup")?, name).map(Reply::Node)
            }
            Operation::GetAttributes { node } => {
                self.node(*node, "get-attributes")?.attributes().during("get-attributes").map(Reply::Node)
            }
            Operation::ReadLink { node } => self.read_link(&*self.node(*node, "readlink")?).map(Reply::Target),
            Operation::ReadDirectory { directory, after, max } => {
                let directory = self.node(*directory, "read-directory")?;
                self.list(&directory, *after, (*max).min(MOST_LISTED_ENTRIES) as usize).map(Reply::Entries)
            }
            Operation::Read { node, offset, length } => {
                self.read_bytes(&self.node(*node, "read")?, *offset, *length as usize).map(Reply::Data)
            }
            _ => Err(crate::Error::new(crate::ErrorCode::Unsupported, "query")),
        }
    }

    fn make(&self, context: &Context, directory: NodeId, name: &str, new: NewNode<'_>) -> Result<Reply> {
        let (_, attributes) = self.create(context, &self.node(directory, "create")?, name, new, OpenFor::Nobody)?;
        Ok(Reply::Node(attributes))
    }

    fn change(self: &Arc<Self>, context: &Context, operation: &Operation) -> Result<()> {
        match operation {
            Operation::Link { node, directory, name } => {
                self.link(context, &self.node(*node, "link")?, &self.node(*directory, "link")?, name)
            }
            Operation::Unlink { directory, name } => self.unlink(context, &self.node(*directory, "unlink")?, name),
            Operation::RemoveDirectory { directory, name } => {
                self.remove_directory(context, &self.node(*directory, "remove-directory")?, name)
            }
            Operation::Rename { from, from_name, to, to_name } => {
                self.rename(context, &self.node(*from, "rename")?, from_name, &self.node(*to, "rename")?, to_name)
            }
            Operation::SetSize { node, size } => self.set_size(context, &self.node(*node, "set-size")?, *size),
            Operation::SetTimes { node, accessed, modified } => {
                self.set_times(context, &*self.node(*node, "set-times")?, *accessed, *modified)
            }
            Operation::SetMode { node, mode } => self.set_mode(context, &*self.node(*node, "set-mode")?, *mode),
            Operation::Close { handle } => self.close_handle(*handle),
            Operation::Sync => self.sync(),
            _ => Err(crate::Error::new(crate::ErrorCode::Unsupported, "change")),
        }
    }
}
