//! What an embedder keeps in its store for each guest.

use std::fmt;

use larder_core::View;
use larder_store_service::{Session, Store};
use wasmtime::component::ResourceTable;
use wasmtime_wasi::WasiView;

use crate::clock::Clock;
use crate::extensions::HeldLocks;
use crate::p2::streams::{InputState, OutputState, Registry};

/// The filesystem of one guest: what is mounted where, and the clock.
#[derive(Debug, Default)]
pub struct LarderCtx {
    pub(crate) mounts: Vec<Mount>,
    pub(crate) clock: Clock,
    pub(crate) inputs: Registry<InputState>,
    pub(crate) outputs: Registry<OutputState>,
    pub(crate) locks: HeldLocks,
    /// Of a guest that uses `larder:fs/store`.
    pub(crate) served: Option<Served>,
}

/// Who answers a guest's calls of `larder:fs/store`.
pub(crate) enum Served {
    /// A session on the mounts of this context.
    Mounts(Session),
    /// What the embedder gave.
    Given(Box<dyn Store + Send + Sync>),
}

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mounts(_) => "Served::Mounts",
            Self::Given(_) => "Served::Given",
        })
    }
}

/// A view and where the guest sees it.
#[derive(Debug)]
pub(crate) struct Mount {
    view: View,
    pub(crate) guest_path: String,
    /// The view that knows its guest path, once the guest has asked for it.
    mounted: Option<View>,
}

impl Mount {
    /// Opens the root. Every root of a mount is of one view, as the store
    /// takes two views for two devices.
    pub(crate) fn open(&mut self) -> larder_core::Result<larder_core::Descriptor> {
        let mounted = match self.mounted.take() {
            Some(mounted) => mounted,
            None => self.view.mounted_at(&self.guest_path)?,
        };
        self.mounted.insert(mounted).root()
    }
}

impl LarderCtx {
    /// A guest that sees no files.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Mounts a view at a guest path such as `/` or `/data`. The guest gets
    /// the mounts in this order from `wasi:filesystem/preopens`.
    ///
    /// Each mount is a device of its own: no rename or hard link leads from
    /// one to another, even where both show the same volume.
    #[must_use]
    pub fn mount(mut self, view: View, guest_path: &str) -> Self {
        self.mounts.push(Mount { view, guest_path: guest_path.to_owned(), mounted: None });
        self
    }

    /// Answers `larder:fs/store` with this store, such as one that is on
    /// another machine, and not with the mounts. A guest that imports
    /// `wasi:filesystem` sees the mounts all the same.
    ///
    /// The store may block: on a runtime of tokio with several threads, the
    /// others go on meanwhile. It must not be used on a `LocalSet` of such a
    /// runtime, where tokio does not permit that.
    #[must_use]
    pub fn with_store(mut self, store: Box<dyn Store + Send + Sync>) -> Self {
        self.served = Some(Served::Given(store));
        self
    }

    /// Takes the times of changes from another clock than the system's.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The views and the guest paths where they are mounted, in order.
    pub fn mounts(&self) -> impl Iterator<Item = (&View, &str)> {
        self.mounts.iter().map(|mount| (&mount.view, mount.guest_path.as_str()))
    }

    /// The clock that stamps changes.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }
}

/// Both parts of a store's data that the host functions work with.
#[derive(Debug)]
pub struct LarderCtxView<'a> {
    /// The guest's filesystem.
    pub ctx: &'a mut LarderCtx,
    /// The guest's resources: the same table that [`WasiView`] gives, so that
    /// `wasi:io` finds Larder's streams.
    pub table: &'a mut ResourceTable,
}

/// Gives the host functions access to the [`LarderCtx`] in a store's data.
pub trait LarderView: WasiView {
    /// Borrows the context and the table of [`WasiView::ctx`].
    fn larder(&mut self) -> LarderCtxView<'_>;
}
