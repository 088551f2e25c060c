//! Which key-value stores a guest may open.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::key_value::KeyValueStore;

/// The stores of one component, by the labels that its manifest names. Cloning
/// it is cheap.
#[derive(Clone, Debug, Default)]
pub struct KeyValueStores(Arc<BTreeMap<String, Option<Arc<KeyValueStore>>>>);

/// Why a store cannot be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotOpened {
    /// The manifest does not name the label.
    AccessDenied,
    /// There is no store for the label.
    NoSuchStore,
}

impl KeyValueStores {
    /// Lets a guest open a store under a label.
    #[must_use]
    pub fn with(self, label: &str, store: Arc<KeyValueStore>) -> Self {
        self.insert(label, Some(store))
    }

    /// Knows a label that the manifest names, and for which nothing is
    /// configured: opening it is `no-such-store`, and not `access-denied`.
    #[must_use]
    pub fn without(self, label: &str) -> Self {
        self.insert(label, None)
    }

    fn insert(mut self, label: &str, store: Option<Arc<KeyValueStore>>) -> Self {
        Arc::make_mut(&mut self.0).insert(label.to_owned(), store);
        self
    }

    pub(crate) fn open(&self, label: &str) -> Result<Arc<KeyValueStore>, NotOpened> {
        match self.0.get(label) {
            Some(Some(store)) => Ok(Arc::clone(store)),
            Some(None) => Err(NotOpened::NoSuchStore),
            None => Err(NotOpened::AccessDenied),
        }
    }
}
