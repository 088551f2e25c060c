//! What the catalogue and the volume learn from a step that was carried out.

use std::sync::Arc;

use larder_bucket::Etag;
use larder_core::{Adopted, AdoptedEntry, NodeId};

use super::Engine;
use crate::catalogue::Known;
use crate::commit::apply::Done;
use crate::commit::prepare::{Outcome, Ready};
use crate::commit::step::Do;
use crate::commit::take::TakenFile;
use crate::error::S3Error;
use crate::layout::ObjectMeta;
use crate::place::Place;
use crate::shared::Incoming;

impl Engine {
    /// Notes what became of a step.
    pub(crate) fn finished(&self, ready: &Ready, done: &Done) {
        let key: Arc<str> = ready.step.key.as_str().into();
        match (&ready.outcome, done) {
            (Outcome::Gone, Done::Object(_) | Done::Gone) => {
                let catalogue = &mut self.shared.state.lock().catalogue;
                if let Some(old) = catalogue.remove_key(&key) {
                    catalogue.read_elsewhere(old.node, &key);
                }
            }
            (Outcome::Directory { node, is_attributes }, Done::Object(etag)) => {
                let mut state = self.shared.state.lock();
                let known = Known { etag: etag.clone(), node: *node, version: "".into() };
                state.catalogue.set_key(&key, known);
                if *is_attributes {
                    state.catalogue.set_described(*node);
                }
            }
            (Outcome::Content { file, .. }, Done::Object(etag)) => {
                if let Some(place) = placed(ready, etag) {
                    let known = Known { etag: etag.clone(), node: file.node, version: Arc::clone(&place.version) };
                    let catalogue = &mut self.shared.state.lock().catalogue;
                    let old = catalogue.key(&key).map(|known| known.node).filter(|node| *node != file.node);
                    catalogue.set_key(&key, known);
                    catalogue.set_place(file.node, place);
                    if let Some(old) = old {
                        catalogue.read_elsewhere(old, &key);
                    }
                }
                self.tell_stored(ready, etag);
            }
            (_, Done::Resolved | Done::Gone) => {}
        }
    }

    /// Tells the volume that content is stored: a copy was before.
    fn tell_stored(&self, ready: &Ready, etag: &Etag) {
        let Outcome::Content { file, version: None, .. } = &ready.outcome else { return };
        self.stored(file, etag);
    }

    fn stored(&self, file: &TakenFile, version: &Arc<str>) {
        let (Some(volume), Some(frozen)) = (self.shared.volume.upgrade(), &file.frozen) else { return };
        // It may be gone by now.
        if volume.stored(file.node, frozen, version).is_ok() {
            self.loads.stored(file.node, frozen);
        }
    }

    /// Notes that all of a file's content, as a group has it, is in an object,
    /// which the file's own will be a copy of.
    pub(crate) fn landed(&self, file: &TakenFile, place: &Place) {
        self.moved(file.node, place);
        self.stored(file, &place.version);
    }

    /// Notes that an object was copied, and is read from there.
    pub(crate) fn moved(&self, node: NodeId, place: &Place) {
        self.shared.state.lock().catalogue.set_place(node, place.clone());
    }

    /// Our version of a file that is another client's by now gets another
    /// name, `moved`, in the volume as well: who has it open goes on there.
    pub(crate) async fn put_beside(&self, moved: &Ready, path: &str, etag: Etag) {
        let Outcome::Content { file, .. } = &moved.outcome else { return };
        let Some(place) = placed(moved, &etag) else { return };
        let Some(volume) = self.shared.volume.upgrade() else { return };
        let root = volume.root_id();
        let (above, _) = path.rsplit_once('/').unwrap_or(("", path));
        let name: Arc<str> = moved.step.path.rsplit('/').next().unwrap_or_default().into();
        let directory = {
            let mut state = self.shared.state.lock();
            let mut names = above.split('/').filter(|name| !name.is_empty());
            let directory = names.try_fold(root, |at, name| state.mirror.lookup(at, name));
            let Some(directory) = directory else { return };
            let keys = vec![(moved.step.key.as_str().into(), etag.clone())];
            let incoming = Incoming {
                is_directory: false,
                keys,
                place: Some(place),
                link: None,
                is_described: false,
                expected: None,
            };
            state.incoming.insert((directory, Arc::clone(&name)), incoming);
            directory
        };
        let attributes = &file.attributes;
        let entry = AdoptedEntry {
            name: Arc::clone(&name),
            what: Adopted::Known(file.node),
            mode: attributes.mode,
            accessed: attributes.accessed,
            modified: attributes.modified,
            changed: attributes.changed,
        };
        let adopted = tokio::task::spawn_blocking(move || volume.adopt(directory, &entry)).await;
        if !matches!(adopted, Ok(Ok(_))) {
            // It was removed meanwhile; polling shows what was kept.
            self.shared.state.lock().incoming.remove(&(directory, name));
            return;
        }
        self.tell_stored(moved, &etag);
    }

    /// Brings in what another client has at a path, in place of ours.
    ///
    /// # Errors
    /// What the bucket answers.
    pub(crate) async fn take_theirs(&self, path: &str, key: &str) -> Result<(), S3Error> {
        {
            let mut state = self.shared.state.lock();
            state.busy.remove(key);
            state.yielding.insert(path.to_owned());
        }
        let taken = self.restore.refresh(path).await;
        self.shared.state.lock().yielding.remove(path);
        taken.map(drop)
    }
}

/// Where a step's content is.
fn placed(ready: &Ready, etag: &Etag) -> Option<Place> {
    let Outcome::Content { size, sparse, version, .. } = &ready.outcome else { return None };
    let (Do::Put { metadata, .. } | Do::Complete { metadata, .. } | Do::Copy { metadata, .. }) = &ready.step.what
    else {
        return None;
    };
    let foreign = ObjectMeta::foreign_fields(metadata);
    Some(Place {
        key: ready.step.key.as_str().into(),
        etag: etag.clone(),
        version: version.clone().unwrap_or_else(|| Arc::clone(etag)),
        size: *size,
        sparse: sparse.clone(),
        foreign: (!foreign.is_empty()).then(|| Arc::new(foreign)),
    })
}
