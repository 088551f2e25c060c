//! Adapter components from their modules.

use std::path::Path;

use anyhow::{Context as _, Result};
use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions, PackageId};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// The WIT that the front of the 0.3 adapter is made from, below `wit/`.
const FRONT_WIT: [&str; 3] = ["deps/clocks-0.3.0.wit", "deps/filesystem-0.3.0.wit", "larder-adapter-p3"];

/// The task that feeds streams: from the store to the front, not for apps.
const PUMP: &str = "larder:adapter-p3/pump";

const PREOPENS: &str = "wasi:filesystem/preopens@0.3.0";

/// A component around a module that `wit-bindgen` has told its world.
///
/// # Errors
/// When the module does not fit its world.
pub(crate) fn component(module: &[u8]) -> Result<Vec<u8>> {
    ComponentEncoder::default().validate(true).module(module)?.encode()
}

/// The adapter for WASI 0.3: the front before the store. What the store
/// exports beside is exported as it is.
///
/// # Errors
/// When a module does not fit its world, or the two not each other.
pub(crate) fn p3(store: &[u8], front: &[u8], wit: &Path) -> Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let store = register(&mut graph, "larder:store", component(store).context("the store")?)?;
    let front = register(&mut graph, "larder:front", component(&with_world(front, wit)?).context("the front")?)?;
    let (store_exports, front_imports) = (names(&graph, store).1, names(&graph, front).0);
    let (store, front) = (graph.instantiate(store), graph.instantiate(front));
    for import in front_imports {
        let export = graph.alias_instance_export(store, &import)?;
        graph.set_instantiation_argument(front, &import, export)?;
    }
    for export in store_exports.into_iter().filter(|export| export != PUMP) {
        let from = if export == PREOPENS { front } else { store };
        let instance = graph.alias_instance_export(from, &export)?;
        graph.export(instance, &export)?;
    }
    Ok(graph.encode(EncodeOptions::default())?)
}

/// The front's module with its world, which it does not carry itself.
fn with_world(module: &[u8], wit: &Path) -> Result<Vec<u8>> {
    let mut resolve = Resolve::default();
    let mut package = None;
    for path in FRONT_WIT {
        package = Some(resolve.push_path(wit.join(path))?.0);
    }
    let world = resolve.select_world(package.as_slice(), Some("front"))?;
    let mut module = module.to_vec();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)?;
    Ok(module)
}

fn register(graph: &mut CompositionGraph, name: &str, component: Vec<u8>) -> Result<PackageId> {
    let package = Package::from_bytes(name, None, component, graph.types_mut())?;
    Ok(graph.register_package(package)?)
}

/// Imports and exports.
fn names(graph: &CompositionGraph, package: PackageId) -> (Vec<String>, Vec<String>) {
    let world = &graph.types()[graph[package].ty()];
    (world.imports.keys().cloned().collect(), world.exports.keys().cloned().collect())
}
