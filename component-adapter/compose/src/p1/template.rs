//! Reading the template: where its main module's instance is, and what that
//! exports.
#![allow(clippy::indexing_slicing, reason = "the validator gives ids that are its own")]

use std::collections::BTreeMap;

use wasmparser::types::EntityType;
use wasmparser::{FuncType, Instance, Parser, Payload, Validator};

use crate::error::{ComposeError, ErrorKind};

/// The main module's function that is told where the app is.
pub(super) const CONNECT: &str = "larder#connect";

/// The main module's functions for the app are named by this and their names.
pub(super) const FUNCTION_PREFIX: &str = "wasi_snapshot_preview1#";

/// The template, seen from outside.
pub(super) struct Template<'a> {
    pub(super) bytes: &'a [u8],
    /// The index of the main module's instance.
    pub(super) main: u32,
    /// How many there are: the index of the next one.
    pub(super) modules: u32,
    pub(super) instances: u32,
    pub(super) core_functions: u32,
    functions: BTreeMap<String, FuncType>,
}

fn unexpected(why: &str) -> ComposeError {
    ComposeError::new(ErrorKind::Module, format!("the template for WASI 0.1 is not the expected one: {why}"))
}

impl<'a> Template<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, ComposeError> {
        let types = Validator::new().validate_all(bytes).map_err(|error| unexpected(&error.to_string()))?;
        let types = types.as_ref();
        let (module, main) = main(bytes)?;
        let functions = functions(module)?;
        Ok(Self {
            bytes,
            main,
            modules: types.module_count(),
            instances: types.core_instance_count(),
            core_functions: types.function_count(),
            functions,
        })
    }

    /// The type of the function of WASI 0.1 with this name.
    pub(super) fn function(&self, name: &str) -> Option<&FuncType> {
        self.functions.get(name)
    }
}

/// The functions of WASI 0.1 that the main module exports.
fn functions(module: &[u8]) -> Result<BTreeMap<String, FuncType>, ComposeError> {
    let types = Validator::new().validate_all(module).map_err(|error| unexpected(&error.to_string()))?;
    let types = types.as_ref();
    let mut functions = BTreeMap::new();
    for (name, ty) in types.core_exports().into_iter().flatten() {
        if let (Some(name), EntityType::Func(id)) = (name.strip_prefix(FUNCTION_PREFIX), ty) {
            functions.insert(name.to_owned(), types[id].unwrap_func().clone());
        }
    }
    Ok(functions)
}

/// The bytes of the main module, and the index of its instance.
fn main(bytes: &[u8]) -> Result<(&[u8], u32), ComposeError> {
    let mut depth = 0_u32;
    let mut modules = 0_u32;
    let mut instances = 0_u32;
    let mut current = 0..0;
    let mut module = None;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::ModuleSection { unchecked_range, .. } => {
                if depth == 0 {
                    current = unchecked_range;
                    modules += 1;
                }
                depth += 1;
            }
            Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ExportSection(exports) if depth == 1 => {
                for export in exports {
                    if export?.name == CONNECT {
                        module = Some((modules - 1, current.clone()));
                    }
                }
            }
            Payload::InstanceSection(section) if depth == 0 => {
                for instance in section {
                    if let (Instance::Instantiate { module_index, .. }, Some((main, range))) = (instance?, &module)
                        && module_index == *main
                    {
                        let range = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
                        let found = range.and_then(|(start, end)| bytes.get(start..end));
                        return Ok((found.ok_or_else(|| unexpected("its module is cut"))?, instances));
                    }
                    instances += 1;
                }
            }
            _ => {}
        }
    }
    Err(unexpected("it has no main module with `larder#connect`"))
}
