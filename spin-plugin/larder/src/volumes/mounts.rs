//! The mounts of one guest, and which of them holds a guest path.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use larder_core::{Rights, View};

use super::AttachedVolume;
use larder_transfer::now;

/// One mount of a guest.
#[derive(Clone)]
pub(crate) struct Mount {
    /// The absolute guest path, normalised.
    pub(crate) guest: String,
    /// What the guest sees there.
    pub(crate) view: View,
    /// The directory of the volume that is mounted, relative to its root.
    subdirectory: String,
    attached: Arc<AttachedVolume>,
}

/// The mounts of one guest, none twice at the same place.
#[derive(Clone, Default)]
pub(crate) struct MountTable {
    mounts: Vec<Mount>,
}

impl MountTable {
    /// Adds a mount of `subdirectory` (empty: the root) of a volume.
    ///
    /// A missing sub-directory is created, unless the mount is read-only.
    ///
    /// # Errors
    /// When something is mounted there already, or the sub-directory is missing
    /// or is none.
    pub(crate) fn add(
        &mut self,
        guest: &str,
        attached: &Arc<AttachedVolume>,
        subdirectory: &str,
        read_only: bool,
    ) -> Result<()> {
        if self.mounts.iter().any(|mount| mount.guest == guest) {
            bail!("two volumes are mounted at {guest}: give each mount its own guest path");
        }
        let rights = if read_only { Rights::READ } else { Rights::READ | Rights::WRITE };
        let volume = attached.volume();
        let whole = View::new(volume, Rights::READ | Rights::WRITE)?;
        let view = if subdirectory.is_empty() {
            View::new(volume, rights)?
        } else {
            if !read_only {
                crate::files::create_directories(&whole.root()?, now(), subdirectory)
                    .with_context(|| format!("cannot create /{subdirectory} in {}", attached.address()))?;
            }
            whole
                .subdirectory(subdirectory, rights)
                .with_context(|| format!("cannot mount /{subdirectory} of {} at {guest}", attached.address()))?
        };
        self.mounts.push(Mount {
            guest: guest.to_owned(),
            view,
            subdirectory: subdirectory.to_owned(),
            attached: Arc::clone(attached),
        });
        Ok(())
    }

    /// The mounts in the order in which they were given.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Mount> {
        self.mounts.iter()
    }

    /// The innermost mount that holds the absolute path `guest`, and the path
    /// relative to it.
    ///
    /// # Errors
    /// When no mount holds it.
    pub(crate) fn resolve<'a>(&self, guest: &'a str) -> Result<(&Mount, &'a str)> {
        self.mounts
            .iter()
            .filter_map(|mount| Some((mount, within(guest, &mount.guest)?)))
            .max_by_key(|(mount, _)| mount.guest.len())
            .with_context(|| {
                let known: Vec<&str> = self.mounts.iter().map(|mount| mount.guest.as_str()).collect();
                format!("{guest} is in none of the mounts ({}): mount a volume there with `--volume`", known.join(", "))
            })
    }
}

impl Mount {
    /// The directory that is mounted, with all rights whatever the guest's are:
    /// the operator may fill a mount that the guest can only read.
    ///
    /// # Errors
    /// When changes would be lost, because the volume is a file that was opened
    /// for reading.
    pub(crate) fn writable_view(&self) -> Result<View> {
        if self.attached.discards_changes() {
            bail!(
                "{} is mounted read-only and would not keep what is copied into {}: drop `:ro` from one of its mounts, or use `larder cp` before the run",
                self.attached.address(),
                self.guest
            );
        }
        let whole = View::new(self.attached.volume(), Rights::READ | Rights::WRITE)?;
        if self.subdirectory.is_empty() {
            return Ok(whole);
        }
        Ok(whole.subdirectory(&self.subdirectory, Rights::READ | Rights::WRITE)?)
    }
}

/// `path` relative to `directory` when it lies in it.
fn within<'a>(path: &'a str, directory: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(directory.trim_end_matches('/'))?;
    if rest.is_empty() || rest.starts_with('/') { Some(rest.trim_start_matches('/')) } else { None }
}

#[cfg(test)]
mod tests {
    use super::within;

    #[test]
    fn paths_belong_to_mounts_by_whole_names() {
        assert_eq!(within("/data/x", "/data"), Some("x"));
        assert_eq!(within("/data", "/data"), Some(""));
        assert_eq!(within("/database", "/data"), None);
        assert_eq!(within("/x/y", "/"), Some("x/y"));
        assert_eq!(within("/", "/"), Some(""));
    }
}
