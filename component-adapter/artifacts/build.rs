//! Builds the modules of the static form with a cargo of its own, and makes
//! components of those that are components.
//!
//! What lives here: which artifacts there are ([`ARTIFACTS`]). How cargo is
//! run is in `build/cargo.rs`, how a module becomes an adapter in
//! `build/adapters.rs`, how it becomes smaller in `build/pack.rs`.
#![allow(clippy::indexing_slicing, reason = "a build script fails by panicking")]

#[path = "build/adapters.rs"]
mod adapters;
#[path = "build/cargo.rs"]
mod cargo;
#[path = "build/forward.rs"]
mod forward;
#[path = "build/pack.rs"]
mod pack;

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context as _, Result};

use crate::cargo::Modules;

/// What becomes of a module.
#[derive(Clone, Copy)]
enum Kind {
    /// It stays a core module.
    Module,
    /// A component, whose world `wit-bindgen` has put into the module.
    Component,
    /// The store of the 0.3 adapter, which gets the module of this package in
    /// front.
    BehindFront(&'static str),
}

struct Artifact {
    /// The constant in `lib.rs` is in capitals.
    name: &'static str,
    package: &'static str,
    /// Features besides none.
    features: &'static [&'static str],
    kind: Kind,
}

const ARTIFACTS: &[Artifact] = &[
    Artifact { name: "attachment", package: "larder-attachment", features: &[], kind: Kind::Module },
    Artifact { name: "forward", package: "larder-attachment", features: &["forward"], kind: Kind::Module },
    Artifact { name: "remote", package: "larder-remote", features: &[], kind: Kind::Component },
    Artifact { name: "remote_rpc", package: "larder-remote", features: &["rpc"], kind: Kind::Component },
    Artifact { name: "attachment_p1", package: "larder-attachment-p1", features: &[], kind: Kind::Component },
    Artifact { name: "adapter", package: "larder-adapter", features: &["p2"], kind: Kind::Component },
    Artifact { name: "adapter_tcp", package: "larder-adapter", features: &["tcp"], kind: Kind::Component },
    Artifact {
        name: "adapter_p3",
        package: "larder-adapter",
        features: &["p3"],
        kind: Kind::BehindFront("larder-adapter-p3"),
    },
    Artifact {
        name: "adapter_p3_p2",
        package: "larder-adapter",
        features: &["p3", "p2"],
        kind: Kind::BehindFront("larder-adapter-p3"),
    },
];

/// Sources of the artifacts, from the repository's root.
const SOURCES: &[&str] = &[
    "component-adapter/modules",
    "core/larder-core/src",
    "core/larder-core/Cargo.toml",
    "core/larder-image/src",
    "core/larder-image/Cargo.toml",
    "core/larder-p1/src",
    "core/larder-p1/Cargo.toml",
    "core/larder-store-client/src",
    "core/larder-store-client/Cargo.toml",
    "core/larder-store-service/src",
    "core/larder-store-service/Cargo.toml",
    "provider/protocol/src",
    "provider/protocol/proto",
    "provider/protocol/build.rs",
    "provider/protocol/Cargo.toml",
    "wit",
];

fn main() -> Result<()> {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").context("not run by cargo")?);
    let root = here.ancestors().nth(2).context("not in the repository")?;
    let out = PathBuf::from(env::var_os("OUT_DIR").context("not run by cargo")?);
    for source in SOURCES {
        println!("cargo::rerun-if-changed={}", root.join(source).display());
    }
    for source in ["build.rs", "build"] {
        println!("cargo::rerun-if-changed={source}");
    }
    let modules = Modules::new(root, &out)?;
    for artifact in ARTIFACTS {
        let bytes = build(&modules, artifact, &root.join("wit")).with_context(|| artifact.name.to_owned())?;
        fs::write(out.join(artifact.name).with_extension("wasm"), bytes)?;
    }
    fs::write(out.join("store_interface.wasm"), forward::interface(&root.join("wit/larder-fs"))?)?;
    Ok(())
}

fn build(modules: &Modules, artifact: &Artifact, wit: &Path) -> Result<Vec<u8>> {
    let module = |package, features| pack::pack(&modules.build(package, features)?);
    let built = module(artifact.package, artifact.features)?;
    match artifact.kind {
        Kind::Module => Ok(built),
        Kind::Component => adapters::component(&built),
        Kind::BehindFront(front) => adapters::p3(&built, &module(front, &[])?, wit),
    }
}
