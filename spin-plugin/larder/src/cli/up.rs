//! `larder up`.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::Args;
use tokio::task::JoinSet;

use super::guest::{BucketArguments, CacheArguments};
use crate::apps::{AppEntry, MountMode, UpFile};
use crate::exit;
use crate::runtime::{
    App, AppBytes, DEFAULT_COMMAND_MEMORY, DEFAULT_REQUEST_MEMORY, DEFAULT_REQUEST_TIMEOUT, Engines, GuestSetup,
    Outcome, Outgoing, Runtime, Server, ServerOptions, Spin, Stdio, Stop, run_command,
};
use crate::volumes::{LimitChanges, MountTable, SaveMode, VolumeAddress, VolumeSet, check_guest_path};

const EXAMPLE: &str = r#"The file:
  [volumes.data]
  file = "data.larder"             # relative to this file; without it: in memory
  sync = true                      # a guest's fsync saves the file
  limits = { bytes = "1GiB", inodes = 100000 }

  [volumes.shared]
  s3 = "s3://bucket/shared"        # in an S3 bucket; `larder help s3` has the keys

  [[app]]
  name = "writer"                  # stands before each line of its output
  wasm = "writer.wasm"
  args = ["--out", "/data"]
  env = { LEVEL = "debug" }
  mounts = [{ volume = "data", path = "/data" }]
  timeout = "5m"
  memory = "256MiB"

  [[app]]
  name = "web"
  wasm = "web.wasm"
  mounts = [{ volume = "data", path = "/", subdir = "/public", mode = "ro" }]
  listen = "127.0.0.1:8080"        # serves wasi:http; without it: a command

Ends when all commands have ended and no app serves HTTP, or with SIGINT, SIGTERM or
SIGHUP. Then volume files are saved, and buckets have everything. The exit code is 1 when an app failed, 74 when a
volume could not be saved, 130, 143 or 129 when a signal stopped a command, otherwise 0.

Example:
  larder up apps.toml"#;

/// Runs several apps at once over shared volumes
#[derive(Args, Debug)]
#[command(after_help = EXAMPLE)]
pub(crate) struct UpArguments {
    #[command(flatten)]
    cache: CacheArguments,

    /// The TOML file that lists apps and volumes
    #[arg(value_name = "FILE")]
    file: PathBuf,

    // Last, for its heading goes on to whatever follows.
    #[command(flatten)]
    buckets: BucketArguments,
}

/// An app, ready to run.
enum Ready {
    Command { app: App, setup: GuestSetup, timeout: Option<std::time::Duration> },
    Server(Server),
}

/// Runs all apps and gives the exit code.
///
/// # Errors
/// When the file, a volume or an app is wrong; nothing was run then.
pub(crate) async fn up(arguments: UpArguments) -> Result<u8> {
    let file = UpFile::read(&arguments.file)?;
    let (volumes, mounts) = mount_all(&file, &arguments.buckets)?;
    let mut binaries = Vec::new();
    for entry in &file.apps {
        binaries.push(AppBytes::read(&entry.wasm).with_context(|| in_app(entry))?);
    }
    let needs_p3 = binaries.iter().any(AppBytes::may_need_p3);
    let runtime = Arc::new(Runtime::new(&arguments.cache.cache(), Engines { p3: needs_p3, ..Engines::default() })?);
    let mut ready = Vec::new();
    for ((entry, bytes), mounts) in file.apps.iter().zip(binaries).zip(mounts) {
        let app = prepare(&runtime, entry, bytes, mounts).await.with_context(|| in_app(entry))?;
        ready.push((entry.name.get_ref().clone(), app));
    }
    let stop = Stop::on_signals();
    let mut apps = JoinSet::new();
    for (name, app) in ready {
        let (runtime, stop) = (Arc::clone(&runtime), stop.clone());
        if let Ready::Server(server) = &app {
            crate::announce(&format!("{name} | Serving http://{}/", server.address()?));
        }
        apps.spawn(async move {
            let outcome = match app {
                Ready::Command { app, setup, timeout } => run_command(runtime, app, setup, timeout, &stop).await,
                Ready::Server(server) => {
                    server.run(&stop).await;
                    Outcome::Exited(0)
                }
            };
            tell_end(&name, &outcome);
            outcome
        });
    }
    let mut outcomes = Vec::new();
    while let Some(outcome) = apps.join_next().await {
        outcomes.push(outcome.unwrap_or_else(|error| Outcome::Failed(error.into())));
    }
    if let Err(error) = volumes.save() {
        crate::report(&error);
        return Ok(exit::NOT_SAVED);
    }
    Ok(exit_code(&outcomes))
}

