//! The contestants: compiled guests, linked to Larder's host form, to
//! Wasmtime's own filesystem, or with a store inside.

mod clock;
mod compose;
mod contestant;
mod ground;
mod guest;
mod node;
mod start_up;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};
use wasmtime_wasi::{p2, p3};

use crate::cases::Wasi;
pub(crate) use contestant::Contestant;
pub(crate) use ground::Ground;
pub(crate) use guest::Sample;
use guest::State;
use node::Node;

/// The guests, ready to be instantiated for every contestant.
pub(crate) struct Rig {
    p2: Linked,
    p3: Option<Linked>,
    node: Option<Node>,
    peer_directory: PathBuf,
}

/// Where things are.
pub(crate) struct Places<'a> {
    /// bench-guest.wasm.
    pub(crate) guest: &'a Path,
    /// bench-guest-p3.wasm.
    pub(crate) guest_p3: Option<&'a Path>,
    /// The folder with `node_modules`, `jco` among them.
    pub(crate) node: Option<&'a Path>,
    /// A directory on tmpfs.
    pub(crate) peer_directory: &'a Path,
}

/// One guest, compiled once for each way to have files.
struct Linked {
    engine: Engine,
    /// The guest as it was built.
    bytes: Vec<u8>,
    larder: Command,
    wasmtime: Command,
    /// With a store inside, on a host without files.
    composed: BTreeMap<Contestant, Command>,
}

/// A guest's `wasi:cli/run`.
enum Command {
    P2(p2::bindings::CommandPre<State>),
    P3(p3::bindings::CommandPre<State>),
}

impl Rig {
    /// Composes and compiles the guests for those who take part.
    ///
    /// # Errors
    /// When one is missing or asks for what WASI does not have.
    pub(crate) fn new(places: &Places<'_>, contestants: &[Contestant]) -> Result<Self> {
        Ok(Self {
            p2: Linked::new(places.guest, Wasi::P2, contestants)?,
            p3: places.guest_p3.map(|guest| Linked::new(guest, Wasi::P3, contestants)).transpose()?,
            node: places.node.map(Node::new),
            peer_directory: places.peer_directory.to_owned(),
        })
    }

    fn linked(&self, wasi: Wasi) -> Result<&Linked> {
        match wasi {
            Wasi::P2 => Ok(&self.p2),
            Wasi::P3 => self.p3.as_ref().context("cases of WASI 0.3 need --guest-p3"),
        }
    }

    fn node(&self) -> Result<&Node> {
        self.node.as_ref().context("cases of Node need --node")
    }
}

impl Linked {
    /// All share the engine, with Larder's configuration; but for concurrency
    /// support, which is off for WASI 0.2, that is Wasmtime's default.
    fn new(guest: &Path, wasi: Wasi, contestants: &[Contestant]) -> Result<Self> {
        let bytes = std::fs::read(guest).with_context(|| format!("cannot read {}", guest.display()))?;
        Self::link(bytes, wasi, contestants).with_context(|| format!("cannot run {}", guest.display()))
    }

    fn link(bytes: Vec<u8>, wasi: Wasi, contestants: &[Contestant]) -> Result<Self> {
        let engine = Engine::new(&larder_wasmtime::engine_config(wasi == Wasi::P3)).map_err(into_anyhow)?;
        let component = Component::new(&engine, &bytes).map_err(into_anyhow)?;
        let mut larder = Linker::new(&engine);
        larder_wasmtime::add_to_linker(&mut larder).map_err(into_anyhow)?;
        let peer = wasmtime_linker(&engine, wasi)?;
        let mut composed = BTreeMap::new();
        for contestant in contestants.iter().copied().filter(|contestant| contestant.serves(wasi)) {
            if contestant.is_composed() {
                let composition = compose::guest(&bytes, contestant, None)?;
                let component = Component::new(&engine, composition).map_err(into_anyhow)?;
                composed.insert(contestant, command(&peer, &component, wasi)?);
            }
        }
        let larder = command(&larder, &component, wasi)?;
        let wasmtime = command(&peer, &component, wasi)?;
        Ok(Self { engine, bytes, larder, wasmtime, composed })
    }

    fn command(&self, contestant: Contestant) -> Result<&Command> {
        match contestant {
            Contestant::Larder | Contestant::Copy => Ok(&self.larder),
            Contestant::Wasmtime | Contestant::WasmtimeInline => Ok(&self.wasmtime),
            composed => self.composed.get(&composed).with_context(|| format!("{composed:?} does not run this guest")),
        }
    }
}

/// Wasmtime's own WASI.
fn wasmtime_linker(engine: &Engine, wasi: Wasi) -> Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    p2::add_to_linker_async(&mut linker).map_err(into_anyhow)?;
    if wasi == Wasi::P3 {
        p3::add_to_linker(&mut linker).map_err(into_anyhow)?;
    }
    Ok(linker)
}

fn command(linker: &Linker<State>, component: &Component, wasi: Wasi) -> Result<Command> {
    let link = || {
        let instance = linker.instantiate_pre(component)?;
        match wasi {
            Wasi::P2 => p2::bindings::CommandPre::new(instance).map(Command::P2),
            Wasi::P3 => p3::bindings::CommandPre::new(instance).map(Command::P3),
        }
    };
    link().map_err(into_anyhow)
}

fn into_anyhow(error: wasmtime::Error) -> anyhow::Error {
    anyhow!("{error:#}")
}
