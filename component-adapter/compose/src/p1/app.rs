//! Whether a core module is one that can be composed.
#![allow(clippy::indexing_slicing, reason = "the validator gives ids that are its own")]

use std::borrow::Cow;

use wasmparser::types::EntityType;
use wasmparser::{Parser, Validator};

use super::imports::{Import, with_unique_names};
use super::template::Template;
use crate::error::{ComposeError, ErrorKind};

/// The name that the functions are imported from.
pub(super) const MODULE: &str = "wasi_snapshot_preview1";

/// The name before WASI 0.1.
const UNSTABLE: &str = "wasi_unstable";

/// Imports that an error names, at most: guards the message.
const NAMED: usize = 8;

/// A command of WASI 0.1.
pub(super) struct App<'a> {
    pub(super) bytes: Cow<'a, [u8]>,
    pub(super) imports: Vec<Import>,
}

fn refused(message: impl Into<String>) -> ComposeError {
    ComposeError::new(ErrorKind::Unsupported, message)
}

impl<'a> App<'a> {
    pub(super) fn read(bytes: &'a [u8], template: &Template<'_>) -> Result<Self, ComposeError> {
        if !Parser::is_core_wasm(bytes) {
            return Err(ComposeError::new(ErrorKind::Invalid, "it is no core WebAssembly module"));
        }
        let types = Validator::new().validate_all(bytes)?;
        let types = types.as_ref();
        let mut others = Vec::new();
        for (module, name, ty) in types.core_imports().into_iter().flatten() {
            match ty {
                EntityType::Func(id) if module == MODULE => {
                    let known = template.function(name).ok_or_else(|| {
                        refused(format!("it imports `{MODULE}` `{name}`, which WASI 0.1 does not have"))
                    })?;
                    if types[id].unwrap_func() != known {
                        return Err(refused(format!(
                            "it imports `{MODULE}` `{name}` with another type than WASI 0.1's"
                        )));
                    }
                }
                _ if module == UNSTABLE => {
                    return Err(refused(format!(
                        "it imports `{UNSTABLE}`, which came before WASI 0.1: build it with a current toolchain"
                    )));
                }
                _ => others.push(format!("`{module}` `{name}`")),
            }
        }
        if !others.is_empty() {
            let more = others.len().saturating_sub(NAMED);
            others.truncate(NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            return Err(refused(format!(
                "it imports more than WASI 0.1's functions, and nobody would answer that: {}{more}",
                others.join(", ")
            )));
        }
        let exports = types.core_exports().into_iter().flatten();
        let mut memory = false;
        let (mut start, mut initialize) = (None, false);
        for (name, ty) in exports {
            match (name, ty) {
                ("memory", EntityType::Memory(ty)) => {
                    if ty.memory64 || ty.shared || ty.page_size_log2.is_some() {
                        return Err(refused(
                            "its memory is shared, has 64-bit addresses or pages of its own size, which WASI 0.1 has not",
                        ));
                    }
                    memory = true;
                }
                ("_start", EntityType::Func(id)) => start = Some(types[id].unwrap_func()),
                ("_initialize", EntityType::Func(_)) => initialize = true,
                _ => {}
            }
        }
        let Some(start) = start else {
            return Err(refused(if initialize {
                "it is a library (it exports `_initialize`, not `_start`), and there is nobody to call it: build it as \
                 a command, or make a component of it and compose that"
            } else {
                "it exports no `_start`: build it as a command of WASI 0.1"
            }));
        };
        if !start.params().is_empty() || !start.results().is_empty() {
            return Err(refused("its `_start` takes or returns something, which that of a command does not"));
        }
        if !memory {
            return Err(refused("it exports no memory called `memory`, which WASI 0.1 needs"));
        }
        let (bytes, imports) = with_unique_names(bytes, MODULE)?;
        Ok(Self { bytes, imports })
    }
}
