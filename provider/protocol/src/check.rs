//! Requests as a peer sent them: decoding, bounds, and what they ask for.

use larder_core::{DescriptorFlags, ErrorCode, Follow, OpenFlags, SetTime};
use larder_store_service::{
    Call, Change, MAX_NOTES, MAX_TRANSFER, MAX_WRITES, NewNode, Node, Opening, Place, Position, Removal, Target,
    VERSION, Write,
};
use prost::Message;

use crate::messages::request::Operation;
use crate::messages::{self, Fault, Refusal, Request, commit, write};
use crate::{flags, node, times};

/// Most bytes of a request: 1 MiB, which is also the bound that NATS has unless
/// it is changed. Guards the server's memory.
pub const MOST_REQUEST_BYTES: usize = 1 << 20;

/// Most bytes of what a client calls itself: 256. Guards logs.
pub const MOST_CLIENT_BYTES: usize = 256;

/// Why a request is not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// It is none of this protocol.
    Bad(&'static str),
    /// It is of another version of it.
    Unknown(&'static str),
    /// It breaks a bound for which the store has a code.
    Code(ErrorCode),
}

type Checked<T> = Result<T, Flaw>;

/// What a request asks for.
#[derive(Debug)]
pub(crate) enum Asked<'a> {
    /// What concerns the session or volume, and not the store.
    Other,
    Open(Place<'a>, Opening),
    Read(Node, u64, u32),
    Commit(Change<'a>),
    Stat(Node),
    StatAt(Place<'a>, Follow),
    SetTimesAt(Place<'a>, Follow, SetTime, SetTime),
    List(Node, u64, u32),
    Make(Place<'a>, NewNode<'a>),
    ReadLink(Place<'a>),
    Remove(Place<'a>, Removal),
    Rename(Place<'a>, Place<'a>),
    Link(Place<'a>, Follow, Place<'a>),
    Settle(bool),
}

/// Decodes and checks a request.
///
/// # Errors
/// The refusal to answer with: `UNSUPPORTED` for an unknown version or
/// operation, otherwise `BAD_REQUEST`. Bounds for which the store has a code
/// are left to [`carry_out`](crate::carry_out).
pub fn decode_request(bytes: &[u8]) -> Result<Request, Refusal> {
    if bytes.len() > MOST_REQUEST_BYTES {
        return Err(refuse(Fault::BadRequest, "the request is larger than 1 MiB"));
    }
    let request = Request::decode(bytes).map_err(|error| refuse(Fault::BadRequest, format!("no request: {error}")))?;
    match check(&request) {
        Ok(_) | Err(Flaw::Code(_)) => Ok(request),
        Err(Flaw::Bad(why)) => Err(refuse(Fault::BadRequest, why)),
        Err(Flaw::Unknown(what)) => Err(refuse(Fault::Unsupported, what)),
    }
}

pub(crate) fn refuse(fault: Fault, message: impl Into<String>) -> Refusal {
    Refusal { fault: fault.into(), message: message.into() }
}

/// Checks a request, and tells what it asks for.
pub(crate) fn check(request: &Request) -> Checked<(Call, Asked<'_>)> {
    let operation = request.operation.as_ref().ok_or(Flaw::Unknown("no operation that is known here"))?;
    if let Operation::Begin(begin) = operation {
        check_begin(begin)?;
        return Ok((Call::default(), Asked::Other));
    }
    let call = request.call.as_ref().ok_or(Flaw::Bad("a request without a call"))?;
    if call.notes.len() > MAX_NOTES {
        return Err(Flaw::Code(ErrorCode::MessageSize));
    }
    let call = node::to_call(call).ok_or(Flaw::Bad("a note without a node"))?;
    Ok((call, asked(operation)?))
}

fn check_begin(begin: &messages::Begin) -> Checked<()> {
    if begin.version != VERSION {
        return Err(Flaw::Unknown("a version that is not known here"));
    }
    if begin.client.len() > MOST_CLIENT_BYTES {
        return Err(Flaw::Bad("a client's name of more than 256 bytes"));
    }
    Ok(())
}

fn asked(operation: &Operation) -> Checked<Asked<'_>> {
    Ok(match operation {
        Operation::Begin(_) | Operation::Usage(_) => Asked::Other,
        Operation::Open(open) => {
            let how = Opening {
                follow: flags::to_follow(open.follow),
                flags: open_flags(open.flags)?,
                access: access(open.access)?,
                want: open.want,
                known: open.known,
            };
            Asked::Open(place(open.at.as_ref())?, how)
        }
        Operation::Read(read) => Asked::Read(node(read.node.as_ref())?, read.offset, read.length),
        Operation::Commit(commit) => Asked::Commit(change(commit)?),
        Operation::Stat(stat) => Asked::Stat(node(stat.node.as_ref())?),
        Operation::StatAt(stat) => Asked::StatAt(place(stat.at.as_ref())?, flags::to_follow(stat.follow)),
        Operation::SetTimesAt(set) => Asked::SetTimesAt(
            place(set.at.as_ref())?,
            flags::to_follow(set.follow),
            time(set.accessed.as_ref())?,
            time(set.modified.as_ref())?,
        ),
        Operation::List(list) => Asked::List(node(list.directory.as_ref())?, list.after, list.most),
        Operation::Make(make) => {
            let what = make.link_target.as_deref().map_or(NewNode::Directory, NewNode::SymbolicLink);
            Asked::Make(place(make.at.as_ref())?, what)
        }
        Operation::ReadLink(read) => Asked::ReadLink(place(read.at.as_ref())?),
        Operation::Remove(remove) => {
            let what = if remove.directory { Removal::Directory } else { Removal::File };
            Asked::Remove(place(remove.at.as_ref())?, what)
        }
        Operation::Rename(rename) => Asked::Rename(place(rename.old.as_ref())?, place(rename.new.as_ref())?),
        Operation::Link(link) => {
            Asked::Link(place(link.old.as_ref())?, flags::to_follow(link.follow), place(link.new.as_ref())?)
        }
        Operation::Settle(settle) => Asked::Settle(settle.sync),
    })
}

fn change(commit: &messages::Commit) -> Checked<Change<'_>> {
    let bytes = commit.writes.iter().map(|write| write.bytes.len()).fold(0, usize::saturating_add);
    if bytes > MAX_TRANSFER || commit.writes.len() > MAX_WRITES {
        return Err(Flaw::Code(ErrorCode::MessageSize));
    }
    let target = match commit.target.as_ref().ok_or(Flaw::Bad("a change of nothing"))? {
        commit::Target::Node(node) => Target::Node(node::to_node(node)),
        commit::Target::File(file) => Target::File(place(Some(file))?),
    };
    Ok(Change {
        target,
        size: commit.size,
        writes: commit.writes.iter().map(written).collect::<Checked<_>>()?,
        accessed: time(commit.accessed.as_ref())?,
        modified: time(commit.modified.as_ref())?,
        sync: commit.sync,
        keep: commit.keep,
    })
}

fn written(write: &messages::Write) -> Checked<Write<'_>> {
    let position = match write.position {
        Some(write::Position::At(offset)) => Position::At(offset),
        Some(write::Position::End(true)) => Position::End,
        Some(write::Position::End(false)) | None => return Err(Flaw::Bad("a write at no position")),
    };
    Ok(Write { position, bytes: &write.bytes })
}

fn node(node: Option<&messages::Node>) -> Checked<Node> {
    node.map(node::to_node).ok_or(Flaw::Bad("a request without its node"))
}

fn place(place: Option<&messages::Place>) -> Checked<Place<'_>> {
    place.and_then(node::to_place).ok_or(Flaw::Bad("a request without its place"))
}

fn time(time: Option<&messages::NewTime>) -> Checked<SetTime> {
    times::to_set_time(time).ok_or(Flaw::Bad("no time, or one with a second or more of nanoseconds"))
}

fn access(bits: u32) -> Checked<DescriptorFlags> {
    flags::to_access(bits).ok_or(Flaw::Bad("an unknown bit of access"))
}

fn open_flags(bits: u32) -> Checked<OpenFlags> {
    flags::to_open(bits).ok_or(Flaw::Bad("an unknown flag of open"))
}
