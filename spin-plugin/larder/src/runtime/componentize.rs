//! Making a component of a core module of WASI 0.1, as Spin does at start: an
//! SDK may build for `wasm32-wasip1` and describe the component in custom
//! sections.

use anyhow::{Context, Result};
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as NAME, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER as COMMAND,
    WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER as REACTOR,
};
use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

use super::app::START;

/// The component of `module`, whose WASI 0.1 is answered by Wasmtime's adapter:
/// `wasi:cli/run` of a command, and else what its custom sections say.
///
/// # Errors
/// When the module is invalid, or imports what is neither WASI 0.1 nor described
/// in its custom sections.
pub(super) fn componentize(module: &[u8]) -> Result<Vec<u8>> {
    let adapter = if is_command(module)? { COMMAND } else { REACTOR };
    ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|encoder| encoder.adapter(NAME, adapter))
        .and_then(|encoder| encoder.encode())
}

fn is_command(module: &[u8]) -> Result<bool> {
    for payload in Parser::new(0).parse_all(module) {
        if let Payload::ExportSection(exports) = payload? {
            for export in exports {
                if export.context("an export is malformed")?.name == START {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}
