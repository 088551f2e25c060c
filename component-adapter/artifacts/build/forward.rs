//! The interface that the forwarding variant imports.

use std::path::Path;

use anyhow::Result;
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{ManglingAndAbi, Resolve};

/// A component that imports the whole interface and does nothing: where the
/// composer finds its type.
///
/// # Errors
/// When the WIT in `directory` is no package with the world `forwarding`.
pub(crate) fn interface(directory: &Path) -> Result<Vec<u8>> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(directory)?;
    let world = resolve.select_world(&[package], Some("forwarding"))?;
    let mut module = dummy_module(&resolve, world, ManglingAndAbi::Standard32);
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)?;
    ComponentEncoder::default().validate(true).module(&module)?.encode()
}
