//! Real guests with an adapter plugged in, under Wasmtime's own command, which
//! gives them no directory; and apps that no adapter serves.
#![allow(clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::path::{Path, PathBuf};

use larder_compose::ErrorKind;
use larder_compose::plug::{Adapter, PlugOptions, plug};
use larder_image::{Image, ImageBuilder, Meta};
use support::guest;
use support::run::{Guest, run};
use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions};

fn plugged(app: &[u8]) -> Guest {
    Guest::new(&plug(app, &PlugOptions::default()).expect("it plugs"))
}

/// A WASI 0.1 module as a component.
fn adapted(module: &str, adapter: &[u8]) -> Vec<u8> {
    let mut encoder = wit_component::ComponentEncoder::default();
    encoder.validate(true);
    encoder.module(&guest(module)).expect("it is a module");
    encoder.adapter("wasi_snapshot_preview1", adapter).expect("the adapter fits");
    encoder.encode().expect("it becomes a component")
}

/// An image whose one volume has `path` with `content`.
fn image(path: &str, content: &[u8]) -> Vec<u8> {
    let mut builder = ImageBuilder::new(Image::default_options()).expect("the options are valid");
    let mut tree = builder.tree(0).expect("there is a volume");
    let meta = Meta { mode: 0o644, modified: larder_core::Timestamp::from_seconds(1) };
    tree.file(path, meta, content).expect("the file is new");
    builder.finish().expect("it is complete")
}

#[test]
fn an_app_of_wasi_0_2_6_keeps_thousands_of_files() {
    let app = guest("rust-files");
    assert_eq!(Adapter::for_app(&app), Ok(Adapter::P2));
    assert!(run(&plugged(&app), &["all"]).contains("5000 files removed"));
}

#[test]
fn plain_wac_plug_does_the_same() {
    let mut graph = CompositionGraph::new();
    let mut register = |name: &str, bytes: Vec<u8>| {
        let package = Package::from_bytes(name, None, bytes, graph.types_mut()).expect("it is a component");
        graph.register_package(package).expect("it is new")
    };
    let app = register("test:app", guest("rust-files"));
    let adapter = register("test:adapter", larder_artifacts::ADAPTER.to_vec());
    wac_graph::plug(&mut graph, vec![adapter], app).expect("it plugs");
    let component = graph.encode(EncodeOptions::default()).expect("it is valid");
    assert!(run(&Guest::new(&component), &["all", "/files", "500"]).contains("500 files removed"));
}

#[test]
fn apps_of_wasi_0_1_keep_files_by_way_of_old_and_new_adapters() {
    for adapter in [
        adapter_0_2_0::WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
        wasi_preview1_component_adapter_provider::WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
    ] {
        for (module, says) in [("rust-files-p1", "5000 files removed"), ("c-files", "c-files: ok")] {
            let out = run(&plugged(&adapted(module, adapter)), &[]);
            assert!(out.contains(says), "{out}");
        }
    }
}

#[test]
fn an_app_of_wasi_0_2_12_with_tcp_keeps_a_database() {
    let app = guest("python-sqlite");
    assert_eq!(Adapter::for_app(&app), Ok(Adapter::P2Tcp));
    let app = plugged(&app);
    assert!(run(&app, &["files"]).contains("2000 files removed"));
    assert!(run(&app, &["init"]).contains("initialised"));
}

#[test]
fn an_app_of_wasi_0_3_shares_its_files_with_its_0_2_half() {
    let app = guest("bench-guest-p3");
    assert_eq!(Adapter::for_app(&app), Ok(Adapter::P3AndP2));
    let app = plugged(&app);
    // The file is made by std, which is 0.2, and read by 0.3.
    for case in [["seq-read", "65536", "300"], ["seq-write", "4096", "300"], ["readdir", "1000", "5"]] {
        let [case, size, count] = case;
        assert!(run(&app, &[case, size, count, "/"]).contains(case));
    }
}

#[test]
fn an_image_is_there_at_the_start_and_can_be_replaced() {
    let app = guest("rust-files");
    let (first, second) = (image("note", b"first"), image("other", b"second"));
    let with = |image: &[u8]| plug(&app, &PlugOptions { image: Some(image), ..PlugOptions::default() });
    let one = with(&first).expect("it plugs");
    assert_eq!(run(&Guest::new(&one), &["cat", "/note"]).trim_end(), "first");
    let two = larder_compose::pack::component_with_image(&one, &second).expect("there is a store");
    assert_eq!(run(&Guest::new(&two), &["cat", "/other"]).trim_end(), "second");
    // Nothing of the first is left.
    assert_eq!(two, with(&second).expect("it plugs"));
    let without = plug(&app, &PlugOptions::default()).expect("it plugs");
    let error = larder_compose::pack::component_with_image(&app, &first).expect_err("there is no store");
    assert_eq!(error.kind(), ErrorKind::Module);
    assert!(without.len() < one.len());
}

#[test]
fn what_no_adapter_serves_is_refused() {
    let refused = |app: &[u8]| plug(app, &PlugOptions::default()).expect_err("it is refused").kind();
    assert_eq!(refused(&guest("http-files")), ErrorKind::Escapes);
    assert_eq!(refused(&guest("c-files")), ErrorKind::NotAComponent);
    assert_eq!(refused(b"no WebAssembly"), ErrorKind::NotAComponent);
    let composed = plug(&guest("rust-files"), &PlugOptions::default()).expect("it plugs");
    assert_eq!(refused(&composed), ErrorKind::NothingToAttach);
    let later = r#"(component (import "wasi:filesystem/types@0.2.20" (instance (export "later" (func)))))"#;
    assert_eq!(refused(&wat::parse_str(later).expect("it is WebAssembly")), ErrorKind::Unsupported);
    let other = r#"(component (import "wasi:filesystem/types@0.9.0" (instance (export "later" (func)))))"#;
    assert_eq!(refused(&wat::parse_str(other).expect("it is WebAssembly")), ErrorKind::NothingToAttach);
}

/// About 250 KB for 0.2, and what TCP and 0.3 add.
#[test]
fn adapters_stay_small() {
    for (adapter, most) in [(Adapter::P2, 295), (Adapter::P2Tcp, 331), (Adapter::P3, 280), (Adapter::P3AndP2, 390)] {
        let bytes = adapter.bytes().len();
        assert!(bytes <= most * 1000, "{adapter:?} has {bytes} bytes");
    }
}

/// A file of `wit/deps` under the version that asks no host for more than the
/// app does.
fn lowered(origin: &Path) -> String {
    let text = std::fs::read_to_string(origin).expect("the WIT is there").replace("0.2.12", "0.2.0");
    let mut lowered = text;
    for patch in 1..12 {
        lowered = lowered.replace(&format!("since(version = 0.2.{patch})"), "since(version = 0.2.0)");
    }
    lowered
}

#[test]
fn the_adapters_wit_is_that_of_0_2_12_under_another_version() {
    let wit = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    for package in ["cli", "clocks", "filesystem", "io", "random", "sockets"] {
        let ours = std::fs::read_to_string(wit.join(format!("larder-adapter/deps/{package}.wit")));
        assert_eq!(ours.expect("the WIT is there"), lowered(&wit.join(format!("deps/{package}-0.2.12.wit"))));
    }
}
