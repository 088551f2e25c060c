//! The forwarding variant: a store that keeps no files and imports
//! `larder:fs/store`, which the composed component then imports from its host.
//!
//! Such a store may let writes wait until the app's turn ends. So every
//! function that the app exports, and its exit, tell the store of that end.

use std::collections::BTreeSet;

use wasm_encoder::{
    CodeSection, ComponentTypeRef as NewTypeRef, EntityType, ExportKind, ExportSection, Function, FunctionSection,
    ImportSection, InstanceType, Module, TypeSection, ValType,
};
use wasmparser::{CanonicalFunction, CanonicalOption, ComponentType, ComponentTypeRef};

use super::extend;
use super::glue::Signature;
use super::mapper::{Indices, Mapper};
use super::output::Output;
use super::scope::{Item, Scope, Space};
use super::store::StoreModule;
use crate::error::{ComposeError, ErrorKind};

/// The store's function that ends a turn.
pub(crate) const SETTLE: &str = "larder#settle";

/// What a store of the forwarding variant imports.
pub(crate) struct Forward {
    /// The interface, with its version.
    pub(crate) name: String,
    ty: InstanceType,
    /// Its functions that the store imports, in the order of their places.
    pub(crate) functions: Vec<(String, Signature)>,
}

impl Forward {
    /// What `store` imports, if it is of the forwarding variant. `interface`
    /// is a component that imports the interface.
    ///
    /// # Errors
    /// `Module` when the store imports another version of it.
    pub(crate) fn read(store: &StoreModule, interface: &[u8]) -> Result<Option<Forward>, ComposeError> {
        let Some(name) = store.forwarded.first().map(|(module, ..)| module.clone()) else { return Ok(None) };
        let unknown =
            || ComposeError::new(ErrorKind::Module, format!("the store's module imports the unknown `{name}`"));
        if store.forwarded.iter().any(|(module, ..)| *module != name) || store.function(SETTLE).is_none() {
            return Err(unknown());
        }
        let scope = Scope::read(interface)?;
        let import = scope.items.iter().find_map(|item| match item {
            Item::Import(import) if import.name.full_name() == name => Some(import.ty),
            _ => None,
        });
        let Some(ComponentTypeRef::Instance(index)) = import else { return Err(unknown()) };
        let types = scope.items.iter().filter(|item| matches!(item.defines(), Some((Space::Type, _))));
        let Some(Item::Type(ComponentType::Instance(declarations))) = types.into_iter().nth(index as usize) else {
            return Err(unknown());
        };
        let own = [Indices::default()];
        let ty = extend::extended(&mut Mapper::new(&own), declarations, &BTreeSet::new())?;
        let functions = store.forwarded.iter().map(|(_, name, signature)| (name.clone(), signature.clone())).collect();
        Ok(Some(Forward { name, ty, functions }))
    }

    /// Imports the interface; answers the instance.
    pub(crate) fn import(&self, out: &mut Output) -> u32 {
        out.types().instance(&self.ty);
        let ty = out.count(Space::Type, 1);
        out.imports().import(self.name.as_str(), NewTypeRef::Instance(ty));
        out.count(Space::Instance, 1)
    }
}

/// Whether the end of each turn can be told: exports of the asynchronous kind
/// end elsewhere than they return.
pub(crate) fn turns_end(scope: &Scope<'_>) -> bool {
    scope.items.iter().all(|item| match item {
        Item::Canon(CanonicalFunction::Lift { options, .. }) => {
            !options.iter().any(|option| matches!(option, CanonicalOption::Async | CanonicalOption::Callback(_)))
        }
        _ => true,
    })
}

/// `$turn`: calls the app's function `f` and then ends the turn.
pub(crate) fn turn(signature: &Signature) -> Module {
    let mut types = TypeSection::new();
    types.ty().function(signature.params.iter().copied(), signature.results.iter().copied());
    types.ty().function([ValType::I32], []);
    let mut imports = ImportSection::new();
    imports.import("app", "f", EntityType::Function(0)).import("store", SETTLE, EntityType::Function(1));
    let mut functions = FunctionSection::new();
    functions.function(0);
    let mut exports = ExportSection::new();
    exports.export("f", ExportKind::Func, 2);
    let mut body = Function::new([]);
    for (param, _) in (0_u32..).zip(&signature.params) {
        body.instructions().local_get(param);
    }
    // The results stay below the argument of the second call.
    body.instructions().call(0).i32_const(0).call(1).end();
    let mut code = CodeSection::new();
    code.function(&body);
    let mut module = Module::new();
    module.section(&types).section(&imports).section(&functions).section(&exports).section(&code);
    module
}
