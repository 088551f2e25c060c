//! Plugs an adapter component into an app, as `wac plug` does, with checks
//! that `wac` leaves to the host.
//!
//! What lives here: choosing the adapter, wiring, and saying what does not
//! fit. What does not: placing an image into the adapter (`pack`).

use std::collections::HashSet;

use wac_graph::types::{Package, SubtypeChecker, are_semver_compatible};
use wac_graph::{CompositionGraph, EncodeOptions, PackageId};
use wasmparser::{Parser, Validator, WasmFeatures};

use crate::error::{ComposeError, ErrorKind};
use crate::pack::component_with_image;

/// What is plugged into the app.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlugOptions<'a> {
    /// The adapter component; by default the one of [`Adapter::for_app`].
    pub adapter: Option<&'a [u8]>,
    /// The image that the store starts with.
    pub image: Option<&'a [u8]>,
}

/// The adapter components of this build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adapter {
    /// WASI 0.2.
    P2,
    /// WASI 0.2 with the streams of TCP connections.
    P2Tcp,
    /// WASI 0.3.
    P3,
    /// WASI 0.3 and 0.2 over one store, for apps that use both.
    P3AndP2,
}

impl Adapter {
    /// The adapter for what `app` imports.
    ///
    /// # Errors
    /// As [`plug`], where no adapter serves the app.
    pub fn for_app(app: &[u8]) -> Result<Self, ComposeError> {
        let mut graph = CompositionGraph::new();
        let app = register(&mut graph, "app", app)?;
        Self::for_imports(&imports(&graph, app))
    }

    fn for_imports(imports: &[String]) -> Result<Self, ComposeError> {
        let any = |interface: &str, version: &str| {
            let wanted = format!("{interface}@{version}.");
            imports.iter().any(|import| import.starts_with(&wanted))
        };
        let p2 = any("wasi:filesystem/types", "0.2") || any("wasi:filesystem/preopens", "0.2");
        let p3 = any("wasi:filesystem/types", "0.3") || any("wasi:filesystem/preopens", "0.3");
        let http = any("wasi:http/types", "0.2");
        let tcp = any("wasi:sockets/tcp", "0.2");
        // Only the adapters with a 0.2 half have what is beside WASI.
        let extensions = ["statistics", "locks", "changes"].iter().any(|name| any(&format!("larder:fs/{name}"), "0.1"));
        match (p2, p3) {
            (false, false) => Err(nothing_to_plug(imports)),
            (true, _) if http => Err(ComposeError::new(
                ErrorKind::Escapes,
                "it uses wasi:http 0.2, whose bodies are streams of the host: a plugged adapter brings streams of \
                 its own, and the result would pass every check and then fail in the host. Attach instead: \
                 larder compose without --plug",
            )),
            (true, true) if tcp => Err(ComposeError::new(
                ErrorKind::Unsupported,
                "it uses WASI 0.3 files and 0.2 TCP connections in one component, for which there is no adapter",
            )),
            (true, true) => Ok(Self::P3AndP2),
            (false, true) if extensions => Ok(Self::P3AndP2),
            (false, true) => Ok(Self::P3),
            (true, false) if tcp => Ok(Self::P2Tcp),
            (true, false) => Ok(Self::P2),
        }
    }

    /// The component.
    #[must_use]
    pub fn bytes(self) -> &'static [u8] {
        match self {
            Self::P2 => larder_artifacts::ADAPTER,
            Self::P2Tcp => larder_artifacts::ADAPTER_TCP,
            Self::P3 => larder_artifacts::ADAPTER_P3,
            Self::P3AndP2 => larder_artifacts::ADAPTER_P3_P2,
        }
    }
}

fn nothing_to_plug(imports: &[String]) -> ComposeError {
    let found = imports.iter().find(|import| import.starts_with("wasi:filesystem/"));
    ComposeError::new(
        ErrorKind::NothingToAttach,
        match found {
            Some(import) => format!("it imports {import}, a version that Larder does not know (0.2 and 0.3)"),
            None => "it imports no wasi:filesystem: it uses no files, or is composed already".to_owned(),
        },
    )
}

/// Plugs an adapter into `app`: the result needs no filesystem from its host.
///
/// # Errors
/// `Invalid` and `NotAComponent` for what is no component, `NothingToAttach`
/// for an app that uses no files, `Escapes` for one whose streams also go to
/// interfaces that no adapter brings (HTTP), `Unsupported` where the adapter
/// lacks something that the app imports. Those of [`component_with_image`]
/// where an image is given.
pub fn plug(app: &[u8], options: &PlugOptions<'_>) -> Result<Vec<u8>, ComposeError> {
    let mut graph = CompositionGraph::new();
    let app = register(&mut graph, "app", app)?;
    let imports = imports(&graph, app);
    let chosen = Adapter::for_imports(&imports)?;
    let adapter = options.adapter.unwrap_or_else(|| chosen.bytes());
    let adapter = match options.image {
        Some(image) => register(&mut graph, "adapter", &component_with_image(adapter, image)?)?,
        None => register(&mut graph, "adapter", adapter)?,
    };
    wire(&mut graph, app, adapter)?;
    let composed = encode(&graph)?;
    check(&composed)?;
    Ok(composed)
}

