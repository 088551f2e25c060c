//! Whether a nested component refers to what lies around it.

use std::convert::Infallible;

use wasm_encoder::reencode::{Error, Reencode, ReencodeComponent};
use wasmparser::ComponentAlias;

use super::mapper::unwritable;
use super::scope::{Item, Scope};
use crate::error::ComposeError;

/// Whether an alias in `scope`, or in what is nested in it, names an item
/// outside of it. Such a component has to be written again when what it names
/// moves; others are copied byte by byte.
///
/// # Errors
/// `Unsupported` for core types that cannot be written.
pub(crate) fn refers_out(scope: &Scope<'_>) -> Result<bool, ComposeError> {
    let mut visitor = Visitor { depth: 0, out: false };
    visitor.scope(scope)?;
    Ok(visitor.out)
}

struct Visitor {
    /// Components and types around the place, up to the component in question.
    depth: u32,
    out: bool,
}

impl Visitor {
    fn scope(&mut self, scope: &Scope<'_>) -> Result<(), ComposeError> {
        for item in &scope.items {
            match item {
                Item::Alias(ComponentAlias::Outer { count, .. }) => self.outer(*count),
                Item::Type(ty) => {
                    let mut types = wasm_encoder::ComponentTypeSection::new();
                    self.parse_component_type(types.ty(), ty.clone()).map_err(unwritable)?;
                }
                Item::CoreType(ty) => {
                    let mut types = wasm_encoder::CoreTypeSection::new();
                    self.parse_component_core_type(types.ty(), ty.clone()).map_err(unwritable)?;
                }
                Item::Component(nested) => {
                    self.depth += 1;
                    self.scope(nested)?;
                    self.depth -= 1;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn outer(&mut self, count: u32) {
        self.out |= count > self.depth;
    }
}

impl Reencode for Visitor {
    type Error = Infallible;
}

impl ReencodeComponent for Visitor {
    fn outer_type_index(&mut self, count: u32, index: u32) -> Result<u32, Error> {
        self.outer(count);
        Ok(index)
    }

    fn outer_component_type_index(&mut self, count: u32, index: u32) -> u32 {
        self.outer(count);
        index
    }

    fn outer_component_index(&mut self, count: u32, index: u32) -> u32 {
        self.outer(count);
        index
    }

    fn outer_module_index(&mut self, count: u32, index: u32) -> u32 {
        self.outer(count);
        index
    }

    fn push_depth(&mut self) {
        self.depth += 1;
    }

    fn pop_depth(&mut self) {
        self.depth -= 1;
    }
}
