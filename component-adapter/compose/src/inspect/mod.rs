//! Looking into a component: which stores are in it and what they carry, what
//! it still asks of its host, and what it offers.
//!
//! What lives here: reading. What does not: changing what is carried (`pack`)
//! and putting a store in (`attach`, `plug`, `p1`).

mod carried;
mod interfaces;

use wasm_encoder::ComponentSectionId;
use wasmparser::Parser;

pub use self::carried::carried_image;
use crate::error::ComposeError;
use crate::sections::{Section, sections};

/// Components below one another, at most: guards the recursion against an
/// input made of nothing but nesting.
const MOST_LEVELS: usize = 100;

/// What a WebAssembly binary is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binary {
    /// A core module.
    Module,
    /// A component.
    Component,
}

/// What is in a component.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// Module or component.
    pub binary: Binary,
    /// Names that it imports, in order: interfaces for a component,
    /// `MODULE.NAME` for a core module.
    pub imports: Vec<String>,
    /// Names that it exports, in order.
    pub exports: Vec<String>,
    /// Core modules in it, at all levels.
    pub modules: usize,
    /// Each Larder store in it, with what it carries.
    pub stores: Vec<Store>,
}

/// A core module of Larder inside a component.
#[derive(Clone, Debug)]
pub struct Store {
    /// Where it is: the numbers of the nested components and of the module in
    /// the innermost of them, such as `2/0`.
    pub place: String,
    /// Bytes of the module, with what it carries.
    pub bytes: usize,
    /// The image that it carries; `None` for one that is empty.
    pub image: Option<Vec<u8>>,
}

impl Inspection {
    /// Whether it asks its host for a filesystem.
    #[must_use]
    pub fn needs_filesystem(&self) -> bool {
        self.imports
            .iter()
            .any(|name| name.starts_with("wasi:filesystem/") || name.starts_with("wasi_snapshot_preview1."))
    }
}

/// Why a binary can't be looked into.
#[derive(Debug)]
pub enum InspectError {
    /// It is not valid WebAssembly; the offset is in the message.
    Invalid(ComposeError),
    /// Components are nested more deeply than this reads.
    TooDeep,
    /// A store's data do not hold what they should: the place, and what is
    /// wrong.
    Damaged(String, &'static str),
}

impl std::fmt::Display for InspectError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Invalid(error) => error.fmt(f),
            Self::TooDeep => write!(f, "components nested more than {MOST_LEVELS} levels deep"),
            Self::Damaged(place, what) => write!(f, "the store in module {place} is damaged: {what}"),
        }
    }
}

impl std::error::Error for InspectError {}

impl From<wasmparser::BinaryReaderError> for InspectError {
    fn from(error: wasmparser::BinaryReaderError) -> Self {
        Self::Invalid(error.into())
    }
}

impl From<ComposeError> for InspectError {
    fn from(error: ComposeError) -> Self {
        Self::Invalid(error)
    }
}

/// Looks into a component or a core module.
///
/// # Errors
/// When `binary` is not WebAssembly or a store in it is damaged. Validity
/// beyond what is read is not checked.
pub fn inspect(binary: &[u8]) -> Result<Inspection, InspectError> {
    let component = Parser::is_component(binary);
    let mut found = Inspection {
        binary: if component { Binary::Component } else { Binary::Module },
        imports: Vec::new(),
        exports: Vec::new(),
        modules: 0,
        stores: Vec::new(),
    };
    interfaces::of(binary, &mut found)?;
    if component {
        modules_of(binary, "", 0, &mut found)?;
    } else {
        module(binary, String::new(), &mut found)?;
    }
    Ok(found)
}

/// Goes through the modules of a component and of those nested in it.
fn modules_of(component: &[u8], above: &str, level: usize, found: &mut Inspection) -> Result<(), InspectError> {
    if level > MOST_LEVELS {
        return Err(InspectError::TooDeep);
    }
    let (mut modules, mut components) = (0_u32, 0_u32);
    for section in sections(component)? {
        match section {
            Section::Nested { id: ComponentSectionId::CoreModule, bytes } => {
                module(bytes, format!("{above}{modules}"), found)?;
                modules += 1;
            }
            Section::Nested { bytes, .. } => {
                modules_of(bytes, &format!("{above}{components}/"), level + 1, found)?;
                components += 1;
            }
            Section::Plain { .. } => {}
        }
    }
    Ok(())
}

fn module(bytes: &[u8], place: String, found: &mut Inspection) -> Result<(), InspectError> {
    found.modules += 1;
    match carried_image(bytes) {
        Ok(None) => Ok(()),
        Ok(Some(image)) => {
            found.stores.push(Store {
                place,
                bytes: bytes.len(),
                image: Some(image).filter(|image| !image.is_empty()),
            });
            Ok(())
        }
        Err(carried::CarriedError::Invalid(error)) => Err(error.into()),
        Err(carried::CarriedError::Damaged(what)) => Err(InspectError::Damaged(place, what)),
    }
}
