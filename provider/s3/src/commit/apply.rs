//! Carrying out the steps of a group. Carrying one out again is the same as
//! once: who is told that a condition does not hold looks whether the object
//! is his own work.

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt as _};
use larder_bucket::{Bucket, BucketError, BucketErrorKind, Condition, Etag, Object};

use super::conflict;
use super::prepare::{Prepared, Ready};
use super::step::{Do, Phase, Step};
use crate::engine::Engine;
use crate::error::S3Error;
use crate::layout::ObjectMeta;

/// Why a step was not carried out.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Another client changed the object; what is there now.
    Conflict(Option<Object>),
    /// The object that is to be copied, or the parts, are gone.
    SourceGone,
    Bucket(BucketError),
}

/// What became of a step.
#[derive(Debug)]
pub(crate) enum Done {
    /// The object, as it is now.
    Object(Etag),
    /// There is none.
    Gone,
    /// Another client's stays, and ours is elsewhere.
    Resolved,
}

const PHASES: [Phase; 6] =
    [Phase::Early, Phase::EarlyMarker, Phase::PutMarker, Phase::Put, Phase::Delete, Phase::Marker];

/// Carries out the steps that are not done, and notes which are.
///
/// # Errors
/// The first error, when all steps of its phase have ended.
pub(crate) async fn apply(engine: &Arc<Engine>, prepared: &Prepared, done: &mut [bool]) -> Result<(), S3Error> {
    for phase in PHASES {
        let steps = prepared.steps.iter().enumerate().zip(done.iter());
        let open: Vec<BoxFuture<'_, (usize, Result<(), S3Error>)>> = steps
            .filter(|((_, ready), done)| ready.step.phase == phase && !**done)
            .map(|((index, ready), _)| async move { (index, one(engine, ready).await) }.boxed())
            .collect();
        let parallel = if phase.is_in_order() { 1 } else { engine.shared.options.parallel.max(1) };
        let mut ended = stream::iter(open).buffer_unordered(parallel);
        let mut first = Ok(());
        while let Some((index, result)) = ended.next().await {
            match result {
                Ok(()) => {
                    if let Some(done) = done.get_mut(index) {
                        *done = true;
                    }
                    engine.progress.advance();
                }
                Err(error) => first = first.and(Err(error)),
            }
        }
        drop(ended);
        first?;
    }
    Ok(())
}

async fn one(engine: &Arc<Engine>, ready: &Ready) -> Result<(), S3Error> {
    let done = match carry_out(&engine.shared.bucket, &ready.step, &ready.step.condition).await {
        Ok(done) => done,
        Err(Failure::Conflict(theirs)) => conflict::resolve(engine, ready, theirs).await?,
        Err(Failure::SourceGone) => conflict::without_source(engine, ready, None).await?,
        Err(Failure::Bucket(error)) => return Err(error.into()),
    };
    if let Do::Put { length, .. } = &ready.step.what {
        engine.uploaded(*length);
    }
    engine.finished(ready, &done);
    Ok(())
}

/// Carries out a step.
///
/// # Errors
/// See [`Failure`].
pub(crate) async fn carry_out(bucket: &Bucket, step: &Step, condition: &Condition) -> Result<Done, Failure> {
    let result = match &step.what {
        Do::Put { metadata, body, .. } => bucket.put(&step.key, body.clone(), metadata, condition).await,
        Do::Copy { metadata, from, etag } => bucket.copy(from, etag, &step.key, metadata, condition).await,
        Do::Complete { upload, parts, .. } => match bucket.complete_upload(upload, parts, condition).await {
            // Not every server lets but one of several win (SeaweedFS).
            Ok(_) => return look(bucket, step).await,
            Err(error) => Err(error),
        },
        Do::Delete => {
            return match bucket.delete(&step.key, condition).await {
                Ok(()) => Ok(Done::Gone),
                Err(error) if is_condition(&error) => look(bucket, step).await,
                Err(error) => Err(Failure::Bucket(error)),
            };
        }
    };
    match result {
        Ok(etag) => Ok(Done::Object(etag)),
        Err(error) if is_condition(&error) => look(bucket, step).await,
        Err(error) => Err(Failure::Bucket(error)),
    }
}

fn is_condition(error: &BucketError) -> bool {
    use BucketErrorKind::{Conflict, NoSuchUpload, NotFound};
    matches!(error.kind(), Conflict | NoSuchUpload | NotFound)
}

/// Whether the object is what the step was to make.
async fn look(bucket: &Bucket, step: &Step) -> Result<Done, Failure> {
    let object = bucket.head(&step.key).await.map_err(Failure::Bucket)?;
    let Some(object) = object else {
        return match (&step.what, &step.condition) {
            (Do::Delete, _) => Ok(Done::Gone),
            (Do::Copy { .. } | Do::Complete { .. }, Condition::IfAbsent | Condition::Always) => {
                Err(Failure::SourceGone)
            }
            _ => Err(Failure::Conflict(None)),
        };
    };
    let token = ObjectMeta::from_metadata(&object.metadata).token;
    if !step.token.is_empty() && token.is_some_and(|token| token.to_string() == step.token) {
        return Ok(Done::Object(object.etag));
    }
    match (&step.what, &step.condition) {
        // What the condition asks for is there: it is the source that is gone.
        (Do::Copy { .. } | Do::Complete { .. }, Condition::IfMatch(etag)) if *etag == object.etag => {
            Err(Failure::SourceGone)
        }
        _ => Err(Failure::Conflict(Some(object))),
    }
}
