//! When groups go to the bucket, and what happens when it does not take them.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use larder_bucket::{Bucket, Condition, Metadata};

use super::ahead::{self, send};
use super::apply::apply;
use super::prepare::{Prepared, prepare};
use super::take::{Taken, take};
use super::unnamed::{keep_ahead, keep_unnamed};
use super::{intent, plan};
use crate::engine::Engine;
use crate::error::S3Error;
use crate::options::WriteMode;

/// The pause after a failure; it doubles up to [`LONGEST_PAUSE`].
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Guards a bucket in trouble against being asked all the time.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A file that is being written and was left alone for so long goes to the
/// bucket as it is: whoever writes it may never close it.
const IDLE: Duration = Duration::from_secs(5);

/// How long changes wait at most, with [`WriteMode::Async`], for the end of a
/// stream, where their age is less: a group in the middle of one takes all of
/// it, and the next has the server copy what is there.
const LONGEST_HELD: Duration = Duration::from_secs(60);

/// Brings groups to the bucket until the engine ends.
pub(crate) async fn run(engine: Arc<Engine>) {
    tokio::spawn(send::run(Arc::clone(&engine)));
    // A stream that can go ahead does so, and no group takes it for its size.
    let next = || {
        send::send(&engine);
        due(&engine)
    };
    while let Some(due) = next() {
        let woken = engine.wake.notified();
        match due {
            Due::Now => {}
            Due::At(instant) => {
                tokio::select! {
                    () = woken => {}
                    () = tokio::time::sleep_until(instant.into()) => {}
                }
                continue;
            }
            Due::Never => {
                woken.await;
                continue;
            }
        }
        if persist(&engine, || list_other_names(&engine).boxed()).await.is_err() {
            return;
        }
        let turn = engine.shared.turn.lock().await;
        let Some(volume) = engine.shared.volume.upgrade() else { return };
        // What was asked for before is due, and is in the group.
        engine.progress.begin();
        let taken = take(&engine.shared, &volume);
        drop(volume);
        engine.progress.taken(taken.up_to, taken.bytes);
        engine.set_under_way(taken.bytes);
        if commit(&engine, taken).await.is_err() {
            // Halted by the conflict policy.
            return;
        }
        {
            let mut state = engine.shared.state.lock();
            state.busy.clear();
            state.ahead.under_way.clear();
        }
        engine.progress.end();
        engine.set_under_way(0);
        drop(turn);
    }
}

enum Due {
    Now,
    At(Instant),
    Never,
}

/// When the next group is due; `None` when the engine has ended.
fn due(engine: &Engine) -> Option<Due> {
    if engine.has_ended() {
        return None;
    }
    let options = &engine.shared.options;
    let is_going = engine.shared.state.lock().ahead.is_going();
    let wanted = engine.progress.wanted(is_going);
    let now = Instant::now();
    let mut state = engine.shared.state.lock();
    let state = &mut *state;
    let changes = &mut state.changes;
    let streamed: u64 = changes.streams().map(|(_, dirty)| dirty.bytes).sum();
    let are_many = changes.bytes.saturating_sub(streamed) >= options.most_dirty() / 2;
    let is_old = state.ahead.oldest().is_some_and(|begun| begun + ahead::OLDEST <= now);
    if wanted.room || is_old {
        changes.make_all_due();
    } else if are_many {
        changes.make_others_due();
    }
    if wanted.due || wanted.room || is_old || are_many || changes.len() >= options.pending_changes / 2 {
        return Some(Due::Now);
    }
    let age = match options.write {
        WriteMode::Async => options.age,
        WriteMode::Through => IDLE,
    };
    let mut at = changes.oldest.filter(|_| !changes.is_idle()).map(|oldest| oldest + age);
    if options.write == WriteMode::Through {
        for (node, dirty) in &mut changes.nodes {
            let idle_at = dirty.last + IDLE;
            // Not its writer is slow, but the bucket.
            if is_going && changes.streams.contains(node) {
                continue;
            }
            dirty.is_due |= idle_at <= now;
            at = Some(at.map_or(idle_at, |at| at.min(idle_at)));
        }
    } else if let (Some(due), Some(oldest)) = (at, changes.oldest)
        && let Some(last) = changes.streams().map(|(_, dirty)| dirty.last).max()
    {
        let latest = oldest + age.max(LONGEST_HELD);
        at = Some(due.max(if is_going { latest } else { latest.min(last + age) }));
    }
    let at = at.into_iter().chain(state.ahead.oldest().map(|begun| begun + ahead::OLDEST)).min();
    Some(match at {
        Some(at) if at <= now => Due::Now,
        Some(at) => Due::At(at),
        None => Due::Never,
    })
}

