//! Real guests with the store in them, under Wasmtime's own command, which
//! gives them no directory.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use larder_compose::attach::{AttachOptions, Bridge, attach};
use support::guest;
use support::run::{Guest, Server, run};
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
};

const BRIDGES: [Bridge; 2] = [Bridge::SingleMemory, Bridge::MultiMemory];

fn attached(app: &[u8], bridge: Bridge) -> Vec<u8> {
    attach(app, &AttachOptions { bridge, ..AttachOptions::default() }).expect("it attaches").component
}

/// A WASI 0.1 module as a component, by Wasmtime's adapter.
fn adapted(module: &str) -> Vec<u8> {
    let module = guest(module);
    let mut encoder = wit_component::ComponentEncoder::default();
    encoder.validate(true);
    encoder.module(&module).expect("it is a module");
    encoder
        .adapter(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER)
        .expect("the adapter fits");
    encoder.encode().expect("it becomes a component")
}

#[test]
fn rust_keeps_thousands_of_files() {
    for bridge in BRIDGES {
        let out = run(&Guest::new(&attached(&guest("rust-files"), bridge)), &["all"]);
        assert!(out.contains("5000 files removed"), "{out}");
    }
}

#[test]
fn python_keeps_files_and_a_database() {
    for bridge in BRIDGES {
        let app = Guest::new(&attached(&guest("python-sqlite"), bridge));
        let out = run(&app, &["files"]);
        assert!(out.contains("2000 files removed"), "{out}");
        assert!(run(&app, &["init"]).contains("initialised"));
    }
}

#[test]
fn apps_for_wasi_0_1_keep_files_by_way_of_the_adapter() {
    for bridge in BRIDGES {
        for (module, says) in [("rust-files-p1", "5000 files removed"), ("c-files", "c-files: ok")] {
            let out = run(&Guest::new(&attached(&adapted(module), bridge)), &[]);
            assert!(out.contains(says), "{out}");
        }
    }
}

#[test]
fn http_bodies_stay_the_hosts_and_files_are_the_stores() {
    for bridge in BRIDGES {
        let server = Server::start(&attached(&guest("http-files"), bridge));
        let body = "a body of some length ".repeat(10_000);
        assert!(server.request("PUT", "/a/b", &body).starts_with("HTTP/1.1 201"));
        // Each request has an instance of its own, and so a store of its own.
        assert!(server.request("GET", "/a/b", "").starts_with("HTTP/1.1 404"));
        assert!(server.request("GET", "/", "").starts_with("HTTP/1.1 200"));
    }
}
