//! What clients do in a plan, and the same on the reference model.
#![allow(unreachable_pub, clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use larder_core::{Context, ErrorCode, FileType, NodeId, Operation, Reply};
use larder_model::model::Model;

use crate::seeds::Random;

/// The directories of the model's `Stage`, which every client has open throughout.
pub const DIRECTORIES: [&str; 4] = [".", "a", "b", "b/a"];

/// Files are made of records, so that each read is one call: a call that
/// brings less than was asked for is followed by another one.
pub const RECORD: u64 = 8;

/// What no other call writes.
pub fn record(client: usize, number: usize) -> Vec<u8> {
    format!("{client:2}:{number:5}").into_bytes()
}

/// A name in one of the directories.
#[derive(Clone, Copy, Debug)]
pub struct At(pub usize, pub &'static str);

/// A call. Numbers of slots are those of what the client has open.
#[derive(Clone, Copy, Debug)]
pub enum Act {
    Open {
        at: At,
        create: bool,
        exclusive: bool,
    },
    Close(usize),
    Append(usize),
    Write(usize, u64),
    SetSize(usize, u64),
    Read(usize, u64),
    Stat(usize),
    StatAt(At),
    Unlink(At),
    RemoveDirectory(At),
    CreateDirectory(At),
    Rename(At, At),
    Link(At, At),
    /// Everything that has a name, when all is done.
    Tree,
}

/// The attributes that a client is told, but for the node's number.
macro_rules! seen {
    ($attributes:expr) => {{
        let it = &$attributes;
        let times = [it.accessed, it.modified, it.changed].map(|time| time.seconds);
        format!("{:?} {} links {} bytes version {} {times:?}", it.file_type, it.link_count, it.size, it.version)
    }};
}
impl Act {
    pub fn random(random: &mut Random) -> Self {
        let slot = random.below(4);
        let position = random.below(3) as u64;
        let mut at = || At(random.pick(&[0, 0, 1, 2, 3]), random.pick(&["a", "b", "f"]));
        let (one, other) = (at(), at());
        match random.below(22) {
            0..5 => Self::Open { at: one, create: random.happens(600), exclusive: random.happens(200) },
            5 => Self::Close(slot),
            6..10 => Self::Append(slot),
            10 => Self::Write(slot, position),
            11 => Self::SetSize(slot, position),
            12 => Self::Read(slot, position),
            13 => Self::Stat(slot),
            14 => Self::StatAt(one),
            15 | 16 => Self::Unlink(one),
            17 => Self::RemoveDirectory(one),
            18 => Self::CreateDirectory(one),
            19 | 20 => Self::Rename(one, other),
            _ => Self::Link(one, other),
        }
    }

    pub const fn slot(self) -> Option<usize> {
        match self {
            Self::Close(slot)
            | Self::Append(slot)
            | Self::Write(slot, _)
            | Self::SetSize(slot, _)
            | Self::Read(slot, _)
            | Self::Stat(slot) => Some(slot),
            _ => None,
        }
    }

    pub const fn with_slot(self, slot: usize) -> Self {
        match self {
            Self::Close(_) => Self::Close(slot),
            Self::Append(_) => Self::Append(slot),
            Self::Write(_, position) => Self::Write(slot, position),
            Self::SetSize(_, records) => Self::SetSize(slot, records),
            Self::Read(_, position) => Self::Read(slot, position),
            Self::Stat(_) => Self::Stat(slot),
            other => other,
        }
    }
}

/// The model, and what each client has open in it.
#[derive(Clone, Hash)]
pub struct State {
    model: Model,
    open: Vec<Vec<NodeId>>,
}

type Answer<T = String> = Result<T, ErrorCode>;

impl State {
    /// The model of a `Stage` whose directories are open.
    pub fn new(model: Model, clients: usize) -> Self {
        let mut state = Self { model, open: vec![Vec::new(); clients + 1] };
        for number in 1..=4 {
            let node = state.directory(number - 1);
            state.apply(Operation::Open { node }).unwrap();
        }
        state
    }

    /// The nodes of [`DIRECTORIES`], as the `Stage` numbers them.
    fn directory(&self, index: usize) -> NodeId {
        let ino = [1, 2, 4, 3][index];
        NodeId { ino, generation: self.model.generation }
    }

    fn apply(&mut self, operation: Operation) -> Answer<Reply> {
        self.model.apply(&Context::default(), &operation)
    }

    /// Whether a call gives this answer; any does where none is known.
    pub fn carry_out(&mut self, client: usize, number: usize, act: Act, answer: Option<&str>) -> bool {
        let given = match self.act(client, number, act, answer.is_some()) {
            Ok(given) => given,
            Err(code) => format!("{code:?}"),
        };
        answer.is_none_or(|answer| answer == given)
    }

    fn find(&mut self, At(directory, name): At) -> Answer<NodeId> {
        let directory = self.directory(directory);
        match self.apply(Operation::Lookup { directory, name: name.to_owned() })? {
            Reply::Node(attributes) => Ok(attributes.id),
            _ => Err(ErrorCode::Io),
        }
    }

    fn done(&mut self, operation: Operation) -> Answer {
        self.apply(operation).map(|_| "done".to_owned())
    }

    fn stat(&mut self, node: NodeId) -> Answer {
        match self.apply(Operation::GetAttributes { node })? {
            Reply::Node(attributes) => Ok(seen!(attributes)),
            _ => Err(ErrorCode::Io),
        }
    }

    fn act(&mut self, client: usize, number: usize, act: Act, known: bool) -> Answer {
        let slot = act.slot().map(|slot| self.open[client][slot]);
        let node = slot.unwrap_or_else(|| self.directory(0));
        let data = || record(client, number).into();
        let name = |At(_, name): At| name.to_owned();
        match act {
            Act::Open { at, create, exclusive } => {
                let node = self.open(at, create, exclusive)?;
                // It stays alive; whether it is closed shows nowhere.
                self.apply(Operation::Open { node })?;
                if known {
                    self.open[client].push(node);
                }
                Ok("open".to_owned())
            }
            Act::Close(slot) => {
                self.open[client].remove(slot);
                Ok("done".to_owned())
            }
            Act::Append(_) => self.done(Operation::Append { node, data: data() }),
            Act::Write(_, position) => self.done(Operation::Write { node, offset: position * RECORD, data: data() }),
            Act::SetSize(_, records) => self.done(Operation::SetSize { node, size: records * RECORD }),
            Act::Read(_, position) => {
                let length = u32::try_from(RECORD).unwrap();
                match self.apply(Operation::Read { node, offset: position * RECORD, length })? {
                    Reply::Data(bytes) => Ok(format!("{:?}", bytes.to_vec())),
                    _ => Err(ErrorCode::Io),
                }
            }
            Act::Stat(_) => self.stat(node),
            Act::StatAt(at) => {
                let node = self.find(at)?;
                self.stat(node)
            }
            Act::Unlink(at) => self.done(Operation::Unlink { directory: self.directory(at.0), name: name(at) }),
            Act::RemoveDirectory(at) => {
                self.done(Operation::RemoveDirectory { directory: self.directory(at.0), name: name(at) })
            }
            Act::CreateDirectory(at) => {
                self.done(Operation::CreateDirectory { directory: self.directory(at.0), name: name(at), mode: 0o755 })
            }
            Act::Rename(old, new) => {
                let (from, to) = (self.directory(old.0), self.directory(new.0));
                self.done(Operation::Rename { from, from_name: name(old), to, to_name: name(new) })
            }
            Act::Link(old, new) => {
                let node = self.find(old)?;
                self.done(Operation::Link { node, directory: self.directory(new.0), name: name(new) })
            }
            Act::Tree => Ok(tree_of(self.directory(0), &mut |operation| self.apply(operation).ok())),
        }
    }

    /// As `open_at` for reading and writing.
    fn open(&mut self, at: At, create: bool, exclusive: bool) -> Answer<NodeId> {
        match self.find(at) {
            Err(ErrorCode::NoEntry) if create => {
                let (directory, name) = (self.directory(at.0), at.1.to_owned());
                match self.apply(Operation::CreateFile { directory, name, mode: 0o644 })? {
                    Reply::Node(attributes) => Ok(attributes.id),
                    _ => Err(ErrorCode::Io),
                }
            }
            Err(code) => Err(code),
            Ok(_) if create && exclusive => Err(ErrorCode::Exist),
            Ok(node) => match self.apply(Operation::GetAttributes { node })? {
                Reply::Node(attributes) if attributes.file_type == FileType::Directory => Err(ErrorCode::IsDirectory),
                _ => Ok(node),
            },
        }
    }
}

/// Everything that has a name, with attributes and content: a line for each.
pub fn tree_of(root: NodeId, ask: &mut dyn FnMut(Operation) -> Option<Reply>) -> String {
    let mut lines = Vec::new();
    let mut todo = vec![(String::new(), root)];
    while let Some((path, node)) = todo.pop() {
        let Some(Reply::Node(attributes)) = ask(Operation::GetAttributes { node }) else { continue };
        let mut line = format!("{path}: {}", seen!(attributes));
        match ask(Operation::ReadDirectory { directory: node, after: 0, max: 100 }) {
            Some(Reply::Entries(entries)) => {
                todo.extend(entries.iter().map(|entry| (format!("{path}/{}", entry.name), entry.id)));
            }
            _ => {
                if let Some(Reply::Data(bytes)) = ask(Operation::Read { node, offset: 0, length: 1 << 20 }) {
                    line += &format!(" {:?}", String::from_utf8_lossy(&bytes));
                }
            }
        }
        lines.push(line);
    }
    lines.sort_unstable();
    lines.join("\n")
}
