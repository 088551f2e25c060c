//! The contestants: one engine and one compiled guest, linked to Larder and to
//! Wasmtime's own filesystem.

mod clock;
mod ground;
mod guest;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use clap::ValueEnum;
use serde::Serialize;
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};
use wasmtime_wasi::{p2, p3};

use crate::cases::Wasi;
pub(crate) use ground::Ground;
pub(crate) use guest::Sample;
use guest::State;

/// Who runs a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Contestant {
    /// The host form, over a volume in memory.
    Larder,
    /// No files at all: the guest copies in its own memory.
    Copy,
    /// wasmtime-wasi on tmpfs as it comes: calls that wait go to other
    /// threads.
    Wasmtime,
    /// wasmtime-wasi on tmpfs with `allow_blocking_current_thread`, as the
    /// `wasmtime` command sets it.
    WasmtimeInline,
}

impl Contestant {
    /// In the order in which they take turns.
    pub(crate) const ALL: [Self; 4] = [Self::Larder, Self::Copy, Self::Wasmtime, Self::WasmtimeInline];
}

/// The guests, ready to be instantiated for every contestant.
pub(crate) struct Rig {
    p2: Linked,
    p3: Option<Linked>,
    peer_directory: PathBuf,
}

/// One guest, compiled once and linked to both hosts.
struct Linked {
    engine: Engine,
    larder: Command,
    wasmtime: Command,
}

/// A guest's `wasi:cli/run`.
enum Command {
    P2(p2::bindings::CommandPre<State>),
    P3(p3::bindings::CommandPre<State>),
}

impl Rig {
    /// Compiles the guests.
    ///
    /// # Errors
    /// When one is missing or asks for what WASI does not have.
    pub(crate) fn new(guest: &Path, guest_p3: Option<&Path>, peer_directory: &Path) -> Result<Self> {
        Ok(Self {
            p2: Linked::new(guest, Wasi::P2)?,
            p3: guest_p3.map(|guest| Linked::new(guest, Wasi::P3)).transpose()?,
            peer_directory: peer_directory.to_owned(),
        })
    }

    fn linked(&self, wasi: Wasi) -> Result<&Linked> {
        match wasi {
            Wasi::P2 => Ok(&self.p2),
            Wasi::P3 => self.p3.as_ref().context("cases of WASI 0.3 need --guest-p3"),
        }
    }
}

impl Linked {
    /// Both hosts share the engine, with Larder's configuration; but for
    /// concurrency support, which is off for WASI 0.2, that is Wasmtime's
    /// default.
    fn new(guest: &Path, wasi: Wasi) -> Result<Self> {
        Self::link(guest, wasi).map_err(|error| anyhow!("cannot run {}: {error:#}", guest.display()))
    }

    fn link(guest: &Path, wasi: Wasi) -> wasmtime::Result<Self> {
        let engine = Engine::new(&larder_wasmtime::engine_config(wasi == Wasi::P3))?;
        let component = Component::from_file(&engine, guest)?;
        let command = |link: fn(&mut Linker<State>, Wasi) -> wasmtime::Result<()>| {
            let mut linker = Linker::new(&engine);
            link(&mut linker, wasi)?;
            let instance = linker.instantiate_pre(&component)?;
            match wasi {
                Wasi::P2 => p2::bindings::CommandPre::new(instance).map(Command::P2),
                Wasi::P3 => p3::bindings::CommandPre::new(instance).map(Command::P3),
            }
        };
        let larder = command(|linker, _| larder_wasmtime::add_to_linker(linker))?;
        let wasmtime = command(|linker, wasi| {
            p2::add_to_linker_async(linker)?;
            if wasi == Wasi::P3 { p3::add_to_linker(linker) } else { Ok(()) }
        })?;
        Ok(Self { engine, larder, wasmtime })
    }

    fn command(&self, contestant: Contestant) -> &Command {
        match contestant {
            Contestant::Larder | Contestant::Copy => &self.larder,
            Contestant::Wasmtime | Contestant::WasmtimeInline => &self.wasmtime,
        }
    }
}
