//! Waiting: for standard input in `fd_read`, for it and for clocks in
//! `poll_oneoff`.

use std::time::Duration;

use larder_p1::{Poll, Process};
use tokio::time::Instant;

use super::host::{Native, failure};
use super::{Call, finish, memory_of};

/// A wait longer than this is as good as one without end; Tokio refuses times
/// too far away.
const FOREVER: Duration = Duration::from_secs(30 * 365 * 86_400);

/// `fd_read`. Asynchronous, since standard input may have nothing yet.
pub(super) async fn fd_read(mut caller: Call<'_>, fd: u32, list: u32, count: u32, out: u32) -> wasmtime::Result<u32> {
    if caller.data().p1.reads_input(fd)
        && let Err(error) = caller.data_mut().p1.host.input.ready().await
    {
        return finish(Err(failure(error)));
    }
    let memory = memory_of(&mut caller)?;
    let (mut bytes, host) = memory.data_and_store_mut(&mut caller);
    finish(host.p1.fd_read(&mut bytes, fd, list, count, out))
}

/// `poll_oneoff`.
pub(super) async fn poll_oneoff(
    mut caller: Call<'_>,
    list: u32,
    events: u32,
    count: u32,
    out: u32,
) -> wasmtime::Result<u32> {
    let memory = memory_of(&mut caller)?;
    let subscriptions = {
        let (bytes, host) = memory.data_and_store_mut(&mut caller);
        host.p1.subscriptions(&bytes, list, count)
    };
    let subscriptions = match subscriptions {
        Ok(subscriptions) => subscriptions,
        Err(failure) => return finish(Err(failure)),
    };
    wait(&mut caller.data_mut().p1, &subscriptions).await;
    let (mut bytes, host) = memory.data_and_store_mut(&mut caller);
    finish(host.p1.poll_oneoff(&mut bytes, &subscriptions, events, out))
}

/// Waits until at least one subscription has an answer.
async fn wait(process: &mut Process<Native>, subscriptions: &Poll) {
    if process.is_ready(subscriptions) {
        // A guest that only ever polls what is ready still lets others run.
        tokio::task::yield_now().await;
        return;
    }
    let far = Instant::now() + FOREVER;
    let deadline = subscriptions.deadline().and_then(|time| process.host.instant(time)).map(Instant::from_std);
    let deadline = deadline.map_or(far, |deadline| deadline.min(far));
    if subscriptions.waits_for_input() {
        // An error of the input is told by the read that follows.
        let _ = tokio::time::timeout_at(deadline, process.host.input.ready()).await;
    } else {
        tokio::time::sleep_until(deadline).await;
    }
}
