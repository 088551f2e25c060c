//! Making an object of the parts that went ahead, when a group has the file.

use std::sync::Arc;

use futures::stream::{self, StreamExt as _};
use larder_bucket::{BucketErrorKind, Condition, Etag, MOST_PARTS, Part, Upload};
use larder_core::{FrozenContent, chunks_of};

use super::{Ahead, PART, number, range};
use crate::commit::body::Body;
use crate::commit::prepare::{PARTS_AT_A_TIME, abort, is_replaced, part};
use crate::commit::take::TakenFile;
use crate::engine::Engine;
use crate::error::S3Error;
use crate::layout::SparseMap;
use crate::place::Place;

/// What became of an upload ahead.
#[derive(Clone, Debug)]
pub(crate) enum Landed {
    /// Nothing: all is in memory, or in the old object.
    Nothing,
    /// An object with the file's content, of which the volume was told.
    Whole(Place),
    /// An object with the file's beginning, in which all is that is parked.
    Beginning { key: Arc<str>, etag: Etag },
    /// What is parked is gone: somebody else ended the upload.
    Lost,
}

impl Ahead {
    /// Makes an object of the parts, and of what else the file has. Once it
    /// succeeded, it answers the same.
    ///
    /// # Errors
    /// What the bucket answers. Trying again goes on.
    pub(crate) async fn land(
        &self,
        engine: &Arc<Engine>,
        file: &TakenFile,
        map: Option<&SparseMap>,
        old: Option<&Place>,
    ) -> Result<Landed, S3Error> {
        let landed = self.landed.get_or_try_init(|| async {
            let Some(frozen) = &file.frozen else { return Ok(Landed::Nothing) };
            // An older version of a part must not arrive behind a newer one.
            while self.inner.lock().sending > 0 {
                self.quiet.notified().await;
            }
            self.land_once(engine, file, frozen, map, old).await
        });
        landed.await.cloned()
    }

    async fn land_once(
        &self,
        engine: &Arc<Engine>,
        file: &TakenFile,
        frozen: &FrozenContent,
        map: Option<&SparseMap>,
        old: Option<&Place>,
    ) -> Result<Landed, S3Error> {
        let (parked, usable, is_lost) = self.usable(frozen);
        let Some(upload) = self.upload.get().filter(|_| !usable.is_empty() && !is_lost) else {
            if let Some(upload) = self.upload.get() {
                abort(engine, upload).await;
            }
            return Ok(if parked.is_empty() { Landed::Nothing } else { Landed::Lost });
        };
        let fits = frozen.len().div_ceil(PART) <= u64::from(MOST_PARTS);
        let beginning = parked.last().map_or(0, |last| range(u64::from(last.number) - 1).end);
        let mut size = if map.is_none() && fits { frozen.len() } else { beginning };
        let mut parts = self.rest(engine, file, frozen, (old, false), upload, &usable, size).await;
        let is_torn = parts.is_err() && is_replaced(engine, old.map(|old| (&*old.key, &old.etag))).await?;
        if is_torn {
            // What is in memory and in the upload is all there is.
            size = beginning;
            parts = self.rest(engine, file, frozen, (old, true), upload, &usable, size).await;
        }
        if size == 0 {
            abort(engine, upload).await;
            return Ok(Landed::Nothing);
        }
        let done = match parts {
            Ok(parts) => {
                let done = engine.shared.bucket.complete_upload(upload, &parts, &Condition::Always).await;
                done.map_err(S3Error::from)
            }
            Err(error) => Err(error),
        };
        let (etag, size) = match done {
            Ok(etag) => (etag, size),
            // Perhaps by an attempt whose answer was lost. Nobody else knows the
            // key.
            Err(error) if error.bucket_kind() == Some(BucketErrorKind::NoSuchUpload) => {
                match engine.shared.bucket.head(&self.key).await? {
                    Some(object) => (object.etag, object.size),
                    None if parked.is_empty() => return Ok(Landed::Nothing),
                    None => return Ok(Landed::Lost),
                }
            }
            Err(error) => return Err(error),
        };
        if map.is_none() && !is_torn && size == frozen.len() {
            return Ok(self.whole(engine, file, etag));
        }
        Ok(Landed::Beginning { key: Arc::clone(&self.key), etag })
    }

    /// The parts that are parked; these and those that are as the file was
    /// taken; whether they are lost.
    fn usable(&self, frozen: &FrozenContent) -> (Vec<Part>, Vec<Part>, bool) {
        let inner = self.inner.lock();
        let (mut parked, mut usable) = (Vec::new(), Vec::new());
        for (number, sent) in &inner.sent {
            let chunks = chunks_of(&range(u64::from(number.saturating_sub(1))));
            if sent.frozen.as_ref().is_none_or(|sent| frozen.is_unchanged(sent, chunks)) {
                usable.push(sent.part.clone());
            }
            if sent.frozen.is_none() {
                parked.push(sent.part.clone());
            }
        }
        (parked, usable, inner.is_lost)
    }

    /// Uploads the parts of the first `size` bytes that are missing; answers all
    /// of them. `old`: where the content was, and whether that is gone.
    #[expect(clippy::too_many_arguments, reason = "as `land`, and what is known of it")]
    async fn rest(
        &self,
        engine: &Arc<Engine>,
        file: &TakenFile,
        frozen: &FrozenContent,
        old: (Option<&Place>, bool),
        upload: &Upload,
        usable: &[Part],
        size: u64,
    ) -> Result<Vec<Part>, S3Error> {
        let body = Body::new(file, frozen, None, old.0, old.1, &Landed::Nothing);
        let body = &body;
        let work = (0..size.div_ceil(PART)).map(|index| async move {
            if let Ok(at) = usable.binary_search_by_key(&number(index), |part| part.number)
                && let Some(sent) = usable.get(at)
            {
                return Ok(sent.clone());
            }
            let range = range(index);
            part(engine, body, upload, number(index), range.start..range.end.min(size)).await
        });
        // All of them end, also where one fails: see `land`.
        let parts: Vec<Result<Part, S3Error>> = stream::iter(work).buffered(PARTS_AT_A_TIME).collect().await;
        parts.into_iter().collect()
    }

    fn whole(&self, engine: &Engine, file: &TakenFile, etag: Etag) -> Landed {
        let place = Place {
            key: Arc::clone(&self.key),
            etag: etag.clone(),
            version: etag,
            size: file.attributes.size,
            sparse: None,
            foreign: None,
        };
        engine.landed(file, &place);
        Landed::Whole(place)
    }

    /// Gives up the upload of a file that is gone.
    pub(crate) async fn abandon(&self, engine: &Engine) {
        while self.inner.lock().sending > 0 {
            self.quiet.notified().await;
        }
        if let Some(upload) = self.upload.get() {
            abort(engine, upload).await;
        }
    }
}
