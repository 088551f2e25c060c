//! The host of a puppet: one engine, component and linker for all tests of a
//! form, one store for each guest.

use std::sync::{Arc, Mutex};

use larder_core::{Limits, Timestamp, Usage};
use larder_suite::{Mount, START, Volumes};
use larder_wasmtime::{Clock, LarderCtx, LarderCtxView, LarderView};
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::built;

pub(super) struct Data {
    wasi: WasiCtx,
    larder: LarderCtx,
    table: ResourceTable,
}

impl WasiView for Data {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl LarderView for Data {
    fn larder(&mut self) -> LarderCtxView<'_> {
        LarderCtxView { ctx: &mut self.larder, table: &mut self.table }
    }
}

/// What all guests of a form share.
pub(super) struct Runtime {
    engine: Engine,
    pub(super) component: Component,
    pub(super) linker: Linker<Data>,
}

impl Runtime {
    pub(super) fn new(
        guest: &str,
        needs_p3: bool,
        link: impl FnOnce(&mut Linker<Data>) -> wasmtime::Result<()>,
    ) -> Self {
        let engine = Engine::new(&larder_wasmtime::engine_config(needs_p3)).unwrap();
        let component = Component::from_file(&engine, built::guest(guest)).unwrap();
        let mut linker = Linker::new(&engine);
        link(&mut linker).unwrap();
        Self { engine, component, linker }
    }

    /// The store of a guest over these volumes.
    pub(super) fn store(&self, shared: &Shared) -> Store<Data> {
        let now = Arc::clone(&shared.now);
        let mut larder = LarderCtx::new().with_clock(Clock::Custom(Arc::new(move || *now.lock().unwrap())));
        for mount in Mount::ALL {
            larder = larder.mount(shared.volumes.view(mount).clone(), mount.guest_path());
        }
        let wasi = WasiCtx::builder().inherit_stderr().build();
        Store::new(&self.engine, Data { wasi, larder, table: ResourceTable::new() })
    }
}

/// What the guests of one test share.
#[derive(Clone)]
pub(super) struct Shared {
    volumes: Volumes,
    now: Arc<Mutex<Timestamp>>,
}

impl Shared {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { volumes: Volumes::new(limits), now: Arc::new(Mutex::new(START)) }
    }

    pub(super) fn set_now(&self, now: Timestamp) {
        *self.now.lock().unwrap() = now;
    }

    pub(super) fn usage(&self) -> Usage {
        self.volumes.main().usage()
    }

    pub(super) fn recount(&self) -> Usage {
        self.volumes.main().recount()
    }
}
