//! Composing WASI 0.1 modules: what real guests do under Wasmtime's own
//! command, and what is refused.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use larder_compose::ErrorKind;
use larder_compose::attach::Bridge;
use larder_compose::contents::Contents;
use larder_compose::p1::{P1Options, compose_p1};
use larder_core::Limits;
use larder_transfer::Silent;
use support::{cached, guest};
use wasm_encoder::{
    CodeSection, EntityType, ExportKind, ExportSection, Function, FunctionSection, ImportSection, MemorySection,
    MemoryType, Module, TypeSection, ValType,
};

const BRIDGES: [Bridge; 2] = [Bridge::SingleMemory, Bridge::MultiMemory];

fn composed(name: &str, bridge: Bridge) -> PathBuf {
    let component = compose_p1(&guest(name), &P1Options { bridge, image: None }).expect("it composes");
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{bridge:?}.wasm"));
    std::fs::write(&path, component).expect("it is written");
    path
}

/// Runs a component that gets nothing from the host but standard streams,
/// clocks and what `options` say.
fn run(component: &PathBuf, options: &[&str], arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(cached("LARDER_WASMTIME"))
        .arg("run")
        .args(options)
        .arg(component)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("Wasmtime starts");
    let mut stdin = child.stdin.take().expect("it has an input");
    let input = input.to_vec();
    // A guest that does not read its input closes it.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("the input is written");
    output
}

fn succeeds(name: &str, arguments: &[&str]) {
    for bridge in BRIDGES {
        let output = run(&composed(name, bridge), &["--env", "ABSOLUTE_SYMLINKS=1"], arguments, b"");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name} with {bridge:?}: {told}");
    }
}

#[test]
fn c_keeps_thousands_of_files() {
    succeeds("c-files", &[]);
}

#[test]
fn go_keeps_thousands_of_files() {
    succeeds("go-files", &[]);
}

#[test]
fn rust_keeps_thousands_of_files() {
    succeeds("rust-files-p1", &["all"]);
}

#[test]
fn exit_codes_are_success_or_failure() {
    let component = composed("rust-files-p1", Bridge::SingleMemory);
    assert_eq!(run(&component, &[], &["exit", "0"], b"").status.code(), Some(0));
    assert_eq!(run(&component, &[], &["exit", "1"], b"").status.code(), Some(1));
    assert_eq!(run(&component, &[], &["exit", "7"], b"").status.code(), Some(1));
}

#[test]
fn environment_and_arguments_are_the_hosts() {
    let component = composed("rust-files-p1", Bridge::SingleMemory);
    let output = run(&component, &["--env", "COLOUR=blue"], &["env"], b"");
    assert!(String::from_utf8_lossy(&output.stdout).contains("COLOUR=blue"), "{output:?}");
}

/// Wants a device; a volume has none.
const NOT_OURS: &str = "TestDevNullFile";

/// What `larder run` passes on the same tests, at least.
const GO_PASSES: usize = 1_157 + 258;

