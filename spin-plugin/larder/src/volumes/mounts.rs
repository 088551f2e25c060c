//! The mounts of one guest, and which of them holds a guest path.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use larder_core::View;
use larder_nats_client::Joined;
use larder_store_service::{Service, Store};
use larder_transfer::now;

use super::{AttachedVolume, RemoteVolume};

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
    mounts: Vec<Place>,
}

#[derive(Clone)]
enum Place {
    Here(Mount),
    Remote(RemoteMount),
}

#[derive(Clone)]
struct RemoteMount {
    guest: String,
    volume: Arc<RemoteVolume>,
}

impl Place {
    fn guest(&self) -> &str {
        match self {
            Self::Here(mount) => &mount.guest,
            Self::Remote(mount) => &mount.guest,
        }
    }
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
        self.check_free(guest)?;
        let view = attached
            .view(subdirectory, read_only)
            .with_context(|| format!("cannot mount {} at {guest}", attached.address()))?;
        self.mounts.push(Place::Here(Mount {
            guest: guest.to_owned(),
            view,
            subdirectory: subdirectory.to_owned(),
            attached: Arc::clone(attached),
        }));
        Ok(())
    }

    /// Adds a mount of a remote volume.
    ///
    /// # Errors
    /// When something is mounted there already.
    pub(crate) fn add_remote(&mut self, guest: &str, volume: Arc<RemoteVolume>) -> Result<()> {
        self.check_free(guest)?;
        self.mounts.push(Place::Remote(RemoteMount { guest: guest.to_owned(), volume }));
        Ok(())
    }

    fn check_free(&self, guest: &str) -> Result<()> {
        if self.mounts.iter().any(|mount| mount.guest() == guest) {
            bail!("two volumes are mounted at {guest}: give each mount its own guest path");
        }
        Ok(())
    }

    /// Whether a remote volume is among them: only [`store`](Self::store) has
    /// all of them then.
    pub(crate) fn has_remote(&self) -> bool {
        self.mounts.iter().any(|mount| matches!(mount, Place::Remote(_)))
    }

    /// The mounts of volumes of this process, in the order in which they were
    /// given.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Mount> {
        self.mounts.iter().filter_map(|mount| match mount {
            Place::Here(mount) => Some(mount),
            Place::Remote(_) => None,
        })
    }

    /// All mounts as one store, with a session of its own for one instance.
    ///
    /// # Errors
    /// When a remote volume cannot be reached, or a volume has no handle left.
    pub(crate) fn store(&self) -> Result<Joined> {
        let mut stores = Vec::with_capacity(self.mounts.len());
        for mount in &self.mounts {
            let store: Arc<dyn Store + Send + Sync> = match mount {
                Place::Here(mount) => {
                    let service = Service::new(Arc::new(now)).mount(&mount.view, &mount.guest)?;
                    Arc::new(Arc::new(service).session())
                }
                Place::Remote(mount) => mount.volume.store()?,
            };
            stores.push((mount.guest().to_owned(), store));
        }
        Ok(Joined::new(stores))
    }

    /// The innermost mount that holds the absolute path `guest`, and the path
    /// relative to it.
    ///
    /// # Errors
    /// When no mount holds it, or one of a remote volume.
    pub(crate) fn resolve<'a>(&self, guest: &'a str) -> Result<(&Mount, &'a str)> {
        let (mount, path) = self
            .mounts
            .iter()
            .filter_map(|mount| Some((mount, within(guest, mount.guest())?)))
            .max_by_key(|(mount, _)| mount.guest().len())
            .with_context(|| {
                let known: Vec<&str> = self.mounts.iter().map(Place::guest).collect();
                format!("{guest} is in none of the mounts ({}): mount a volume there with `--volume`", known.join(", "))
            })?;
        match mount {
            Place::Here(mount) => Ok((mount, path)),
            Place::Remote(mount) => bail!(
                "{guest} is in the remote volume {}, and only volumes of this process can be copied into and out of",
                mount.volume.address()
            ),
        }
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
        self.attached.view(&self.subdirectory, false)
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
