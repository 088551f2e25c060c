//! Splits a component into its sections.

use wasm_encoder::ComponentSectionId;
use wasmparser::{Chunk, Parser, Payload};

use crate::error::{ComposeError, ErrorKind};

/// A section of a component.
pub(crate) enum Section<'a> {
    /// A module or component, with all its bytes.
    Nested { id: ComponentSectionId, bytes: &'a [u8] },
    /// Any other, without its size.
    Plain { id: u8, data: &'a [u8] },
}

/// The sections of a component, in order; nested modules and components are not
/// looked into.
///
/// # Errors
/// `Invalid` when it is not WebAssembly.
pub(crate) fn sections(component: &[u8]) -> Result<Vec<Section<'_>>, ComposeError> {
    let mut found = Vec::new();
    let mut parser = Parser::new(0);
    let mut position = 0;
    loop {
        let rest = component.get(position..).unwrap_or_default();
        let Chunk::Parsed { payload, consumed } = parser.parse(rest, true)? else {
            // The whole input is there, so that the parser never wants more.
            return Ok(found);
        };
        position += consumed;
        let nested = match &payload {
            Payload::ModuleSection { unchecked_range, .. } => {
                Some((ComponentSectionId::CoreModule, unchecked_range.clone()))
            }
            Payload::ComponentSection { unchecked_range, .. } => {
                Some((ComponentSectionId::Component, unchecked_range.clone()))
            }
            Payload::End(_) => return Ok(found),
            _ => None,
        };
        if let Some((id, range)) = nested {
            position = usize::try_from(range.end).unwrap_or(usize::MAX);
            found.push(Section::Nested { id, bytes: bytes(component, range)? });
        } else if let Some((id, range)) = payload.as_section() {
            found.push(Section::Plain { id, data: bytes(component, range)? });
        }
    }
}

fn bytes(component: &[u8], range: std::ops::Range<u64>) -> Result<&[u8], ComposeError> {
    let bounds = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
    bounds
        .and_then(|(start, end)| component.get(start..end))
        .ok_or_else(|| ComposeError::new(ErrorKind::Invalid, "a section ends outside of the component"))
}
