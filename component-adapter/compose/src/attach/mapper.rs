//! Encodes items again with the indices that they have in the new component.

use std::convert::Infallible;

use wasm_encoder::reencode::{Error, Reencode, ReencodeComponent};

use super::output::Output;
use super::scope::{Item, Space};
use crate::error::{ComposeError, ErrorKind};

/// New indices by old ones; `None` for what is not there any more.
#[derive(Debug, Clone, Default)]
pub(crate) struct Indices {
    spaces: [Vec<Option<u32>>; Space::COUNT],
}

impl Indices {
    /// The next old index of `space` is `new` from now on.
    pub(crate) fn push(&mut self, space: Space, new: Option<u32>) {
        if let Some(indices) = self.spaces.get_mut(space as usize) {
            indices.push(new);
        }
    }

    /// The new index of `old`.
    pub(crate) fn get(&self, space: Space, old: u32) -> Option<u32> {
        self.spaces.get(space as usize)?.get(old as usize).copied().flatten()
    }
}

/// Translates the indices of one component.
pub(crate) struct Mapper<'m> {
    /// Those of the component, and of those around it: the outermost first.
    scopes: &'m [Indices],
    /// How many types lie around the place: what they define is counted
    /// within them and does not move.
    types: u32,
    /// An index was met whose item is gone.
    pub(crate) gone: bool,
}

impl<'m> Mapper<'m> {
    pub(crate) fn new(scopes: &'m [Indices]) -> Self {
        Mapper { scopes, types: 0, gone: false }
    }

    fn here(&mut self, space: Space, index: u32) -> u32 {
        if self.types == 0 { self.outer(space, 0, index) } else { index }
    }

    fn outer(&mut self, space: Space, count: u32, index: u32) -> u32 {
        // No core type is ever added or removed, and groups of them may refer
        // to themselves.
        let Some(up) = count.checked_sub(self.types) else { return index };
        if space == Space::CoreType {
            return index;
        }
        let indices = self.scopes.iter().rev().nth(up as usize);
        indices.and_then(|indices| indices.get(space, index)).unwrap_or_else(|| {
            self.gone = true;
            0
        })
    }

    /// Writes `item`, unless it refers to something that is gone: then
    /// nothing is written and the answer is `false`.
    ///
    /// # Errors
    /// `Unsupported` for core types that cannot be written.
    pub(crate) fn write(&mut self, item: &Item<'_>, out: &mut Output) -> Result<bool, ComposeError> {
        self.gone = false;
        self.encode(item, &mut Output::new())?;
        if self.gone {
            return Ok(false);
        }
        self.encode(item, out)?;
        Ok(true)
    }

    fn encode(&mut self, item: &Item<'_>, out: &mut Output) -> Result<(), ComposeError> {
        match item {
            Item::CoreInstance(instance) => self.parse_instance(out.core_instances(), instance.clone()),
            Item::CoreType(ty) => self.parse_component_core_type(out.core_types().ty(), ty.clone()),
            Item::Instance(instance) => self.parse_component_instance(out.instances(), instance.clone()),
            Item::Alias(alias) => self.component_alias(alias.clone()).map(|alias| {
                out.aliases().alias(alias);
            }),
            Item::Type(ty) => self.parse_component_type(out.types().ty(), ty.clone()),
            Item::Canon(canon) => self.parse_component_canonical(out.canons(), canon.clone()),
            Item::Import(import) => self.component_type_ref(import.ty).map(|ty| {
                out.imports().import(import.name, ty);
            }),
            Item::Export(export) => self.parse_component_export(out.exports(), export.clone()),
            Item::CoreModule(_) | Item::Component(_) | Item::Custom { .. } => Ok(()),
        }
        .map_err(unwritable)
    }
}

/// The error for what cannot be written again.
pub(crate) fn unwritable(error: Error) -> ComposeError {
    ComposeError::new(ErrorKind::Unsupported, format!("this part of the component cannot be written again: {error}"))
}

impl Reencode for Mapper<'_> {
    type Error = Infallible;

    fn function_index(&mut self, index: u32) -> Result<u32, Error> {
        Ok(self.here(Space::CoreFunc, index))
    }

    fn global_index(&mut self, index: u32) -> Result<u32, Error> {
        Ok(self.here(Space::CoreGlobal, index))
    }

    fn memory_index(&mut self, index: u32) -> Result<u32, Error> {
        Ok(self.here(Space::CoreMemory, index))
    }

    fn table_index(&mut self, index: u32) -> Result<u32, Error> {
        Ok(self.here(Space::CoreTable, index))
    }

    fn tag_index(&mut self, index: u32) -> Result<u32, Error> {
        Ok(self.here(Space::CoreTag, index))
    }
}

impl ReencodeComponent for Mapper<'_> {
    fn component_type_index(&mut self, index: u32) -> u32 {
        self.here(Space::Type, index)
    }

    fn component_instance_index(&mut self, index: u32) -> u32 {
        self.here(Space::Instance, index)
    }

    fn component_func_index(&mut self, index: u32) -> u32 {
        self.here(Space::Func, index)
    }

    fn component_index(&mut self, index: u32) -> u32 {
        self.here(Space::Component, index)
    }

    fn module_index(&mut self, index: u32) -> u32 {
        self.here(Space::CoreModule, index)
    }

    fn instance_index(&mut self, index: u32) -> u32 {
        self.here(Space::CoreInstance, index)
    }

    fn component_value_index(&mut self, index: u32) -> u32 {
        self.here(Space::Value, index)
    }

    fn outer_type_index(&mut self, count: u32, index: u32) -> Result<u32, Error> {
        Ok(self.outer(Space::CoreType, count, index))
    }

    fn outer_component_type_index(&mut self, count: u32, index: u32) -> u32 {
        self.outer(Space::Type, count, index)
    }

    fn outer_component_index(&mut self, count: u32, index: u32) -> u32 {
        self.outer(Space::Component, count, index)
    }

    fn outer_module_index(&mut self, count: u32, index: u32) -> u32 {
        self.outer(Space::CoreModule, count, index)
    }

    fn push_depth(&mut self) {
        self.types += 1;
    }

    fn pop_depth(&mut self) {
        self.types -= 1;
    }
}
