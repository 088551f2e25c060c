//! Files that are open and lost their last name: the bucket keeps what nobody
//! else has, where no name leads to it.

use std::sync::Arc;

use larder_bucket::{BucketErrorKind, Condition, Metadata};
use larder_core::NodeId;

use super::ahead::land::Landed;
use super::prepare::content;
use super::step::Do;
use super::take::TakenFile;
use crate::engine::Engine;
use crate::error::S3Error;
use crate::layout::{KeySpace, SparseMap, Token};
use crate::place::Place;

/// A key for what has no name.
fn new_key(keys: &KeySpace) -> String {
    format!("{}orphans/{}", keys.reserved(), Token(fastrand::u128(..)))
}

/// Keeps the content of files that are open and have no name any more, before
/// the group removes it.
pub(super) async fn keep_unnamed(engine: &Engine, nodes: &[NodeId]) -> Result<(), S3Error> {
    for node in nodes {
        let Some(place) = engine.shared.state.lock().catalogue.place(*node).cloned() else { continue };
        let key = new_key(&engine.shared.keys);
        match engine.shared.bucket.copy(&place.key, &place.etag, &key, &Metadata::new(), &Condition::Always).await {
            Ok(etag) => engine.moved(*node, &Place { key: key.into(), etag, ..place }),
            // Another client replaced it: what is in memory is all there is.
            Err(error) if matches!(error.kind(), BucketErrorKind::NotFound | BucketErrorKind::Conflict) => {
                tracing::warn!(key = &*place.key, "the content of a removed file that is open is gone");
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Keeps the content of files that are open and have no name any more, of which
/// parts went ahead: nobody has these but their upload.
pub(super) async fn keep_ahead(engine: &Arc<Engine>, file: &TakenFile) -> Result<(), S3Error> {
    let (Some(ahead), Some(frozen)) = (&file.ahead, &file.frozen) else { return Ok(()) };
    let old = engine.shared.state.lock().catalogue.place(file.node).cloned();
    let map = SparseMap::new(frozen.len(), &frozen.ranges());
    if let Landed::Whole(_) | Landed::Nothing = ahead.land(engine, file, map.as_ref(), old.as_ref()).await? {
        return Ok(());
    }
    let key = new_key(&engine.shared.keys);
    let metadata = Metadata::new();
    let brought = content(engine, &key, file, map.as_ref(), old.as_ref(), metadata.clone(), false).await?;
    let bucket = &engine.shared.bucket;
    if brought.is_torn {
        engine.shared.counters.conflict(
            "another client took parts of a removed file that is open here: they are gone, and zeros".to_owned(),
        );
    }
    let etag = match brought.what {
        Do::Put { body, .. } => bucket.put(&key, body, &metadata, &Condition::Always).await?,
        Do::Complete { upload, parts, .. } => bucket.complete_upload(&upload, &parts, &Condition::Always).await?,
        Do::Copy { .. } | Do::Delete => return Ok(()),
    };
    let (version, size) = (Arc::clone(&etag), frozen.len());
    let place = Place { key: key.into(), etag, version, size, sparse: map.map(Arc::new), foreign: None };
    engine.landed(file, &place);
    Ok(())
}
