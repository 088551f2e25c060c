//! The app's imports, each under a name of its own.
//!
//! A core module may import a function twice, as Go's linker writes it; one in
//! a component may not. Those that come again are renamed.

use std::borrow::Cow;
use std::collections::BTreeMap;

use wasm_encoder::{Encode as _, EntityType, ImportSection, RawSection, Section as _, SectionId};
use wasmparser::{Parser, Payload, TypeRef};

use crate::error::{ComposeError, ErrorKind};

/// One import of the app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Import {
    /// What it is called in the module that is composed.
    pub(super) name: String,
    /// The function of WASI 0.1.
    pub(super) function: String,
}

/// The imports of `module`, which are all functions, and the module with a
/// name for each; the same one where that is so already.
pub(super) fn with_unique_names<'a>(
    module: &'a [u8],
    from: &str,
) -> Result<(Cow<'a, [u8]>, Vec<Import>), ComposeError> {
    let mut imports = Vec::new();
    let mut section = ImportSection::new();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for payload in Parser::new(0).parse_all(module) {
        let Payload::ImportSection(read) = payload? else { continue };
        for import in read.into_imports() {
            let import = import?;
            let TypeRef::Func(ty) = import.ty else { continue };
            let times = seen.entry(import.name).or_insert(0);
            *times += 1;
            // No function of WASI 0.1 has this sign in its name.
            let name = if *times == 1 { import.name.to_owned() } else { format!("{}#{times}", import.name) };
            section.import(from, &name, EntityType::Function(ty));
            imports.push(Import { name, function: import.name.to_owned() });
        }
    }
    if seen.len() == imports.len() {
        return Ok((Cow::Borrowed(module), imports));
    }
    Ok((Cow::Owned(replaced(module, &section)?), imports))
}

/// `module` with another import section.
fn replaced(module: &[u8], imports: &ImportSection) -> Result<Vec<u8>, ComposeError> {
    let cut = || ComposeError::new(ErrorKind::Invalid, "a section ends outside of the module");
    let mut out = module.get(..8).ok_or_else(cut)?.to_vec();
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload?;
        let Some((id, range)) = payload.as_section() else { continue };
        if id == SectionId::Import as u8 {
            out.push(imports.id());
            imports.encode(&mut out);
        } else {
            let range = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
            let data = range.and_then(|(start, end)| module.get(start..end)).ok_or_else(cut)?;
            RawSection { id, data }.append_to(&mut out);
        }
    }
    Ok(out)
}