#[test]
fn gos_own_tests_of_files_find_nothing_wrong() {
    let mut contents = Contents::new(larder_transfer::now(), Limits::default());
    contents.mount_default().expect("it mounts");
    contents
        .add_host(&cached("LARDER_GUESTS").join("go-os-root"), "/", false, &mut Silent)
        .expect("the tree is packed");
    let image = contents.image().expect("there is an image").into();
    let options = P1Options { bridge: Bridge::SingleMemory, image: Some(image) };
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("go-os-test.wasm");
    let component = compose_p1(&guest("go-os-test"), &options).expect("it composes");
    std::fs::write(&path, component).expect("it is written");
    let variables = ["--env", "PWD=/goroot/src/os", "--env", "GOROOT=/goroot", "--env", "TMPDIR=/tmp"];
    let options = [&variables[..], &["--env", "HOME=/home"]].concat();
    let output = run(&path, &options, &["-test.short", "-test.v"], b"");
    let text = String::from_utf8_lossy(&output.stdout);
    let results = text.lines().filter_map(|line| line.trim_start().strip_prefix("--- ")?.split_once(": "));
    let results: BTreeMap<_, _> =
        results.map(|(result, name)| (name.split(' ').next().unwrap_or_default(), result)).collect();
    let failures: Vec<_> = results.iter().filter(|(_, result)| **result == "FAIL").map(|(name, _)| *name).collect();
    assert!(failures.iter().all(|name| *name == NOT_OURS), "{failures:?} fail");
    let passed = results.values().filter(|result| **result == "PASS").count();
    assert!(passed >= GO_PASSES, "{passed} pass, {GO_PASSES} expected");
    // The run came to its end, and was not cut off by a panic.
    assert!(matches!(text.lines().last(), Some("PASS" | "FAIL")), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A module with a memory, a `_start` of the given type, and imports.
fn module(imported: &[(&str, &str)], start: &str, memory: bool) -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([ValType::I32], [ValType::I32]);
    types.ty().function([], []);
    let mut imports = ImportSection::new();
    for (module, name) in imported {
        imports.import(module, name, EntityType::Function(0));
    }
    let mut functions = FunctionSection::new();
    functions.function(1);
    let mut memories = MemorySection::new();
    memories.memory(MemoryType { minimum: 1, maximum: None, memory64: false, shared: false, page_size_log2: None });
    let mut exports = ExportSection::new();
    exports.export(start, ExportKind::Func, imports.len());
    if memory {
        exports.export("memory", ExportKind::Memory, 0);
    }
    let mut body = Function::new([]);
    body.instructions().end();
    let mut code = CodeSection::new();
    code.function(&body);
    let mut module = Module::new();
    module.section(&types).section(&imports).section(&functions).section(&memories).section(&exports).section(&code);
    module.finish()
}

#[test]
fn a_module_that_imports_nothing_runs() {
    let component = compose_p1(&module(&[], "_start", true), &P1Options::default()).expect("it composes");
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("nothing.wasm");
    std::fs::write(&path, component).expect("it is written");
    assert!(run(&path, &[], &[], b"").status.success());
}

#[test]
fn what_cannot_be_composed_is_refused_with_the_reason() {
    let refused = |module: &[u8], says: &str| {
        let error = compose_p1(module, &P1Options::default()).expect_err("it is refused");
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains(says), "{error}");
    };
    refused(&module(&[("env", "call_js")], "_start", true), "`env` `call_js`");
    refused(&module(&[("wasi_unstable", "fd_close")], "_start", true), "current toolchain");
    refused(&module(&[("wasi_snapshot_preview1", "fd_read")], "_start", true), "another type");
    refused(&module(&[("wasi_snapshot_preview1", "fd_dup")], "_start", true), "does not have");
    refused(&module(&[], "_initialize", true), "library");
    refused(&module(&[], "main", true), "`_start`");
    refused(&module(&[], "_start", false), "`memory`");
    // `fd_close` has the type of these imports.
    compose_p1(&module(&[("wasi_snapshot_preview1", "fd_close")], "_start", true), &P1Options::default())
        .expect("it composes");
}

#[test]
fn the_result_is_always_the_same_and_mutations_are_no_panic() {
    let app = guest("c-files");
    let first = compose_p1(&app, &P1Options::default()).expect("it composes");
    assert_eq!(first, compose_p1(&app, &P1Options::default()).expect("it composes"));
    // A fixed sequence (xorshift) of changed bytes, mostly in the sections
    // that are looked at.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).expect("it is smaller")
    };
    for _ in 0..40 {
        let mut mutated = app.clone();
        for _ in 0..=next(3) {
            let at = next(2048.min(mutated.len()));
            if let Some(byte) = mutated.get_mut(at) {
                *byte = u8::try_from(next(256)).expect("a byte");
            }
        }
        // Composing validates what it gives.
        let _ = compose_p1(&mutated, &P1Options::default());
    }
}
