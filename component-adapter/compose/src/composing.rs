//! Choosing the way in which an app gets its files.
//!
//! What lives here: the choice. What does not: the ways themselves (`attach`,
//! `plug`, `p1`), and what is carried (`contents`).

use std::borrow::Cow;

use wasmparser::Parser;

use crate::attach::{AttachOptions, Bridge, attach};
use crate::error::{ComposeError, ErrorKind};
use crate::p1::{P1Options, compose_p1};
use crate::plug::{Adapter, PlugOptions, bridged, plug};

/// Which way is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Via {
    /// Attach; plug what only plugging serves.
    #[default]
    Auto,
    /// Attach or fail.
    Attach,
    /// Plug an adapter or fail, as `wac plug` does.
    Plug,
}

/// Who has the files of a component that keeps none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forward {
    /// Whoever serves `larder:fs/store` to the component: the host, or another
    /// component.
    Store,
    /// A Larder provider on a wasmCloud lattice: `larder:remote/messages`.
    Wasmcloud,
    /// The same through `wrpc:rpc/invoker`, which takes a host with the feature
    /// `rpc-interface`.
    WasmcloudRpc,
}

/// How to compose.
#[derive(Clone, Debug, Default)]
pub struct ComposeOptions<'o> {
    /// Which way.
    pub via: Via,
    /// How bytes go between the app's memory and the store's, where a store is
    /// attached.
    pub bridge: Bridge,
    /// What the component carries; without, an empty volume at `/`.
    pub image: Option<Cow<'o, [u8]>>,
    /// Whether the image says what the app sees of environment and arguments.
    pub environment: bool,
    /// Keep no files: ask somebody else for them.
    pub forward: Option<Forward>,
}

/// The way that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The store is inside the app's component, below its boundary.
    Attached,
    /// As attached, with a client of `larder:fs/store` instead of a store.
    Forwarding,
    /// An adapter component is beside the app.
    Plugged(Adapter),
    /// The app is a core module, and the store is beside it in one component.
    Module,
}

/// An app with its files.
#[derive(Clone, Debug)]
pub struct Composed {
    /// The component.
    pub component: Vec<u8>,
    /// How it was made.
    pub way: Way,
    /// Why it was not attached, where that was tried first.
    pub instead: Option<ComposeError>,
}

/// Composes `app`: a component of WASI 0.2 or 0.3, or a core module of WASI
/// 0.1.
///
/// # Errors
/// Those of the way that is taken; with [`Via::Auto`], those of attaching
/// unless plugging serves what attaching does not.
pub fn compose(app: &[u8], options: &ComposeOptions<'_>) -> Result<Composed, ComposeError> {
    if options.forward.is_some() && options.image.is_some() {
        return Err(ComposeError::new(
            ErrorKind::Unsupported,
            "a component that forwards carries no files, mounts or limits: whoever serves larder:fs/store has them",
        ));
    }
    if Parser::is_core_wasm(app) {
        return module(app, options);
    }
    let plugged = |instead| {
        let way = Way::Plugged(Adapter::for_app(app)?);
        Ok(Composed { component: plug_into(app, options)?, way, instead })
    };
    if options.via == Via::Plug {
        if options.forward.is_some() {
            return Err(ComposeError::new(
                ErrorKind::Unsupported,
                "only an attached component can forward, no plugged one",
            ));
        }
        return plugged(None);
    }
    let (module, way) = match options.forward {
        Some(_) => (larder_artifacts::FORWARD, Way::Forwarding),
        None => (larder_artifacts::ATTACHMENT, Way::Attached),
    };
    let attaching = AttachOptions {
        bridge: options.bridge,
        module: Cow::Borrowed(module),
        image: options.image.clone(),
        environment: options.environment,
    };
    match attach(app, &attaching) {
        Ok(attached) => {
            let component = match options.forward {
                Some(Forward::Wasmcloud) => bridged(&attached.component, larder_artifacts::REMOTE)?,
                Some(Forward::WasmcloudRpc) => bridged(&attached.component, larder_artifacts::REMOTE_RPC)?,
                Some(Forward::Store) | None => attached.component,
            };
            Ok(Composed { component, way, instead: None })
        }
        Err(error) if options.via == Via::Auto && options.forward.is_none() && plug_serves(error.kind()) => {
            plugged(Some(error))
        }
        Err(error) => Err(error),
    }
}

/// Whether plugging may serve what attaching refuses.
const fn plug_serves(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Version03 | ErrorKind::SeveralConsumers | ErrorKind::Escapes)
}

fn plug_into(app: &[u8], options: &ComposeOptions<'_>) -> Result<Vec<u8>, ComposeError> {
    if options.environment {
        return Err(ComposeError::new(
            ErrorKind::Unsupported,
            "environment and arguments can be baked only into an app that is attached, and this one is plugged: \
             leave --env, --host-env and --arg to the host",
        ));
    }
    plug(app, &PlugOptions { adapter: None, image: options.image.as_deref() })
}

fn module(app: &[u8], options: &ComposeOptions<'_>) -> Result<Composed, ComposeError> {
    if options.forward.is_some() {
        return Err(ComposeError::new(
            ErrorKind::NotAComponent,
            "it is a core module, and only a component can forward: build it for wasm32-wasip2",
        ));
    }
    if options.via == Via::Plug {
        return Err(ComposeError::new(
            ErrorKind::NotAComponent,
            "it is a core module, and an adapter is plugged into components: leave --via out, or make a component of it",
        ));
    }
    let component = compose_p1(app, &P1Options { bridge: options.bridge, image: options.image.clone() })?;
    Ok(Composed { component, way: Way::Module, instead: None })
}
