//! What happens where another client changed what a step changes.

use std::sync::Arc;

use larder_bucket::{Condition, Metadata, Object};
use larder_core::ChunkState;

use super::apply::{Done, Failure, carry_out};
use super::prepare::{Outcome, Ready, abort, content, is_replaced};
use super::step::{Do, Step};
use crate::catalogue::Known;
use crate::engine::Engine;
use crate::error::S3Error;
use crate::layout::{LONGEST_COMPONENT, ObjectMeta};
use crate::options::{ConflictPolicy, S3Options};

/// How often a change is tried again against others that change the object all
/// the time.
const MOST_TRIES: u32 = 8;

/// In the name under which our version is kept.
const BESIDE: &str = ".larder-conflict-";

/// Resolves a conflict by the volume's policy. `theirs`: the object that is
/// there.
///
/// # Errors
/// What the bucket answers; or the policy is [`ConflictPolicy::Fail`], and the
/// engine is halted.
pub(super) async fn resolve(engine: &Arc<Engine>, ready: &Ready, theirs: Option<Object>) -> Result<Done, S3Error> {
    // What an earlier process of this volume sent may come after it was killed.
    if theirs.as_ref().is_some_and(|object| is_of(object, engine.shared.session.writer, &ready.step.key))
        && !matches!(ready.step.what, Do::Copy { .. })
    {
        return insist(engine, &ready.step, theirs).await;
    }
    if theirs.is_some() && engine.shared.options.conflict == ConflictPolicy::Fail {
        return Err(halt(engine, &ready.step.path));
    }
    if let Do::Copy { from, etag, .. } = &ready.step.what
        && is_replaced(engine, Some((from, etag))).await?
    {
        return without_source(engine, ready, theirs).await;
    }
    decide(engine, ready, theirs).await
}

/// Whether a writer put an object there.
pub(crate) fn is_of(object: &Object, writer: u64, key: &str) -> bool {
    let token = ObjectMeta::from_metadata(&object.metadata).token;
    token.is_some_and(|token| token.is_of(writer, key))
}

async fn decide(engine: &Arc<Engine>, ready: &Ready, theirs: Option<Object>) -> Result<Done, S3Error> {
    let step = &ready.step;
    // What they removed and we changed is made anew, whatever the policy:
    // nothing of theirs is lost.
    let policy = if theirs.is_none() { ConflictPolicy::OursWins } else { engine.shared.options.conflict };
    // Zeros replace nothing.
    let is_torn = matches!(ready.outcome, Outcome::Content { is_torn: true, .. }) && theirs.is_some();
    match policy {
        ConflictPolicy::OursWins if !is_torn => {
            let report = format!("another client changed {:?}: it was replaced by ours", step.path);
            engine.shared.counters.conflict(report);
            insist(engine, step, theirs).await
        }
        ConflictPolicy::BucketWins | ConflictPolicy::OursWins => {
            if matches!(ready.outcome, Outcome::Content { .. }) {
                keep_beside(engine, ready).await?;
            } else {
                let report = format!("another client changed {:?}, which was removed here: it is back", step.path);
                engine.shared.counters.conflict(report);
            }
            engine.take_theirs(&step.path, &step.key).await?;
            Ok(Done::Resolved)
        }
        ConflictPolicy::Fail => Err(halt(engine, &step.path)),
    }
}

fn halt(engine: &Engine, path: &str) -> S3Error {
    let report = format!(
        "another client changed {path:?}, and the conflict policy is `fail`: nothing more is written; open the volume with conflict=bucket-wins or conflict=ours-wins to go on"
    );
    engine.shared.counters.conflict(report.clone());
    engine.progress.halt(&report);
    S3Error::new(larder_core::ErrorCode::Io, report)
}

