//! `larder:fs/store` as it is imported.

use larder_core::{DescriptorFlags, ErrorCode, FileType, Follow, MetadataHash, OpenFlags, SetTime, Timestamp};
use larder_store_service::{
    Answer, Attributes, Call, Change, Content, Entry, Mount, NewNode, Node, Note, Opened, Opening, Place, Position,
    Removal, Store, Target, Welcome,
};

#[allow(missing_docs, unreachable_pub, clippy::all, reason = "generated; the WIT is the documentation")]
mod bindings {
    wit_bindgen::generate!({
        path: "../../../wit/larder-fs",
        world: "larder:fs/forwarding",
    });
}

use bindings::larder::fs::store as wit;

/// The store behind the import. Every failure of it is an answer.
pub(crate) struct Imported;

fn code(code: wit::ErrorCode) -> ErrorCode {
    macro_rules! same {
        ($($name:ident)*) => { match code { $(wit::ErrorCode::$name => ErrorCode::$name,)* } };
    }
    same!(Access WouldBlock Already BadDescriptor Busy Deadlock Quota Exist FileTooLarge IllegalByteSequence
        InProgress Interrupted Invalid Io IsDirectory Loop TooManyLinks MessageSize NameTooLong NoDevice NoEntry
        NoLock InsufficientMemory InsufficientSpace NotDirectory NotEmpty NotRecoverable Unsupported NoTty
        NoSuchDevice Overflow NotPermitted Pipe ReadOnly InvalidSeek TextFileBusy CrossDevice)
}

const fn node(node: Node) -> wit::Node {
    wit::Node { mount: node.mount, ino: node.ino, generation: node.generation }
}

const fn from_node(node: wit::Node) -> Node {
    Node { mount: node.mount, ino: node.ino, generation: node.generation }
}

/// Calls `with` the call as the bindings borrow it.
fn calling<T>(call: &Call, with: impl FnOnce(&wit::Call) -> Result<T, wit::ErrorCode>) -> Answer<T> {
    let note = |note: &Note| wit::Note { node: node(note.node), read: note.read, closed: note.closed };
    let notes = call.notes.iter().map(note).collect();
    with(&wit::Call { session: call.session, operation: call.operation, notes }).map_err(code)
}

fn place(place: Place<'_>) -> wit::Place {
    wit::Place { directory: node(place.directory), path: place.path.to_owned() }
}

const fn set_time(time: SetTime) -> wit::NewTime {
    match time {
        SetTime::Keep => wit::NewTime::Keep,
        SetTime::Now => wit::NewTime::Now,
        SetTime::At(Timestamp { seconds, nanoseconds }) => wit::NewTime::At(wit::Instant { seconds, nanoseconds }),
    }
}

const fn instant(instant: wit::Instant) -> Timestamp {
    Timestamp { seconds: instant.seconds, nanoseconds: instant.nanoseconds }
}

fn attributes(attributes: wit::Attributes) -> Attributes {
    Attributes {
        node: from_node(attributes.node),
        file_type: match attributes.type_ {
            wit::NodeType::RegularFile => FileType::RegularFile,
            wit::NodeType::Directory => FileType::Directory,
            wit::NodeType::SymbolicLink => FileType::SymbolicLink,
        },
        identity: MetadataHash { lower: attributes.identity_lower, upper: attributes.identity_upper },
        link_count: attributes.link_count,
        size: attributes.size,
        version: attributes.version,
        accessed: instant(attributes.accessed),
        modified: instant(attributes.modified),
        changed: instant(attributes.changed),
    }
}

fn content(content: wit::Content) -> Content {
    Content { bytes: content.bytes.into(), at_end: content.at_end }
}

fn access(flags: DescriptorFlags) -> wit::Access {
    let mut access = wit::Access::empty();
    access.set(wit::Access::READ, flags.contains(DescriptorFlags::READ));
    access.set(wit::Access::WRITE, flags.contains(DescriptorFlags::WRITE));
    access.set(wit::Access::MUTATE_DIRECTORY, flags.contains(DescriptorFlags::MUTATE_DIRECTORY));
    access
}

fn allows(access: wit::Access) -> DescriptorFlags {
    let mut flags = DescriptorFlags::empty();
    flags.set(DescriptorFlags::READ, access.contains(wit::Access::READ));
    flags.set(DescriptorFlags::WRITE, access.contains(wit::Access::WRITE));
    flags.set(DescriptorFlags::MUTATE_DIRECTORY, access.contains(wit::Access::MUTATE_DIRECTORY));
    flags
}

fn open_flags(flags: OpenFlags) -> wit::OpenFlags {
    let mut open = wit::OpenFlags::empty();
    open.set(wit::OpenFlags::CREATE, flags.contains(OpenFlags::CREATE));
    open.set(wit::OpenFlags::DIRECTORY, flags.contains(OpenFlags::DIRECTORY));
    open.set(wit::OpenFlags::EXCLUSIVE, flags.contains(OpenFlags::EXCLUSIVE));
    open.set(wit::OpenFlags::TRUNCATE, flags.contains(OpenFlags::TRUNCATE));
    open
}

fn write(write: &larder_store_service::Write<'_>) -> wit::Write {
    let position = match write.position {
        Position::At(offset) => wit::Position::At(offset),
        Position::End => wit::Position::End,
    };
    wit::Write { position, bytes: write.bytes.to_vec() }
}

