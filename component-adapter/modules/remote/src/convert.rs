//! The types of the exported interface to those of larder-store-service, and
//! back.

use larder_core::{DescriptorFlags, ErrorCode, FileType, Follow, OpenFlags, SetTime, Timestamp};
use larder_store_service::{
    Attributes, Call, Change, Content, Entry, Node, Note, Opened, Opening, Place, Position, Target, Welcome, Write,
};

use crate::bindings::exports::larder::fs::store as wit;

/// A value on its way from one side to the other.
pub(crate) struct Given<T>(pub(crate) T);

pub(crate) fn code(code: ErrorCode) -> wit::ErrorCode {
    macro_rules! same {
        ($($name:ident)*) => { match code { $(ErrorCode::$name => wit::ErrorCode::$name,)* } };
    }
    same!(Access WouldBlock Already BadDescriptor Busy Deadlock Quota Exist FileTooLarge IllegalByteSequence
        InProgress Interrupted Invalid Io IsDirectory Loop TooManyLinks MessageSize NameTooLong NoDevice NoEntry
        NoLock InsufficientMemory InsufficientSpace NotDirectory NotEmpty NotRecoverable Unsupported NoTty
        NoSuchDevice Overflow NotPermitted Pipe ReadOnly InvalidSeek TextFileBusy CrossDevice)
}

impl From<Given<wit::Node>> for Node {
    fn from(Given(node): Given<wit::Node>) -> Self {
        Self { mount: node.mount, ino: node.ino, generation: node.generation }
    }
}

impl From<Given<Node>> for wit::Node {
    fn from(Given(node): Given<Node>) -> Self {
        Self { mount: node.mount, ino: node.ino, generation: node.generation }
    }
}

impl From<Given<wit::Call>> for Call {
    fn from(Given(call): Given<wit::Call>) -> Self {
        let note = |note: wit::Note| Note { node: Given(note.node).into(), read: note.read, closed: note.closed };
        Self { session: call.session, operation: call.operation, notes: call.notes.into_iter().map(note).collect() }
    }
}

impl<'a> From<Given<&'a wit::Place>> for Place<'a> {
    fn from(Given(place): Given<&'a wit::Place>) -> Self {
        Self { directory: Given(place.directory).into(), path: &place.path }
    }
}

impl From<Given<bool>> for Follow {
    fn from(Given(follow): Given<bool>) -> Self {
        if follow { Self::Yes } else { Self::No }
    }
}

impl From<Given<wit::NewTime>> for SetTime {
    fn from(Given(time): Given<wit::NewTime>) -> Self {
        match time {
            wit::NewTime::Keep => Self::Keep,
            wit::NewTime::Now => Self::Now,
            wit::NewTime::At(wit::Instant { seconds, nanoseconds }) => Self::At(Timestamp { seconds, nanoseconds }),
        }
    }
}

fn flags_from(access: wit::Access) -> DescriptorFlags {
    let mut flags = DescriptorFlags::empty();
    flags.set(DescriptorFlags::READ, access.contains(wit::Access::READ));
    flags.set(DescriptorFlags::WRITE, access.contains(wit::Access::WRITE));
    flags.set(DescriptorFlags::MUTATE_DIRECTORY, access.contains(wit::Access::MUTATE_DIRECTORY));
    flags
}

fn access_of(flags: DescriptorFlags) -> wit::Access {
    let mut access = wit::Access::empty();
    access.set(wit::Access::READ, flags.contains(DescriptorFlags::READ));
    access.set(wit::Access::WRITE, flags.contains(DescriptorFlags::WRITE));
    access.set(wit::Access::MUTATE_DIRECTORY, flags.contains(DescriptorFlags::MUTATE_DIRECTORY));
    access
}

impl From<Given<wit::Opening>> for Opening {
    fn from(Given(how): Given<wit::Opening>) -> Self {
        let mut flags = OpenFlags::empty();
        flags.set(OpenFlags::CREATE, how.flags.contains(wit::OpenFlags::CREATE));
        flags.set(OpenFlags::DIRECTORY, how.flags.contains(wit::OpenFlags::DIRECTORY));
        flags.set(OpenFlags::EXCLUSIVE, how.flags.contains(wit::OpenFlags::EXCLUSIVE));
        flags.set(OpenFlags::TRUNCATE, how.flags.contains(wit::OpenFlags::TRUNCATE));
        Self {
            follow: Given(how.follow).into(),
            flags,
            access: flags_from(how.access),
            want: how.want,
            known: how.known,
        }
    }
}

/// Calls `with` the change, which borrows its bytes.
pub(crate) fn with_change<T>(change: &wit::Change, with: impl FnOnce(&Change<'_>) -> T) -> T {
    let position = |position: wit::Position| match position {
        wit::Position::At(offset) => Position::At(offset),
        wit::Position::End => Position::End,
    };
    let writes =
        change.writes.iter().map(|given| Write { position: position(given.position), bytes: &given.bytes }).collect();
    with(&Change {
        target: match &change.target {
            wit::Target::Node(node) => Target::Node(Given(*node).into()),
            wit::Target::File(place) => Target::File(Given(place).into()),
        },
        size: change.size,
        writes,
        accessed: Given(change.accessed).into(),
        modified: Given(change.modified).into(),
        sync: change.sync,
        keep: change.keep,
        later: change.later,
    })
}

const fn instant(time: Timestamp) -> wit::Instant {
    wit::Instant { seconds: time.seconds, nanoseconds: time.nanoseconds }
}

impl From<Given<Attributes>> for wit::Attributes {
    fn from(Given(attributes): Given<Attributes>) -> Self {
        Self {
            node: Given(attributes.node).into(),
            type_: match attributes.file_type {
                FileType::RegularFile => wit::NodeType::RegularFile,
                FileType::Directory => wit::NodeType::Directory,
                FileType::SymbolicLink => wit::NodeType::SymbolicLink,
            },
            identity_lower: attributes.identity.lower,
            identity_upper: attributes.identity.upper,
            link_count: attributes.link_count,
            size: attributes.size,
            version: attributes.version,
            accessed: instant(attributes.accessed),
            modified: instant(attributes.modified),
            changed: instant(attributes.changed),
        }
    }
}

impl From<Given<Content>> for wit::Content {
    fn from(Given(content): Given<Content>) -> Self {
        Self { bytes: content.bytes.into(), at_end: content.at_end }
    }
}

impl From<Given<Opened>> for wit::Opened {
    fn from(Given(opened): Given<Opened>) -> Self {
        Self {
            attributes: Given(opened.attributes).into(),
            allows: access_of(opened.allows),
            content: opened.content.map(|content| Given(content).into()),
        }
    }
}

impl From<Given<Entry>> for wit::Entry {
    fn from(Given(entry): Given<Entry>) -> Self {
        Self { attributes: Given(entry.attributes).into(), name: entry.name, cookie: entry.cookie }
    }
}

impl From<Given<Welcome>> for wit::Session {
    fn from(Given(welcome): Given<Welcome>) -> Self {
        let mount = |mount: larder_store_service::Mount| wit::Mount {
            path: mount.path,
            root: Given(mount.root).into(),
            allows: access_of(mount.allows),
        };
        Self { id: welcome.session, mounts: welcome.mounts.into_iter().map(mount).collect() }
    }
}
