//! Places an image into the store that is somewhere in a binary: an adapter,
//! a component that is attached, plugged or composed again, or a bare module.
//!
//! No WebAssembly tools are needed: sections are copied as they are, but for
//! the one module that carries the image and the sizes around it.

use wasm_encoder::{Component, RawSection};
use wasmparser::Parser;

use crate::error::{ComposeError, ErrorKind};
use crate::image_data::{with_image, without_image};
use crate::inspect::carried_image;
use crate::sections::{Section, sections};

/// Components inside one another, at most: guards the recursion against an
/// input made of nothing but nesting.
const MOST_LEVELS: usize = 100;

/// Puts `image` into the store inside `binary`, in the place of the one that
/// it may carry already.
///
/// # Errors
/// `Invalid` when `binary` is not WebAssembly. `Module` when there is no store
/// in it, or when it can't carry an image. `Unsupported` when there are
/// several stores, each of which could be meant. `Limit` when the image does
/// not fit into the store's memory, or components are nested too deeply.
pub fn component_with_image(binary: &[u8], image: &[u8]) -> Result<Vec<u8>, ComposeError> {
    match stores(binary, 0)? {
        0 => Err(ComposeError::new(
            ErrorKind::Module,
            "there is no store of Larder in it: compose it first, or give an adapter of Larder's",
        )),
        1 => Ok(replaced(binary, image)?.unwrap_or_default()),
        several => Err(ComposeError::new(
            ErrorKind::Unsupported,
            format!("there are {several} stores in it: give the image when each is composed"),
        )),
    }
}

fn stores(binary: &[u8], level: usize) -> Result<usize, ComposeError> {
    if level > MOST_LEVELS {
        let message = format!("components are nested more than {MOST_LEVELS} levels deep");
        return Err(ComposeError::new(ErrorKind::Limit, message));
    }
    if !Parser::is_component(binary) {
        return Ok(usize::from(is_store(binary)?));
    }
    let mut count = 0;
    for section in sections(binary)? {
        if let Section::Nested { bytes, .. } = section {
            count += stores(bytes, level + 1)?;
        }
    }
    Ok(count)
}

/// `binary` with the image, if the store is in it. The caller has counted the
/// levels and the stores.
fn replaced(binary: &[u8], image: &[u8]) -> Result<Option<Vec<u8>>, ComposeError> {
    if !Parser::is_component(binary) {
        return if is_store(binary)? { with_image(&without_image(binary)?, image).map(Some) } else { Ok(None) };
    }
    let mut out = Component::new();
    let mut found = false;
    for section in sections(binary)? {
        match section {
            Section::Plain { id, data } => {
                out.section(&RawSection { id, data });
            }
            Section::Nested { id, bytes } => {
                let new = replaced(bytes, image)?;
                found |= new.is_some();
                out.section(&RawSection { id: id.into(), data: new.as_deref().unwrap_or(bytes) });
            }
        }
    }
    Ok(found.then(|| out.finish()))
}

fn is_store(module: &[u8]) -> Result<bool, ComposeError> {
    let carried = carried_image(module).map_err(|error| ComposeError::new(ErrorKind::Module, error.to_string()))?;
    Ok(carried.is_some())
}
