//! What the module of the store imports and exports.

use std::collections::BTreeMap;

use wasm_encoder::reencode::{Reencode as _, RoundtripReencoder};
use wasmparser::types::{CoreTypeId, EntityType};
use wasmparser::{CompositeInnerType, Validator, WasmFeatures};

use super::glue::Signature;
use super::interfaces::HOST_FUNCTIONS;
use crate::error::{ComposeError, ErrorKind};

/// The interface that the forwarding variant imports, in any version.
const FORWARDED: &str = "larder:fs/store@";

/// The module of the store, seen from outside.
#[derive(Debug)]
pub(crate) struct StoreModule {
    functions: BTreeMap<String, Signature>,
    /// What it imports of `larder:fs/store`: module, name and type.
    pub(crate) forwarded: Vec<(String, String, Signature)>,
}

impl StoreModule {
    /// Reads the module and checks that `$shim` can serve its imports.
    ///
    /// # Errors
    /// `Module` when it is no module of the store.
    pub(crate) fn read(module: &[u8]) -> Result<StoreModule, ComposeError> {
        let broken = |why: String| ComposeError::new(ErrorKind::Module, format!("the store's module: {why}"));
        let types = Validator::new_with_features(WasmFeatures::all())
            .validate_all(module)
            .map_err(|error| broken(error.to_string()))?;
        let types = types.as_ref();
        let signature = |id: CoreTypeId| match types.get(id).map(|ty| &ty.composite_type.inner) {
            Some(CompositeInnerType::Func(ty)) => signature(ty).ok(),
            _ => None,
        };
        let imports = types.core_imports().ok_or_else(|| broken("it is a component".to_owned()))?;
        let mut forwarded = Vec::new();
        for (module, name, ty) in imports {
            if module.starts_with(FORWARDED)
                && let EntityType::Func(id) = ty
                && let Some(signature) = signature(id)
            {
                forwarded.push((module.to_owned(), name.to_owned(), signature));
                continue;
            }
            let known = match ty {
                EntityType::Func(id) | EntityType::FuncExact(id) => shim_signature(module, name).zip(signature(id)),
                _ => None,
            };
            if known.is_none_or(|(ours, theirs)| ours != theirs) {
                return Err(broken(format!("its import `{module}` `{name}` is not known")));
            }
        }
        let mut functions = BTreeMap::new();
        let mut memory = false;
        for (name, ty) in types.core_exports().into_iter().flatten() {
            match ty {
                EntityType::Func(id) | EntityType::FuncExact(id) => {
                    if let Some(signature) = signature(id) {
                        functions.insert(name.to_owned(), signature);
                    }
                }
                EntityType::Memory(ty) => memory |= name == "memory" && !ty.memory64 && !ty.shared,
                _ => {}
            }
        }
        if !memory || !functions.contains_key("cabi_realloc") {
            return Err(broken("it exports no `memory` or no `cabi_realloc`".to_owned()));
        }
        Ok(StoreModule { functions, forwarded })
    }

    /// The type of the function that the store exports as `name`.
    pub(crate) fn function(&self, name: &str) -> Option<&Signature> {
        self.functions.get(name)
    }
}

/// A core function type as this crate writes it.
///
/// # Errors
/// `Unsupported` for references to types, which lowered functions never have.
pub(crate) fn signature(ty: &wasmparser::FuncType) -> Result<Signature, ComposeError> {
    let convert = |types: &[wasmparser::ValType]| {
        types
            .iter()
            .map(|ty| RoundtripReencoder.val_type(*ty))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| ComposeError::new(ErrorKind::Unsupported, "a core function takes references"))
    };
    Ok(Signature { params: convert(ty.params())?, results: convert(ty.results())? })
}

/// The types of what `$shim` exports.
fn shim_signature(module: &str, name: &str) -> Option<Signature> {
    use wasm_encoder::ValType::I32;
    let (params, results) = match (module, name) {
        ("bridge", "get" | "put") => (vec![I32; 4], vec![]),
        ("bridge", "alloc") => (vec![I32; 3], vec![I32]),
        ("host", "features") => (vec![], vec![I32]),
        ("host", name) => return HOST_FUNCTIONS.iter().find(|host| host.name == name).map(|host| host.signature()),
        _ => return None,
    };
    Some(Signature { params, results })
}
