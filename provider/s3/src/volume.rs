//! A volume that lives in a bucket: opened, used, closed.

use std::sync::{Arc, Weak};
use std::time::Duration;

use larder_bucket::{Bucket, Operation};
use larder_core::{Limits, Volume, VolumeOptions};
use larder_journal::Recovered;
use parking_lot::Mutex;

use crate::catalogue::Catalogue;
use crate::changes::Changes;
use crate::commit::ahead::Aheads;
use crate::commit::run::run;
use crate::engine::{Engine, Group};
use crate::error::S3Error;
use crate::journal;
use crate::layout::KeySpace;
use crate::loads::{LoadLimits, Loads};
use crate::mirror::Mirror;
use crate::options::{S3Options, WriteMode};
use crate::place::Places;
use crate::recover::Recovery;
use crate::replay::replay;
use crate::restore::Restore;
use crate::session::Session;
use crate::shared::{Counters, Shared, State, now};
use crate::status::Status;

/// Threads that bring groups to the bucket and contents from it.
const THREADS: usize = 2;

/// How long a volume that is dropped waits for what is under way.
const LONGEST_END: Duration = Duration::from_secs(2);

/// How often the status is written.
const STATUS_EVERY: Duration = Duration::from_secs(1);

/// A volume that lives in a bucket. Dropping it without
/// [`close`](Self::close) is a crash: what was acknowledged is finished when it
/// is opened again.
pub struct S3Volume {
    volume: Arc<Volume>,
    engine: Arc<Engine>,
    /// `None` once it was shut down.
    runtime: Option<tokio::runtime::Runtime>,
}

impl Drop for S3Volume {
    fn drop(&mut self) {
        self.engine.end();
        if let Some(runtime) = self.runtime.take() {
            // What is under way ends, or is given up. On a thread of its own, as
            // this one may belong to another runtime.
            let _ = std::thread::spawn(move || runtime.shutdown_timeout(LONGEST_END)).join();
        }
    }
}

impl S3Volume {
    /// Opens the volume, finishing what a crash left unfinished. Returns when
    /// it can be used, which is before all of it is listed. Blocks; may be
    /// called inside of a Tokio runtime.
    ///
    /// # Errors
    /// A sentence that says what to do.
    pub fn open(options: S3Options, limits: Limits) -> Result<Self, S3Error> {
        sensible(&options)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("larder-s3")
            .enable_all()
            .build()
            .map_err(|error| invalid(format!("no threads for the bucket: {error}")))?;
        let handle = runtime.handle().clone();
        let (answer, answered) = std::sync::mpsc::sync_channel(1);
        let opening = handle.clone();
        // Its own thread: this one may be a worker of another runtime.
        let opener = std::thread::spawn(move || {
            let _ = answer.send(opening.block_on(open(options, limits, opening.clone())));
        });
        let opened = answered.recv();
        let _ = opener.join();
        match opened {
            Ok(Ok((volume, engine))) => Ok(Self { volume, engine, runtime: Some(runtime) }),
            Ok(Err(error)) => {
                runtime.shutdown_background();
                Err(error)
            }
            Err(_) => {
                runtime.shutdown_background();
                Err(invalid("the volume could not be opened: its opener panicked".to_owned()))
            }
        }
    }

    /// What guests use.
    #[must_use]
    pub const fn volume(&self) -> &Arc<Volume> {
        &self.volume
    }

    /// How it and its bucket get on.
    #[must_use]
    pub fn status(&self) -> Status {
        status(&self.engine)
    }

    /// Returns when the bucket has all changes. Blocks, as
    /// [`Volume::sync`].
    ///
    /// # Errors
    /// What the bucket answers; what it does not have is kept and goes on
    /// being tried.
    pub fn sync(&self) -> Result<(), S3Error> {
        self.engine.sync().map_err(|error| {
            let trouble = self.status().trouble;
            trouble.map_or_else(|| S3Error::from(error.clone()), |trouble| S3Error::new(error.code(), trouble))
        })
    }

