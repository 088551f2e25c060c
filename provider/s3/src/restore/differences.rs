//! What a listing of the whole bucket has that the catalogue has not, and the
//! other way round. Asks nobody.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use larder_bucket::Listed;
use larder_core::NodeId;

use super::Restore;
use super::names;
use crate::catalogue::Known;
use crate::layout::Parsed;
use crate::shared::State;

/// A path at which something differs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Difference {
    /// A directory that the volume does not have.
    Directory(String),
    /// A file that is new, another one, or gone.
    File(String),
}

/// What one look through the bucket keeps until its end.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// Keys that were known when it began, and not seen yet. The keys
    /// themselves are the catalogue's.
    unseen: HashSet<Arc<str>>,
    /// Directories of which no key is known, and none was seen yet.
    may_be_gone: HashSet<String>,
}

impl Round {
    /// There is an object below a directory, or its marker.
    fn saw(&mut self, path: &str, is_marker: bool) {
        if self.may_be_gone.is_empty() {
            return;
        }
        if is_marker {
            self.may_be_gone.remove(path);
        }
        for (at, _) in path.match_indices('/') {
            self.may_be_gone.remove(path.split_at(at).0);
        }
    }
}

/// Where a path is in the volume.
enum Place {
    /// In a directory that is listed.
    In(NodeId),
    /// Below a directory that waits to be listed.
    Unlisted,
    /// Below this path, which is no directory of the volume.
    Nowhere(String),
}

impl Restore {
    /// Begins a look through the bucket.
    pub(super) fn begin_round(&self) -> Round {
        let may_be_gone = self.unlisted.may_be_gone();
        let mut round = Round::default();
        let keys: Vec<Arc<str>> = {
            let state = self.shared.state.lock();
            for node in may_be_gone {
                match state.mirror.path(node) {
                    Some(path) if path.is_empty() => {}
                    Some(path) => drop(round.may_be_gone.insert(path)),
                    None => self.unlisted.remove(node),
                }
            }
            state.catalogue.keys().map(|(key, _)| Arc::clone(key)).collect()
        };
        // Hashed with nobody waiting for the state.
        round.unseen = keys.into_iter().collect();
        round
    }

    /// Compares a page with the catalogue.
    pub(super) fn compare(&self, root: NodeId, objects: Vec<Listed>, round: &mut Round) -> BTreeSet<Difference> {
        let mut differences = BTreeSet::new();
        let mut state = self.shared.state.lock();
        for object in objects {
            round.unseen.remove(object.key.as_str());
            if state.catalogue.key(&object.key).is_some_and(|known| known.etag == object.etag) {
                continue;
            }
            let (path, is_marker) = match self.shared.keys.parse(&object.key) {
                Parsed::File(path) => (path, false),
                Parsed::Marker(path) if !path.is_empty() => (path, true),
                Parsed::Marker(_) | Parsed::Reserved => continue,
                Parsed::Foreign(fault) => {
                    self.shared.counters.foreign_key(names::foreign(&object.key, fault));
                    continue;
                }
            };
            round.saw(&path, is_marker);
            let directory = match self.place(&state, root, &path) {
                Place::In(_) if self.left_out.contains(&object.key, &object.etag) => continue,
                Place::In(directory) => directory,
                Place::Unlisted => continue,
                Place::Nowhere(path) => {
                    differences.insert(Difference::Directory(path));
                    continue;
                }
            };
            if is_marker {
                self.compare_marker(&mut state, directory, path, &object, &mut differences);
            } else {
                differences.insert(Difference::File(path));
            }
        }
        differences
    }

    /// A marker has nothing in it: it is noted, so that it goes with its
    /// directory.
    fn compare_marker(
        &self,
        state: &mut State,
        directory: NodeId,
        path: String,
        object: &Listed,
        differences: &mut BTreeSet<Difference>,
    ) {
        let name = path.rsplit('/').next().unwrap_or(&path);
        let node = state.mirror.lookup(directory, name);
        match node {
            Some(node) if state.mirror.is_directory(node) => {
                let is_changed = state.is_changed(&self.shared.keys, directory, name, Some(node));
                if !is_changed && !self.unlisted.contains(node) {
                    let known = Known { etag: object.etag.clone(), node, version: "".into() };
                    state.catalogue.set_key(&object.key.as_str().into(), known);
                }
            }
            _ => drop(differences.insert(Difference::Directory(path))),
        }
    }

    fn place(&self, state: &State, root: NodeId, path: &str) -> Place {
        let mut at = root;
        let mut rest = path;
        loop {
            if self.unlisted.contains(at) {
                return Place::Unlisted;
            }
            let Some((name, below)) = rest.split_once('/') else { return Place::In(at) };
            match state.mirror.lookup(at, name).filter(|node| state.mirror.is_directory(*node)) {
                Some(node) => at = node,
                None => {
                    let above = path.len() - below.len() - 1;
                    return Place::Nowhere(path.split_at(above).0.to_owned());
                }
            }
            rest = below;
        }
    }

    /// What was not seen: files that differ, and directories that may have
    /// gone with them, or without anything that tells.
    pub(super) fn gone(&self, round: Round) -> (BTreeSet<Difference>, HashSet<String>) {
        let Round { unseen, may_be_gone } = round;
        let mut files = BTreeSet::new();
        let mut directories = may_be_gone;
        let mut state = self.shared.state.lock();
        for key in unseen {
            // It may be gone by ourselves since.
            if state.catalogue.key(&key).is_none() || state.busy.contains(&key) {
                continue;
            }
            match self.shared.keys.parse(&key) {
                Parsed::File(path) => {
                    if let Some((above, _)) = path.rsplit_once('/') {
                        directories.insert(above.to_owned());
                    }
                    files.insert(Difference::File(path));
                }
                Parsed::Marker(path) => {
                    state.catalogue.remove_key(&key);
                    directories.insert(path);
                }
                Parsed::Reserved | Parsed::Foreign(_) => {}
            }
        }
        drop(state);
        (files, directories)
    }
}
