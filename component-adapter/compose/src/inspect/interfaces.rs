//! Imports and exports of the outermost level.

use wasmparser::{Parser, Payload};

use super::{InspectError, Inspection};

/// Notes the names of `binary`'s own imports and exports.
pub(super) fn of(binary: &[u8], found: &mut Inspection) -> Result<(), InspectError> {
    // Nested modules and components are skipped: their names are between them
    // and what is around them.
    let mut level = 0_u32;
    for payload in Parser::new(0).parse_all(binary) {
        match payload? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => level += 1,
            Payload::End(_) => level = level.saturating_sub(1),
            _ if level > 0 => {}
            Payload::ComponentImportSection(section) => {
                for import in section {
                    found.imports.push(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    found.exports.push(export?.name.name.to_owned());
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    found.imports.push(format!("{}.{}", import.module, import.name));
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    found.exports.push(export?.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(())
}
