//! Every function of the vendored WIT is linked, with its types.
#![allow(clippy::unwrap_used, reason = "a test")]

use larder_spin_host::{SpinCtx, SpinCtxView, SpinView, add_to_linker};
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Config, Engine};
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve};

struct Host {
    spin: SpinCtx,
    table: ResourceTable,
}

impl SpinView for Host {
    fn spin(&mut self) -> SpinCtxView<'_> {
        SpinCtxView { ctx: &mut self.spin, table: &mut self.table }
    }
}

/// A component that imports all of a world of `larder:spin`.
fn importer(world: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit/spin")).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    let mut module = dummy_module(&resolve, world, ManglingAndAbi::Legacy(LiftLowerAbi::Sync));
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
    ComponentEncoder::default().validate(true).module(&module).unwrap().encode().unwrap()
}

fn links(with_async: bool, world: &str) -> wasmtime::Result<()> {
    let mut config = Config::new();
    config.concurrency_support(with_async);
    if with_async {
        config.wasm_component_model_async(true);
    }
    let engine = Engine::new(&config)?;
    let mut linker = Linker::<Host>::new(&engine);
    add_to_linker(&mut linker, with_async)?;
    linker.instantiate_pre(&Component::new(&engine, importer(world))?).map(drop)
}

#[test]
fn all_links_with_asynchronous_components() {
    links(true, "all").unwrap();
}

#[test]
fn what_spin_sdk_5_imports_links_without_them() {
    links(false, "ordinary").unwrap();
    assert!(links(false, "concurrent").is_err());
}
