//! Values that several messages have. Towards the message nothing can fail;
//! from it, whatever is missing or out of range is [`Malformed`].

use bytes::Bytes;
use larder_core::{DescriptorFlags, FileType, Follow, MetadataHash, OpenFlags, SetTime, Timestamp};
use larder_store_service as store;

use crate::messages::{
    Attributes, Call, Commit, Content, Entry, Instant, Mount, NewTime, Node, NodeType, Note, Open, Opened, Place,
    Session, Write, commit, new_time, write,
};

/// A message that breaks the protocol: what is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

pub(crate) type Result<T> = std::result::Result<T, Malformed>;

pub(crate) const fn node(node: store::Node) -> Node {
    Node { mount: node.mount, ino: node.ino, generation: node.generation }
}

pub(crate) fn from_node(node: Option<&Node>) -> Result<store::Node> {
    let node = node.ok_or(Malformed("a node is missing"))?;
    Ok(store::Node { mount: node.mount, ino: node.ino, generation: node.generation })
}

pub(crate) fn call(call: &store::Call) -> Call {
    let note = |note: &store::Note| Note { node: Some(node(note.node)), read: note.read, closed: note.closed };
    let notes = call.notes.iter().map(note).collect();
    Call { session: call.session, operation: call.operation, notes, after: 0 }
}

pub(crate) fn from_call(call: Option<&Call>) -> Result<store::Call> {
    let call = call.ok_or(Malformed("the call is missing"))?;
    let note =
        |note: &Note| Ok(store::Note { node: from_node(note.node.as_ref())?, read: note.read, closed: note.closed });
    let notes = call.notes.iter().map(note).collect::<Result<_>>()?;
    Ok(store::Call { session: call.session, operation: call.operation, notes })
}

pub(crate) fn place(place: store::Place<'_>) -> Place {
    Place { directory: Some(node(place.directory)), path: place.path.to_owned() }
}

pub(crate) fn from_place(place: Option<&Place>) -> Result<store::Place<'_>> {
    let place = place.ok_or(Malformed("a place is missing"))?;
    Ok(store::Place { directory: from_node(place.directory.as_ref())?, path: &place.path })
}

const fn instant(time: Timestamp) -> Instant {
    Instant { seconds: time.seconds, nanoseconds: time.nanoseconds }
}

fn from_instant(instant: Option<&Instant>) -> Result<Timestamp> {
    let Instant { seconds, nanoseconds } = *instant.ok_or(Malformed("a time is missing"))?;
    let time = Timestamp { seconds, nanoseconds };
    if time.is_valid() { Ok(time) } else { Err(Malformed("a time has a second or more of nanoseconds")) }
}

pub(crate) const fn new_time(time: SetTime) -> Option<NewTime> {
    match time {
        SetTime::Keep => None,
        SetTime::Now => Some(NewTime { to: Some(new_time::To::Now(true)) }),
        SetTime::At(time) => Some(NewTime { to: Some(new_time::To::At(instant(time))) }),
    }
}

pub(crate) fn from_new_time(time: Option<&NewTime>) -> Result<SetTime> {
    match time.map(|time| &time.to) {
        None => Ok(SetTime::Keep),
        Some(Some(new_time::To::Now(true))) => Ok(SetTime::Now),
        // The store refuses a time that is none, with its own code.
        Some(Some(new_time::To::At(Instant { seconds, nanoseconds }))) => {
            Ok(SetTime::At(Timestamp { seconds: *seconds, nanoseconds: *nanoseconds }))
        }
        Some(_) => Err(Malformed("a new time is none")),
    }
}

pub(crate) const fn from_follow(follow: bool) -> Follow {
    if follow { Follow::Yes } else { Follow::No }
}

pub(crate) const fn follow(follow: Follow) -> bool {
    matches!(follow, Follow::Yes)
}

const ACCESS: [(u32, DescriptorFlags); 3] =
    [(1, DescriptorFlags::READ), (2, DescriptorFlags::WRITE), (4, DescriptorFlags::MUTATE_DIRECTORY)];

pub(crate) fn access(flags: DescriptorFlags) -> u32 {
    ACCESS.iter().filter(|(_, flag)| flags.contains(*flag)).map(|(bit, _)| bit).sum()
}

/// Bits that are not known here are no access: who offers them offers more.
pub(crate) fn from_access(bits: u32) -> DescriptorFlags {
    ACCESS.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, flag)| *flag).collect()
}

const OPEN: [(u32, OpenFlags); 4] =
    [(1, OpenFlags::CREATE), (2, OpenFlags::DIRECTORY), (4, OpenFlags::EXCLUSIVE), (8, OpenFlags::TRUNCATE)];

pub(crate) fn open_flags(flags: OpenFlags) -> u32 {
    OPEN.iter().filter(|(_, flag)| flags.contains(*flag)).map(|(bit, _)| bit).sum()
}

/// A bit that is not known here asks for something that would not be done.
pub(crate) fn from_open_flags(bits: u32) -> Result<OpenFlags> {
    if bits >= 16 {
        return Err(Malformed("an open flag is not known here"));
    }
    Ok(OPEN.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, flag)| *flag).collect())
}

pub(crate) fn opening(at: Option<Place>, how: store::Opening) -> Open {
    Open {
        at,
        follow: follow(how.follow),
        flags: open_flags(how.flags),
        access: access(how.access),
        want: how.want,
        known: how.known,
    }
}

pub(crate) fn from_opening(open: &Open) -> Result<store::Opening> {
    Ok(store::Opening {
        follow: from_follow(open.follow),
        flags: from_open_flags(open.flags)?,
        access: from_access(open.access),
        want: open.want,
        known: open.known,
    })
}

