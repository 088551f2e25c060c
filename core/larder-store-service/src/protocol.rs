//! The calls of `larder:fs/store` as values. What they mean is written in the
//! WIT; here is only what Rust adds.

use bytes::Bytes;
use larder_core::{DescriptorFlags, ErrorCode, FileType, Follow, MetadataHash, OpenFlags, SetTime, Timestamp};

/// The version of the interface, for [`Store::begin`].
pub const VERSION: u32 = 1;

/// Most bytes of content in one call, in or out: 512 KiB. A call thus fits in
/// one message of a broker with the usual bound of 1 MB; guards the memory of
/// both sides.
pub const MAX_TRANSFER: usize = 512 << 10;

/// Most writes of one change: 1,024. Guards the time of one call.
pub const MAX_WRITES: usize = 1024;

/// Most entries that one listing answers: 1,024. Guards the size of an answer.
pub const MAX_ENTRIES: u32 = 1024;

/// Most notes of one call: 4,096. Guards the time of one call.
pub const MAX_NOTES: usize = 4096;

/// The answer to a call.
pub type Answer<T> = Result<T, ErrorCode>;

/// An inode as seen through one mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    /// The position of the mount in [`Welcome::mounts`].
    pub mount: u32,
    /// The inode's number in its volume.
    pub ino: u64,
    /// Tells apart two lives of one number.
    pub generation: u64,
}

/// What a guest did without a call of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// To which node.
    pub node: Node,
    /// It read content that an earlier answer brought.
    pub read: bool,
    /// One answer that holds the node is not needed any more.
    pub closed: bool,
}

/// What comes with every call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// [`Welcome::session`].
    pub session: u64,
    /// From 1, ascending; the same again when the call is repeated.
    pub operation: u64,
    /// Carried out before the call, and once also when it is repeated.
    pub notes: Vec<Note>,
}

/// What is known of a node without reading its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// The node.
    pub node: Node,
    /// Its kind.
    pub file_type: FileType,
    /// The same for the same inode through every mount.
    pub identity: MetadataHash,
    /// Hard links.
    pub link_count: u64,
    /// Bytes.
    pub size: u64,
    /// Equal versions have equal content.
    pub version: u64,
    /// Last read.
    pub accessed: Timestamp,
    /// Last change of content.
    pub modified: Timestamp,
    /// Last change of anything.
    pub changed: Timestamp,
}

impl Attributes {
    /// Attributes that mean nothing: the answer to a change that is not carried
    /// out yet ([`Change::later`]).
    #[must_use]
    pub const fn unknown(node: Node) -> Self {
        const NEVER: Timestamp = Timestamp::from_seconds(0);
        Self {
            node,
            file_type: FileType::RegularFile,
            identity: MetadataHash { lower: 0, upper: 0 },
            link_count: 0,
            size: 0,
            version: 0,
            accessed: NEVER,
            modified: NEVER,
            changed: NEVER,
        }
    }
}

/// What the guest sees, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// An absolute path.
    pub path: String,
    /// The directory that is seen there.
    pub root: Attributes,
    /// What it allows.
    pub allows: DescriptorFlags,
}

/// What [`Store::begin`] answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Welcome {
    /// For [`Call::session`].
    pub session: u64,
    /// In order; [`Node::mount`] counts them.
    pub mounts: Vec<Mount>,
}

/// A name: a path below a directory that the session holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// The directory.
    pub directory: Node,
    /// The path below it.
    pub path: &'a str,
}

/// Bytes of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// The bytes.
    pub bytes: Bytes,
    /// The file ended behind them.
    pub at_end: bool,
}

/// How to open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Whether a symbolic link as the last component is followed.
    pub follow: Follow,
    /// Whether to create or truncate.
    pub flags: OpenFlags,
    /// What for. Flags of synchronous writes are the caller's own business.
    pub access: DescriptorFlags,
    /// Bytes of content from the start to send along.
    pub want: u32,
    /// Send no content if the version is still this one.
    pub known: Option<u64>,
}

impl Opening {
    /// Whether it can change something.
    #[must_use]
    pub const fn changes(&self) -> bool {
        self.flags.intersects(OpenFlags::CREATE.union(OpenFlags::TRUNCATE))
    }
}

/// What [`Store::open`] answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// What is open.
    pub attributes: Attributes,
    /// What may be done with it.
    pub allows: DescriptorFlags,
    /// Content, where some was wanted and the version is not the known one.
    pub content: Option<Content>,
}

