//! Saving a volume by itself while it is in use, so that a process that is
//! killed loses little.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use larder_core::{Change, Context, NodeId, Observer, Proposal, Settling, Volume};

use crate::FileStore;

/// A save writes the whole volume. For so many times as long as it took, there
/// is no other one: of a large volume that changes all the time, a twentieth of
/// the time goes into saves.
const PAUSE: u32 = 20;

/// Saves a volume while it lives, when it was changed.
pub struct Autosave {
    /// Dropped at the end, which the thread takes for a word to stop.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Autosave {
    /// Saves `volume` into its file, every `interval` in which it was changed,
    /// and less often where a save takes long. `report` is told of a save that
    /// failed; it is tried again after the next interval.
    ///
    /// # Errors
    /// When the volume is observed by somebody else, or there is no thread.
    pub fn start(
        volume: &Arc<Volume>,
        store: &Arc<FileStore>,
        interval: Duration,
        report: fn(&anyhow::Error),
    ) -> Result<Self> {
        let changed = Arc::new(Changed(AtomicBool::new(false)));
        volume.set_observer(Arc::clone(&changed) as Arc<dyn Observer>)?;
        let (stop, stopped) = channel();
        let (volume, store) = (Arc::clone(volume), Arc::clone(store));
        let work = move || {
            let mut wait = interval;
            while stopped.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                wait = interval;
                // Before the save: what changes during it is saved by the next.
                if !changed.0.swap(false, Ordering::AcqRel) {
                    continue;
                }
                let begun = Instant::now();
                if let Err(error) = store.save(&volume) {
                    changed.0.store(true, Ordering::Release);
                    report(&error);
                }
                wait = interval.max(begun.elapsed().saturating_mul(PAUSE));
            }
        };
        let thread = std::thread::Builder::new().name("larder-autosave".to_owned()).spawn(work);
        Ok(Self { stop: Some(stop), thread: Some(thread.context("cannot start a thread")?) })
    }
}

impl Drop for Autosave {
    /// Waits for a save that is under way.
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It does not panic, and nothing would follow from it.
            let _ = thread.join();
        }
    }
}

/// Whether there was a change since somebody looked.
struct Changed(AtomicBool);

impl Observer for Changed {
    fn admit(&self, _proposal: Proposal<'_>) -> larder_core::Result<()> {
        Ok(())
    }

    fn record(&self, _context: &Context, _change: Change<'_>) {
        // Read first: a write would take the line from other processors.
        if !self.0.load(Ordering::Relaxed) {
            self.0.store(true, Ordering::Release);
        }
    }

    fn settle(&self, _settling: Settling) -> larder_core::Result<()> {
        Ok(())
    }

    fn closed(&self, _node: NodeId) {}

    fn opening(&self, _directory: NodeId, _name: &str) -> larder_core::Result<bool> {
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use larder_core::{Limits, Rights, View};
    use larder_transfer::now;

    use super::*;
    use crate::{FileAccess, open};

    const INTERVAL: Duration = Duration::from_millis(10);
    const PATIENCE: Duration = Duration::from_secs(30);

    #[test]
    fn what_changed_is_in_the_file_without_a_save() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("data.larder");
        let (volume, store) = open(&path, FileAccess::WriteOrCreate, Limits::default()).unwrap();
        let store = store.unwrap();
        let autosave = Autosave::start(&volume, &store, INTERVAL, |error| panic!("{error:#}")).unwrap();
        let root = View::new(&volume, Rights::READ | Rights::WRITE).unwrap().root().unwrap();
        for name in ["a", "b"] {
            root.create_directory_at(now(), name).unwrap();
            let begun = Instant::now();
            loop {
                let saved = path.exists().then(|| open(&path, FileAccess::Read, Limits::default()).unwrap().0);
                let found = saved.is_some_and(|volume| {
                    let root = View::new(&volume, Rights::READ).unwrap().root().unwrap();
                    root.stat_at(larder_core::Follow::Yes, name).is_ok()
                });
                if found {
                    break;
                }
                assert!(begun.elapsed() < PATIENCE, "{name} was not saved");
                std::thread::sleep(INTERVAL);
            }
        }
        drop(autosave);
        let saved = std::fs::metadata(&path).unwrap().modified().unwrap();
        root.create_directory_at(now(), "c").unwrap();
        std::thread::sleep(3 * INTERVAL);
        assert_eq!(std::fs::metadata(&path).unwrap().modified().unwrap(), saved, "saved after the end");
    }
}
