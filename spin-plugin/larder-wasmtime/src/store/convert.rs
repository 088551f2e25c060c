//! The types of the bindings, to and from those of larder-store-service.

use larder_core::{DescriptorFlags, ErrorCode, FileType, Follow, OpenFlags, SetTime, Timestamp};
use larder_store_service as service;

use super::bindings::larder::fs::store as wit;

/// Codes stand in the same order in both: a test compares them.
pub(super) fn error(code: ErrorCode) -> wit::ErrorCode {
    macro_rules! same {
        ($($name:ident)*) => { match code { $(ErrorCode::$name => wit::ErrorCode::$name,)* } };
    }
    same!(Access WouldBlock Already BadDescriptor Busy Deadlock Quota Exist FileTooLarge IllegalByteSequence
        InProgress Interrupted Invalid Io IsDirectory Loop TooManyLinks MessageSize NameTooLong NoDevice NoEntry
        NoLock InsufficientMemory InsufficientSpace NotDirectory NotEmpty NotRecoverable Unsupported NoTty
        NoSuchDevice Overflow NotPermitted Pipe ReadOnly InvalidSeek TextFileBusy CrossDevice)
}

pub(super) fn follow(follow: bool) -> Follow {
    if follow { Follow::Yes } else { Follow::No }
}

impl From<wit::Node> for service::Node {
    fn from(node: wit::Node) -> Self {
        Self { mount: node.mount, ino: node.ino, generation: node.generation }
    }
}

impl From<service::Node> for wit::Node {
    fn from(node: service::Node) -> Self {
        Self { mount: node.mount, ino: node.ino, generation: node.generation }
    }
}

impl From<wit::Call> for service::Call {
    fn from(call: wit::Call) -> Self {
        let note = |note: wit::Note| service::Note { node: note.node.into(), read: note.read, closed: note.closed };
        Self { session: call.session, operation: call.operation, notes: call.notes.into_iter().map(note).collect() }
    }
}

pub(super) fn place(place: &wit::Place) -> service::Place<'_> {
    service::Place { directory: place.directory.into(), path: &place.path }
}

/// `invalid` for nanoseconds of a second or more.
pub(super) fn set_time(time: wit::NewTime) -> Result<SetTime, ErrorCode> {
    match time {
        wit::NewTime::Keep => Ok(SetTime::Keep),
        wit::NewTime::Now => Ok(SetTime::Now),
        wit::NewTime::At(wit::Instant { seconds, nanoseconds }) => {
            let time = Timestamp { seconds, nanoseconds };
            if time.is_valid() { Ok(SetTime::At(time)) } else { Err(ErrorCode::Invalid) }
        }
    }
}

fn instant(time: Timestamp) -> wit::Instant {
    wit::Instant { seconds: time.seconds, nanoseconds: time.nanoseconds }
}

impl From<service::Attributes> for wit::Attributes {
    fn from(attributes: service::Attributes) -> Self {
        Self {
            node: attributes.node.into(),
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

fn access(flags: DescriptorFlags) -> wit::Access {
    let mut access = wit::Access::empty();
    if flags.contains(DescriptorFlags::READ) {
        access |= wit::Access::READ;
    }
    if flags.contains(DescriptorFlags::WRITE) {
        access |= wit::Access::WRITE;
    }
    if flags.contains(DescriptorFlags::MUTATE_DIRECTORY) {
        access |= wit::Access::MUTATE_DIRECTORY;
    }
    access
}

impl From<wit::Opening> for service::Opening {
    fn from(how: wit::Opening) -> Self {
        let mut flags = OpenFlags::empty();
        flags.set(OpenFlags::CREATE, how.flags.contains(wit::OpenFlags::CREATE));
        flags.set(OpenFlags::DIRECTORY, how.flags.contains(wit::OpenFlags::DIRECTORY));
        flags.set(OpenFlags::EXCLUSIVE, how.flags.contains(wit::OpenFlags::EXCLUSIVE));
        flags.set(OpenFlags::TRUNCATE, how.flags.contains(wit::OpenFlags::TRUNCATE));
        let mut access = DescriptorFlags::empty();
        access.set(DescriptorFlags::READ, how.access.contains(wit::Access::READ));
        access.set(DescriptorFlags::WRITE, how.access.contains(wit::Access::WRITE));
        access.set(DescriptorFlags::MUTATE_DIRECTORY, how.access.contains(wit::Access::MUTATE_DIRECTORY));
        Self { follow: follow(how.follow), flags, access, want: how.want, known: how.known }
    }
}

impl From<service::Content> for wit::Content {
    fn from(content: service::Content) -> Self {
        Self { bytes: content.bytes.into(), at_end: content.at_end }
    }
}

impl From<service::Opened> for wit::Opened {
    fn from(opened: service::Opened) -> Self {
        Self {
            attributes: opened.attributes.into(),
            allows: access(opened.allows),
            content: opened.content.map(Into::into),
        }
    }
}

impl From<service::Welcome> for wit::Session {
    fn from(welcome: service::Welcome) -> Self {
        let mount = |mount: service::Mount| wit::Mount {
            path: mount.path,
            root: mount.root.into(),
            allows: access(mount.allows),
        };
        Self { id: welcome.session, mounts: welcome.mounts.into_iter().map(mount).collect() }
    }
}

impl From<service::Entry> for wit::Entry {
    fn from(entry: service::Entry) -> Self {
        Self { attributes: entry.attributes.into(), name: entry.name, cookie: entry.cookie }
    }
}

/// A change that borrows its paths and bytes.
pub(super) fn change(change: &wit::Change) -> Result<service::Change<'_>, ErrorCode> {
    Ok(service::Change {
        target: match &change.target {
            wit::Target::Node(node) => service::Target::Node((*node).into()),
            wit::Target::File(at) => service::Target::File(place(at)),
        },
        size: change.size,
        writes: change
            .writes
            .iter()
            .map(|write| service::Write {
                position: match write.position {
                    wit::Position::At(offset) => service::Position::At(offset),
                    wit::Position::End => service::Position::End,
                },
                bytes: &write.bytes,
            })
            .collect(),
        accessed: set_time(change.accessed)?,
        modified: set_time(change.modified)?,
        sync: change.sync,
        keep: change.keep,
        later: change.later,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_the_same_names() {
        for code in ErrorCode::ALL {
            assert_eq!(error(*code).name(), code.wasi_name());
        }
    }
}
