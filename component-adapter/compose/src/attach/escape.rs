//! Finds the resources of the store in types: what could carry a handle out
//! of the component.

use std::collections::{BTreeMap, BTreeSet};

use wasmparser::component_types::{
    ComponentAnyTypeId, ComponentDefinedType, ComponentEntityType, ComponentFuncType, ComponentValType, ResourceId,
};
use wasmparser::types::TypesRef;

use super::interfaces::Interface;

/// The resources of which the store has some, as one component knows them.
#[derive(Debug, Default)]
pub(crate) struct Resources {
    known: BTreeMap<ResourceId, (Interface, &'static str, u32)>,
}

impl Resources {
    /// Notes the resources that the imported instance `instance` of
    /// `interface` defines.
    pub(crate) fn note(&mut self, types: TypesRef<'_>, instance: u32, interface: Interface) {
        if instance >= types.component_instance_count() {
            return;
        }
        let Some(ty) = types.get(types.component_instance_at(instance)) else { return };
        let exports = &ty.exports;
        for name in interface.resources() {
            if let Some(item) = exports.get(*name)
                && let ComponentEntityType::Type { created: ComponentAnyTypeId::Resource(id), .. } = item.ty
            {
                self.known.insert(id.resource(), (interface, name, instance));
            }
        }
    }

    /// Which resource the type with index `index` is, and the imported
    /// instance that defines it.
    pub(crate) fn of_type(&self, types: TypesRef<'_>, index: u32) -> Option<(Interface, &'static str, u32)> {
        if index >= types.component_type_count() {
            return None;
        }
        match types.component_any_type_at(index) {
            ComponentAnyTypeId::Resource(id) => self.known.get(&id.resource()).copied(),
            _ => None,
        }
    }

    /// The first of the resources among the parameters of a function.
    pub(crate) fn in_params(&self, types: TypesRef<'_>, function: &ComponentFuncType) -> Option<&'static str> {
        self.find(types, function.params.iter().map(|(_, ty)| *ty).collect())
    }

    /// The first of the resources in the result of a function.
    pub(crate) fn in_result(&self, types: TypesRef<'_>, function: &ComponentFuncType) -> Option<&'static str> {
        self.find(types, function.result.into_iter().collect())
    }

    /// The first of the resources in the defined type with index `index`.
    pub(crate) fn in_type(&self, types: TypesRef<'_>, index: u32) -> Option<&'static str> {
        if index >= types.component_type_count() {
            return None;
        }
        match types.component_any_type_at(index) {
            ComponentAnyTypeId::Defined(id) => self.find(types, vec![ComponentValType::Type(id)]),
            _ => None,
        }
    }

    /// A list of what is to be looked at instead of recursion: how deep types
    /// nest is up to the input.
    fn find(&self, types: TypesRef<'_>, mut open: Vec<ComponentValType>) -> Option<&'static str> {
        let mut seen = BTreeSet::new();
        while let Some(ty) = open.pop() {
            let ComponentValType::Type(id) = ty else { continue };
            if !seen.insert(id) {
                continue;
            }
            let Some(ty) = types.get(id) else { continue };
            match ty {
                ComponentDefinedType::Own(resource) | ComponentDefinedType::Borrow(resource) => {
                    if let Some((_, name, _)) = self.known.get(&resource.resource()) {
                        return Some(name);
                    }
                }
                ComponentDefinedType::Record(record) => open.extend(record.fields.values()),
                ComponentDefinedType::Variant(variant) => {
                    open.extend(variant.cases.values().filter_map(|case| case.ty));
                }
                ComponentDefinedType::Tuple(tuple) => open.extend(tuple.types.iter()),
                ComponentDefinedType::List { element, .. } | ComponentDefinedType::FixedLengthList { element, .. } => {
                    open.push(*element);
                }
                ComponentDefinedType::Map { key, value, .. } => open.extend([*key, *value]),
                ComponentDefinedType::Option { ty, .. } => open.push(*ty),
                ComponentDefinedType::Result { ok, err, .. } => open.extend(ok.iter().chain(err)),
                ComponentDefinedType::Future { ty, .. } | ComponentDefinedType::Stream { ty, .. } => open.extend(*ty),
                ComponentDefinedType::Primitive(_) | ComponentDefinedType::Flags(_) | ComponentDefinedType::Enum(_) => {
                }
            }
        }
        None
    }
}
