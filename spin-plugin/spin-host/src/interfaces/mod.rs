//! The functions of the interfaces: translate, ask, translate. Which version
//! asks makes no difference to what is answered.
//!
//! What lives here: the resources of guests, and one file for each interface.
//! What does not: what the calls do.

mod key_value_2;
mod key_value_3;
mod variables;
mod wasi_keyvalue;

use std::sync::Arc;

use wasmtime::component::{HasData, Linker, Resource, ResourceTableError};

use crate::bindings::{fermyon, spin, wasi};
use crate::context::{Permit, SpinCtxView, SpinView};
use crate::key_value::{KeyValueError, KeyValueStore, Version};
use crate::stores::NotOpened;

/// Links what Spin apps import, as the [crate] lists it. `with_async` says
/// whether the engine was built with
/// [`Config::wasm_component_model_async`](wasmtime::Config::wasm_component_model_async):
/// without it, the interfaces of spin-sdk 7 are left out, as they cannot be
/// linked.
///
/// Nothing waits, but for the store's lock and for a volume that does I/O. On a
/// runtime of tokio with several threads the others go on meanwhile; it must
/// not be used on a `LocalSet` of such a runtime, where tokio does not permit
/// that.
///
/// # Errors
///
/// When the linker already defines one of the interfaces, or the engine cannot
/// have what `with_async` promises.
pub fn add_to_linker<T: SpinView + 'static>(linker: &mut Linker<T>, with_async: bool) -> wasmtime::Result<()> {
    fermyon::spin::variables::add_to_linker::<T, Spin>(linker, T::spin)?;
    fermyon::spin::key_value::add_to_linker::<T, Spin>(linker, T::spin)?;
    wasi::config::store::add_to_linker::<T, Spin>(linker, T::spin)?;
    wasi::keyvalue::store::add_to_linker::<T, Spin>(linker, T::spin)?;
    wasi::keyvalue::batch::add_to_linker::<T, Spin>(linker, T::spin)?;
    wasi::keyvalue::atomics::add_to_linker::<T, Spin>(linker, T::spin)?;
    if with_async {
        spin::variables::variables::add_to_linker::<T, Spin>(linker, T::spin)?;
        spin::key_value::key_value::add_to_linker::<T, Spin>(linker, T::spin)?;
    }
    Ok(())
}

/// What the functions of the interfaces work with.
pub(crate) struct Spin;

impl HasData for Spin {
    type Data<'a> = SpinCtxView<'a>;
}

/// A store or bucket that a guest has open.
#[derive(Debug)]
#[allow(unreachable_pub, reason = "the bindings export it")]
pub struct OpenStore {
    store: Arc<KeyValueStore>,
    _permit: Permit,
}

/// A compare-and-swap that a guest has begun.
#[derive(Debug)]
#[allow(unreachable_pub, reason = "the bindings export it")]
pub struct Swap {
    store: Arc<KeyValueStore>,
    key: String,
    version: Version,
    _permit: Permit,
}

/// Why a guest cannot open a store.
enum OpenError {
    NotOpened(NotOpened),
    TableFull,
}

impl SpinCtxView<'_> {
    fn open(&mut self, label: &str) -> wasmtime::Result<Result<Resource<OpenStore>, OpenError>> {
        let store = match self.ctx.stores.open(label) {
            Ok(store) => store,
            Err(why) => return Ok(Err(OpenError::NotOpened(why))),
        };
        let Some(permit) = self.ctx.open_stores.take() else { return Ok(Err(OpenError::TableFull)) };
        or_full(self.table.push(OpenStore { store, _permit: permit }), OpenError::TableFull)
    }

    fn store(&self, store: &Resource<OpenStore>) -> wasmtime::Result<Arc<KeyValueStore>> {
        Ok(Arc::clone(&self.table.get(store)?.store))
    }

    fn close(&mut self, store: Resource<OpenStore>) -> wasmtime::Result<()> {
        self.table.delete(store)?;
        Ok(())
    }
}

/// A full table is the guest's doing and an error that it can handle; anything
/// else is a bug of the host, and traps.
fn or_full<T, E>(pushed: Result<T, ResourceTableError>, full: E) -> wasmtime::Result<Result<T, E>> {
    match pushed {
        Ok(resource) => Ok(Ok(resource)),
        Err(ResourceTableError::Full) => Ok(Err(full)),
        Err(other) => Err(other.into()),
    }
}

/// An interface's own case for an error that has none of its own.
fn other<E>(case: impl Fn(String) -> E) -> impl Fn(KeyValueError) -> E {
    move |error| case(error.to_string())
}
