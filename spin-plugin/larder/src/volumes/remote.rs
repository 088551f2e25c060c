//! A volume that a larder-provider serves over NATS.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use larder_nats_client::{Address, NatsStore, Options};

/// A remote volume in use by this process: a connection and a session for
/// each instance that runs.
pub(crate) struct RemoteVolume {
    address: Address,
    options: Options,
    /// All connections; those that nobody else names are free. There are as
    /// many as instances ran at a time.
    stores: Mutex<Vec<Arc<NatsStore>>>,
}

impl RemoteVolume {
    /// Connects once, so that what is wrong is told before anything runs.
    ///
    /// # Errors
    /// When the volume cannot be reached, within the options' deadline.
    pub(crate) fn connect(address: &Address, options: &Options) -> Result<Self> {
        let volume = Self { address: address.clone(), options: options.clone(), stores: Mutex::default() };
        volume.store()?;
        Ok(volume)
    }

    /// What it is called.
    pub(crate) const fn address(&self) -> &Address {
        &self.address
    }

    /// A store for one instance, free again when it is dropped. Its next
    /// `begin` is a new session. Blocks.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub(crate) fn store(&self) -> Result<Arc<NatsStore>> {
        let free = {
            let stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
            // Cloned under the lock, so that no other instance takes it.
            stores.iter().find(|store| Arc::strong_count(store) == 1).map(Arc::clone)
        };
        if let Some(store) = free {
            return Ok(store);
        }
        let connect = || NatsStore::connect(&self.address, self.options.clone());
        let store = Arc::new(tokio::task::block_in_place(connect)?);
        self.stores.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&store));
        Ok(store)
    }
}
