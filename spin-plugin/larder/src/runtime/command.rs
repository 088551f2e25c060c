//! Running a command to its end, whatever that is.

use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use tokio::task::JoinHandle;
use wasmtime::component::InstancePre;
use wasmtime::{Store, Trap};
use wasmtime_wasi::I32Exit;

use super::app::{App, Command};
use super::engine::Runtime;
use super::host::{GuestSetup, Host};
use super::limits::GuestLimits;
use super::p1::CoreHost;
use super::stop::{Signal, Stop};
use crate::exit;
use crate::units::format_size;

/// How long a stopped guest may take to let go. It is longer only when the
/// guest is inside a host call that does not return, such as a write to a full
/// pipe; volumes are then saved without waiting for it.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

/// How a command ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// By itself, with this exit code.
    Exited(u8),
    /// By a trap; the text says which and where.
    Trapped(String),
    /// It did not start, or the host failed.
    Failed(anyhow::Error),
    /// It ran longer than it may.
    TimedOut(Duration),
    /// A signal asked for it.
    Stopped(Signal),
}

impl Outcome {
    /// The exit code of the process for a run that ended so.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Exited(code) => *code,
            Self::Trapped(_) => exit::TRAPPED,
            Self::Failed(_) => exit::FAILURE,
            Self::TimedOut(_) => exit::TIMED_OUT,
            Self::Stopped(signal) => signal.exit_code(),
        }
    }

    /// What to tell of the run of one of several guests that did not end well;
    /// nothing of one that a signal stopped.
    pub(crate) fn failure_of(&self, name: &str) -> Option<String> {
        match self {
            Self::Exited(0) => None,
            Self::Exited(code) => Some(format!("{name} ended with exit code {code}")),
            other => other.message().map(|message| format!("{name}: {message}")),
        }
    }

    /// What to tell the user, if anything: a guest that ends by itself speaks
    /// for itself.
    pub(crate) fn message(&self) -> Option<String> {
        match self {
            Self::Exited(_) | Self::Stopped(_) => None,
            Self::Trapped(trap) => Some(format!("the guest trapped: {trap}")),
            Self::Failed(error) => Some(format!("{error:#}")),
            Self::TimedOut(limit) => {
                Some(format!("the guest ran longer than {limit:?} and was stopped (see --timeout)"))
            }
        }
    }
}

/// Runs `app` until it ends, `timeout` passes or a signal comes.
///
/// The guest has let go of its store when this returns, except after
/// [`STOP_PATIENCE`].
pub(crate) async fn run_command(
    runtime: Arc<Runtime>,
    app: App,
    setup: GuestSetup,
    timeout: Option<Duration>,
    stop: &Stop,
) -> Outcome {
    let command = match app.as_command() {
        Ok(command) => command,
        Err(error) => return Outcome::Failed(error),
    };
    // A task of its own: a panic in a host function becomes an error here, and
    // the volumes are still saved.
    let mut guest = tokio::spawn(async move { run_to_end(&runtime, &setup, command).await });
    let deadline = async {
        match timeout {
            Some(limit) => {
                tokio::time::sleep(limit).await;
                limit
            }
            None => std::future::pending().await,
        }
    };
    let outcome = tokio::select! {
        ended = &mut guest => {
            return ended.unwrap_or_else(|error| {
                Outcome::Failed(anyhow!("larder failed while the guest ran, please report this: {error}"))
            });
        }
        signal = stop.requested() => Outcome::Stopped(signal),
        limit = deadline => Outcome::TimedOut(limit),
    };
    end(guest).await;
    outcome
}

/// Aborts the guest and waits until it is gone.
async fn end(guest: JoinHandle<Outcome>) {
    guest.abort();
    if tokio::time::timeout(STOP_PATIENCE, guest).await.is_err() {
        tracing::warn!("the guest is still in a host call");
    }
}