/// Plugs a bridge to a wasmCloud provider into a component that forwards to
/// `larder:fs/store`. The result imports what the bridge does in its place.
///
/// # Errors
/// `Invalid` and `NotAComponent` for what is no component, `NothingToAttach`
/// for one that does not import `larder:fs/store`.
pub(crate) fn bridged(app: &[u8], bridge: &[u8]) -> Result<Vec<u8>, ComposeError> {
    let mut graph = CompositionGraph::new();
    let app = register(&mut graph, "app", app)?;
    if !imports(&graph, app).iter().any(|import| import.starts_with("larder:fs/store@")) {
        return Err(ComposeError::new(ErrorKind::NothingToAttach, "it does not import larder:fs/store"));
    }
    let bridge = register(&mut graph, "bridge", bridge)?;
    wire(&mut graph, app, bridge)?;
    let composed = encode(&graph)?;
    Validator::new_with_features(WasmFeatures::all()).validate_all(&composed)?;
    Ok(composed)
}

fn encode(graph: &CompositionGraph) -> Result<Vec<u8>, ComposeError> {
    graph.encode(EncodeOptions { validate: false, ..EncodeOptions::default() }).map_err(graph_failed)
}

fn register(graph: &mut CompositionGraph, name: &str, bytes: &[u8]) -> Result<PackageId, ComposeError> {
    if !Parser::is_component(bytes) {
        return Err(ComposeError::new(
            ErrorKind::NotAComponent,
            format!("the {name} is a core module or no WebAssembly at all, and only a component can be plugged"),
        ));
    }
    Validator::new_with_features(WasmFeatures::all()).validate_all(bytes)?;
    let invalid = |error: &dyn std::fmt::Display| {
        ComposeError::new(ErrorKind::Invalid, format!("cannot read the {name}: {error}"))
    };
    let package = Package::from_bytes(name, None, bytes, graph.types_mut()).map_err(|error| invalid(&error))?;
    graph.register_package(package).map_err(|error| invalid(&error))
}

fn imports(graph: &CompositionGraph, package: PackageId) -> Vec<String> {
    graph.types()[graph[package].ty()].imports.keys().cloned().collect()
}

/// Gives the app each import that the adapter exports, under any compatible
/// version, and exports what the app exports.
fn wire(graph: &mut CompositionGraph, app: PackageId, adapter: PackageId) -> Result<(), ComposeError> {
    let socket = graph.instantiate(app);
    let plug = graph.instantiate(adapter);
    for (import, export) in matches(graph, app, adapter)? {
        let export = graph.alias_instance_export(plug, &export).map_err(graph_failed)?;
        graph.set_instantiation_argument(socket, &import, export).map_err(graph_failed)?;
    }
    let exports: Vec<String> = graph.types()[graph[app].ty()].exports.keys().cloned().collect();
    for name in exports {
        let export = graph.alias_instance_export(socket, &name).map_err(graph_failed)?;
        graph.export(export, &name).map_err(graph_failed)?;
    }
    Ok(())
}

/// Imports of the app and the exports of the adapter that serve them.
fn matches(
    graph: &CompositionGraph,
    app: PackageId,
    adapter: PackageId,
) -> Result<Vec<(String, String)>, ComposeError> {
    let types = graph.types();
    let exports = &types[graph[adapter].ty()].exports;
    let mut cache = HashSet::default();
    let mut checker = SubtypeChecker::new(&mut cache);
    let mut matched = Vec::new();
    for (import, wanted) in &types[graph[app].ty()].imports {
        let Some((export, offered)) = exports.iter().find(|(export, _)| are_semver_compatible(export, import)) else {
            if import.starts_with("wasi:filesystem/") {
                let message = format!("the adapter does not bring {import}: take the adapter for that version of WASI");
                return Err(ComposeError::new(ErrorKind::Unsupported, message));
            }
            continue;
        };
        checker.is_subtype(*offered, types, *wanted, types).map_err(|error| {
            let message = format!("it imports {import} with something that the adapter does not bring: {error:#}");
            ComposeError::new(ErrorKind::Unsupported, message)
        })?;
        matched.push((import.clone(), export.clone()));
    }
    Ok(matched)
}

fn graph_failed(error: impl std::fmt::Display) -> ComposeError {
    ComposeError::new(ErrorKind::Unsupported, format!("the app and the adapter do not fit together: {error}"))
}

/// The result is valid and asks for no filesystem.
fn check(composed: &[u8]) -> Result<(), ComposeError> {
    Validator::new_with_features(WasmFeatures::all()).validate_all(composed).map_err(|error| {
        let message = format!(
            "the app hands streams or errors of files to an interface that no adapter brings, so that their types \
             differ; attach instead (larder compose without --plug): {error}"
        );
        ComposeError::new(ErrorKind::Escapes, message)
    })?;
    let mut graph = CompositionGraph::new();
    let composed = register(&mut graph, "result", composed)?;
    match imports(&graph, composed).iter().find(|import| import.starts_with("wasi:filesystem/")) {
        Some(import) => Err(ComposeError::new(ErrorKind::Defect, format!("the result still imports {import}"))),
        None => Ok(()),
    }
}
