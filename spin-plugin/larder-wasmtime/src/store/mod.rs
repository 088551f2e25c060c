//! `larder:fs/store` for components of the forwarding variant: the mounts of
//! the guest's [`LarderCtx`], served as values by larder-store-service.
//!
//! What lives here: the bindings, and the translation of their types. What
//! does not: what the calls do.

mod bindings;
mod convert;
mod host;

use std::sync::Arc;

use larder_store_service::{Answer, Service, Store};
use tokio::runtime::{Handle, RuntimeFlavor};
use wasmtime::component::{HasData, Linker};

use crate::context::{LarderCtx, LarderView, Served};

/// Links `larder:fs/store`, so that a component which keeps no files itself
/// uses those of its [`LarderCtx`]. Over its mounts nothing waits: it serves
/// asynchronous and ordinary stores alike. A store that the embedder gave
/// ([`LarderCtx::with_store`]) may block.
///
/// Each guest has a session of its own; it ends, and lets go of what it
/// holds, with the guest's store.
///
/// # Errors
///
/// When the linker already defines the interface.
pub fn add_store_to_linker<T: LarderView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    bindings::larder::fs::store::add_to_linker::<T, Interface>(linker, |data| StoreView { ctx: data.larder().ctx })
}

/// What the functions of the interface work with.
struct Interface;

impl HasData for Interface {
    type Data<'a> = StoreView<'a>;
}

struct StoreView<'a> {
    ctx: &'a mut LarderCtx,
}

impl StoreView<'_> {
    /// Asks whoever serves this guest. A session on the mounts is made by the
    /// first call.
    fn ask_store<T>(&mut self, question: impl FnOnce(&dyn Store) -> Answer<T>) -> Answer<T> {
        if self.ctx.served.is_none() {
            let clock = self.ctx.clock.clone();
            let mut service = Service::new(Arc::new(move || clock.now()));
            for (view, path) in self.ctx.mounts() {
                service = service.mount(view, path).map_err(|error| error.code())?;
            }
            self.ctx.served = Some(Served::Mounts(Arc::new(service).session()));
        }
        match &self.ctx.served {
            Some(Served::Mounts(session)) => question(session),
            Some(Served::Given(store)) => may_block(|| question(store.as_ref())),
            None => Err(larder_core::ErrorCode::Io),
        }
    }
}

/// Runs what may block, on a thread that others need not wait for.
fn may_block<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}