/// The bound on an app's memory, in bytes.
fn memory_of(entry: &AppEntry) -> u64 {
    let default = if entry.listen.is_some() { DEFAULT_REQUEST_MEMORY } else { DEFAULT_COMMAND_MEMORY };
    entry.memory.map_or(default, |size| size.0)
}

fn in_app(entry: &AppEntry) -> String {
    format!("app `{}`", entry.name.get_ref())
}

/// Failures count most, then signals.
fn exit_code(outcomes: &[Outcome]) -> u8 {
    let failed = outcomes.iter().any(|outcome| !matches!(outcome, Outcome::Exited(0) | Outcome::Stopped(_)));
    if failed {
        return exit::FAILURE;
    }
    outcomes.iter().map(Outcome::exit_code).max().unwrap_or(0)
}

/// Says how an app ended, unless it ended well.
fn tell_end(name: &str, outcome: &Outcome) {
    match outcome {
        Outcome::Stopped(_) => crate::notice(&format!("{name} was stopped")),
        other => other.failure_of(name).iter().for_each(|failure| crate::notice(failure)),
    }
}

/// Opens the volumes, and gives the mounts of each app.
fn mount_all(file: &UpFile, buckets: &BucketArguments) -> Result<(VolumeSet, Vec<MountTable>)> {
    let mut volumes = VolumeSet::default();
    let mut tables = Vec::new();
    for (index, app) in file.apps.iter().enumerate() {
        let mut table = MountTable::default();
        if app.mounts.is_empty() {
            // A name that no `[volumes.NAME]` can have, so that it stays the
            // app's own.
            let address = VolumeAddress::Memory(format!("app {index}"));
            let attached = volumes.open(&address, SaveMode::Never, &LimitChanges::default())?;
            table.add("/", &attached, "", false)?;
        }
        for mount in &app.mounts {
            let name = mount.volume.get_ref();
            let Some(entry) = file.volumes.get(name) else { continue };
            let address = match (&entry.file, &entry.s3) {
                (Some(path), _) => VolumeAddress::File(path.clone()),
                (None, Some(s3)) => buckets.configured(&VolumeAddress::S3(Box::new(s3.get_ref().clone())))?,
                (None, None) => VolumeAddress::Memory(format!("volume {name}")),
            };
            let mode = if entry.sync.as_ref().is_some_and(|sync| *sync.get_ref()) {
                SaveMode::OnSync
            } else if is_read_only(file, name) {
                SaveMode::Never
            } else {
                SaveMode::AtEnd
            };
            let attached = volumes.open(&address, mode, &entry.limits).with_context(|| format!("volume `{name}`"))?;
            let guest = check_guest_path(mount.path.get_ref()).map_err(anyhow::Error::msg)?;
            let subdirectory = mount.subdir.as_ref().map_or("", |subdir| subdir.get_ref().trim_matches('/'));
            table
                .add(&guest, &attached, subdirectory, mount.mode == MountMode::ReadOnly)
                .with_context(|| in_app(app))?;
        }
        tables.push(table);
    }
    Ok((volumes, tables))
}

/// Whether no app may write the volume: then its file is neither locked nor
/// saved, and its bucket only read.
fn is_read_only(file: &UpFile, volume: &str) -> bool {
    file.apps
        .iter()
        .flat_map(|app| &app.mounts)
        .filter(|mount| mount.volume.get_ref() == volume)
        .all(|mount| mount.mode == MountMode::ReadOnly)
}

async fn prepare(runtime: &Arc<Runtime>, entry: &AppEntry, bytes: AppBytes, mounts: MountTable) -> Result<Ready> {
    let app = App::compile(runtime, &bytes)?;
    let mut arguments = vec![bytes.program_name()];
    arguments.extend(entry.args.iter().cloned());
    let setup = GuestSetup {
        arguments,
        environment: entry.env.clone().into_iter().collect(),
        mounts,
        memory: memory_of(entry),
        stdio: Stdio::Prefixed(entry.name.get_ref().clone()),
        outgoing: Outgoing::Nowhere,
        spin: Spin::default(),
    };
    let Some(listen) = &entry.listen else {
        app.check_command()?;
        return Ok(Ready::Command { app, setup, timeout: entry.timeout });
    };
    let options =
        ServerOptions { request_timeout: entry.timeout.unwrap_or(DEFAULT_REQUEST_TIMEOUT), ..ServerOptions::default() };
    Ok(Ready::Server(Server::bind(Arc::clone(runtime), app, setup, listen, options).await?))
}
