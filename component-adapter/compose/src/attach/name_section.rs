//! The debug names of a component, by new indices.

use wasm_encoder::{ComponentNameSection, NameMap};
use wasmparser::{BinaryReader, ComponentName, ComponentNameSectionReader};

use super::mapper::Indices;
use super::scope::Space;

/// The contents of the `component-name` section with new indices; names of
/// what is gone are left out. `None` when the section cannot be read: names
/// are of no consequence, and may be lost.
pub(crate) fn renumbered(data: &[u8], indices: &Indices) -> Option<Vec<u8>> {
    let mut names = ComponentNameSection::new();
    for name in ComponentNameSectionReader::new(BinaryReader::new(data, 0)) {
        let map = |space: Space, map: wasmparser::NameMap<'_>| -> Option<NameMap> {
            let mut new = NameMap::new();
            for naming in map {
                let naming = naming.ok()?;
                // Core types never move.
                let index =
                    if space == Space::CoreType { Some(naming.index) } else { indices.get(space, naming.index) };
                if let Some(index) = index {
                    new.append(index, naming.name);
                }
            }
            Some(new)
        };
        match name.ok()? {
            ComponentName::Component { name, .. } => names.component(name),
            ComponentName::CoreFuncs(names_) => names.core_funcs(&map(Space::CoreFunc, names_)?),
            ComponentName::CoreGlobals(names_) => names.core_globals(&map(Space::CoreGlobal, names_)?),
            ComponentName::CoreMemories(names_) => names.core_memories(&map(Space::CoreMemory, names_)?),
            ComponentName::CoreTables(names_) => names.core_tables(&map(Space::CoreTable, names_)?),
            ComponentName::CoreTags(names_) => names.core_tags(&map(Space::CoreTag, names_)?),
            ComponentName::CoreModules(names_) => names.core_modules(&map(Space::CoreModule, names_)?),
            ComponentName::CoreInstances(names_) => names.core_instances(&map(Space::CoreInstance, names_)?),
            ComponentName::CoreTypes(names_) => names.core_types(&map(Space::CoreType, names_)?),
            ComponentName::Types(names_) => names.types(&map(Space::Type, names_)?),
            ComponentName::Instances(names_) => names.instances(&map(Space::Instance, names_)?),
            ComponentName::Components(names_) => names.components(&map(Space::Component, names_)?),
            ComponentName::Funcs(names_) => names.funcs(&map(Space::Func, names_)?),
            ComponentName::Values(names_) => names.values(&map(Space::Value, names_)?),
            ComponentName::Unknown { ty, data, .. } => names.raw(ty, data),
        }
    }
    Some(names.as_custom().data.into_owned())
}
