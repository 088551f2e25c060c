//! Who may use which volume: the links of the lattice.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use larder_protocol::Access;
use parking_lot::RwLock;
use tokio::sync::Notify;

/// A link is published without an acknowledgement, so that a component's first
/// call can be faster: how long a call waits for its link.
const OVERTAKEN: Duration = Duration::from_secs(1);

/// Most links: 65,536. Guards the memory of the provider.
const MOST_LINKS: usize = 1 << 16;

/// A component and the name of its link.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Caller {
    pub(crate) component: String,
    pub(crate) link: String,
}

/// What a link grants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) volume: String,
    /// Below the root of the volume, without a leading slash.
    pub(crate) directory: String,
    pub(crate) access: Access,
}

impl Grant {
    /// From the configuration of a link: `volume`, and if wanted `directory`
    /// and `access` (`read` or `write`, which is the default).
    ///
    /// # Errors
    /// A key that is missing or not known, or a value that is none.
    pub(crate) fn from_config(config: &HashMap<String, String>) -> Result<Self> {
        for key in config.keys() {
            ensure!(
                matches!(key.as_str(), "volume" | "directory" | "access"),
                "the link's configuration has `{key}`, which is not known: there are volume, directory, access"
            );
        }
        let Some(volume) = config.get("volume") else {
            bail!("the link's configuration does not say which `volume`: put one with `wash config put NAME volume=…`");
        };
        ensure!(larder_protocol::is_volume_name(volume), "`volume={volume}` is no name of a volume");
        let access = match config.get("access").map_or("write", String::as_str) {
            "read" => Access::Read,
            "write" => Access::Write,
            other => bail!("`access={other}`: it is `read` or `write`"),
        };
        let directory = config.get("directory").map_or("", |directory| directory.trim_matches('/')).to_owned();
        Ok(Self { volume: volume.clone(), directory, access })
    }
}

/// All links of which this provider is the target.
#[derive(Debug, Default)]
pub(crate) struct Links {
    grants: RwLock<HashMap<Caller, Grant>>,
    changed: Notify,
}

impl Links {
    pub(crate) fn put(&self, caller: Caller, grant: Grant) -> Result<()> {
        let mut grants = self.grants.write();
        ensure!(grants.len() < MOST_LINKS || grants.contains_key(&caller), "there are {MOST_LINKS} links already");
        grants.insert(caller, grant);
        drop(grants);
        self.changed.notify_waiters();
        Ok(())
    }

    pub(crate) fn delete(&self, caller: &Caller) {
        self.grants.write().remove(caller);
    }

    /// What the caller was granted; `None` if its link does not come either.
    pub(crate) async fn grant(&self, caller: &Caller) -> Option<Grant> {
        if let Some(grant) = self.grants.read().get(caller) {
            return Some(grant.clone());
        }
        let come = async {
            loop {
                let changed = self.changed.notified();
                if let Some(grant) = self.grants.read().get(caller) {
                    return grant.clone();
                }
                changed.await;
            }
        };
        tokio::time::timeout(OVERTAKEN, come).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(pairs: &[(&str, &str)]) -> HashMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_link_names_its_volume() {
        let grant = Grant::from_config(&config(&[("volume", "data"), ("directory", "/a/b/"), ("access", "read")]));
        let expected = Grant { volume: "data".into(), directory: "a/b".into(), access: Access::Read };
        assert_eq!(grant.unwrap(), expected);
        let wrong: [&[(&str, &str)]; 4] =
            [&[], &[("volume", "a.b")], &[("volume", "a"), ("mode", "rw")], &[("volume", "a"), ("access", "all")]];
        for pairs in wrong {
            assert!(Grant::from_config(&config(pairs)).is_err(), "{pairs:?}");
        }
    }

    #[tokio::test]
    async fn a_call_waits_for_its_link_and_not_for_ever() {
        let links = std::sync::Arc::new(Links::default());
        let caller = Caller { component: "app".into(), link: "default".into() };
        assert_eq!(links.grant(&caller).await, None);
        let late = std::sync::Arc::clone(&links);
        let of = caller.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            late.put(of, Grant::from_config(&config(&[("volume", "data")])).unwrap()).unwrap();
        });
        assert!(links.grant(&caller).await.is_some());
        links.delete(&caller);
        assert_eq!(links.grant(&caller).await, None);
    }
}