/// How far a guest came.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Being instantiated: an error is usually the host's or the app's build.
    Starting,
    /// In `run`: an error is a trap.
    Running,
}

async fn run_to_end(runtime: &Runtime, setup: &GuestSetup, command: Command) -> Outcome {
    let mut stage = Stage::Starting;
    match command {
        Command::P1(pre) => {
            let mut store = match setup.core_store(runtime) {
                Ok(store) => store,
                Err(error) => return Outcome::Failed(error.into()),
            };
            let result = call_start(&mut store, &pre, &mut stage).await.map(Ok);
            classify(result, stage, &store.data().limits)
        }
        Command::P2(pre) => {
            let mut store = match setup.store(runtime) {
                Ok(store) => store,
                Err(error) => return Outcome::Failed(error),
            };
            let result = call_run_p2(&mut store, pre, &mut stage).await;
            classify(result, stage, &store.data().limits)
        }
        Command::P3(pre) => {
            let mut store = match setup.store(runtime) {
                Ok(store) => store,
                Err(error) => return Outcome::Failed(error),
            };
            let result = call_run_p3(&mut store, pre, &mut stage).await;
            classify(result, stage, &store.data().limits)
        }
    }
}

async fn call_start(
    store: &mut Store<CoreHost>,
    pre: &wasmtime::InstancePre<CoreHost>,
    stage: &mut Stage,
) -> wasmtime::Result<()> {
    let instance = pre.instantiate_async(&mut *store).await?;
    let start = instance.get_typed_func::<(), ()>(&mut *store, "_start")?;
    *stage = Stage::Running;
    start.call_async(store, ()).await
}

async fn call_run_p2(
    store: &mut Store<Host>,
    pre: InstancePre<Host>,
    stage: &mut Stage,
) -> wasmtime::Result<Result<(), ()>> {
    let command = wasmtime_wasi::p2::bindings::CommandPre::new(pre)?.instantiate_async(&mut *store).await?;
    *stage = Stage::Running;
    command.wasi_cli_run().call_run(store).await
}

async fn call_run_p3(
    store: &mut Store<Host>,
    pre: InstancePre<Host>,
    stage: &mut Stage,
) -> wasmtime::Result<Result<(), ()>> {
    let command = wasmtime_wasi::p3::bindings::CommandPre::new(pre)?.instantiate_async(&mut *store).await?;
    *stage = Stage::Running;
    store.run_concurrent(async |accessor| command.wasi_cli_run().call_run(accessor).await).await?
}

/// The cause of a trap, a hint, and on further lines where it happened.
pub(super) fn describe_trap(error: &wasmtime::Error, hint: &str) -> String {
    let mut text = format!("{}{hint}", error.root_cause());
    // What stands before the cause is the backtrace, innermost frame first.
    for context in error.chain().take(error.chain().count().saturating_sub(1)) {
        text.push('\n');
        text.push_str(context.to_string().trim_end());
    }
    text
}

/// Tells an exit from a trap from a failure to start.
fn classify(result: wasmtime::Result<Result<(), ()>>, stage: Stage, limits: &GuestLimits) -> Outcome {
    let error = match result {
        Ok(Ok(())) => return Outcome::Exited(0),
        Ok(Err(())) => return Outcome::Exited(exit::FAILURE),
        Err(error) => error,
    };
    if let Some(I32Exit(code)) = error.downcast_ref::<I32Exit>() {
        // Beyond a byte, the system keeps the lowest 8 bits, as for a native
        // process.
        let [low, ..] = code.to_le_bytes();
        return Outcome::Exited(low);
    }
    let hint = limits
        .refused()
        .then(|| format!("; it was refused memory beyond {} (see --memory)", format_size(limits.memory_limit())));
    let hint = hint.unwrap_or_default();
    if stage == Stage::Running || error.is::<Trap>() {
        return Outcome::Trapped(describe_trap(&error, &hint));
    }
    Outcome::Failed(anyhow!("the app cannot be started: {error:#}{hint}"))
}