/// Lists what is not listed where a file changed that has names there: all of
/// them change.
async fn list_other_names(engine: &Arc<Engine>) -> Result<(), S3Error> {
    if engine.shared.counters.unlisted_directories.load(Relaxed) == 0 {
        return Ok(());
    }
    let has_others = {
        let state = engine.shared.state.lock();
        state.changes.nodes.keys().any(|node| state.catalogue.known_link(*node).is_some())
    };
    let Some(volume) = engine.shared.volume.upgrade().filter(|_| has_others) else { return Ok(()) };
    let restore = Arc::clone(&engine.restore);
    let listed = tokio::task::spawn_blocking(move || restore.list_all_below(volume.root_id())).await;
    listed
        .map_err(|_| S3Error::new(larder_core::ErrorCode::Io, "the bucket could not be listed"))?
        .map_err(S3Error::from)
}

/// Brings one group to the bucket, however long it takes.
///
/// # Errors
/// The engine is halted, or has ended.
async fn commit(engine: &Arc<Engine>, taken: Taken) -> Result<(), S3Error> {
    persist(engine, || keep_unnamed(engine, &taken.unnamed).boxed()).await?;
    for file in &taken.unnamed_ahead {
        persist(engine, || keep_ahead(engine, file).boxed()).await?;
    }
    for gone in &taken.abandoned {
        gone.abandon(engine).await;
    }
    let prepared = persist(engine, || prepare(engine, plan::plan(&engine.shared, &taken)).boxed()).await?;
    let up_to = taken.up_to;
    drop(taken);
    if prepared.steps.is_empty() {
        return engine.journal_stored(up_to).await;
    }
    let note = if prepared.steps.len() > 1 { Some(intent::new_key(&engine.shared.keys)) } else { None };
    persist(engine, || engine.journal_begin(up_to, note.as_deref(), &prepared.steps).boxed()).await?;
    let bucket = &engine.shared.bucket;
    if let Some(key) = &note {
        let body = intent::encode(&engine.shared.session, &prepared.steps)?;
        persist(engine, || write_note(bucket, key, body.clone()).boxed()).await?;
    }
    carry_out(engine, &prepared).await?;
    if let Some(key) = &note {
        persist(engine, || remove_note(bucket, key).boxed()).await?;
    }
    let landed = {
        let state = engine.shared.state.lock();
        let is_read = |node, key: &Arc<str>| state.catalogue.place(node).is_some_and(|place| place.key == *key);
        prepared.landed.into_iter().filter(|(node, key)| !is_read(*node, key)).map(|(_, key)| key).collect::<Vec<_>>()
    };
    for key in prepared.temporary.iter().chain(&landed) {
        if let Err(error) = bucket.delete(key, &Condition::Always).await {
            tracing::warn!(key = &**key, %error, "a temporary copy could not be removed");
        }
    }
    persist(engine, || engine.journal_stored(up_to).boxed()).await
}

async fn write_note(bucket: &Bucket, key: &str, body: Bytes) -> Result<(), S3Error> {
    bucket.put(key, body, &Metadata::new(), &Condition::Always).await?;
    Ok(())
}

async fn remove_note(bucket: &Bucket, key: &str) -> Result<(), S3Error> {
    Ok(bucket.delete(key, &Condition::Always).await?)
}

async fn carry_out(engine: &Arc<Engine>, prepared: &Prepared) -> Result<(), S3Error> {
    let mut done = vec![false; prepared.steps.len()];
    let mut pause = FIRST_PAUSE;
    while let Err(error) = apply(engine, prepared, &mut done).await {
        wait(engine, &error, &mut pause).await?;
    }
    engine.progress.recovered();
    Ok(())
}

/// Does something until it works.
async fn persist<'a, T>(
    engine: &Engine,
    mut what: impl FnMut() -> BoxFuture<'a, Result<T, S3Error>>,
) -> Result<T, S3Error> {
    let mut pause = FIRST_PAUSE;
    loop {
        match what().await {
            Ok(done) => {
                engine.progress.recovered();
                return Ok(done);
            }
            Err(error) => wait(engine, &error, &mut pause).await?,
        }
    }
}

/// Tells whoever waits of a failure, and waits before the next attempt.
async fn wait(engine: &Engine, error: &S3Error, pause: &mut Duration) -> Result<(), S3Error> {
    if engine.progress.halted().is_some() || engine.has_ended() {
        return Err(error.clone());
    }
    tracing::warn!(%error, "the bucket does not take changes; they are kept and tried again");
    engine.progress.failed(error);
    tokio::select! {
        () = tokio::time::sleep(*pause) => {}
        () = engine.ended.notified() => return Err(error.clone()),
    }
    *pause = (*pause * 2).min(LONGEST_PAUSE);
    Ok(())
}
