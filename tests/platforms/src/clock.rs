//! Plugs the clock that the suite sets (`tests/guests/clock`) over a composed
//! guest: the guest and the store in it are given the same one.

use wac_graph::types::{Package, are_semver_compatible};
use wac_graph::{CompositionGraph, EncodeOptions};

/// `app` with `clock`'s exports instead of its imports of the same names.
///
/// # Panics
/// Where they do not fit together.
pub(crate) fn with_clock(app: &[u8], clock: &[u8]) -> Vec<u8> {
    let mut graph = CompositionGraph::new();
    let [app, clock] = [("app", app), ("clock", clock)].map(|(name, bytes)| {
        let package = Package::from_bytes(name, None, bytes, graph.types_mut()).expect("a component");
        let names = |world: &wac_graph::types::World| {
            (world.imports.keys().cloned().collect::<Vec<_>>(), world.exports.keys().cloned().collect::<Vec<_>>())
        };
        let names = names(&graph.types()[package.ty()]);
        let package = graph.register_package(package).expect("a name of its own");
        (graph.instantiate(package), names)
    });
    let ((app, (imports, exports)), (clock, (_, offered))) = (app, clock);
    for export in &offered {
        // An app of WASI 0.3 names the same interface under several versions.
        let same = |import: &&String| are_semver_compatible(import, export);
        assert!(imports.iter().any(|import| same(&import)), "the guest does not import {export}: {imports:?}");
        let alias = graph.alias_instance_export(clock, export).expect("it is exported");
        for import in imports.iter().filter(same) {
            graph.set_instantiation_argument(app, import, alias).expect("the types are the same");
        }
    }
    for export in exports {
        let alias = graph.alias_instance_export(app, &export).expect("it is exported");
        graph.export(alias, &export).expect("once");
    }
    graph.encode(EncodeOptions::default()).expect("the composition is valid")
}
