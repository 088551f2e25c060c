//! What attaching refuses, and that it says why.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use larder_compose::ErrorKind;
use larder_compose::attach::{AttachOptions, attach};
use support::apps::app;
use support::empty_store;

fn refuses(app: &[u8], kind: ErrorKind, says: &str) {
    let options = AttachOptions { module: empty_store().into(), ..AttachOptions::default() };
    let error = attach(app, &options).expect_err("it is refused");
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(says), "{error}");
}

fn text(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("the text is WebAssembly")
}

#[test]
fn what_is_no_component() {
    refuses(b"", ErrorKind::Invalid, "not valid");
    refuses(b"#!/bin/sh", ErrorKind::Invalid, "not valid");
    refuses(&text("(module)"), ErrorKind::NotAComponent, "core module");
}

#[test]
fn apps_without_a_filesystem() {
    refuses(&text("(component)"), ErrorKind::NothingToAttach, "runs without");
}

#[test]
fn other_versions() {
    let version =
        |version: &str| text(&format!(r#"(component (import "wasi:filesystem/types@{version}" (instance)))"#));
    refuses(&version("0.3.0"), ErrorKind::Version03, "wasi:filesystem/types@0.3.0");
    refuses(&version("0.2.0-rc-2023-11-10"), ErrorKind::Unsupported, "wasi:filesystem/types@0.2.0-rc");
    refuses(&version("1.0.0"), ErrorKind::Unsupported, "only WASI 0.2 and 0.3");
}

#[test]
fn functions_that_take_a_stream() {
    let app = app(
        r#"(alias outer 0 $input-stream (type $stream))
        (import "eat" (func $eat (param "stream" (own $stream))))"#,
        "(core func (canon lower (func $eat)))",
    );
    refuses(&app, ErrorKind::Escapes, "`input-stream`");
}

#[test]
fn exports_that_give_a_stream() {
    let app = app(
        "",
        r#"(type $give (func (result (own $input-stream))))
        (func $give (type $give) (canon lift (core func $number)))
        (export "give" (func $give))"#,
    );
    refuses(&app, ErrorKind::Escapes, "`input-stream`");
}

#[test]
fn imports_and_exports_of_descriptors() {
    let takes = app(r#"(import "look" (func (param "at" (borrow $descriptor))))"#, "");
    refuses(&takes, ErrorKind::Escapes, "import `look`");
    let gives = app("", r#"(export "descriptor" (type $descriptor))"#);
    refuses(&gives, ErrorKind::Escapes, "export `descriptor`");
}

#[test]
fn lowerings_of_another_kind() {
    let lowered = |options: &str| {
        app(
            "",
            &format!(
                r#"(core func (canon lower (func $preopens "get-directories") {options} (memory $memory) (realloc $realloc)))"#
            ),
        )
    };
    refuses(&lowered("string-encoding=utf16"), ErrorKind::Unsupported, "UTF-16");
    refuses(
        &lowered("string-encoding=latin1+utf16"),
        ErrorKind::Unsupported,
        "wasi:filesystem/preopens#get-directories",
    );
    let later = text(
        r#"(component
          (import "wasi:filesystem/preopens@0.2.0" (instance $preopens (export "get-directories" (func async))))
          (core func (canon lower (func $preopens "get-directories") async)))"#,
    );
    refuses(&later, ErrorKind::Unsupported, "async");
}

#[test]
fn functions_that_are_not_those_of_wasi() {
    let unknown = text(
        r#"(component
          (import "wasi:filesystem/types@0.2.0" (instance $types (export "format-disk" (func))))
          (core func (canon lower (func $types "format-disk"))))"#,
    );
    refuses(&unknown, ErrorKind::Unsupported, "wasi:filesystem/types#format-disk");
    let other = text(
        r#"(component
          (import "wasi:filesystem/preopens@0.2.0" (instance $preopens (export "get-directories" (func (param "a" u64)))))
          (core func (canon lower (func $preopens "get-directories"))))"#,
    );
    refuses(&other, ErrorKind::Unsupported, "not those of WASI 0.2");
}

#[test]
fn memories_that_are_not_plain() {
    let app = app(
        "",
        r#"(core module $wide (memory (export "memory") i64 1))
        (core instance $wide (instantiate $wide))
        (alias core export $wide "memory" (core memory $wide))
        (core func (canon lower (func $streams "[method]output-stream.splice") (memory $wide)))"#,
    );
    let options = AttachOptions { module: empty_store().into(), ..AttachOptions::default() };
    let error = attach(&app, &options).expect_err("it is refused");
    assert!(matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::Invalid), "{error}");
}

#[test]
fn other_modules_than_the_stores() {
    let options = AttachOptions { module: text("(module)").into(), ..AttachOptions::default() };
    let error = attach(&app("", ""), &options).expect_err("it is refused");
    assert_eq!(error.kind(), ErrorKind::Module);
}
