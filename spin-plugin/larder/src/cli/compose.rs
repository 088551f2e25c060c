//! `larder compose`.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use larder_compose::attach::Bridge;
use larder_compose::plug::Adapter;
use larder_compose::{ComposeOptions, Composed, Forward, Via, Way, compose as compose_app};

use super::binary::{read_binary, write_binary};
use super::carried::CarriedArguments;
use crate::units::format_size;

const EXAMPLES: &str = "\
Examples:
  larder compose app.wasm -o standalone.wasm
  larder compose app.wasm --dir ./site::/www:ro -o standalone.wasm
  larder compose app.wasm --tar data.tar::/data --limit bytes=64MiB -o standalone.wasm
  larder compose app.wasm --env MODE=demo --host-env none -o standalone.wasm
  larder compose app.wasm --via plug -o standalone.wasm       as `wac plug` does
  larder compose app.wasm --forward=wasmcloud -o app-for-a-lattice.wasm

The result runs anywhere: wasmtime run standalone.wasm, jco run standalone.wasm.
docs/static.md says which apps each way serves.";

/// Makes one component of an app and its files
///
/// APP is a component (WASI 0.2 or 0.3) or a core module of WASI 0.1. The result imports
/// no filesystem: its files are inside, read-write, for as long as an instance lives.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ComposeArguments {
    /// The app
    #[arg(value_name = "APP")]
    app: PathBuf,

    /// Where to write the component
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    #[command(flatten)]
    carried: CarriedArguments,

    /// How: attach the store inside the app's component (memory speed), plug an adapter
    /// beside it, or attach and plug only where attaching can't serve the app
    #[arg(long, value_name = "WAY", default_value = "auto", help_heading = "How")]
    via: ViaArgument,

    /// How bytes go between the app and the store: single-memory runs everywhere,
    /// multi-memory needs a runtime with that feature
    #[arg(long, value_name = "BRIDGE", default_value = "single-memory", help_heading = "How")]
    bridge: BridgeArgument,

    /// Keeps no files inside: the component imports larder:fs/store, which `larder run`
    /// serves (docs/forwarding.md), or with `=wasmcloud` larder:remote/messages, which the
    /// provider serves on a wasmCloud lattice. `=wasmcloud-rpc` is the same with a deadline,
    /// for hosts with the feature rpc-interface (docs/wasmcloud.md)
    #[arg(
        long,
        value_name = "TO",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "store",
        help_heading = "How"
    )]
    forward: Option<ForwardArgument>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ForwardArgument {
    Store,
    Wasmcloud,
    WasmcloudRpc,
}

impl From<ForwardArgument> for Forward {
    fn from(forward: ForwardArgument) -> Self {
        match forward {
            ForwardArgument::Store => Self::Store,
            ForwardArgument::Wasmcloud => Self::Wasmcloud,
            ForwardArgument::WasmcloudRpc => Self::WasmcloudRpc,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ViaArgument {
    Auto,
    Attach,
    Plug,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum BridgeArgument {
    SingleMemory,
    MultiMemory,
}

impl From<ViaArgument> for Via {
    fn from(via: ViaArgument) -> Self {
        match via {
            ViaArgument::Auto => Self::Auto,
            ViaArgument::Attach => Self::Attach,
            ViaArgument::Plug => Self::Plug,
        }
    }
}

impl From<BridgeArgument> for Bridge {
    fn from(bridge: BridgeArgument) -> Self {
        match bridge {
            BridgeArgument::SingleMemory => Self::SingleMemory,
            BridgeArgument::MultiMemory => Self::MultiMemory,
        }
    }
}

/// Composes.
///
/// # Errors
/// When the app cannot be composed: what was wrong, where, and what to do.
/// Nothing is written then.
pub(crate) fn compose(arguments: &ComposeArguments) -> Result<()> {
    let ComposeArguments { app, output, carried, via, bridge, forward } = arguments;
    let bytes = read_binary(app)?;
    let image = match carried.is_empty() {
        true => None,
        false => Some(Cow::Owned(carried.contents(&program(app))?.image()?)),
    };
    let options = ComposeOptions {
        via: (*via).into(),
        bridge: (*bridge).into(),
        image,
        environment: carried.sets_environment(),
        forward: forward.map(Into::into),
    };
    let composed = compose_app(&bytes, &options).with_context(|| format!("cannot compose {}", app.display()))?;
    if same_file(app, output) {
        bail!("the output {} is the app itself: give another file with -o", output.display());
    }
    write_binary(output, &composed.component)?;
    tell(&composed, *forward, output);
    Ok(())
}

fn tell(composed: &Composed, forward: Option<ForwardArgument>, output: &Path) {
    if let Some(error) = &composed.instead {
        crate::notice(&format!("not attached, plugged instead: {error}"));
    }
    let way = match composed.way {
        Way::Attached => "store attached",
        Way::Forwarding => match forward {
            Some(ForwardArgument::Wasmcloud) => "forwards to larder:remote/messages",
            Some(ForwardArgument::WasmcloudRpc) => "forwards to wrpc:rpc/invoker, for hosts with rpc-interface",
            Some(ForwardArgument::Store) | None => "forwards to larder:fs/store",
        },
        Way::Module => "core module, store beside it",
        Way::Plugged(Adapter::P2) => "adapter for WASI 0.2 plugged",
        Way::Plugged(Adapter::P2Tcp) => "adapter for WASI 0.2 with TCP plugged",
        Way::Plugged(Adapter::P3) => "adapter for WASI 0.3 plugged",
        Way::Plugged(Adapter::P3AndP2) => "adapter for WASI 0.3 and 0.2 plugged",
    };
    let size = format_size(composed.component.len() as u64);
    crate::notice(&format!("{}: {size}, {way}", output.display()));
}

/// The name that the app would see as its first argument.
pub(super) fn program(app: &Path) -> String {
    app.file_name().map_or_else(|| "app".to_owned(), |name| name.to_string_lossy().into_owned())
}

fn same_file(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}
