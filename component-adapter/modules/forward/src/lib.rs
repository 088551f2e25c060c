//! The backend of the forwarding variant: the descriptors of a module that
//! keeps no files itself and imports `larder:fs/store`.
//!
//! It is built into the engine in the place of larder-core's descriptors, by
//! the feature `forward`; everything above is the same code. What is cached
//! and deferred is larder-store-client's, and written in `docs/forwarding.md`.
//!
//! What lives here: the calls to the imported functions, and descriptors with
//! the methods that the engine asks for. What does not: any ABI of the app.
#![cfg(target_arch = "wasm32")]

mod descriptor;
mod imported;

use std::cell::OnceCell;

use larder_core::Result;
use larder_store_client::{Client, Options};

pub use descriptor::Descriptor;
use imported::Imported;

thread_local! {
    static CLIENT: OnceCell<Client<Imported>> = const { OnceCell::new() };
    static PATHS: OnceCell<&'static [&'static str]> = const { OnceCell::new() };
}

/// The client of this instance. `write_behind` counts at the first call alone.
fn client(write_behind: bool) -> Client<Imported> {
    CLIENT.with(|client| client.get_or_init(|| Client::new(Imported, Options { write_behind, cache: true })).clone())
}

/// Descriptors of the directories that the store grants, and where the app
/// sees them. `write_behind`: whether [`settle`] is called at the end of each
/// turn of the app, so that what it leaves open is not lost.
///
/// # Errors
/// `io` where the store is away.
pub fn roots(write_behind: bool) -> Result<Vec<(Descriptor, &'static str)>> {
    let roots = client(write_behind).roots()?;
    // The paths live as long as the instance, and are the same each time.
    let paths = PATHS.with(|paths| {
        let leak = || roots.iter().map(|(_, path)| &*path.clone().leak()).collect::<Vec<_>>().leak();
        *paths.get_or_init(|| leak())
    });
    Ok(roots.into_iter().zip(paths).map(|((file, _), path)| (Descriptor::new(file), *path)).collect())
}

/// Brings what waits into the store. A failure is told by the next call on the
/// mount; when the instance ends before one comes, nobody is left to be told.
pub fn settle() {
    let client = CLIENT.with(|client| client.get().cloned());
    if let Some(client) = client {
        let _ = client.settle();
    }
}
