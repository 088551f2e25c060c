//! What happens where another client changed what a step changes.

use std::sync::Arc;

use larder_bucket::{Condition, Object};

use super::apply::{Done, Failure, carry_out};
use super::prepare::{Outcome, Ready, abort, content};
use super::step::{Do, Step};
use crate::engine::Engine;
use crate::error::S3Error;
use crate::layout::LONGEST_COMPONENT;
use crate::options::ConflictPolicy;

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
    let step = &ready.step;
    // What they removed and we changed is made anew, whatever the policy:
    // nothing of theirs is lost.
    let policy = if theirs.is_none() { ConflictPolicy::OursWins } else { engine.shared.options.conflict };
    match policy {
        ConflictPolicy::OursWins => {
            let report = format!("another client changed {:?}: it was replaced by ours", step.path);
            engine.shared.counters.conflict(report);
            insist(engine, step, theirs).await
        }
        ConflictPolicy::BucketWins => {
            if matches!(ready.outcome, Outcome::Content { .. }) {
                keep_beside(engine, ready).await?;
            } else {
                let report = format!("another client changed {:?}, which was removed here: it is back", step.path);
                engine.shared.counters.conflict(report);
            }
            engine.take_theirs(&step.path, &step.key).await?;
            Ok(Done::Resolved)
        }
        ConflictPolicy::Fail => {
            let report = format!(
                "another client changed {:?}, and the conflict policy is `fail`: nothing more is written; open the volume with conflict=bucket-wins or conflict=ours-wins to go on",
                step.path
            );
            engine.shared.counters.conflict(report.clone());
            engine.progress.halt(&report);
            Err(S3Error::new(larder_core::ErrorCode::Io, report))
        }
    }
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
            content(engine, &key, file, sparse.as_deref(), old.as_ref(), metadata.clone(), false).await?
        }
        what => what.clone(),
    };
    let step = Step { key: key.clone(), path: path.clone(), condition: Condition::IfAbsent, what, ..ready.step.clone() };
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
