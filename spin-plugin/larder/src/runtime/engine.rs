//! The Wasmtime engine and linker that all apps of a process share.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use tokio::sync::Semaphore;
use wasmtime::component::Linker;
use wasmtime::{CacheConfig, Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use super::host::Host;
use super::outgoing;
use super::p1::{self, CoreHost};

/// How often running guests are asked to yield. It bounds the time until a
/// signal or a timeout stops a guest that computes without calling the host.
const EPOCH_TICK: Duration = Duration::from_millis(10);

/// Stack that a guest's own calls may use, in bytes. Wasmtime's default of
/// 512 KiB is too little for interpreters that recurse (CPython, Go's tests).
const GUEST_STACK: usize = 4 << 20;

/// Stack of the fiber that a guest runs on: the guest's and some for the host
/// functions that it calls. Reserved, and used only as touched.
const FIBER_STACK: usize = GUEST_STACK + (2 << 20);

/// Core instances, memories and tables for each component in a pool: a
/// component of several modules, with adapters, has some.
const PARTS: u32 = 8;

/// Elements of one table in a pool; the largest real guests (CPython with
/// extensions) have some 50,000. Each takes 8 bytes of address space in every
/// place of the pool.
const POOLED_TABLE_ELEMENTS: usize = 100_000;

/// Memory that a place in a pool keeps from one instance to the next, in bytes:
/// cleared by hand, it need not be asked of the system again.
const KEPT: usize = 1 << 20;

/// Where compiled code is kept between runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Cache {
    /// In Wasmtime's cache directory of this user.
    #[default]
    Default,
    /// In this directory.
    Directory(PathBuf),
    /// Nowhere: every run compiles.
    Off,
}

/// An engine and a linker with everything that guests may import.
pub(crate) struct Runtime {
    /// Compiles and runs.
    pub(super) engine: Engine,
    /// WASI with Larder's filesystem, and `wasi:http`, for components.
    pub(super) linker: Linker<Host>,
    /// WASI 0.1 with Larder's filesystem, for core modules.
    pub(super) core_linker: wasmtime::Linker<CoreHost>,
    /// One permit for each outgoing request of a guest.
    pub(super) outgoing: Arc<Semaphore>,
}

/// What an engine is set up for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Engines {
    /// Runs WASI 0.3, which makes every call of a 0.2 guest into the host
    /// somewhat slower.
    pub(crate) p3: bool,
    /// Keeps places for so many components ready, so that an instance is made
    /// without asking the system for memory. Needs much address space.
    pub(crate) pool: Option<usize>,
    /// Links what Spin apps import besides WASI.
    pub(crate) spin: bool,
}

impl Runtime {
    /// Sets up the engine. Where there is no room for a pool, it does without.
    ///
    /// # Errors
    /// When Wasmtime refuses the configuration on this machine.
    pub(crate) fn new(cache: &Cache, engines: Engines) -> Result<Self> {
        let Engines { p3: needs_p3, pool, spin } = engines;
        let mut config = larder_wasmtime::engine_config(needs_p3);
        config
            .epoch_interruption(true)
            .max_wasm_stack(GUEST_STACK)
            .async_stack_size(FIBER_STACK)
            .cache(open_cache(cache));
        let pooled = pool.and_then(|components| pooled_engine(&config, components));
        let engine = match pooled {
            Some(engine) => engine,
            None => Engine::new(&config).map_err(|error| anyhow!("cannot start Wasmtime: {error:#}"))?,
        };
        tick(&engine);
        let mut linker = Linker::new(&engine);
        larder_wasmtime::add_to_linker(&mut linker)
            .and_then(|()| larder_wasmtime::add_store_to_linker(&mut linker))
            .and_then(|()| larder_wasmtime::add_extensions_to_linker(&mut linker))
            .and_then(|()| wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker))
            .and_then(|()| if needs_p3 { wasmtime_wasi_http::p3::add_to_linker(&mut linker) } else { Ok(()) })
            .and_then(|()| if spin { larder_spin_host::add_to_linker(&mut linker, needs_p3) } else { Ok(()) })
            .map_err(|error| anyhow!("cannot link WASI: {error:#}"))?;
        let mut core_linker = wasmtime::Linker::new(&engine);
        p1::add_to_linker(&mut core_linker).map_err(|error| anyhow!("cannot link WASI 0.1: {error:#}"))?;
        Ok(Self { engine, linker, core_linker, outgoing: outgoing::permits() })
    }
}

/// An engine with places for `components`; none where the system does not give
/// the address space.
fn pooled_engine(config: &Config, components: usize) -> Option<Engine> {
    let components = u32::try_from(components).unwrap_or(u32::MAX);
    let parts = components.saturating_mul(PARTS);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(components)
        .total_core_instances(parts)
        // Most components have one memory and one table of their own.
        .total_memories(components.saturating_mul(2))
        .total_tables(parts)
        .total_stacks(components.saturating_mul(2))
        .table_elements(POOLED_TABLE_ELEMENTS)
        .linear_memory_keep_resident(KEPT)
        .table_keep_resident(KEPT)
        .async_stack_keep_resident(KEPT);
    let mut config = config.clone();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config).inspect_err(|error| tracing::warn!("no pool for instances: {error:#}")).ok()
}

/// The compilation cache. Without one, apps run all the same, only slower to
/// start: a cache that cannot be used is therefore no error.
fn open_cache(cache: &Cache) -> Option<wasmtime::Cache> {
    let mut config = CacheConfig::new();
    match cache {
        Cache::Off => return None,
        Cache::Default => {}
        Cache::Directory(path) => {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            config.with_directory(path);
        }
    }
    wasmtime::Cache::new(config).inspect_err(|error| tracing::warn!("no compilation cache: {error:#}")).ok()
}

/// Moves the epoch on for as long as the engine lives.
fn tick(engine: &Engine) {
    let engine = engine.weak();
    std::thread::spawn(move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(EPOCH_TICK);
        }
    });
}
