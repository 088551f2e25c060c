//! Adds functions to the types of imported instances: those that the store
//! asks of the host and that the app's toolchain left out because the app
//! does not call them.

use std::collections::{BTreeMap, BTreeSet};

use wasm_encoder::reencode::ReencodeComponent as _;
use wasm_encoder::{ComponentTypeRef as NewTypeRef, ComponentValType, InstanceType, PrimitiveValType};
use wasmparser::{ComponentAlias, ComponentOuterAliasKind, ComponentType, ComponentTypeRef, InstanceTypeDeclaration};

use super::mapper::{Mapper, unwritable};
use super::scope::{Item, Scope, Space};
use crate::error::ComposeError;

/// Functions to add, by the item that is the instance type.
#[derive(Debug, Default)]
pub(crate) struct Extensions {
    added: BTreeMap<usize, BTreeSet<&'static str>>,
}

impl Extensions {
    /// Adds `function` to the type of the instance that the item `import`
    /// imports. Answers `false`, having done nothing, when that type is not
    /// written out in `scope` or lacks a type that the function needs.
    pub(crate) fn add(&mut self, scope: &Scope<'_>, import: usize, function: &'static str) -> bool {
        let Some(Item::Import(item)) = scope.items.get(import) else { return false };
        let ComponentTypeRef::Instance(ty) = item.ty else { return false };
        let mut types =
            scope.items.iter().enumerate().filter(|(_, item)| matches!(item.defines(), Some((Space::Type, _))));
        let definition = types.nth(ty as usize);
        let Some((position, Item::Type(ComponentType::Instance(declarations)))) = definition else { return false };
        let known = exported_types(declarations);
        if !needs(function).is_some_and(|needs| needs.iter().all(|need| known.contains_key(need))) {
            return false;
        }
        self.added.entry(position).or_default().insert(function)
    }

    /// The functions to add to the instance type at `position`.
    pub(crate) fn of(&self, position: usize) -> Option<&BTreeSet<&'static str>> {
        self.added.get(&position)
    }
}

/// The types that a function's own type is made of; `None` for functions that
/// are never added.
fn needs(function: &str) -> Option<&'static [&'static str]> {
    Some(match function {
        "now" => &["datetime"],
        "[method]pollable.ready" | "[method]pollable.block" => &["pollable"],
        "[method]input-stream.read" | "[method]input-stream.blocking-read" => &["input-stream", "stream-error"],
        "[method]output-stream.check-write"
        | "[method]output-stream.write"
        | "[method]output-stream.flush"
        | "[method]output-stream.blocking-flush" => &["output-stream", "stream-error"],
        "[method]output-stream.subscribe" => &["output-stream", "pollable"],
        _ => return None,
    })
}

/// The types that an instance type exports, by name: their indices in it.
fn exported_types<'a>(declarations: &[InstanceTypeDeclaration<'a>]) -> BTreeMap<&'a str, u32> {
    let mut count = 0_u32;
    let mut exported = BTreeMap::new();
    for declaration in declarations {
        match declaration {
            InstanceTypeDeclaration::Type(_)
            | InstanceTypeDeclaration::Alias(
                ComponentAlias::InstanceExport { kind: wasmparser::ComponentExternalKind::Type, .. }
                | ComponentAlias::Outer { kind: ComponentOuterAliasKind::Type, .. },
            ) => count += 1,
            InstanceTypeDeclaration::Export { name, ty: ComponentTypeRef::Type(_) } => {
                exported.insert(name.name, count);
                count += 1;
            }
            _ => {}
        }
    }
    exported
}

/// Writes an instance type with `functions` added to it.
///
/// # Errors
/// `Unsupported` for core types that cannot be written.
pub(crate) fn extended(
    mapper: &mut Mapper<'_>,
    declarations: &[InstanceTypeDeclaration<'_>],
    functions: &BTreeSet<&'static str>,
) -> Result<InstanceType, ComposeError> {
    let known = exported_types(declarations);
    let mut ty = mapper.component_instance_type(declarations.to_vec().into_boxed_slice()).map_err(unwritable)?;
    for function in functions {
        let named = |name: &str| known.get(name).copied().unwrap_or(u32::MAX);
        let index = function_type(&mut ty, function, named);
        ty.export(*function, NewTypeRef::Func(index));
    }
    Ok(ty)
}

fn function_type(ty: &mut InstanceType, function: &str, named: impl Fn(&str) -> u32) -> u32 {
    let reference = ComponentValType::Type;
    let own_type = |ty: &mut InstanceType| ty.type_count();
    let mut params = Vec::new();
    if let Some((resource, _)) = function.strip_prefix("[method]").and_then(|rest| rest.split_once('.')) {
        let index = own_type(ty);
        ty.ty().defined_type().borrow(named(resource));
        params.push(("self", reference(index)));
    }
    let primitive = ComponentValType::Primitive;
    let fallible = |ty: &mut InstanceType, ok| {
        let index = own_type(ty);
        ty.ty().defined_type().result(ok, Some(reference(named("stream-error"))));
        Some(reference(index))
    };
    let bytes = |ty: &mut InstanceType| {
        let index = own_type(ty);
        ty.ty().defined_type().list(primitive(PrimitiveValType::U8));
        reference(index)
    };
    let result = match function {
        "now" => Some(reference(named("datetime"))),
        "[method]pollable.ready" => Some(primitive(PrimitiveValType::Bool)),
        "[method]input-stream.read" | "[method]input-stream.blocking-read" => {
            params.push(("len", primitive(PrimitiveValType::U64)));
            let list = bytes(ty);
            fallible(ty, Some(list))
        }
        "[method]output-stream.check-write" => fallible(ty, Some(primitive(PrimitiveValType::U64))),
        "[method]output-stream.write" => {
            params.push(("contents", bytes(ty)));
            fallible(ty, None)
        }
        "[method]output-stream.flush" | "[method]output-stream.blocking-flush" => fallible(ty, None),
        "[method]output-stream.subscribe" => {
            let index = own_type(ty);
            ty.ty().defined_type().own(named("pollable"));
            Some(reference(index))
        }
        _ => None,
    };
    let index = own_type(ty);
    ty.ty().function().params(params).result(result);
    index
}