/// Carries out a step whose source is gone: another client replaced or removed
/// the object that was to be copied, or ended the upload. `theirs`: the object
/// that is in the step's place.
///
/// # Errors
/// As [`resolve`].
pub(super) async fn without_source(
    engine: &Arc<Engine>,
    ready: &Ready,
    theirs: Option<Object>,
) -> Result<Done, S3Error> {
    let step = &ready.step;
    // Only attributes were changed here: nothing of ours has to be kept.
    if let (Some(theirs), Do::Copy { metadata, from, .. }) = (&theirs, &step.what)
        && *from == step.key
    {
        let report = if engine.shared.options.conflict == ConflictPolicy::OursWins {
            take_along(engine, step, metadata, from, theirs).await?;
            format!("another client changed {:?}: it has our times and mode", step.path)
        } else {
            format!("another client changed {:?}: the times and mode that were set here are dropped", step.path)
        };
        engine.shared.counters.conflict(report);
        return yield_name(engine, ready).await;
    }
    let Some(ready) = anew(engine, ready).await? else { return give_up(engine, ready).await };
    if theirs.is_some() {
        return decide(engine, &ready, theirs).await;
    }
    match carry_out(&engine.shared.bucket, &ready.step, &ready.step.condition).await {
        Ok(done) => Ok(done),
        Err(Failure::Conflict(theirs)) => decide(engine, &ready, theirs).await,
        Err(Failure::SourceGone) => {
            let what = format!("another client ended the upload of {:?}", ready.step.path);
            Err(S3Error::new(larder_core::ErrorCode::Io, what))
        }
        Err(Failure::Bucket(error)) => Err(error.into()),
    }
}

/// The same step, with the content as it is in memory; `None` where not all of
/// it is.
async fn anew(engine: &Arc<Engine>, ready: &Ready) -> Result<Option<Ready>, S3Error> {
    let Outcome::Content { file, sparse, version, .. } = &ready.outcome else { return Ok(None) };
    let (Do::Copy { metadata, .. } | Do::Complete { metadata, .. }) = &ready.step.what else { return Ok(None) };
    let Some(frozen) = &file.frozen else { return Ok(None) };
    let is_away = |state: &ChunkState| matches!(state, ChunkState::Absent(_) | ChunkState::Parked(_));
    let old = match version {
        // A large copy, whose source is there.
        Some(_) if matches!(ready.step.what, Do::Complete { .. }) => {
            engine.shared.state.lock().catalogue.place(file.node).cloned()
        }
        Some(_) if frozen.stretches().iter().any(|stretch| is_away(&stretch.state)) => return Ok(None),
        Some(_) => None,
        None => engine.shared.state.lock().catalogue.place(file.node).cloned(),
    };
    let whole = frozen.len() <= S3Options::PART;
    let key = &ready.step.key;
    let brought = content(engine, key, file, sparse.as_deref(), old.as_ref(), metadata.clone(), whole).await?;
    Ok(Some(Ready { step: Step { what: brought.what, ..ready.step.clone() }, outcome: ready.outcome.clone() }))
}

/// Our version is gone, as another client replaced or removed it, and it is not
/// in memory.
async fn give_up(engine: &Arc<Engine>, ready: &Ready) -> Result<Done, S3Error> {
    let step = &ready.step;
    let Do::Copy { metadata, from, .. } = &step.what else {
        let what = format!("an upload for {:?} is gone", step.path);
        return Err(S3Error::new(larder_core::ErrorCode::Io, what));
    };
    let newer = engine.shared.bucket.head(from).await?;
    // What the same group has put there is no other client's.
    let known = engine.shared.state.lock().catalogue.key(from).map(|known| known.etag.clone());
    let newer = newer.filter(|newer| Some(&newer.etag) != known.as_ref());
    let report = match (engine.shared.options.conflict, newer) {
        (ConflictPolicy::Fail, Some(_)) => return Err(halt(engine, &step.path)),
        (ConflictPolicy::OursWins, Some(newer)) => {
            take_along(engine, step, metadata, from, &newer).await?;
            format!("another client replaced what became {:?} here: it is theirs", step.path)
        }
        _ => format!("another client replaced or removed what became {:?} here, and it is gone", step.path),
    };
    engine.shared.counters.conflict(report);
    yield_name(engine, ready).await
}

/// Puts what another client wrote into the step's place, with our attributes.
async fn take_along(engine: &Engine, step: &Step, ours: &Metadata, from: &str, newer: &Object) -> Result<(), S3Error> {
    let theirs = ObjectMeta { token: None, ..ObjectMeta::from_metadata(&newer.metadata) };
    let mut metadata = theirs.to_metadata();
    metadata.extend(ObjectMeta::foreign_fields(&newer.metadata));
    metadata.extend(ObjectMeta::own_fields(ours));
    let what = Do::Copy { metadata, from: from.to_owned(), etag: newer.etag.clone() };
    let theirs = engine.shared.bucket.head(&step.key).await?;
    insist(engine, &Step { what, ..step.clone() }, theirs).await.map(drop)
}

