//! What a group changes in the bucket.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use larder_bucket::Condition;
use larder_core::{Attributes, FileType, NodeId};

use super::step::Phase;
use super::take::{Taken, TakenFile, Wanted};
use crate::catalogue::Catalogue;
use crate::layout::{KeySpace, ObjectMeta, SparseMap, Token, directory_attributes_body};
use crate::place::Place;
use crate::shared::Shared;

/// One object that changes.
#[derive(Debug)]
pub(crate) struct Effect {
    pub(crate) key: Arc<str>,
    pub(crate) path: String,
    pub(crate) phase: Phase,
    pub(crate) condition: Condition,
    pub(crate) action: Action,
}

/// How it changes.
#[derive(Debug)]
pub(crate) enum Action {
    /// A marker, or the attributes of a directory.
    Directory { node: NodeId, meta: ObjectMeta, body: Bytes, is_attributes: bool },
    /// A file's content, or what a symbolic link holds. `old`: where the
    /// content was, of which parts may be the same.
    Content { file: Arc<TakenFile>, meta: ObjectMeta, map: Option<SparseMap>, old: Option<Place> },
    /// Content that is in the bucket already.
    Copy { file: Arc<TakenFile>, meta: ObjectMeta, from: Place },
    /// The object goes.
    Delete,
}

/// A copy that has to be made before the group begins, as the group changes
/// its source.
#[derive(Debug)]
pub(crate) struct Staged {
    /// The index of the effect that needs it.
    pub(crate) effect: usize,
    /// Where it goes; removed after the group.
    pub(crate) key: Arc<str>,
}

/// What a group changes.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) effects: Vec<Effect>,
    pub(crate) staged: Vec<Staged>,
}

/// Plans a group.
pub(crate) fn plan(shared: &Shared, taken: &Taken) -> Plan {
    let mut state = shared.state.lock();
    let mut planner = Planner { keys: &shared.keys, catalogue: &mut state.catalogue, effects: Vec::new() };
    for (path, wanted) in &taken.paths {
        planner.path(path, wanted);
    }
    let mut effects = planner.effects;
    in_order(&mut effects);
    let staged = staged(&shared.keys, &effects);
    Plan { effects, staged }
}

struct Planner<'a> {
    keys: &'a KeySpace,
    catalogue: &'a mut Catalogue,
    effects: Vec<Effect>,
}

impl Planner<'_> {
    fn path(&mut self, path: &str, wanted: &Wanted) {
        let file_key = self.keys.file_key(path).ok();
        let marker_key = self.keys.marker_key(path).ok();
        let attributes_key = self.keys.directory_attributes_key(path).ok();
        match wanted {
            Wanted::Nothing => {
                self.delete(path, file_key, Phase::Delete);
                self.delete(path, marker_key, Phase::Marker);
                self.delete(path, attributes_key, Phase::Marker);
            }
            Wanted::Directory { node, attributes } => {
                self.delete(path, file_key, Phase::Delete);
                if let Some(key) = marker_key
                    && self.catalogue.key(&key).is_none()
                {
                    let meta = ObjectMeta::of_kind(FileType::Directory);
                    let action = Action::Directory { node: *node, meta, body: Bytes::new(), is_attributes: false };
                    self.put(path, &key, Condition::Always, action);
                }
                if let (Some(attributes), Some(key)) = (attributes, attributes_key) {
                    let body = Bytes::copy_from_slice(directory_attributes_body(path));
                    let meta = meta_of(attributes);
                    let action = Action::Directory { node: *node, meta, body, is_attributes: true };
                    self.put(path, &key, Condition::Always, action);
                }
            }
            Wanted::File(file) => {
                self.delete(path, marker_key, Phase::Marker);
                self.delete(path, attributes_key, Phase::Marker);
                if let Some(key) = file_key {
                    self.file(path, &key, file);
                }
            }
        }
    }

    fn file(&mut self, path: &str, key: &str, file: &Arc<TakenFile>) {
        let mut meta = meta_of(&file.attributes);
        if file.attributes.link_count > 1 {
            meta.link = Some(self.catalogue.link(file.node));
        } else {
            meta.link = self.catalogue.known_link(file.node);
        }
        let known = self.catalogue.key(key);
        let place = self.catalogue.place(file.node).cloned();
        let condition = known.map_or(Condition::IfAbsent, |known| Condition::IfMatch(known.etag.clone()));
        let action = match place {
            Some(from) if !file.content => {
                let is_there = known.is_some_and(|known| known.node == file.node && known.version == from.version);
                if is_there && !file.attributes_changed {
                    return;
                }
                meta.sparse_size = from.sparse.as_ref().map(|map| map.size());
                Action::Copy { file: Arc::clone(file), meta, from }
            }
            old => {
                let map = file.frozen.as_ref().and_then(|frozen| SparseMap::new(frozen.len(), &frozen.ranges()));
                meta.sparse_size = map.as_ref().map(SparseMap::size);
                Action::Content { file: Arc::clone(file), meta, map, old }
            }
        };
        self.put(path, key, condition, action);
    }

    fn put(&mut self, path: &str, key: &str, condition: Condition, action: Action) {
        let is_marker = matches!(action, Action::Directory { is_attributes: false, .. });
        let phase = if is_marker { Phase::PutMarker } else { Phase::Put };
        self.effects.push(Effect { key: key.into(), path: path.to_owned(), phase, condition, action });
    }

    fn delete(&mut self, path: &str, key: Option<String>, phase: Phase) {
        let Some(key) = key else { return };
        let Some(known) = self.catalogue.key(&key) else { return };
        // Markers have nothing in them that could be lost.
        let condition = if phase == Phase::Delete { Condition::IfMatch(known.etag.clone()) } else { Condition::Always };
        self.effects.push(Effect { key: key.into(), path: path.to_owned(), phase, condition, action: Action::Delete });
    }
}