const fn follows(follow: Follow) -> bool {
    matches!(follow, Follow::Yes)
}

fn welcome(session: wit::Session) -> Welcome {
    let mount =
        |mount: wit::Mount| Mount { path: mount.path, root: attributes(mount.root), allows: allows(mount.allows) };
    Welcome { session: session.id, mounts: session.mounts.into_iter().map(mount).collect() }
}

fn opening(how: Opening) -> wit::Opening {
    wit::Opening {
        follow: follows(how.follow),
        flags: open_flags(how.flags),
        access: access(how.access),
        want: how.want,
        known: how.known,
    }
}

fn opened(opened: wit::Opened) -> Opened {
    Opened {
        attributes: attributes(opened.attributes),
        allows: allows(opened.allows),
        content: opened.content.map(content),
    }
}

impl Store for Imported {
    fn begin(&self, version: u32) -> Answer<Welcome> {
        wit::begin(version).map(welcome).map_err(code)
    }

    fn paths(&self) -> Option<Vec<String>> {
        wit::paths()
    }

    fn begin_open(&self, version: u32, path: &str, how: Opening) -> Answer<(Welcome, Answer<Opened>)> {
        let begun = wit::begin_open(version, path, opening(how)).map_err(code)?;
        Ok((welcome(begun.session), begun.opened.map(opened).map_err(code)))
    }

    fn open(&self, call: &Call, at: Place<'_>, how: Opening) -> Answer<Opened> {
        calling(call, |call| wit::open(call, &place(at), opening(how))).map(opened)
    }

    fn read(&self, call: &Call, of: Node, offset: u64, length: u32) -> Answer<Content> {
        calling(call, |call| wit::read(call, node(of), offset, length)).map(content)
    }

    fn commit(&self, call: &Call, change: &Change<'_>) -> Answer<Attributes> {
        let change = wit::Change {
            target: match change.target {
                Target::Node(target) => wit::Target::Node(node(target)),
                Target::File(at) => wit::Target::File(place(at)),
            },
            size: change.size,
            writes: change.writes.iter().map(write).collect(),
            accessed: set_time(change.accessed),
            modified: set_time(change.modified),
            sync: change.sync,
            keep: change.keep,
            later: change.later,
        };
        calling(call, |call| wit::commit(call, &change)).map(attributes)
    }

    fn stat(&self, call: &Call, of: Node) -> Answer<Attributes> {
        calling(call, |call| wit::stat(call, node(of))).map(attributes)
    }

    fn stat_at(&self, call: &Call, at: Place<'_>, follow: Follow) -> Answer<Attributes> {
        calling(call, |call| wit::stat_at(call, &place(at), follows(follow))).map(attributes)
    }

    fn set_times_at(
        &self,
        call: &Call,
        at: Place<'_>,
        follow: Follow,
        accessed: SetTime,
        modified: SetTime,
    ) -> Answer<()> {
        let (accessed, modified) = (set_time(accessed), set_time(modified));
        calling(call, |call| wit::set_times_at(call, &place(at), follows(follow), accessed, modified))
    }

    fn list(&self, call: &Call, directory: Node, after: u64, most: u32) -> Answer<Vec<Entry>> {
        let entries = calling(call, |call| wit::list(call, node(directory), after, most))?;
        let entry = |entry: wit::Entry| Entry {
            attributes: attributes(entry.attributes),
            name: entry.name,
            cookie: entry.cookie,
        };
        Ok(entries.into_iter().map(entry).collect())
    }

    fn make(&self, call: &Call, at: Place<'_>, what: NewNode<'_>) -> Answer<Attributes> {
        let what = match what {
            NewNode::Directory => wit::NewNode::Directory,
            NewNode::SymbolicLink(target) => wit::NewNode::SymbolicLink(target.to_owned()),
        };
        calling(call, |call| wit::make(call, &place(at), &what)).map(attributes)
    }

    fn read_link(&self, call: &Call, at: Place<'_>) -> Answer<String> {
        calling(call, |call| wit::read_link(call, &place(at)))
    }

    fn remove(&self, call: &Call, at: Place<'_>, what: Removal) -> Answer<()> {
        let what = match what {
            Removal::File => wit::Removal::File,
            Removal::Directory => wit::Removal::Directory,
        };
        calling(call, |call| wit::remove(call, &place(at), what))
    }

    fn rename(&self, call: &Call, old: Place<'_>, new: Place<'_>) -> Answer<()> {
        calling(call, |call| wit::rename(call, &place(old), &place(new)))
    }

    fn link(&self, call: &Call, old: Place<'_>, follow: Follow, new: Place<'_>) -> Answer<()> {
        calling(call, |call| wit::link(call, &place(old), follows(follow), &place(new)))
    }

    fn settle(&self, call: &Call, sync: bool) -> Answer<()> {
        calling(call, |call| wit::settle(call, sync))
    }

    fn lock(&self, call: &Call, of: Node, shared: bool) -> Answer<u64> {
        calling(call, |call| wit::lock(call, node(of), shared))
    }

    fn unlock(&self, call: &Call, of: Node) -> Answer<()> {
        calling(call, |call| wit::unlock(call, node(of)))
    }
}
