//! One name of the volume is brought in line with the bucket.

use std::sync::Arc;

use larder_bucket::Etag;
use larder_core::{Adopted, Error, ErrorCode, NodeId};

use super::entry::Arrival;
use super::{Restore, links};
use crate::shared::{Expected, Incoming, State, now};

/// What a name stood for before the bucket was asked for it.
#[derive(Clone, Debug)]
pub(super) struct Basis {
    pub(super) path: String,
    pub(super) key: Arc<str>,
    pub(super) directory: NodeId,
    pub(super) name: Arc<str>,
    pub(super) node: Option<NodeId>,
    pub(super) is_directory: bool,
    /// What the catalogue had of the key.
    pub(super) etag: Option<Etag>,
}

impl Basis {
    pub(super) fn expected(&self) -> Expected {
        Expected { node: self.node, etag: self.etag.clone() }
    }
}

impl Restore {
    /// What a name of a directory stands for; `None` where nothing may come in
    /// there, or the directory waits to be listed.
    pub(super) fn basis_in(&self, directory: NodeId, name: &str) -> Option<Basis> {
        // Nothing else lists it, and what is not listed is in this list.
        if self.unlisted.contains(directory) {
            return None;
        }
        let state = self.shared.state.lock();
        self.basis_of(&state, directory, name)
    }

    /// The same of a path; `None` also where a directory of it is not known.
    pub(super) fn basis(&self, path: &str) -> Option<Basis> {
        let root = self.volume().ok()?.root_id();
        let state = self.shared.state.lock();
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        let names = above.split('/').filter(|name| !name.is_empty());
        let directory = names.into_iter().try_fold(root, |at, name| state.mirror.lookup(at, name))?;
        if !state.mirror.is_directory(directory) || self.unlisted.contains(directory) {
            return None;
        }
        self.basis_of(&state, directory, name)
    }

    fn basis_of(&self, state: &State, directory: NodeId, name: &str) -> Option<Basis> {
        let path = state.mirror.path_of(directory, name)?;
        let node = state.mirror.lookup(directory, name);
        let key: Arc<str> = self.shared.keys.file_key(&path).ok()?.into();
        if state.is_changed(&self.shared.keys, directory, name, node) {
            return None;
        }
        Some(Basis {
            directory,
            name: name.into(),
            node,
            is_directory: node.is_some_and(|node| state.mirror.is_directory(node)),
            etag: state.catalogue.key(&key).map(|known| known.etag.clone()),
            path,
            key,
        })
    }

    /// Brings something in under a name; answers whether the volume took it.
    /// The directory is listed, and so is what the name names.
    pub(super) async fn bring(&self, directory: NodeId, mut arrival: Arrival) -> bool {
        let _gate = self.gate.lock().await;
        let named = arrival.incoming.expected.as_ref().and_then(|expected| expected.node);
        let place = (directory, Arc::clone(&arrival.entry.name));
        let path = {
            let mut state = self.shared.state.lock();
            if !matches!(arrival.entry.what, Adopted::Known(_)) {
                links::resolve(&state, &mut arrival);
            }
            state.incoming.insert(place.clone(), arrival.incoming);
            state.mirror.path_of(directory, &place.1).unwrap_or_default()
        };
        let entry = Arc::new(arrival.entry);
        let adopted = {
            let entry = Arc::clone(&entry);
            self.with_volume(move |volume| {
                // Its listing would take what is noted for this name.
                if volume.is_unlisted_directory(directory)? {
                    return Err(Error::new(ErrorCode::Busy, "adopt"));
                }
                volume.adopt(directory, &entry)
            })
            .await
        };
        let left = self.shared.state.lock().incoming.remove(&place);
        match adopted {
            Ok(node) => {
                if let Some(old) = named {
                    self.unlisted.remove(old);
                }
                self.came(node, &entry.what);
                true
            }
            Err(error) => {
                match error.code() {
                    // Changes that the bucket does not have: they are ahead.
                    // Or the directory is gone.
                    ErrorCode::Busy | ErrorCode::NoEntry => {}
                    ErrorCode::Io | ErrorCode::Access => tracing::warn!(path, %error, "a change could not be applied"),
                    _ => self.refused(&path, left.as_ref(), &error),
                }
                false
            }
        }
    }

    /// Takes a name away that is gone in the bucket; answers whether it went.
    pub(super) async fn take_away(&self, basis: &Basis) -> bool {
        let Some(node) = basis.node else { return false };
        let _gate = self.gate.lock().await;
        let place = (basis.directory, Arc::clone(&basis.name));
        let nothing = Incoming {
            is_directory: false,
            keys: Vec::new(),
            place: None,
            link: None,
            is_described: false,
            expected: Some(basis.expected()),
        };
        self.shared.state.lock().incoming.insert(place.clone(), nothing);
        let (directory, name) = place.clone();
        let gone = self.with_volume(move |volume| volume.disown(now(), directory, &name, node)).await;
        self.shared.state.lock().incoming.remove(&place);
        match gone {
            Ok(gone) => {
                if gone {
                    self.unlisted.remove(node);
                    self.count_unlisted();
                }
                gone
            }
            Err(error) => {
                tracing::debug!(path = basis.path, %error, "a name that is gone in the bucket stays");
                false
            }
        }
    }
}