fn meta_of(attributes: &Attributes) -> ObjectMeta {
    ObjectMeta {
        mode: Some(attributes.mode),
        modified: Some(attributes.modified),
        accessed: Some(attributes.accessed),
        changed: Some(attributes.changed),
        ..ObjectMeta::of_kind(attributes.file_type)
    }
}

/// Moves deletions to the front that make room: servers that keep directories
/// (SeaweedFS) cannot have `a` beside `a/b`. The rest goes by phases, so that
/// nothing is gone before it is elsewhere.
fn in_order(effects: &mut [Effect]) {
    let paths = |is_meant: fn(&Effect) -> bool| -> HashSet<String> {
        effects.iter().filter(|effect| is_meant(effect)).map(|effect| effect.path.clone()).collect()
    };
    let files = paths(|effect| matches!(effect.action, Action::Content { .. } | Action::Copy { .. }));
    let put = paths(|effect| matches!(effect.phase, Phase::Put | Phase::PutMarker));
    let above_put: HashSet<&str> = put.iter().flat_map(|path| ancestors(path)).collect();
    for effect in effects.iter_mut() {
        let is_below_file = || ancestors(&effect.path).any(|path| files.contains(path));
        let path = effect.path.as_str();
        if effect.phase == Phase::Delete && (put.contains(path) || above_put.contains(path) || is_below_file()) {
            effect.phase = Phase::Early;
        } else if effect.phase == Phase::Marker && (files.contains(path) || is_below_file()) {
            effect.phase = Phase::EarlyMarker;
        }
    }
    // Deepest first within a phase, for markers that go; those above first where
    // they come.
    effects.sort_by(|a, b| {
        let (one, other) = if a.phase == Phase::PutMarker { (a, b) } else { (b, a) };
        a.phase.cmp(&b.phase).then_with(|| one.path.cmp(&other.path))
    });
}

fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| path.split_at(at).0)
}

/// The copies whose source the group changes before, or may change before,
/// they are made.
fn staged(keys: &KeySpace, effects: &[Effect]) -> Vec<Staged> {
    let is_changed = |effect: &&Effect| matches!(effect.phase, Phase::Put | Phase::Early);
    let changed: HashSet<&str> = effects.iter().filter(is_changed).map(|effect| &*effect.key).collect();
    let mut staged = Vec::new();
    for (index, effect) in effects.iter().enumerate() {
        if let Action::Copy { from, .. } = &effect.action
            && from.key != effect.key
            && changed.contains(&*from.key)
        {
            let key = format!("{}tmp/{}", keys.reserved(), Token(fastrand::u128(..)));
            staged.push(Staged { effect: index, key: key.into() });
        }
    }
    staged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_there_before_what_is_below_and_go_after_it() {
        let directory = || {
            let node = larder_core::NodeId { ino: 1, generation: 1 };
            let meta = ObjectMeta::of_kind(FileType::Directory);
            Action::Directory { node, meta, body: Bytes::new(), is_attributes: false }
        };
        let mut planner =
            Planner { keys: &KeySpace::new("p/").unwrap(), catalogue: &mut Catalogue::default(), effects: Vec::new() };
        for path in ["b/a", "b", "b/a/c", "c"] {
            planner.put(path, &format!("p/{path}/"), Condition::Always, directory());
        }
        let mut effects = planner.effects;
        let mut gone = |path: &str, phase| {
            let condition = Condition::Always;
            let (key, path) = (format!("p/{path}").into(), path.to_owned());
            effects.push(Effect { key, path, phase, condition, action: Action::Delete });
        };
        gone("a", Phase::Marker);
        gone("a/b", Phase::Marker);
        gone("a/b/f", Phase::Delete);
        in_order(&mut effects);
        let order: Vec<_> = effects.iter().map(|effect| (effect.phase, &*effect.path)).collect();
        let put = ["b", "b/a", "b/a/c", "c"].map(|path| (Phase::PutMarker, path));
        let gone = [(Phase::Delete, "a/b/f"), (Phase::Marker, "a/b"), (Phase::Marker, "a")];
        assert_eq!(order, [&put[..], &gone].concat());
    }
}
