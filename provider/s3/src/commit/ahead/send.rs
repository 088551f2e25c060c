//! Sending parts: which, and what the volume and the changes learn of it.

use std::sync::Arc;

use larder_bucket::{BucketErrorKind, Part};
use larder_core::{ChunkState, FrozenContent, chunks_of};

use super::{Ahead, PART, Sent, number, range};
use crate::commit::prepare::PARTS_AT_A_TIME;
use crate::commit::run::{FIRST_PAUSE, LONGEST_PAUSE};
use crate::engine::Engine;
use crate::error::S3Error;
use crate::layout::ObjectMeta;

/// Sends parts whenever a stream goes on, also while a group is under way,
/// until the engine ends.
pub(crate) async fn run(engine: Arc<Engine>) {
    while !engine.has_ended() {
        engine.streamed.notified().await;
        send(&engine);
    }
}

/// Begins to send what can go ahead.
pub(crate) fn send(engine: &Arc<Engine>) {
    let Some(volume) = engine.shared.volume.upgrade() else { return };
    while let Some((ahead, part)) = choose(engine) {
        let frozen = volume.freeze_chunks(ahead.node, chunks_of(&range(part)));
        let frozen = frozen.ok().filter(|frozen| is_whole(frozen, part));
        let engine = Arc::clone(engine);
        engine.shared.runtime.clone().spawn(async move {
            match frozen {
                Some(frozen) => {
                    if let Some(sent) = upload(&engine, &ahead, part, &frozen).await {
                        park(&engine, &ahead, part, frozen, sent);
                    }
                }
                // It has a hole, or is in the bucket already.
                None => ahead.inner.lock().is_over = true,
            }
            ended(&engine, &ahead);
        });
    }
}

/// Whether all of a part was written, and is in memory alone.
fn is_whole(frozen: &FrozenContent, part: u64) -> bool {
    let stretches = frozen.stretches();
    matches!(&*stretches, [only] if only.range == range(part) && only.state == ChunkState::Dirty)
}

/// The next part to send, counted from 0.
fn choose(engine: &Engine) -> Option<(Arc<Ahead>, u64)> {
    if engine.has_ended() || engine.progress.halted().is_some() {
        return None;
    }
    // A file that a group can take at once is better off without a copy.
    let least = engine.shared.options.most_dirty() / 2;
    let mut state = engine.shared.state.lock();
    let state = &mut *state;
    if state.ahead.sending >= PARTS_AT_A_TIME {
        return None;
    }
    for (node, dirty) in state.changes.streams() {
        let is_long = dirty.run.1.saturating_sub(dirty.run.0) > least;
        let may_begin = is_long && state.mirror.names(node).next().is_some();
        if !(may_begin || state.ahead.files.contains_key(&node)) || state.ahead.under_way.contains(&node) {
            continue;
        }
        let ahead = state.ahead.files.entry(node).or_insert_with(|| Arc::new(Ahead::new(&engine.shared.keys, node)));
        if let Some(part) = ahead.next(dirty.run) {
            state.ahead.sending += 1;
            return Some((Arc::clone(ahead), part));
        }
    }
    None
}

/// Uploads a part, however long it takes; `None` where the group has to.
async fn upload(engine: &Engine, ahead: &Ahead, part: u64, frozen: &FrozenContent) -> Option<Part> {
    let mut pause = FIRST_PAUSE;
    while !ahead.inner.lock().is_taken && !engine.has_ended() && engine.progress.halted().is_none() {
        match attempt(engine, ahead, part, frozen).await {
            Ok(sent) => {
                engine.uploaded(sent.size);
                engine.progress.recovered();
                return Some(sent);
            }
            Err(error) if error.bucket_kind() == Some(BucketErrorKind::NoSuchUpload) => {
                ahead.inner.lock().is_lost = true;
                return None;
            }
            Err(error) => {
                tracing::warn!(%error, "the bucket does not take a part of a file; it is kept and tried again");
                engine.progress.failed(&error);
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
    None
}

async fn attempt(engine: &Engine, ahead: &Ahead, part: u64, frozen: &FrozenContent) -> Result<Part, S3Error> {
    let bucket = &engine.shared.bucket;
    let metadata = ObjectMeta::of_kind(larder_core::FileType::RegularFile).to_metadata();
    let upload = ahead.upload.get_or_try_init(|| bucket.start_upload(&ahead.key, &metadata)).await?;
    let length = usize::try_from(PART).unwrap_or(usize::MAX);
    let bytes = frozen.bytes(range(part).start, length).unwrap_or_default();
    Ok(bucket.upload_part(upload, number(part), bytes).await?)
}

/// Notes a part that the upload has, and drops its bytes from memory where they
/// have not changed meanwhile.
fn park(engine: &Engine, ahead: &Arc<Ahead>, part: u64, frozen: FrozenContent, sent: Part) {
    let Some(volume) = engine.shared.volume.upgrade() else { return };
    let chunks = chunks_of(&range(part));
    let number = sent.number;
    ahead.inner.lock().sent.insert(number, Sent { part: sent, frozen: Some(frozen.clone()) });
    let waiting = volume.at_rest(|| {
        let mut state = engine.shared.state.lock();
        // A group has it: it sees itself whether the part is of use.
        let is_ahead = state.ahead.files.get(&ahead.node).is_some_and(|known| Arc::ptr_eq(known, ahead));
        if !is_ahead {
            return None;
        }
        if !volume.is_unchanged(ahead.node, &frozen, chunks.clone()).unwrap_or(false) {
            // Of no use, and its bytes are in memory a second time.
            ahead.inner.lock().sent.remove(&number);
            return None;
        }
        volume.park(ahead.node, &frozen, chunks, &ahead.key).ok()?;
        if let Some(sent) = ahead.inner.lock().sent.get_mut(&number) {
            sent.frozen = None;
        }
        state.changes.parked(ahead.node, PART);
        Some(state.changes.bytes)
    });
    drop(frozen);
    if let Some(waiting) = waiting {
        engine.count_dirty(waiting);
    }
}

/// A part is not under way any more.
fn ended(engine: &Arc<Engine>, ahead: &Ahead) {
    let is_quiet = {
        let mut state = engine.shared.state.lock();
        state.ahead.sending -= 1;
        let mut inner = ahead.inner.lock();
        inner.sending -= 1;
        inner.sending == 0
    };
    if is_quiet {
        ahead.quiet.notify_one();
    }
    // Before those who wait for room look: it may be going on.
    send(engine);
    engine.progress.made_room();
    engine.wake.notify_one();
}
