//! The client's side: requests with the arguments of
//! [`Store`](larder_store_service::Store)'s functions.

use larder_core::{Follow, SetTime};
use larder_store_service::{Call, Change, NewNode, Node, Opening, Place, Removal};

use crate::convert;
use crate::messages::request::Operation;
use crate::messages::{self as wire, Request};

fn request(call: &Call, operation: Operation) -> Request {
    Request { call: Some(convert::call(call)), operation: Some(operation) }
}

/// Begins a session on `directory` of the volume (empty: all of it), which the
/// caller sees at `mount_path` (empty: `/`). `client` tells operators who calls.
#[must_use]
pub fn begin(version: u32, directory: &str, mount_path: &str, client: &str) -> Request {
    let begin = wire::Begin {
        version,
        directory: directory.to_owned(),
        client: client.to_owned(),
        mount_path: mount_path.to_owned(),
        brief: false,
        open: None,
    };
    Request { call: None, operation: Some(Operation::Begin(begin)) }
}

/// Begins a session of a caller that will not say when it ends.
#[must_use]
pub fn begin_brief(version: u32, client: &str) -> Request {
    let begin = wire::Begin { version, client: client.to_owned(), brief: true, ..wire::Begin::default() };
    Request { call: None, operation: Some(Operation::Begin(begin)) }
}

/// As [`begin_brief`], and opens a name below the root of the session.
#[must_use]
pub fn begin_open(version: u32, client: &str, path: &str, how: Opening) -> Request {
    let at = wire::Place { directory: None, path: path.to_owned() };
    let open = Some(convert::opening(Some(at), how));
    let begin = wire::Begin { version, client: client.to_owned(), brief: true, open, ..wire::Begin::default() };
    Request { call: None, operation: Some(Operation::Begin(begin)) }
}

/// Opens, and creates or truncates if asked to.
#[must_use]
pub fn open(call: &Call, at: Place<'_>, how: Opening) -> Request {
    request(call, Operation::Open(convert::opening(Some(convert::place(at)), how)))
}

/// Reads up to `length` bytes.
#[must_use]
pub fn read(call: &Call, node: Node, offset: u64, length: u32) -> Request {
    request(call, Operation::Read(wire::Read { node: Some(convert::node(node)), offset, length }))
}

/// Changes a file.
#[must_use]
pub fn commit(call: &Call, change: &Change<'_>) -> Request {
    request(call, Operation::Commit(convert::commit(change)))
}

/// Locks a node that is held.
#[must_use]
pub fn lock(call: &Call, node: Node, shared: bool) -> Request {
    request(call, Operation::Lock(wire::Lock { node: Some(convert::node(node)), shared }))
}

/// Ends a lock.
#[must_use]
pub fn unlock(call: &Call, node: Node) -> Request {
    request(call, Operation::Unlock(wire::Unlock { node: Some(convert::node(node)) }))
}

/// Asks for the attributes of a node that is held.
#[must_use]
pub fn stat(call: &Call, node: Node) -> Request {
    request(call, Operation::Stat(wire::Stat { node: Some(convert::node(node)) }))
}

/// Asks for the attributes of what a name names.
#[must_use]
pub fn stat_at(call: &Call, at: Place<'_>, follow: Follow) -> Request {
    let stat = wire::StatAt { at: Some(convert::place(at)), follow: convert::follow(follow) };
    request(call, Operation::StatAt(stat))
}

/// Sets times by name.
#[must_use]
pub fn set_times_at(call: &Call, at: Place<'_>, follow: Follow, accessed: SetTime, modified: SetTime) -> Request {
    let set = wire::SetTimesAt {
        at: Some(convert::place(at)),
        follow: convert::follow(follow),
        accessed: convert::new_time(accessed),
        modified: convert::new_time(modified),
    };
    request(call, Operation::SetTimesAt(set))
}

/// Lists up to `most` entries behind a cookie.
#[must_use]
pub fn list(call: &Call, directory: Node, after: u64, most: u32) -> Request {
    request(call, Operation::List(wire::List { directory: Some(convert::node(directory)), after, most }))
}

/// Makes a directory or symbolic link.
#[must_use]
pub fn make(call: &Call, at: Place<'_>, what: NewNode<'_>) -> Request {
    let link_target = match what {
        NewNode::Directory => None,
        NewNode::SymbolicLink(target) => Some(target.to_owned()),
    };
    request(call, Operation::Make(wire::Make { at: Some(convert::place(at)), link_target }))
}

/// Asks for the target of a symbolic link.
#[must_use]
pub fn read_link(call: &Call, at: Place<'_>) -> Request {
    request(call, Operation::ReadLink(wire::ReadLink { at: Some(convert::place(at)) }))
}

/// Removes a name.
#[must_use]
pub fn remove(call: &Call, at: Place<'_>, what: Removal) -> Request {
    let remove = wire::Remove { at: Some(convert::place(at)), directory: what == Removal::Directory };
    request(call, Operation::Remove(remove))
}

/// Moves a name.
#[must_use]
pub fn rename(call: &Call, old: Place<'_>, new: Place<'_>) -> Request {
    let rename = wire::Rename { old: Some(convert::place(old)), new: Some(convert::place(new)) };
    request(call, Operation::Rename(rename))
}

/// Gives a file another name.
#[must_use]
pub fn link(call: &Call, old: Place<'_>, follow: Follow, new: Place<'_>) -> Request {
    let link =
        wire::Link { old: Some(convert::place(old)), follow: convert::follow(follow), new: Some(convert::place(new)) };
    request(call, Operation::Link(link))
}

/// Carries out notes, and with `sync` makes everything durable.
#[must_use]
pub fn settle(call: &Call, sync: bool) -> Request {
    request(call, Operation::Settle(wire::Settle { sync, end: false }))
}

/// Ends the session.
#[must_use]
pub fn end(call: &Call) -> Request {
    request(call, Operation::Settle(wire::Settle { sync: false, end: true }))
}

/// Asks what the volume holds.
#[must_use]
pub fn usage(call: &Call) -> Request {
    request(call, Operation::Usage(wire::Usage {}))
}
