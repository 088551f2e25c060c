//! Looking at one key, and bringing the volume in line with it.
//!
//! Versions are compared by their etags alone: a change of an object's
//! metadata that leaves its content is not seen, as listings do not tell
//! metadata. It is seen when the volume is opened the next time.

use larder_bucket::BucketError;
use larder_core::NodeId;

use super::Restore;
use super::bring::Basis;
use super::entry;
use super::names;
use super::requests::Urgency;
use crate::error::S3Error;

/// How much is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// The file's key alone.
    Opening,
    /// Whether there is a directory, too.
    Refresh,
    /// The same, and the bucket was listed just now: it is there.
    Poll,
}

impl Restore {
    /// Looks at one path again, and brings the volume in line with it; answers
    /// whether it changed. Nothing changes where changes wait for the bucket
    /// (the caller ends that before), and where a directory of the path is not
    /// known or listed. Neither takes [`Shared::turn`] nor needs it.
    ///
    /// [`Shared::turn`]: crate::shared::Shared::turn
    ///
    /// # Errors
    /// What the bucket answers.
    pub(crate) async fn refresh(&self, path: &str) -> Result<bool, S3Error> {
        let Some(basis) = self.basis(path) else { return Ok(false) };
        Ok(self.look_at_file(&basis, Depth::Refresh, Urgency::Guest).await?)
    }

    /// Looks at a file's key; answers whether the name changed.
    pub(super) async fn look_at_file(
        &self,
        basis: &Basis,
        depth: Depth,
        urgency: Urgency,
    ) -> Result<bool, BucketError> {
        if basis.is_directory && depth == Depth::Opening {
            return Ok(false);
        }
        let Some(object) = self.head(&basis.key, urgency).await? else {
            return self.look_at_nothing(basis, depth, urgency).await;
        };
        if basis.node.is_some() && basis.etag.as_ref() == Some(&object.etag) {
            return Ok(false);
        }
        if basis.is_directory {
            // The directory is what is shown, as long as there is one.
            if !self.look_at_vanished(&basis.path, urgency).await? {
                self.shared.counters.foreign_key(names::hidden(&basis.key));
                return Ok(false);
            }
            let Some(free) = self.basis(&basis.path) else { return Ok(true) };
            let arrival = self.file_of(&free.key, &free.name, object, urgency).await?;
            let Some(mut arrival) = arrival else { return Ok(true) };
            arrival.incoming.expected = Some(free.expected());
            self.bring(free.directory, arrival).await;
            return Ok(true);
        }
        let Some(mut arrival) = self.file_of(&basis.key, &basis.name, object, urgency).await? else {
            return Ok(false);
        };
        arrival.incoming.expected = Some(basis.expected());
        Ok(self.bring(basis.directory, arrival).await)
    }

    /// There is no such object.
    async fn look_at_nothing(&self, basis: &Basis, depth: Depth, urgency: Urgency) -> Result<bool, BucketError> {
        let mut is_changed = false;
        if basis.etag.is_some() {
            if depth != Depth::Poll {
                // Without the bucket there is no object, either.
                self.requests.run(urgency, self.shared.bucket.check(self.shared.keys.prefix())).await?;
            }
            match basis.node {
                Some(_) if !basis.is_directory => is_changed = self.take_away(basis).await,
                _ => self.forget_key(basis),
            }
        }
        if depth == Depth::Refresh {
            is_changed |= self.look_at_directory(&basis.path, urgency).await?;
        }
        Ok(is_changed)
    }

    fn forget_key(&self, basis: &Basis) {
        let mut state = self.shared.state.lock();
        let is_it = state.catalogue.key(&basis.key).is_some_and(|known| Some(&known.etag) == basis.etag.as_ref());
        if is_it && !state.is_changed(&self.shared.keys, basis.directory, &basis.name, basis.node) {
            state.catalogue.remove_key(&basis.key);
        }
    }

    /// Brings a directory in that the bucket has, and the volume has not;
    /// answers whether it came. It takes the place of a file.
    pub(super) async fn look_at_directory(&self, path: &str, urgency: Urgency) -> Result<bool, BucketError> {
        let Some(basis) = self.basis(path).filter(|basis| !basis.is_directory) else { return Ok(false) };
        if !self.has_objects(path, urgency).await? {
            return Ok(false);
        }
        if basis.etag.is_some() {
            self.shared.counters.foreign_key(names::hidden(&basis.key));
        }
        let described = self.look_at_attributes(path, urgency).await?;
        let mut arrival = entry::directory(&basis.name, None, described);
        arrival.incoming.expected = Some(basis.expected());
        Ok(self.bring(basis.directory, arrival).await)
    }

    /// Takes a directory away of which the bucket has nothing any more;
    /// answers whether it went. One that was changed here stays.
    pub(super) async fn look_at_vanished(&self, path: &str, urgency: Urgency) -> Result<bool, BucketError> {
        let Some(basis) = self.basis(path).filter(|basis| basis.is_directory) else { return Ok(false) };
        let Some(node) = basis.node else { return Ok(false) };
        if !self.may_vanish(path, node) || self.has_objects(path, urgency).await? {
            return Ok(false);
        }
        // A directory is removed only when it is listed, and with nobody
        // waiting for what is asked here.
        if self.unlisted.contains(node) && self.listed(node, urgency).await.is_err() {
            return Ok(false);
        }
        Ok(self.may_vanish(path, node) && self.take_away(&basis).await)
    }

    /// Whether nothing is known to be in a directory, and it has no marker.
    fn may_vanish(&self, path: &str, node: NodeId) -> bool {
        let state = self.shared.state.lock();
        let marker = self.shared.keys.marker_key(path);
        state.mirror.is_empty(node) && marker.is_ok_and(|key| state.catalogue.key(&key).is_none())
    }
}
