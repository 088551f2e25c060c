//! The volumes of the app that runs, on a socket in its state directory: for
//! the file commands, which name them `spin:VOLUME`.

use std::path::Path;

use anyhow::{Context, Result};
use larder_socket::{Listening, Volumes};

/// The socket's name in the state directory.
pub(crate) const SOCKET: &str = "larder.sock";

/// Listens where that can be; an app runs as well without.
pub(super) fn listen(state: Option<&Path>, volumes: Volumes) -> Option<Listening> {
    let Some(state) = state else {
        tracing::info!("there is no socket for the file commands: the app has no state directory");
        return None;
    };
    let path = state.join(SOCKET);
    let listening = start(state, &path, volumes);
    listening
        .inspect(|_| tracing::info!(socket = %path.display(), "the file commands reach the volumes"))
        .inspect_err(|error| {
            tracing::info!(socket = %path.display(), "there is no socket for the file commands: {error:#}");
        })
        .ok()
}

fn start(state: &Path, path: &Path, volumes: Volumes) -> Result<Listening> {
    std::fs::create_dir_all(state).with_context(|| format!("cannot create {}", state.display()))?;
    Listening::start(path, volumes)
}