/// The name has what the bucket has there by now, or goes.
async fn yield_name(engine: &Engine, ready: &Ready) -> Result<Done, S3Error> {
    let Outcome::Content { file, .. } = &ready.outcome else { return Ok(Done::Resolved) };
    {
        let mut state = engine.shared.state.lock();
        // It was written since: that is made anew.
        if state.changes.nodes.contains_key(&file.node) {
            return Ok(Done::Resolved);
        }
        // There was an object, and there is this one no more.
        let known = Known { etag: "".into(), node: file.node, version: "".into() };
        state.catalogue.set_key(&ready.step.key.as_str().into(), known);
    }
    engine.take_theirs(&ready.step.path, &ready.step.key).await?;
    Ok(Done::Resolved)
}

/// Replaces theirs.
async fn insist(engine: &Engine, step: &Step, mut theirs: Option<Object>) -> Result<Done, S3Error> {
    for _ in 0..MOST_TRIES {
        let condition = match &theirs {
            Some(object) => Condition::IfMatch(object.etag.clone()),
            None if matches!(step.what, Do::Delete) => return Ok(Done::Gone),
            None => Condition::IfAbsent,
        };
        match carry_out(&engine.shared.bucket, step, &condition).await {
            Ok(done) => return Ok(done),
            Err(Failure::Conflict(now)) => theirs = now,
            Err(Failure::SourceGone) => return Ok(Done::Resolved),
            Err(Failure::Bucket(error)) => return Err(error.into()),
        }
    }
    let what = format!("{:?} is changed by another client all the time", step.path);
    Err(S3Error::new(larder_core::ErrorCode::Busy, what))
}

/// Puts our version under another name, in the bucket and in the volume.
async fn keep_beside(engine: &Arc<Engine>, ready: &Ready) -> Result<(), S3Error> {
    let Outcome::Content { file, sparse, .. } = &ready.outcome else { return Ok(()) };
    let path = beside(&ready.step.path, &ready.step.token);
    let key = engine.shared.keys.file_key(&path).map_err(|error| {
        S3Error::new(error.fault.code(), format!("our version cannot be kept beside another client's: {error}"))
    })?;
    let what = match &ready.step.what {
        Do::Complete { metadata, upload, .. } => {
            // Parts belong to one key.
            abort(engine, upload).await;
            let old = engine.shared.state.lock().catalogue.place(file.node).cloned();
            content(engine, &key, file, sparse.as_deref(), old.as_ref(), metadata.clone(), false).await?.what
        }
        what => what.clone(),
    };
    let step =
        Step { key: key.clone(), path: path.clone(), condition: Condition::IfAbsent, what, ..ready.step.clone() };
    let etag = match carry_out(&engine.shared.bucket, &step, &step.condition).await {
        Ok(Done::Object(etag)) => etag,
        Ok(_) | Err(Failure::Conflict(_) | Failure::SourceGone) => {
            let what = format!("our version of {:?} could not be kept beside another client's", ready.step.path);
            return Err(S3Error::new(larder_core::ErrorCode::Io, what));
        }
        Err(Failure::Bucket(error)) => return Err(error.into()),
    };
    let moved = Ready { step, outcome: ready.outcome.clone() };
    engine.put_beside(&moved, &ready.step.path, etag).await;
    let report = format!("another client changed {:?}: theirs stays, and ours is {path:?}", ready.step.path);
    engine.shared.counters.conflict(report);
    Ok(())
}

/// The path beside another one.
pub(crate) fn beside(path: &str, token: &str) -> String {
    let (above, name) = path.rsplit_once('/').map_or(("", path), |(above, name)| (above, name));
    let end = format!("{BESIDE}{}", token.get(..8).unwrap_or(token));
    let mut most = LONGEST_COMPONENT - end.len();
    while !name.is_char_boundary(most.min(name.len())) {
        most -= 1;
    }
    let name = name.get(..most.min(name.len())).unwrap_or_default();
    if above.is_empty() { format!("{name}{end}") } else { format!("{above}/{name}{end}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beside_fit() {
        let token = "0123456789abcdef";
        assert_eq!(beside("a/b", token), "a/b.larder-conflict-01234567");
        let long = beside(&format!("d/{}", "é".repeat(127)), token);
        assert!(long.len() <= LONGEST_COMPONENT + 2, "{long}");
    }
}
