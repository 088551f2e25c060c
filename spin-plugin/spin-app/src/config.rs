//! What the manifest says to Larder: `[application.trigger.larder]` and
//! `[[trigger.larder]]`.
//!
//! ```toml
//! [application.trigger.larder.volumes.data]   # a file in the state directory
//! sync = true
//! limits = { bytes = "1GiB", inodes = 100000 }
//!
//! [application.trigger.larder.volumes.shared]
//! s3 = "s3://bucket/prefix?read=through"
//!
//! [application.trigger.larder.key_value_stores.default]
//! volume = "shared"
//! subdir = "kv"
//!
//! [[trigger.larder]]
//! route = "/files/..."
//! component = "web"
//! mounts = [{ volume = "data", path = "/data", mode = "ro", subdir = "public" }]
//!
//! [[trigger.larder]]
//! kind = "command"
//! component = "indexer"
//! every = "30s"
//! args = ["--once"]
//! mounts = [{ volume = "data", path = "/data" }]
//! ```
//!
//! A key that is not known is an error, since a typing error would otherwise
//! run an app without its volume. All that is wrong is told at once
//! ([`Problems`]).
//!
//! What does not live here: opening volumes; what the keys of an address mean,
//! besides secrets and paths, which a manifest must not have.

mod address;
mod mount;
mod problems;
mod store;
mod table;
mod trigger;
mod units;
mod volume;

use std::collections::BTreeMap;

pub use address::MOST_ADDRESS_BYTES;
pub use mount::{MOST_MOUNTS, MOST_PATH_BYTES, Mount, MountMode};
pub use problems::{MOST_SHOWN, Problem, Problems};
pub use store::{DEFAULT_STORE, MOST_LABEL_BYTES, MOST_STORES, StorePlace};
pub use trigger::{
    LEAST_INTERVAL, MOST_ARGUMENT_BYTES, MOST_ARGUMENTS, MOST_INTERVAL, Route, Schedule, Trigger, TriggerKind,
};
pub use volume::{LimitSettings, MOST_NAME_BYTES, MOST_VOLUMES, Volume, VolumeKind};

use crate::TRIGGER_TYPE;
use crate::lock::LockedApp;
use table::Table;

/// How the table of the app's settings is called in messages.
const SETTINGS: &str = "[application.trigger.larder]";

/// Volumes and triggers, which fit each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The volumes, by name.
    pub volumes: BTreeMap<String, Volume>,
    /// The key-value stores, by label.
    pub stores: BTreeMap<String, StorePlace>,
    /// The triggers, in the manifest's order.
    pub triggers: Vec<Trigger>,
}

impl Config {
    /// Reads what an app's lock file has for Larder.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with the key that it is about
    /// and a line of help.
    pub fn read(app: &LockedApp) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let settings = app.metadata.trigger_settings(TRIGGER_TYPE);
        let table = settings.as_ref().and_then(|settings| Table::root(settings, SETTINGS.to_owned(), &mut problems));
        let mut volumes = Volumes::default();
        if let Some(table) = &table {
            table.only(&["volumes", "key_value_stores"], &mut problems);
            volumes = volume::read(table, &mut problems);
        }
        let stores = store::read(app, table.as_ref(), &volumes, &mut problems);
        let triggers = trigger::read(app, &volumes, &mut problems);
        if problems.is_empty() { Ok(Self { volumes: volumes.good, stores, triggers }) } else { Err(problems) }
    }
}

/// The volumes that could be read, and the names of all: what mounts one with
/// something wrong is not wrong as well.
#[derive(Debug, Default)]
struct Volumes {
    good: BTreeMap<String, Volume>,
    names: Vec<String>,
}

#[cfg(test)]
mod tests;
