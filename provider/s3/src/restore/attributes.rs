//! The attributes of directories, which lie in objects of their own.

use std::sync::Arc;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use larder_bucket::{BucketError, Etag, LONGEST_KEY, Listed};
use larder_core::{Context, ErrorCode, Operation, Result, SetTime};

use super::Restore;
use super::requests::Urgency;
use crate::catalogue::Known;
use crate::layout::ObjectMeta;
use crate::shared::now;

/// The attributes of a directory, and the object that has them.
#[derive(Clone, Debug)]
pub(super) struct Described {
    pub(super) meta: ObjectMeta,
    pub(super) key: Arc<str>,
    pub(super) etag: Etag,
}

impl Restore {
    /// Loads the attributes of all directories that have some. Before anything
    /// is listed.
    ///
    /// # Errors
    /// What the bucket answers.
    pub(crate) async fn load_attributes(&self) -> Result<(), BucketError> {
        let prefix = self.shared.keys.directories();
        let mut token = None;
        loop {
            let page = self.shared.bucket.list(&prefix, false, None, token.as_deref());
            let page = self.requests.run(Urgency::Guest, page).await?;
            let loads = stream::iter(page.objects).map(|listed| self.load(listed));
            let loaded: Vec<_> = loads.buffer_unordered(self.shared.options.parallel.max(1)).try_collect().await?;
            self.attributes.lock().extend(loaded.into_iter().flatten());
            token = page.next;
            if token.is_none() {
                return Ok(());
            }
        }
    }

    /// The attributes that an object has, and the path of their directory;
    /// `None` for what Larder did not write there.
    async fn load(&self, listed: Listed) -> Result<Option<(String, Described)>, BucketError> {
        let key = listed.key;
        let most = LONGEST_KEY as u64;
        let loaded = match self.shared.keys.directory_of_key(&key) {
            Some(path) => {
                let head = self.requests.run(Urgency::Guest, self.shared.bucket.head(&key)).await?;
                head.map(|object| (path, object))
            }
            None if listed.size > most => None,
            None => {
                let got = self.requests.run(Urgency::Guest, self.shared.bucket.get_whole(&key, most)).await?;
                got.and_then(|(object, body)| Some((self.shared.keys.directory_of_attributes(&key, &body)?, object)))
            }
        };
        Ok(loaded.map(|(path, object)| {
            let meta = ObjectMeta::from_metadata(&object.metadata);
            (path, Described { meta, key: key.into(), etag: object.etag })
        }))
    }

    /// As of the start.
    pub(super) fn described(&self, path: &str) -> Option<Described> {
        self.attributes.lock().get(path).cloned()
    }

    /// As of now.
    pub(super) async fn look_at_attributes(
        &self,
        path: &str,
        urgency: Urgency,
    ) -> Result<Option<Described>, BucketError> {
        let Ok(key) = self.shared.keys.directory_attributes_key(path) else { return Ok(None) };
        let head = self.requests.run(urgency, self.shared.bucket.head(&key)).await?;
        Ok(head.map(|object| Described {
            meta: ObjectMeta::from_metadata(&object.metadata),
            key: key.into(),
            etag: object.etag,
        }))
    }

    /// Gives the root the attributes that were loaded. Before the volume has an
    /// observer: it would take them for a change. Does not wait.
    ///
    /// # Errors
    /// The volume's.
    pub(crate) fn describe_root(&self) -> Result<()> {
        let Some(Described { meta, key, etag }) = self.described("") else { return Ok(()) };
        let volume = self.volume()?;
        let node = volume.root_id();
        let context = Context::at(meta.changed.unwrap_or_else(now));
        if let Some(mode) = meta.mode {
            volume.apply(&context, &Operation::SetMode { node, mode })?;
        }
        let time = |time: Option<_>| time.map_or(SetTime::Keep, SetTime::At);
        let times = Operation::SetTimes { node, accessed: time(meta.accessed), modified: time(meta.modified) };
        match volume.apply(&context, &times) {
            Err(error) if error.code() != ErrorCode::Invalid => return Err(error),
            _ => {}
        }
        let mut state = self.shared.state.lock();
        state.catalogue.set_described(node);
        state.catalogue.set_key(&key, Known { etag, node, version: "".into() });
        Ok(())
    }
}
