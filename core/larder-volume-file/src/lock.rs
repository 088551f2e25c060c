//! One writer for a volume file: an advisory lock on a file beside it.
//!
//! The lock is not on the volume file itself, because saving replaces that
//! file. Readers take no lock: a save is one rename, so that they see the old
//! or the new volume, never a mixture.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Attempts to take the lock when holders remove the lock file under us; each
/// needs another process to end at just that moment.
const ATTEMPTS: u32 = 100;
/// At most this much of a holder's description is shown.
const DESCRIPTION_BYTES: u64 = 256;

/// The right to write a volume file; given back when dropped.
#[derive(Debug)]
pub(crate) struct VolumeLock {
    path: PathBuf,
    // Held for its lock.
    _file: File,
}

impl VolumeLock {
    /// Takes the lock of `volume`, the path of a volume file which need not
    /// exist yet.
    ///
    /// # Errors
    /// When another process has it, naming that process and what to do; or when
    /// the lock file cannot be made.
    pub(crate) fn take(volume: &Path) -> Result<Self> {
        let path = lock_path(volume);
        for _ in 0..ATTEMPTS {
            let mut file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)
                .with_context(|| {
                    format!(
                        "cannot create the lock file {}: check that its directory exists and may be written, or mount the volume read-only with `:ro`",
                        path.display()
                    )
                })?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    bail!(
                        "{} is in use by another process{}; wait for it to end, mount the volume read-only with `:ro`, or use another volume file",
                        volume.display(),
                        holder(&mut file)
                    );
                }
                Err(TryLockError::Error(error)) => {
                    return Err(error).with_context(|| format!("cannot lock {}", path.display()));
                }
            }
            // The holder before us removed the file when it left: then what we
            // locked is no longer what others will open.
            if is_still_at(&file, &path) {
                file.set_len(0)
                    .and_then(|()| file.write_all(description().as_bytes()))
                    .with_context(|| format!("cannot write the lock file {}", path.display()))?;
                return Ok(Self { path, _file: file });
            }
        }
        bail!("cannot lock {}: other processes take and release it all the time; try again", volume.display())
    }
}

impl Drop for VolumeLock {
    fn drop(&mut self) {
        // Removed while the lock is held, so that nobody else's is removed. A
        // lock file that stays behind does no harm: only the lock on it counts.
        let _ = fs::remove_file(&self.path);
    }
}

/// `data.larder` is locked by `data.larder.lock`.
fn lock_path(volume: &Path) -> PathBuf {
    let mut name = volume.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

/// What others are told about us.
fn description() -> String {
    let command: Vec<String> = std::env::args().take(2).collect();
    format!("process {}, {}\n", std::process::id(), command.join(" "))
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    match file.take(DESCRIPTION_BYTES).read_to_string(&mut text) {
        // Control characters could drive the reader's terminal.
        Ok(_) if !text.trim().is_empty() => format!(" ({})", text.trim().replace(char::is_control, "?")),
        _ => String::new(),
    }
}

#[cfg(unix)]
fn is_still_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(ours), Ok(theirs)) => ours.dev() == theirs.dev() && ours.ino() == theirs.ino(),
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_still_at(_file: &File, path: &Path) -> bool {
    // An open file cannot be removed there.
    path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holder_at_a_time_and_nothing_left_behind() {
        let directory = tempfile::tempdir().unwrap();
        let volume = directory.path().join("data.larder");
        let lock = VolumeLock::take(&volume).unwrap();
        let message = VolumeLock::take(&volume).unwrap_err().to_string();
        assert!(message.contains("data.larder is in use"), "{message}");
        assert!(message.contains(&format!("process {}", std::process::id())), "{message}");
        assert!(message.contains(":ro"), "{message}");
        drop(lock);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        drop(VolumeLock::take(&volume).unwrap());
    }

    #[test]
    fn many_takers_never_hold_it_together() {
        let directory = tempfile::tempdir().unwrap();
        let volume = directory.path().join("data.larder");
        let inside = std::sync::atomic::AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        if let Ok(_lock) = VolumeLock::take(&volume) {
                            assert_eq!(inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0);
                            inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                        }
                    }
                });
            }
        });
    }
}
