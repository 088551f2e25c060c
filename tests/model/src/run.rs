//! Runs steps on a volume and on the model at once.

use std::sync::Arc;

use larder_core::{Context, NodeId, Operation, Reply, Volume, VolumeOptions, read_snapshot};

use crate::compare::{self, frozen};
use crate::generate::{Action, Pick, Step, Wanted};
use crate::model::Model;

/// What happened, with all that was chosen: can be replayed.
#[derive(Clone, Debug)]
pub enum Event {
    /// An operation.
    Apply(Context, Operation),
    /// A pass through a snapshot.
    Reload {
        /// As bytes, or in memory.
        as_bytes: bool,
    },
}

/// A volume, the model, and what was seen of them.
pub struct Run {
    /// The real one.
    pub volume: Arc<Volume>,
    /// What it must be like.
    pub model: Model,
    options: VolumeOptions,
    seen: Seen,
    events: Vec<Event>,
}

/// Every node that was ever named in an answer, also those that are gone, and
/// the open handles.
struct Seen {
    directories: Vec<NodeId>,
    files: Vec<NodeId>,
    symlinks: Vec<NodeId>,
    all: Vec<NodeId>,
    handles: Vec<u64>,
}

impl Seen {
    fn node(&self, pick: Pick) -> NodeId {
        let (list, at) = match pick {
            Pick::Directory(at) => (&self.directories, at),
            Pick::File(at) => (&self.files, at),
            Pick::Symlink(at) => (&self.symlinks, at),
            Pick::Any(at) => (&self.all, at),
        };
        // Counted from the newest: those are most likely to be still there.
        // The root is the last of the directories.
        match (pick, list.len()) {
            (_, 0) | (Pick::Directory(0), _) => self.directories[0],
            (_, len) => list[len - 1 - usize::from(at) % len],
        }
    }

    fn note(&mut self, operation: &Operation, reply: &Reply) {
        match (operation, reply) {
            (Operation::CreateFile { .. }, Reply::Node(node)) => self.files.push(node.id),
            (Operation::CreateDirectory { .. }, Reply::Node(node)) => self.directories.push(node.id),
            (Operation::CreateSymlink { .. }, Reply::Node(node)) => self.symlinks.push(node.id),
            (_, Reply::Handle(handle)) => self.handles.push(*handle),
            (Operation::Close { handle }, _) => self.handles.retain(|open| open != handle),
            _ => return,
        }
        if let Reply::Node(node) = reply {
            self.all.push(node.id);
        }
    }
}

impl Run {
    /// A new volume and its model.
    #[must_use]
    pub fn new(options: VolumeOptions) -> Self {
        let volume = Volume::new(options.clone());
        let root = volume.root_id();
        let seen = Seen {
            directories: vec![root],
            files: Vec::new(),
            symlinks: Vec::new(),
            all: vec![root],
            handles: Vec::new(),
        };
        Self { model: Model::new(&options), volume, options, seen, events: Vec::new() }
    }

    /// Does one step on both.
    ///
    /// # Panics
    /// Where they differ.
    pub fn step(&mut self, step: &Step) {
        let mut context = Context::at(step.now);
        let operation = match self.bind(&step.action) {
            Err(as_bytes) => {
                self.volume = reload(&self.volume, &self.options, as_bytes);
                self.model.reload(self.options.generation);
                self.seen.handles.clear();
                self.events.push(Event::Reload { as_bytes });
                return compare::volumes(&self.volume, &self.model, &self.seen.all);
            }
            Ok(operation) => operation,
        };
        context.node = match step.wanted {
            Wanted::Chosen => None,
            Wanted::Number(ino) => Some(NodeId { ino, generation: self.options.generation }),
            Wanted::Of(pick) => Some(self.seen.node(pick)),
        };
        let got = self.volume.apply(&context, &operation);
        let expected = self.model.apply(&context, &operation);
        compare::replies(&got, &expected, &operation);
        compare::usage(&self.volume, &self.model);
        if let Ok(reply) = &got {
            self.seen.note(&operation, reply);
            if let (true, Reply::Node(made)) = (creates(&operation), reply) {
                context.node = Some(made.id);
            }
        }
        self.events.push(Event::Apply(context, operation));
    }