    /// Waits until the whole tree is listed, at most for `patience`; answers
    /// whether it is. Blocks.
    #[must_use]
    pub fn wait_restored(&self, patience: Duration) -> bool {
        let deadline = std::time::Instant::now() + patience;
        while !self.engine.restore.is_done() {
            if std::time::Instant::now() >= deadline {
                return false;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        true
    }

    /// Looks for changes of other clients now. Blocks.
    ///
    /// # Errors
    /// What the bucket answers.
    pub fn refresh(&self) -> Result<u64, S3Error> {
        let (answer, answered) = std::sync::mpsc::sync_channel(1);
        let restore = Arc::clone(&self.engine.restore);
        self.engine.shared.runtime.spawn(async move {
            let _ = answer.send(restore.poll_once().await);
        });
        let polled = answered.recv().map_err(|_| invalid("the volume was closed".to_owned()))?;
        Ok(polled?)
    }

    /// Brings all changes to the bucket, and ends. Blocks.
    ///
    /// # Errors
    /// As [`sync`](Self::sync); with [`WriteMode::Async`] the journal keeps
    /// what the bucket does not have.
    pub fn close(self) -> Result<(), S3Error> {
        let synced = self.sync();
        self.engine.end();
        let mut last = self.status();
        last.state = "closed".to_owned();
        write_status(&self.engine.shared.options, &last);
        synced
    }
}

fn invalid(what: String) -> S3Error {
    S3Error::new(larder_core::ErrorCode::Invalid, what)
}

fn sensible(options: &S3Options) -> Result<(), S3Error> {
    if options.memory < S3Options::LEAST_MEMORY {
        return Err(invalid(format!(
            "memory: {} bytes are too few for an S3 volume: give {} MiB or more",
            options.memory,
            S3Options::LEAST_MEMORY >> 20
        )));
    }
    let has_journal = options.state.is_some() || options.journal_server.is_some();
    if options.write == WriteMode::Async && !has_journal && !options.read_only {
        let what = "write=async needs a place for its journal: give state=DIRECTORY or journal-server=nats://HOST";
        return Err(invalid(what.to_owned()));
    }
    if options.parallel == 0 || options.pending_changes < 2 {
        return Err(invalid("parallel and the number of pending changes cannot be 0".to_owned()));
    }
    Ok(())
}

/// What tells volumes apart, for the journal.
fn identity(options: &S3Options) -> String {
    let endpoint = options.bucket.endpoint.as_deref().unwrap_or("aws");
    format!("s3 {endpoint} {}/{}", options.bucket.bucket, options.prefix)
}

async fn open(
    options: S3Options,
    limits: Limits,
    runtime: tokio::runtime::Handle,
) -> Result<(Arc<Volume>, Arc<Engine>), S3Error> {
    let keys = KeySpace::new(&options.prefix).map_err(|error| invalid(error.to_string()))?;
    // Before anything else: it has the lock.
    let journal = journal::open(&options, identity(&options)).await?;
    let bucket = Bucket::connect(options.bucket.clone()).await?;
    bucket.check(keys.prefix()).await?;
    let counters = Counters::default();
    let state = options.state.as_deref().filter(|_| !options.read_only);
    let session = Session::new(state, journal.as_ref().map(|(_, recovered)| recovered.id));
    let recovery =
        Recovery { bucket: &bucket, keys: &keys, policy: options.conflict, counters: &counters, session: &session };
    let mut is_stored = None;
    if !options.read_only {
        let finished = recovery.finish_groups().await?;
        session.begins();
        if let Some((_, recovered)) = &journal
            && let Some(begun) = &recovered.begun
        {
            let group: Group = serde_json::from_slice(&begun.group)
                .map_err(|error| invalid(format!("the journal's note of a group cannot be read: {error}")))?;
            if recovery.was_carried_out(&group, &finished).await? {
                is_stored = Some(begun.up_to);
            }
        }
        if let Err(error) = recovery.tidy().await {
            tracing::warn!(%error, "what earlier processes left in the bucket could not be removed");
        }
    }
    let generation = u64::from(now().nanoseconds) | (now().seconds.unsigned_abs() << 30);
    let volume = Volume::unlisted(VolumeOptions { name: identity(&options), limits, generation, now: now() });
    let state = State {
        mirror: Mirror::new(volume.root_id()),
        catalogue: Catalogue::default(),
        changes: Changes::default(),
        ahead: Aheads::default(),
        incoming: std::collections::HashMap::new(),
        busy: std::collections::HashSet::new(),
        yielding: std::collections::HashSet::new(),
    };
    let shared = Arc::new(Shared {
        options,
        keys,
        bucket,
        volume: Arc::downgrade(&volume),
        runtime: runtime.clone(),
        session,
        state: Mutex::new(state),
        counters,
        turn: tokio::sync::Mutex::new(()),
    });
    let restore = Restore::new(Arc::clone(&shared));
    let (journal, recovered) = journal.unzip();
    let engine = Arc::new_cyclic(|engine: &Weak<Engine>| {
        let places: Weak<dyn Places> = engine.clone();
        let limits = LoadLimits { memory: shared.options.memory, parallel: shared.options.parallel };
        let loads = Loads::new(shared.volume.clone(), shared.bucket.clone(), runtime.clone(), places, limits);
        Engine::new(Arc::clone(&shared), loads, Arc::clone(&restore), journal)
    });
    restore.load_attributes().await?;
    restore.describe_root()?;
    volume.set_observer(Arc::<Engine>::clone(&engine))?;
    volume.set_lister(Arc::<Restore>::clone(&restore))?;
    volume.set_content_source(Arc::<Loads>::clone(&engine.loads))?;
    volume.set_durability(Arc::<Engine>::clone(&engine))?;
    let replayed = match recovered {
        Some(recovered) => replay_journal(&volume, &engine, recovered, is_stored).await?,
        None => false,
    };
    runtime.spawn(run(Arc::clone(&engine)));
    if replayed {
        let engine = Arc::clone(&engine);
        tokio::task::spawn_blocking(move || engine.sync()).await.map_err(|error| invalid(error.to_string()))??;
    }
    let loads = Arc::clone(&engine.loads);
    restore.start(Arc::new(move |node| {
        let loads = Arc::clone(&loads);
        async move { loads.preload(node).await }
    }));
    runtime.spawn(write_statuses(Arc::downgrade(&engine)));
    Ok((volume, engine))
}

/// Does again what the journal has and the bucket does not; answers whether
/// there was anything. The numbers of the changes go on behind the journal's.
async fn replay_journal(
    volume: &Arc<Volume>,
    engine: &Arc<Engine>,
    recovered: Recovered,
    is_stored: Option<u64>,
) -> Result<bool, S3Error> {
    let Recovered { records, last, .. } = recovered;
    let done = is_stored.unwrap_or(0);
    engine.set_replaying(true);
    let (volume, replaying) = (Arc::clone(volume), Arc::clone(engine));
    let replayed = tokio::task::spawn_blocking(move || replay(&volume, &replaying.shared, records, done)).await;
    let count = replayed.map_err(|error| invalid(error.to_string()))??;
    engine.set_replaying(false);
    engine.shared.state.lock().changes.recorded = last;
    engine.progress.begins_with(last.saturating_sub(count));
    if count > 0 {
        tracing::info!(changes = count, "changes of the journal were done again");
    } else if last > 0 {
        engine.journal_stored(last).await?;
    }
    Ok(count > 0)
}

fn status(engine: &Engine) -> Status {
    let shared = &engine.shared;
    let mut status = Status {
        address: format!("s3://{}/{}", shared.bucket.name(), shared.keys.prefix()),
        process: std::process::id(),
        written: now().seconds.unsigned_abs(),
        state: if engine.restore.is_done() { "ready" } else { "restoring" }.to_owned(),
        clean_bytes: engine.loads.clean_bytes(),
        evicted_bytes: engine.loads.evicted_bytes(),
        downloaded_bytes: engine.loads.downloaded_bytes(),
        journal_bytes: engine.journal_bytes(),
        ..Status::default()
    };
    {
        let state = shared.state.lock();
        status.recorded = state.changes.recorded;
        status.dirty_bytes = state.changes.bytes;
    }
    shared.counters.tell(&mut status);
    engine.progress.tell(&mut status);
    let requests = shared.bucket.requests();
    status.requests =
        Operation::ALL.iter().map(|operation| (operation.name().to_owned(), requests.of(*operation))).collect();
    status
}

/// Writes the status while the volume is open.
async fn write_statuses(engine: Weak<Engine>) {
    let mut last = Status::default();
    loop {
        let Some(engine) = engine.upgrade().filter(|engine| !engine.has_ended()) else { return };
        let status = status(&engine);
        // A status that says the same is written all the same, now and then: it
        // shows that the process is there.
        let is_old = status.written >= last.written + 10;
        let is_same = Status { written: last.written, ..status.clone() } == last;
        if !is_same || is_old {
            write_status(&engine.shared.options, &status);
            last = status;
        }
        drop(engine);
        tokio::time::sleep(STATUS_EVERY).await;
    }
}

/// Writes the status, wholly or not at all.
fn write_status(options: &S3Options, status: &Status) {
    let Some(directory) = &options.state else { return };
    let write = || -> std::io::Result<()> {
        std::fs::create_dir_all(directory)?;
        let new = directory.join(format!("{}.new", Status::FILE));
        std::fs::write(&new, serde_json::to_vec_pretty(status)?)?;
        std::fs::rename(new, directory.join(Status::FILE))
    };
    if let Err(error) = write() {
        tracing::debug!(%error, directory = %directory.display(), "the status could not be written");
    }
}
