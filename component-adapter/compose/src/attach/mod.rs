//! Attaching: the store's core module goes inside the app's own component and
//! answers its lowered imports, below the boundary at which runtimes copy.
//!
//! Every `canon lower` of a function of `wasi:filesystem` or `wasi:io`, and
//! every `canon resource.drop` of their resources, is replaced in place by an
//! alias of a *gate*. A gate calls the store when the handle is one of the
//! store's (a bit in it tells), and the host's function otherwise. So standard
//! streams, sockets and HTTP bodies stay the host's, and the same handles; the
//! imports of `wasi:filesystem` go away.
//!
//! ```text
//! ┌ composed component ─────────────────────────────────────────────────────┐
//! │ imports: the app's, without wasi:filesystem                             │
//! │                                                                         │
//! │  ┌ the app's modules ┐  calls   ┌ $gate ─────────────────┐              │
//! │  │ main, adapters, … ├─────────►│ handle & tag ?         │              │
//! │  │                   │          │  ours: ──► $store      │              │
//! │  │ memory, realloc   │          │  else: ──► $shim table ├─► the host's │
//! │  └───────▲───────────┘          └───────────┬────────────┘   functions  │
//! │          │ get, put, alloc                  ▼                           │
//! │  ┌ $bridge (each memory) ┐      ┌ $store ────────────────┐              │
//! │  │ SIMD or memory.copy   │◄─────┤ larder-core            ├─► the host's │
//! │  └───────────────────────┘ $shim│ memory of its own,     │   clock, … │
//! │                           table │ image of files         │              │
//! │                                 └────────────────────────┘              │
//! │  $fixup fills $shim's table when all that is in it exists               │
//! │                                                                         │
//! │ exports: the app's                                                      │
//! └─────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! What lives here: reading a component, planning, writing it, checking the
//! result. What does not: the store itself and what an image holds.

pub(crate) mod bridge;
mod escape;
mod extend;
mod forward;
mod glue;
mod interfaces;
mod mapper;
mod name_section;
mod names;
mod outer;
mod output;
mod plan;
mod rewrite;
mod scope;
mod store;
mod verify;

use std::borrow::Cow;

pub use bridge::Bridge;

use crate::error::ComposeError;
use crate::image_data::with_image;
use scope::Scope;

/// How to attach.
#[derive(Debug, Clone)]
pub struct AttachOptions<'o> {
    /// Which way bytes go between the app's memory and the store's.
    pub bridge: Bridge,
    /// The module of the store: [`larder_artifacts::ATTACHMENT`], or another
    /// with its imports and exports.
    pub module: Cow<'o, [u8]>,
    /// Files and options that it carries; without, it begins empty.
    pub image: Option<Cow<'o, [u8]>>,
    /// Whether the store also answers `wasi:cli/environment`, as an image may
    /// say.
    pub environment: bool,
}

impl Default for AttachOptions<'_> {
    fn default() -> Self {
        AttachOptions {
            bridge: Bridge::default(),
            module: larder_artifacts::ATTACHMENT.into(),
            image: None,
            environment: false,
        }
    }
}

/// An app with the store in it.
#[derive(Debug, Clone)]
pub struct Attached {
    /// The component.
    pub component: Vec<u8>,
    /// Imports of the app that are gone, by name.
    pub removed: Vec<String>,
}

/// Attaches the store to `app`.
///
/// The same input always gives the same output.
///
/// # Errors
/// Says what was refused, where, and what to do; see [`crate::ErrorKind`].
pub fn attach(app: &[u8], options: &AttachOptions<'_>) -> Result<Attached, ComposeError> {
    let root = Scope::read(app)?;
    let module = match &options.image {
        Some(image) => Cow::Owned(with_image(&options.module, image)?),
        None => Cow::Borrowed(options.module.as_ref()),
    };
    let known = store::StoreModule::read(&module)?;
    let plan = plan::plan(&root, &known, options.environment)?;
    let forward = forward::Forward::read(&known, larder_artifacts::STORE_INTERFACE)?;
    let added = forward.as_ref().map(|forward| forward.name.clone());
    let store = rewrite::Store { module: &module, bridge: options.bridge, forward };
    let component = rewrite::component(&root, &plan, &store, &[])?;
    let removed = verify::attached(&root, &component, added.as_deref())?;
    Ok(Attached { component, removed })
}
