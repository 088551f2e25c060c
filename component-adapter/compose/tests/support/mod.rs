//! What the tests of composing share: guests, and a store that answers
//! nothing.

#![allow(dead_code, reason = "each test file uses some of it")]
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

pub(crate) mod apps;
pub(crate) mod run;

use std::collections::BTreeMap;
use std::path::PathBuf;

use wasm_encoder::{
    CodeSection, ConstExpr, EntityType, ExportKind, ExportSection, Function, FunctionSection, GlobalSection,
    GlobalType, ImportSection, MemorySection, MemoryType, Module, TypeSection, ValType,
};
use wit_parser::Resolve;
use wit_parser::abi::{AbiVariant, WasmType};

/// A tool or folder that `tests/tools` and `tests/guests/build` provide, by
/// the name that it has in the cache's `env` file.
pub(crate) fn cached(name: &str) -> PathBuf {
    if let Some(value) = std::env::var_os(name) {
        return value.into();
    }
    let home = std::env::var("LARDER_CACHE")
        .unwrap_or_else(|_| format!("{}/.cache/larder", std::env::var("HOME").expect("HOME is set")));
    let env = std::fs::read_to_string(format!("{home}/env")).expect("run tests/guests/build first");
    let line = env.lines().find_map(|line| line.strip_prefix(&format!("export {name}=")));
    line.unwrap_or_else(|| panic!("{name} is not in {home}/env: run tests/guests/build")).into()
}

/// A guest that `tests/guests/build` has built.
pub(crate) fn guest(name: &str) -> Vec<u8> {
    let path = cached("LARDER_GUESTS").join(format!("{name}.wasm"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; run tests/guests/build", path.display()))
}

/// A module with the imports and exports of the store's. Every function
/// traps, but `poll` and `filesystem-error-code` and drops leave all to the
/// host: an app that uses no file runs with it as it did before.
pub(crate) fn empty_store() -> Vec<u8> {
    use ValType::{I32, I64};
    let mut types = TypeSection::new();
    let mut imports = ImportSection::new();
    for (module, name, params, results) in [
        ("bridge", "get", &[I32; 4][..], &[][..]),
        ("bridge", "put", &[I32; 4], &[]),
        ("bridge", "alloc", &[I32; 3], &[I32]),
        ("host", "features", &[], &[I32]),
        ("host", "now", &[I32], &[]),
        ("host", "pollable-ready", &[I32], &[I32]),
        ("host", "pollable-block", &[I32], &[]),
        ("host", "pollable-drop", &[I32], &[]),
        ("host", "input-read", &[I32, I64, I32], &[]),
        ("host", "input-blocking-read", &[I32, I64, I32], &[]),
        ("host", "output-check-write", &[I32, I32], &[]),
        ("host", "output-write", &[I32; 4], &[]),
        ("host", "output-flush", &[I32, I32], &[]),
        ("host", "output-blocking-flush", &[I32, I32], &[]),
        ("host", "output-subscribe", &[I32], &[I32]),
        ("host", "get-environment", &[I32], &[]),
        ("host", "get-arguments", &[I32], &[]),
        ("host", "initial-cwd", &[I32], &[]),
    ] {
        imports.import(module, name, EntityType::Function(types.len()));
        types.ty().function(params.iter().copied(), results.iter().copied());
    }
    let imported = imports.len();
    let mut functions = FunctionSection::new();
    let mut exports = ExportSection::new();
    let mut code = CodeSection::new();
    for (index, (name, (params, results))) in (imported..).zip(store_functions()) {
        functions.function(types.len());
        types.ty().function(params, results);
        exports.export(&name, ExportKind::Func, index);
        let mut body = Function::new([]);
        match name.as_str() {
            "wasi:io/poll#poll" => body.instructions().i32_const(0).end(),
            _ => body.instructions().unreachable().end(),
        };
        code.function(&body);
    }
    let mut memories = MemorySection::new();
    memories.memory(MemoryType { minimum: 1, maximum: None, memory64: false, shared: false, page_size_log2: None });
    exports.export("memory", ExportKind::Memory, 0);
    let mut globals = GlobalSection::new();
    globals.global(GlobalType { val_type: I32, mutable: false, shared: false }, &ConstExpr::i32_const(1024));
    exports.export("LARDER_IMAGE", ExportKind::Global, 0);
    let mut module = Module::new();
    module.section(&types).section(&imports).section(&functions).section(&memories).section(&globals);
    module.section(&exports).section(&code);
    module.finish()
}

type CoreType = (Vec<ValType>, Vec<ValType>);

/// The functions that a store exports, by the WIT of WASI 0.2.
fn store_functions() -> BTreeMap<String, CoreType> {
    use ValType::I32;
    let wit = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let mut resolve = Resolve::default();
    resolve.push_dir(&wit).expect("the repository's WIT parses");
    let mut functions = BTreeMap::new();
    for (_, interface) in resolve.interfaces.iter() {
        let Some(name) = interface.package.and_then(|package| {
            let package = &resolve.packages[package].name;
            let version = package.version.as_ref()?;
            let name = format!("{}:{}/{}", package.namespace, package.name, interface.name.as_ref()?);
            (version.minor == 2).then_some(name)
        }) else {
            continue;
        };
        if !["wasi:filesystem/", "wasi:io/", "wasi:cli/environment"].iter().any(|prefix| name.starts_with(prefix)) {
            continue;
        }
        for function in interface.functions.values() {
            let signature = resolve.wasm_signature(AbiVariant::GuestImport, function);
            let mut params = vec![I32];
            params.extend(signature.params.iter().map(core_type));
            let mut results: Vec<_> = signature.results.iter().map(core_type).collect();
            if name == "wasi:io/poll" && function.name == "poll" {
                results.push(I32);
            }
            functions.insert(format!("{name}#{}", function.name), (params, results));
        }
        for ty in interface.types.values() {
            let ty = &resolve.types[*ty];
            if matches!(ty.kind, wit_parser::TypeDefKind::Resource) {
                let resource = ty.name.as_ref().expect("a resource has a name");
                functions.insert(format!("{name}#[resource-drop]{resource}"), (vec![I32; 2], vec![]));
            }
        }
    }
    functions.insert("larder#no-error-code".to_owned(), (vec![I32; 3], vec![]));
    functions.insert("cabi_realloc".to_owned(), (vec![I32; 4], vec![I32]));
    functions
}

fn core_type(ty: &WasmType) -> ValType {
    match ty {
        WasmType::I32 | WasmType::Pointer | WasmType::Length => ValType::I32,
        WasmType::I64 | WasmType::PointerOrI64 => ValType::I64,
        WasmType::F32 => ValType::F32,
        WasmType::F64 => ValType::F64,
    }
}
