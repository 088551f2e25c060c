//! `larder:fs/store` for components of the forwarding variant: the mounts of
//! the guest's [`LarderCtx`], served as values by larder-store-service.
//!
//! What lives here: the bindings, and the translation of their types. What
//! does not: what the calls do.

mod bindings;
mod convert;
mod host;

use larder_store_service::{Answer, Service, Session};
use std::sync::Arc;
use wasmtime::component::{HasData, Linker};

use crate::context::{LarderCtx, LarderView};

/// Links `larder:fs/store`, so that a component which keeps no files itself
/// uses those of its [`LarderCtx`]. Nothing in it waits: it serves
/// asynchronous and ordinary stores alike.
///
/// Each guest has a session of its own; it ends, and lets go of what it
/// holds, with the guest's store.
///
/// # Errors
///
/// When the linker already defines the interface.
pub fn add_store_to_linker<T: LarderView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    bindings::larder::fs::store::add_to_linker::<T, Served>(linker, |data| StoreView { ctx: data.larder().ctx })
}

/// What the functions of the interface work with.
struct Served;

impl HasData for Served {
    type Data<'a> = StoreView<'a>;
}

struct StoreView<'a> {
    ctx: &'a mut LarderCtx,
}

impl StoreView<'_> {
    /// The guest's session, made by its first call.
    fn session(&mut self) -> Answer<&Session> {
        if self.ctx.session.is_none() {
            let clock = self.ctx.clock.clone();
            let mut service = Service::new(Arc::new(move || clock.now()));
            for (view, path) in self.ctx.mounts() {
                service = service.mount(view, path).map_err(|error| error.code())?;
            }
            self.ctx.session = Some(Arc::new(service).session());
        }
        self.ctx.session.as_ref().ok_or(larder_core::ErrorCode::Io)
    }
}