/// Where to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// From this byte on.
    At(u64),
    /// At the end of file.
    End,
}

/// One write of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Write<'a> {
    /// Where.
    pub position: Position,
    /// What.
    pub bytes: &'a [u8],
}

/// What a change applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// A node that the session holds.
    Node(Node),
    /// The regular file of this name, created if it is not there.
    File(Place<'a>),
}

/// Changes of one file, applied in the order of the fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change<'a> {
    /// Of which file.
    pub target: Target<'a>,
    /// The new length in bytes.
    pub size: Option<u64>,
    /// Bytes, in order.
    pub writes: Vec<Write<'a>>,
    /// The new access time.
    pub accessed: SetTime,
    /// The new modification time.
    pub modified: SetTime,
    /// Make everything durable, and answer then.
    pub sync: bool,
    /// For a [`Target::File`]: hold the node.
    pub keep: bool,
    /// For a [`Target::Node`]: the answer may come before the change.
    pub later: bool,
}

impl<'a> Change<'a> {
    /// A change that changes nothing yet.
    #[must_use]
    pub const fn of(target: Target<'a>) -> Self {
        Self {
            target,
            size: None,
            writes: Vec::new(),
            accessed: SetTime::Keep,
            modified: SetTime::Keep,
            sync: false,
            keep: false,
            later: false,
        }
    }
}

/// One entry of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What the name names.
    pub attributes: Attributes,
    /// The name.
    pub name: String,
    /// Where the listing goes on behind it.
    pub cookie: u64,
}

/// What [`Store::make`] makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewNode<'a> {
    /// A directory.
    Directory,
    /// A symbolic link with this target.
    SymbolicLink(&'a str),
}

/// What [`Store::remove`] removes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// A name of a file or symbolic link.
    File,
    /// An empty directory.
    Directory,
}

/// Whoever answers the calls: a service in the same process, or what brings
/// them to one that is elsewhere. A transport's failure is `io`.
#[allow(
    missing_docs,
    clippy::missing_errors_doc,
    reason = "the functions are those of larder:fs/store, documented there"
)]
pub trait Store {
    fn begin(&self, version: u32) -> Answer<Welcome>;

    /// The paths of the mounts, where they are known without a call: then the
    /// session may begin with the first call.
    fn paths(&self) -> Option<Vec<String>> {
        None
    }

    /// Begins a session and opens, as the session's operation 1, a name below
    /// the root of its first mount. `how` changes nothing.
    fn begin_open(&self, version: u32, path: &str, how: Opening) -> Answer<(Welcome, Answer<Opened>)> {
        let welcome = self.begin(version)?;
        let root = welcome.mounts.first().ok_or(ErrorCode::Io)?.root.node;
        let call = Call { session: welcome.session, operation: 1, notes: Vec::new() };
        let opened = self.open(&call, Place { directory: root, path }, how);
        Ok((welcome, opened))
    }

    fn open(&self, call: &Call, at: Place<'_>, how: Opening) -> Answer<Opened>;
    fn read(&self, call: &Call, node: Node, offset: u64, length: u32) -> Answer<Content>;
    fn commit(&self, call: &Call, change: &Change<'_>) -> Answer<Attributes>;
    fn stat(&self, call: &Call, node: Node) -> Answer<Attributes>;
    fn stat_at(&self, call: &Call, at: Place<'_>, follow: Follow) -> Answer<Attributes>;
    fn set_times_at(
        &self,
        call: &Call,
        at: Place<'_>,
        follow: Follow,
        accessed: SetTime,
        modified: SetTime,
    ) -> Answer<()>;
    fn list(&self, call: &Call, directory: Node, after: u64, most: u32) -> Answer<Vec<Entry>>;
    fn make(&self, call: &Call, at: Place<'_>, what: NewNode<'_>) -> Answer<Attributes>;
    fn read_link(&self, call: &Call, at: Place<'_>) -> Answer<String>;
    fn remove(&self, call: &Call, at: Place<'_>, what: Removal) -> Answer<()>;
    fn rename(&self, call: &Call, old: Place<'_>, new: Place<'_>) -> Answer<()>;
    fn link(&self, call: &Call, old: Place<'_>, follow: Follow, new: Place<'_>) -> Answer<()>;
    fn settle(&self, call: &Call, sync: bool) -> Answer<()>;
    fn lock(&self, call: &Call, node: Node, shared: bool) -> Answer<u64>;
    fn unlock(&self, call: &Call, node: Node) -> Answer<()>;
}
