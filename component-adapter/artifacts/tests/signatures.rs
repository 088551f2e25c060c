//! The exports of the attachment have the types that the canonical ABI gives
//! the functions of the WIT, with the context before them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failing test may panic"
)]

use std::collections::BTreeMap;
use std::path::Path;

use wasmparser::{CompositeInnerType, FuncType, ValType, Validator, WasmFeatures, types::EntityType};
use wit_parser::abi::{AbiVariant, WasmType};
use wit_parser::{InterfaceId, Resolve, TypeDefKind, TypeId};

/// The interfaces that the attachment answers wholly.
const INTERFACES: [&str; 8] = [
    "wasi:filesystem/types",
    "wasi:filesystem/preopens",
    "wasi:io/streams",
    "wasi:io/poll",
    "wasi:io/error",
    "larder:fs/statistics",
    "larder:fs/locks",
    "larder:fs/changes",
];

/// Exports that belong to no interface, with their parameters and results.
const OTHERS: [(&str, usize, usize); 2] = [("cabi_realloc", 4, 1), ("larder#no-error-code", 3, 0)];

type Signature = (Vec<ValType>, Vec<ValType>);

fn exports() -> BTreeMap<String, Signature> {
    let types = Validator::new_with_features(WasmFeatures::default()).validate_all(larder_artifacts::ATTACHMENT);
    let types = types.expect("the attachment is valid");
    let types = types.as_ref();
    let signature = |function: &FuncType| (function.params().to_vec(), function.results().to_vec());
    let functions = types.core_exports().unwrap().filter_map(|(name, ty)| match ty {
        EntityType::Func(id) => match &types[id].composite_type.inner {
            CompositeInnerType::Func(function) => Some((name.to_owned(), signature(function))),
            _ => None,
        },
        _ => None,
    });
    functions.collect()
}

fn wit() -> Resolve {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let mut resolve = Resolve::default();
    for file in ["io-0.2.12", "clocks-0.2.12", "random-0.2.12", "filesystem-0.2.12", "sockets-0.2.12", "cli-0.2.12"] {
        resolve.push_path(folder.join("deps").join(file).with_extension("12.wit")).unwrap();
    }
    resolve.push_path(folder.join("larder-fs")).unwrap();
    resolve
}

fn interface(resolve: &Resolve, name: &str) -> InterfaceId {
    let full = |id: InterfaceId| resolve.id_of(id).unwrap_or_default();
    let found = resolve.interfaces.iter().map(|(id, _)| id).find(|id| full(*id).split('@').next() == Some(name));
    found.unwrap_or_else(|| panic!("{name} is in no WIT file"))
}

fn lowered(types: &[WasmType]) -> impl Iterator<Item = ValType> {
    types.iter().map(|ty| match ty {
        WasmType::I32 | WasmType::Pointer | WasmType::Length => ValType::I32,
        WasmType::I64 | WasmType::PointerOrI64 => ValType::I64,
        WasmType::F32 => ValType::F32,
        WasmType::F64 => ValType::F64,
    })
}

/// What is exported for one interface. The answer of `poll` says whether the
/// attachment has anything to do with it.
fn expected(resolve: &Resolve, name: &str) -> BTreeMap<String, Signature> {
    let interface = &resolve.interfaces[interface(resolve, name)];
    let functions = interface.functions.values().map(|function| {
        let signature = resolve.wasm_signature(AbiVariant::GuestImport, function);
        let params = std::iter::once(ValType::I32).chain(lowered(&signature.params)).collect();
        let mut results: Vec<_> = lowered(&signature.results).collect();
        if function.name == "poll" {
            results.push(ValType::I32);
        }
        (format!("{name}#{}", function.name), (params, results))
    });
    let is_resource = |id: &TypeId| matches!(resolve.types[*id].kind, TypeDefKind::Resource);
    let drops = interface
        .types
        .iter()
        .filter(|(_, id)| is_resource(id))
        .map(|(resource, _)| (format!("{name}#[resource-drop]{resource}"), (vec![ValType::I32; 2], Vec::new())));
    functions.chain(drops).collect()
}

#[test]
fn every_function_of_the_interfaces_is_exported_with_its_type() {
    let resolve = wit();
    let exports = exports();
    for name in INTERFACES {
        let expected = expected(&resolve, name);
        assert!(!expected.is_empty());
        let found = exports.iter().filter(|(export, _)| export.split('#').next() == Some(name));
        let found: BTreeMap<_, _> = found.map(|(export, signature)| (export.clone(), signature.clone())).collect();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn the_environment_is_exported_with_its_types() {
    let resolve = wit();
    let exports = exports();
    for (function, signature) in expected(&resolve, "wasi:cli/environment") {
        assert_eq!(exports.get(&function), Some(&signature), "{function}");
    }
}

#[test]
fn nothing_else_is_exported() {
    let known = |name: &str| {
        let interface = name.split('#').next().unwrap_or_default();
        INTERFACES.contains(&interface) || interface == "wasi:cli/environment"
    };
    let others: Vec<_> = exports().into_iter().filter(|(name, _)| !known(name)).collect();
    let others: Vec<_> =
        others.iter().map(|(name, (params, results))| (&**name, params.len(), results.len())).collect();
    assert_eq!(others, OTHERS);
}

/// Wasmtime, Node and browsers all have what the module uses.
#[test]
fn the_module_needs_no_features_beyond_webassembly_2() {
    let features = WasmFeatures::WASM2;
    Validator::new_with_features(features).validate_all(larder_artifacts::ATTACHMENT).unwrap();
}

#[test]
fn no_path_of_this_machine_is_in_it() {
    for artifact in [larder_artifacts::ATTACHMENT, larder_artifacts::ADAPTER, larder_artifacts::ADAPTER_P3] {
        for path in [concat!(env!("CARGO_MANIFEST_DIR"), "/").as_bytes(), b"/.cargo/"] {
            assert!(!artifact.windows(path.len()).any(|part| part == path));
        }
    }
}
