//! `[application.trigger.larder.key_value_stores.LABEL]`: where the key-value
//! stores of components are.

use std::collections::BTreeMap;

use super::problems::{Problems, quoted};
use super::table::Table;
use super::{Volumes, mount, volume};
use crate::TRIGGER_TYPE;
use crate::lock::{Component, LockedApp};

/// The label of the store that is there without being configured.
pub const DEFAULT_STORE: &str = "default";

/// Most stores of an app. Guards messages and memory.
pub const MOST_STORES: usize = 256;

/// Most bytes of a label.
pub const MOST_LABEL_BYTES: usize = 256;

const KEYS: &[&str] = &["volume", "subdir"];

/// Where a store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorePlace {
    /// In a volume of its own, in the state directory.
    Own,
    /// In a directory of a volume of the manifest.
    Volume {
        /// The volume's name.
        volume: String,
        /// The directory, relative to the volume's root; empty for the root.
        subdirectory: String,
    },
}

/// Reads where the stores are that the components of Larder's triggers use.
pub(super) fn read(
    app: &LockedApp,
    settings: Option<&Table<'_>>,
    volumes: &Volumes,
    problems: &mut Problems,
) -> BTreeMap<String, StorePlace> {
    let mut stores = BTreeMap::new();
    stores.insert(DEFAULT_STORE.to_owned(), StorePlace::Own);
    if let Some(table) = settings.and_then(|settings| settings.table("key_value_stores", problems)) {
        read_all(&table, volumes, &mut stores, problems);
    }
    for component in app.components_of(TRIGGER_TYPE) {
        check_labels(component, &stores, problems);
    }
    stores
}

fn read_all(table: &Table<'_>, volumes: &Volumes, stores: &mut BTreeMap<String, StorePlace>, problems: &mut Problems) {
    let all: Vec<_> = table.iter().collect();
    if all.len() > MOST_STORES {
        problems.add(
            table.key(DEFAULT_STORE),
            format!("there are {} stores", all.len()),
            format!("at most {MOST_STORES} are read"),
        );
        return;
    }
    for (label, value) in all {
        let place = table.key(quoted(label).trim_matches('`'));
        if label.is_empty() || label.len() > MOST_LABEL_BYTES {
            problems.add(place, "this is no label", format!("a label has from 1 to {MOST_LABEL_BYTES} bytes"));
            continue;
        }
        // Also one with something wrong is there: who uses it is not wrong as
        // well.
        stores.insert(label.to_owned(), StorePlace::Own);
        let Some(table) = Table::open(value, place, problems) else { continue };
        if let Some(place) = read_one(&table, volumes, problems) {
            stores.insert(label.to_owned(), place);
        }
    }
}

fn read_one(table: &Table<'_>, volumes: &Volumes, problems: &mut Problems) -> Option<StorePlace> {
    table.only(KEYS, problems);
    if !table.has("volume") {
        problems.add(table.key("volume"), "it is missing", "write the name of a volume");
    }
    let volume = volume::named(table, volumes, problems)?;
    let subdirectory = mount::subdirectory(table, "kv", problems);
    Some(StorePlace::Volume { volume: volume.to_owned(), subdirectory })
}

/// A component that asks for a store that nobody configured would fail at its
/// first use.
fn check_labels(component: &Component, stores: &BTreeMap<String, StorePlace>, problems: &mut Problems) {
    for label in &component.metadata.key_value_stores {
        if !stores.contains_key(label) {
            problems.add(
                format!("[component.{}] key_value_stores", component.id),
                format!("nothing says where the store {} is", quoted(label)),
                format!(
                    "add [application.trigger.larder.key_value_stores.{}] with `volume`",
                    quoted(label).trim_matches('`')
                ),
            );
        }
    }
}
