//! Taking a group: what the changes until now want of the bucket.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use larder_core::{Attributes, FileType, FrozenContent, NodeId, Volume};

use super::ahead::Ahead;
use crate::changes::Dirty;
use crate::mirror::Mirror;
use crate::shared::{Shared, State};

/// A file or symbolic link as it was when the group was taken.
#[derive(Debug)]
pub(crate) struct TakenFile {
    pub(crate) node: NodeId,
    pub(crate) attributes: Attributes,
    /// A file's content; `None` of a symbolic link.
    pub(crate) frozen: Option<FrozenContent>,
    /// What a new symbolic link holds.
    pub(crate) target: Option<Arc<str>>,
    /// Its content is not in the bucket.
    pub(crate) content: bool,
    /// Its attributes are not.
    pub(crate) attributes_changed: bool,
    /// Where parts of its content may be already.
    pub(crate) ahead: Option<Arc<Ahead>>,
}

/// What a path should have.
#[derive(Clone, Debug)]
pub(crate) enum Wanted {
    Nothing,
    /// `attributes`: if they are to be written.
    Directory {
        node: NodeId,
        attributes: Option<Attributes>,
    },
    File(Arc<TakenFile>),
}

/// A group.
#[derive(Debug)]
pub(crate) struct Taken {
    /// The number of its newest change.
    pub(crate) up_to: u64,
    /// Bytes that were written.
    pub(crate) bytes: u64,
    /// By path, in its order.
    pub(crate) paths: Vec<(String, Wanted)>,
    /// Files without a name that are still open, and have content in the
    /// bucket.
    pub(crate) unnamed: Vec<NodeId>,
    /// Those of which parts went ahead.
    pub(crate) unnamed_ahead: Vec<TakenFile>,
    /// What went ahead of files that are gone.
    pub(crate) abandoned: Vec<Arc<Ahead>>,
}

/// Takes what is due.
pub(crate) fn take(shared: &Shared, volume: &Volume) -> Taken {
    volume.at_rest(|| {
        let mut state = shared.state.lock();
        let up_to = state.changes.recorded;
        let mut due: HashMap<NodeId, Dirty> = state.changes.nodes.extract_if(|_, dirty| dirty.is_due).collect();
        state.changes.streams.retain(|node| !due.contains_key(node));
        let mut paths = std::mem::take(&mut state.changes.paths);
        // What has a new name goes along, whoever is still writing it.
        let named: Vec<NodeId> = paths.iter().filter_map(|path| lookup(&state.mirror, volume, path)).collect();
        for node in named {
            if let Some(dirty) = state.changes.take(node) {
                due.insert(node, dirty);
            }
        }
        for node in due.keys() {
            paths.extend(state.mirror.paths(*node));
            if *node == volume.root_id() {
                paths.insert(String::new());
            }
        }
        emptied_directories(&state, volume, &mut paths);
        let bytes = due.values().map(|dirty| dirty.bytes).sum();
        state.changes.bytes -= bytes;
        state.changes.oldest = state.changes.nodes.values().map(|dirty| dirty.last).min();
        let mut files: HashMap<NodeId, Arc<TakenFile>> = HashMap::new();
        let mut taken = Vec::with_capacity(paths.len());
        for path in paths {
            let wanted = lookup(&state.mirror, volume, &path)
                .and_then(|node| wanted(&mut state, volume, node, due.get(&node), &mut files));
            for key in [shared.keys.file_key(&path), shared.keys.marker_key(&path)].into_iter().flatten() {
                state.busy.insert(key.into());
            }
            taken.push((path, wanted.unwrap_or(Wanted::Nothing)));
        }
        state.ahead.under_way = files.into_keys().collect();
        let mut group =
            Taken { up_to, bytes, paths: taken, unnamed: Vec::new(), unnamed_ahead: Vec::new(), abandoned: Vec::new() };
        take_unnamed(&mut state, volume, &mut group);
        group
    })
}

/// The inode at a path.
fn lookup(mirror: &Mirror, volume: &Volume, path: &str) -> Option<NodeId> {
    let names = path.split('/').filter(|name| !name.is_empty());
    names.into_iter().try_fold(volume.root_id(), |at, name| mirror.lookup(at, name))
}

/// Adds the directories that lost a name and have none left: they need a
/// marker now.
fn emptied_directories(state: &State, volume: &Volume, paths: &mut BTreeSet<String>) {
    let gone = paths.iter().filter(|path| lookup(&state.mirror, volume, path).is_none());
    let parents: BTreeSet<&str> = gone.filter_map(|path| path.rsplit_once('/').map(|(parent, _)| parent)).collect();
    let emptied = parents.into_iter().filter(|parent| {
        let node = lookup(&state.mirror, volume, parent);
        node.is_some_and(|node| state.mirror.is_empty(node))
    });
    let emptied: Vec<String> = emptied.map(str::to_owned).collect();
    paths.extend(emptied);
}

fn wanted(
    state: &mut State,
    volume: &Volume,
    node: NodeId,
    dirty: Option<&Dirty>,
    files: &mut HashMap<NodeId, Arc<TakenFile>>,
) -> Option<Wanted> {
    if let Some(file) = files.get(&node) {
        return Some(Wanted::File(Arc::clone(file)));
    }
    let attributes = volume.attributes(node).ok()?;
    let frozen = match attributes.file_type {
        FileType::Directory => {
            let is_described = dirty.is_some() || state.catalogue.is_described(node);
            return Some(Wanted::Directory { node, attributes: is_described.then_some(attributes) });
        }
        FileType::RegularFile => Some(volume.freeze_content(node).ok()?),
        FileType::SymbolicLink => None,
    };
    let ahead = state.ahead.take(node);
    let file = Arc::new(TakenFile {
        node,
        attributes,
        frozen,
        target: state.changes.targets.remove(&node),
        content: dirty.is_some_and(|dirty| dirty.content) || ahead.is_some(),
        attributes_changed: dirty.is_some(),
        ahead,
    });
    files.insert(node, Arc::clone(&file));
    Some(Wanted::File(file))
}

/// What lost its last name and is open still. The others are forgotten.
fn take_unnamed(state: &mut State, volume: &Volume, group: &mut Taken) {
    let mut nodes = std::mem::take(&mut state.changes.unnamed);
    // Another client's may have taken the name of one.
    nodes.extend(state.ahead.files.keys().filter(|node| state.mirror.names(**node).next().is_none()));
    nodes.sort_unstable_by_key(|node| (node.ino, node.generation));
    nodes.dedup();
    for node in nodes {
        if state.mirror.names(node).next().is_some() {
            continue;
        }
        let ahead = state.ahead.take(node);
        let attributes = volume.attributes(node).ok();
        let is_placed = state.catalogue.place(node).is_some();
        if attributes.is_some() && is_placed {
            group.unnamed.push(node);
        } else {
            state.catalogue.forget(node);
        }
        let Some(ahead) = ahead else { continue };
        match attributes.zip(volume.freeze_content(node).ok()) {
            Some((attributes, frozen)) => group.unnamed_ahead.push(TakenFile {
                node,
                attributes,
                frozen: Some(frozen),
                target: None,
                content: true,
                attributes_changed: false,
                ahead: Some(ahead),
            }),
            None => group.abandoned.push(ahead),
        }
    }
}
