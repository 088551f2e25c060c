//! Every function of the vendored WIT is linked, with its types.
#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use larder_wasmtime::{State, engine_config};
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve};

/// A component that imports all of a world of `larder:host`.
fn importer(world: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(support::WIT).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    let mut module = dummy_module(&resolve, world, ManglingAndAbi::Legacy(LiftLowerAbi::Sync));
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
    ComponentEncoder::default().validate(true).module(&module).unwrap().encode().unwrap()
}

#[test]
fn all_of_0_2_links_in_ordinary_stores() {
    let engine = Engine::new(&engine_config(false)).unwrap();
    let mut linker = Linker::<State>::new(&engine);
    larder_wasmtime::p2::add_to_linker_sync(&mut linker).unwrap();
    linker.instantiate_pre(&Component::new(&engine, importer("wasi-p2")).unwrap()).unwrap();
}

#[test]
fn all_of_0_2_links_without_0_3() {
    let engine = Engine::new(&engine_config(false)).unwrap();
    let mut linker = Linker::<State>::new(&engine);
    larder_wasmtime::add_to_linker(&mut linker).unwrap();
    linker.instantiate_pre(&Component::new(&engine, importer("wasi-p2")).unwrap()).unwrap();
}

#[test]
fn all_of_0_2_and_0_3_links_together() {
    let engine = Engine::new(&engine_config(true)).unwrap();
    let mut linker = Linker::<State>::new(&engine);
    larder_wasmtime::add_to_linker(&mut linker).unwrap();
    for world in ["wasi-p2", "wasi-p3"] {
        linker.instantiate_pre(&Component::new(&engine, importer(world)).unwrap()).unwrap();
    }
}