pub(crate) fn attributes(of: &store::Attributes) -> Attributes {
    let kind = match of.file_type {
        FileType::RegularFile => NodeType::RegularFile,
        FileType::Directory => NodeType::Directory,
        FileType::SymbolicLink => NodeType::SymbolicLink,
    };
    Attributes {
        node: Some(node(of.node)),
        r#type: kind.into(),
        identity_lower: of.identity.lower,
        identity_upper: of.identity.upper,
        link_count: of.link_count,
        size: of.size,
        version: of.version,
        accessed: Some(instant(of.accessed)),
        modified: Some(instant(of.modified)),
        changed: Some(instant(of.changed)),
    }
}

pub(crate) fn from_attributes(of: Option<&Attributes>) -> Result<store::Attributes> {
    let of = of.ok_or(Malformed("attributes are missing"))?;
    let file_type = match of.r#type() {
        NodeType::RegularFile => FileType::RegularFile,
        NodeType::Directory => FileType::Directory,
        NodeType::SymbolicLink => FileType::SymbolicLink,
        NodeType::Unspecified => return Err(Malformed("a node is of no type that is known here")),
    };
    Ok(store::Attributes {
        node: from_node(of.node.as_ref())?,
        file_type,
        identity: MetadataHash { lower: of.identity_lower, upper: of.identity_upper },
        link_count: of.link_count,
        size: of.size,
        version: of.version,
        accessed: from_instant(of.accessed.as_ref())?,
        modified: from_instant(of.modified.as_ref())?,
        changed: from_instant(of.changed.as_ref())?,
    })
}

pub(crate) fn mount(mount: &store::Mount) -> Mount {
    Mount { path: mount.path.clone(), root: Some(attributes(&mount.root)), allows: access(mount.allows) }
}

pub(crate) fn from_mount(mount: Mount) -> Result<store::Mount> {
    let root = from_attributes(mount.root.as_ref())?;
    Ok(store::Mount { path: mount.path, root, allows: from_access(mount.allows) })
}

pub(crate) fn from_session(session: Session) -> Result<store::Welcome> {
    let mounts = session.mounts.into_iter().map(from_mount).collect::<Result<_>>()?;
    Ok(store::Welcome { session: session.id, mounts })
}

pub(crate) fn content(content: store::Content) -> Content {
    Content { bytes: content.bytes, at_end: content.at_end }
}

/// Content up to this length is copied out of its message: 32 KiB. A piece of
/// a message keeps the whole buffer that was read from the connection, so that
/// a cache of many small pieces would hold many times what it counts.
const COPIED: usize = 32 << 10;

pub(crate) fn from_content(content: Content) -> store::Content {
    let bytes = match content.bytes.len() {
        0..=COPIED => Bytes::copy_from_slice(&content.bytes),
        _ => content.bytes,
    };
    store::Content { bytes, at_end: content.at_end }
}

pub(crate) fn opened(opened: store::Opened) -> Opened {
    Opened {
        attributes: Some(attributes(&opened.attributes)),
        allows: access(opened.allows),
        content: opened.content.map(content),
    }
}

pub(crate) fn from_opened(opened: Opened) -> Result<store::Opened> {
    Ok(store::Opened {
        attributes: from_attributes(opened.attributes.as_ref())?,
        allows: from_access(opened.allows),
        content: opened.content.map(from_content),
    })
}

pub(crate) fn entry(entry: store::Entry) -> Entry {
    Entry { attributes: Some(attributes(&entry.attributes)), name: entry.name, cookie: entry.cookie }
}

pub(crate) fn from_entry(entry: Entry) -> Result<store::Entry> {
    let attributes = from_attributes(entry.attributes.as_ref())?;
    Ok(store::Entry { attributes, name: entry.name, cookie: entry.cookie })
}

pub(crate) fn commit(change: &store::Change<'_>) -> Commit {
    let write = |write: &store::Write<'_>| Write {
        position: Some(match write.position {
            store::Position::At(offset) => write::Position::At(offset),
            store::Position::End => write::Position::End(true),
        }),
        bytes: bytes::Bytes::copy_from_slice(write.bytes),
    };
    Commit {
        target: Some(match change.target {
            store::Target::Node(of) => commit::Target::Node(node(of)),
            store::Target::File(at) => commit::Target::File(place(at)),
        }),
        size: change.size,
        writes: change.writes.iter().map(write).collect(),
        accessed: new_time(change.accessed),
        modified: new_time(change.modified),
        sync: change.sync,
        keep: change.keep,
    }
}

pub(crate) fn from_commit(commit: &Commit) -> Result<store::Change<'_>> {
    let write = |write: &'_ Write| match write.position {
        Some(write::Position::At(offset)) => Ok(store::Position::At(offset)),
        Some(write::Position::End(true)) => Ok(store::Position::End),
        _ => Err(Malformed("a write has no position")),
    };
    let mut writes = Vec::with_capacity(commit.writes.len());
    for given in &commit.writes {
        writes.push(store::Write { position: write(given)?, bytes: &given.bytes });
    }
    let target = match &commit.target {
        Some(commit::Target::Node(node)) => store::Target::Node(from_node(Some(node))?),
        Some(commit::Target::File(place)) => store::Target::File(from_place(Some(place))?),
        None => return Err(Malformed("a change has no target")),
    };
    Ok(store::Change {
        target,
        size: commit.size,
        writes,
        accessed: from_new_time(commit.accessed.as_ref())?,
        modified: from_new_time(commit.modified.as_ref())?,
        sync: commit.sync,
        keep: commit.keep,
        // The order of messages is the caller's business: `Call.after`.
        later: false,
    })
}