    /// Compares all that can be seen of both, and of what snapshots and a
    /// replay make of the volume.
    ///
    /// # Panics
    /// Where they differ.
    pub fn finish(mut self) {
        compare::volumes(&self.volume, &self.model, &self.seen.all);
        let replayed = replay(&self.events, &self.options);
        let bytes = frozen(&self.volume);
        assert!(frozen(&replayed) == bytes, "a replay gives another volume");
        compare::volumes(&replayed, &self.model, &self.seen.all);
        self.model.reload(self.options.generation);
        for as_bytes in [false, true] {
            let loaded = reload(&self.volume, &self.options, as_bytes);
            compare::volumes(&loaded, &self.model, &self.seen.all);
            assert!(frozen(&loaded) == bytes, "a snapshot of what a snapshot made is another");
        }
    }

    /// The operation that an action means now; `Err` for a reload.
    fn bind(&self, action: &Action) -> Result<Operation, bool> {
        let node = |pick: &Pick| self.seen.node(*pick);
        Ok(match action.clone() {
            Action::Lookup(directory, name) => Operation::Lookup { directory: node(&directory), name },
            Action::GetAttributes(at) => Operation::GetAttributes { node: node(&at) },
            Action::ReadLink(at) => Operation::ReadLink { node: node(&at) },
            Action::ReadDirectory { directory, after, max } => {
                Operation::ReadDirectory { directory: node(&directory), after, max }
            }
            Action::Read { node: at, offset, length } => Operation::Read { node: node(&at), offset, length },
            Action::CreateFile(directory, name, mode) => {
                Operation::CreateFile { directory: node(&directory), name, mode }
            }
            Action::CreateDirectory(directory, name, mode) => {
                Operation::CreateDirectory { directory: node(&directory), name, mode }
            }
            Action::CreateSymlink(directory, name, target) => {
                Operation::CreateSymlink { directory: node(&directory), name, target }
            }
            Action::Link { node: at, directory, name } => {
                Operation::Link { node: node(&at), directory: node(&directory), name }
            }
            Action::Unlink(directory, name) => Operation::Unlink { directory: node(&directory), name },
            Action::RemoveDirectory(directory, name) => {
                Operation::RemoveDirectory { directory: node(&directory), name }
            }
            Action::Rename { from, from_name, to, to_name } => {
                Operation::Rename { from: node(&from), from_name, to: node(&to), to_name }
            }
            Action::Write { node: at, offset, data } => Operation::Write { node: node(&at), offset, data },
            Action::Append { node: at, data } => Operation::Append { node: node(&at), data },
            Action::SetSize { node: at, size } => Operation::SetSize { node: node(&at), size },
            Action::SetTimes { node: at, accessed, modified } => {
                Operation::SetTimes { node: node(&at), accessed, modified }
            }
            Action::SetMode(at, mode) => Operation::SetMode { node: node(&at), mode },
            Action::Open(at) => Operation::Open { node: node(&at) },
            Action::Close(which) => Operation::Close {
                handle: match (which, self.seen.handles.len()) {
                    (Ok(at), len) if len > 0 => self.seen.handles[len - 1 - usize::from(at) % len],
                    (Ok(at), _) => u64::from(at),
                    (Err(handle), _) => handle,
                },
            },
            Action::Sync => Operation::Sync,
            Action::Reload { as_bytes } => return Err(as_bytes),
        })
    }
}

fn creates(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::CreateFile { .. } | Operation::CreateDirectory { .. } | Operation::CreateSymlink { .. }
    )
}

/// The volume that a snapshot of `volume` makes.
///
/// # Panics
/// If it makes none.
#[must_use]
pub fn reload(volume: &Arc<Volume>, options: &VolumeOptions, as_bytes: bool) -> Arc<Volume> {
    if as_bytes {
        read_snapshot(&mut &frozen(volume)[..], options.clone()).expect("the snapshot is readable")
    } else {
        volume.freeze().unwrap().into_volume(options.clone()).expect("the snapshot is a tree")
    }
}

/// The volume that the same events make again.
#[must_use]
pub fn replay(events: &[Event], options: &VolumeOptions) -> Arc<Volume> {
    let mut volume = Volume::new(options.clone());
    for event in events {
        match event {
            Event::Apply(context, operation) => drop(volume.apply(context, operation)),
            Event::Reload { as_bytes } => volume = reload(&volume, options, *as_bytes),
        }
    }
    volume
}
