//! What the host keeps for one guest instance.

use std::sync::Arc;

use larder_spin_host::{ComponentVariables, KeyValueStores, SpinCtx, SpinCtxView, SpinView};
use larder_wasmtime::{LarderCtx, LarderCtxView, LarderView};
use wasmtime::Store;
use wasmtime::UpdateDeadline;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::engine::Runtime;
use super::limits::{GuestLimits, RESOURCES};
use super::outgoing::{Outgoing, OutgoingRequests};
use super::output::{GuestOutput, OutputTarget};
use super::p1::{self, CoreHost};
use super::prefixed::prefixed;
use crate::volumes::MountTable;

/// Epoch ticks between two yields of a running guest.
const TICKS_PER_YIELD: u64 = 1;

/// Where a guest's standard streams go.
#[derive(Clone)]
pub(crate) enum Stdio {
    /// The streams of this process.
    Inherit,
    /// No input; output to the streams of this process, as they are.
    OutputOnly,
    /// No input; output line by line behind this name.
    Prefixed(String),
    /// No input; output to these, which all instances share.
    Shared {
        /// Standard output.
        stdout: GuestOutput,
        /// Standard error.
        stderr: GuestOutput,
    },
}

/// All that an instance of an app is made with.
#[derive(Clone)]
pub(crate) struct GuestSetup {
    /// The first is the program's name.
    pub(crate) arguments: Vec<String>,
    /// Environment variables.
    pub(crate) environment: Vec<(String, String)>,
    /// The filesystem.
    pub(crate) mounts: MountTable,
    /// Bound on linear memory in bytes.
    pub(crate) memory: u64,
    /// Standard streams.
    pub(crate) stdio: Stdio,
    /// Where its HTTP requests may go; it has no other network.
    pub(crate) outgoing: Outgoing,
    /// What it has of a Spin app.
    pub(crate) spin: Spin,
}

/// What a guest has of the Spin app that it belongs to; nothing, where it
/// belongs to none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spin {
    /// Its variables.
    pub(crate) variables: Arc<ComponentVariables>,
    /// The stores that it may open.
    pub(crate) stores: KeyValueStores,
}

/// A store's data.
pub(super) struct Host {
    table: ResourceTable,
    wasi: WasiCtx,
    larder: LarderCtx,
    http: WasiHttpCtx,
    /// Its requests to others.
    pub(super) outgoing: OutgoingRequests,
    spin: SpinCtx,
    /// Memory and tables.
    pub(super) limits: GuestLimits,
}

impl GuestSetup {
    /// A store for one new instance.
    ///
    /// # Errors
    /// When a remote volume cannot be reached.
    pub(super) fn store(&self, runtime: &Runtime) -> anyhow::Result<Store<Host>> {
        let mut wasi = WasiCtx::builder();
        wasi.args(&self.arguments).envs(&self.environment);
        match &self.stdio {
            Stdio::Inherit => {
                wasi.inherit_stdio();
            }
            Stdio::OutputOnly => {
                wasi.inherit_stdout().inherit_stderr();
            }
            Stdio::Prefixed(name) => {
                wasi.stdout(prefixed(name, OutputTarget::Stdout)).stderr(prefixed(name, OutputTarget::Stderr));
            }
            Stdio::Shared { stdout, stderr } => {
                wasi.stdout(stdout.clone()).stderr(stderr.clone());
            }
        }
        let mut larder = LarderCtx::new();
        if self.mounts.has_remote() {
            larder = larder.with_store(Box::new(self.mounts.store()?));
        } else {
            for mount in self.mounts.iter() {
                larder = larder.mount(mount.view.clone(), &mount.guest);
            }
        }
        let mut table = ResourceTable::new();
        table.set_max_capacity(RESOURCES);
        let mut store = Store::new(
            &runtime.engine,
            Host {
                table,
                wasi: wasi.build(),
                larder,
                http: WasiHttpCtx::new(),
                outgoing: OutgoingRequests::new(self.outgoing.clone(), Arc::clone(&runtime.outgoing)),
                spin: SpinCtx::new(Arc::clone(&self.spin.variables), self.spin.stores.clone()),
                limits: GuestLimits::new(self.memory),
            },
        );
        store.limiter(|host| &mut host.limits);
        yield_at_epochs(&mut store);
        Ok(store)
    }

    /// A store for one new instance of a core module.
    ///
    /// # Errors
    /// When a volume has no handle left for a mount.
    pub(super) fn core_store(&self, runtime: &Runtime) -> larder_core::Result<Store<CoreHost>> {
        let host = CoreHost { p1: p1::process(self)?, limits: GuestLimits::new(self.memory), memory: None };
        let mut store = Store::new(&runtime.engine, host);
        store.limiter(|host| &mut host.limits);
        yield_at_epochs(&mut store);
        Ok(store)
    }
}

/// A yield gives whoever waits for a signal, a timeout or another guest its
/// turn; stopping a guest is then dropping its future.
fn yield_at_epochs<T: 'static>(store: &mut Store<T>) {
    store.epoch_deadline_callback(|_| Ok(UpdateDeadline::Yield(TICKS_PER_YIELD)));
    store.set_epoch_deadline(TICKS_PER_YIELD);
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl LarderView for Host {
    fn larder(&mut self) -> LarderCtxView<'_> {
        LarderCtxView { ctx: &mut self.larder, table: &mut self.table }
    }
}

impl SpinView for Host {
    fn spin(&mut self) -> SpinCtxView<'_> {
        SpinCtxView { ctx: &mut self.spin, table: &mut self.table }
    }
}

impl WasiHttpView for Host {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.outgoing }
    }
}
