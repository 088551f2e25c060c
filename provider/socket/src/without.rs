//! Systems without Unix sockets: nothing is served, and nobody is found.

use std::convert::Infallible;
use std::path::Path;

use anyhow::{Result, bail};
use larder_nats_client::{Access, ConnectError, Options, ServedStore};

use crate::Volumes;

/// There is none.
pub struct Listening(Infallible);

impl Listening {
    /// # Errors
    /// Always.
    pub fn start(_: &Path, _: Volumes) -> Result<Self> {
        bail!("there are no Unix sockets on this system")
    }

    /// There is nothing to stop.
    pub async fn stop(self) {
        match self.0 {}
    }
}

/// There is none.
#[derive(Debug)]
pub struct Connection(Infallible);

/// Finds nobody.
///
/// # Errors
/// None.
pub fn connect(_: &Path, _: &str, _: Access) -> Result<Option<Connection>> {
    Ok(None)
}

impl Connection {
    /// # Errors
    /// None: there is no connection.
    pub fn store(self, _: &str, _: Options) -> Result<ServedStore, ConnectError> {
        match self.0 {}
    }
}
