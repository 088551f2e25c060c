//! Places an image into a core module of the store.
//!
//! What an image holds is `larder-image`'s; which module of a component
//! carries one is found by `pack`.

use wasm_encoder::{
    ConstExpr, DataSegment, DataSegmentMode, Encode as _, MemorySection, RawSection, Section, SectionId,
};
use wasmparser::{ExternalKind, Operator, Parser, Payload, TypeRef};

use crate::error::{ComposeError, ErrorKind};

/// The exported global that holds the address of `[u32; 2]`: the image's
/// address and length.
pub const IMAGE_GLOBAL: &str = "LARDER_IMAGE";

/// Pages of 64 KiB that a memory may have at most. The last page of the
/// address space stays unused: sizes in bytes would not fit into 32 bits.
const PAGES_MAX: u64 = 65_535;

const PAGE: u64 = 65_536;

/// Puts `image` into `module`: its memory begins larger by the image, and the
/// image lies where the memory ended before.
///
/// A module that carries an image already gets the new one beside it: see
/// [`without_image`].
///
/// # Errors
/// `Module` when `module` is no module of the store: no exported
/// `LARDER_IMAGE`, no memory of its own. `Limit` when memory and image
/// together exceed the address space or the memory's maximum.
pub fn with_image(module: &[u8], image: &[u8]) -> Result<Vec<u8>, ComposeError> {
    let layout = Layout::read(module)?;
    let start = layout.memory.initial * PAGE;
    let pages = layout.memory.initial + (image.len() as u64).div_ceil(PAGE);
    if pages > layout.memory.maximum.unwrap_or(PAGES_MAX).min(PAGES_MAX) {
        return Err(ComposeError::new(
            ErrorKind::Limit,
            format!(
                "the image of {} bytes does not fit into the memory of the store (at most {PAGES_MAX} pages of 64 KiB)",
                image.len()
            ),
        ));
    }
    let too_large = |_| ComposeError::new(ErrorKind::Limit, "the image does not fit into 32 bits of address space");
    let start = u32::try_from(start).map_err(too_large)?;
    let length = u32::try_from(image.len()).map_err(too_large)?;
    let mut locator = Vec::with_capacity(8);
    locator.extend_from_slice(&start.to_le_bytes());
    locator.extend_from_slice(&length.to_le_bytes());
    let segments = [(layout.address, locator.as_slice()), (start, image)];

    let mut out = module.get(..8).unwrap_or_default().to_vec();
    let mut data_written = false;
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload?;
        match &payload {
            Payload::MemorySection(_) => {
                memory(&mut out, &layout, pages);
            }
            Payload::DataCountSection { count, .. } => {
                wasm_encoder::DataCountSection { count: count.saturating_add(2) }.append_to(&mut out);
            }
            Payload::DataSection(section) => {
                let range = section.range();
                let count = section.count();
                let body = slice(module, &range)?;
                // The count may be padded: the items begin after its last byte.
                let padded = body.iter().take_while(|byte| **byte & 0x80 != 0).count() + 1;
                let items = body.get(padded..).unwrap_or_default();
                write_data(&mut out, count, items, &segments);
                data_written = true;
            }
            // Custom sections may follow the data; the data must not follow
            // them in another order than code, data.
            Payload::CustomSection(section) => {
                raw(&mut out, SectionId::Custom.into(), slice(module, &section.range())?);
            }
            Payload::CodeSectionEntry(_) | Payload::Version { .. } => {}
            Payload::End(_) => break,
            other => {
                if let Some((id, range)) = other.as_section() {
                    raw(&mut out, id, slice(module, &range)?);
                }
            }
        }
    }
    if !data_written {
        write_data(&mut out, 0, &[], &segments);
    }
    Ok(out)
}

/// `module` as it was before [`with_image`]: without the image and the memory
/// that holds it. A module that carries none stays as it is.
///
/// # Errors
/// As [`with_image`].
pub fn without_image(module: &[u8]) -> Result<Vec<u8>, ComposeError> {
    let mut layout = Layout::read(module)?;
    let Some((count, items)) = before_image(module, &layout)? else { return Ok(module.to_vec()) };
    layout.memory.initial = u64::from(count.start) / PAGE;
    let mut out = module.get(..8).unwrap_or_default().to_vec();
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::MemorySection(_) => memory(&mut out, &layout, layout.memory.initial),
            Payload::DataCountSection { .. } => {
                wasm_encoder::DataCountSection { count: count.segments }.append_to(&mut out);
            }
            Payload::DataSection(_) => write_data(&mut out, count.segments, items, &[]),
            Payload::CustomSection(section) => {
                raw(&mut out, SectionId::Custom.into(), slice(module, &section.range())?);
            }
            Payload::CodeSectionEntry(_) | Payload::Version { .. } => {}
            Payload::End(_) => break,
            other => {
                if let Some((id, range)) = other.as_section() {
                    raw(&mut out, id, slice(module, &range)?);
                }
            }
        }
    }
    Ok(out)
}

/// What there was before an image was put in.
struct Before {
    /// Data segments.
    segments: u32,
    /// Where memory ended, and the image begins.
    start: u32,
}

/// The data before the two segments of [`with_image`]; `None` where the last
/// two are not those.
fn before_image<'a>(module: &'a [u8], layout: &Layout) -> Result<Option<(Before, &'a [u8])>, ComposeError> {
    let mut segments = Vec::new();
    let mut first = 0;
    for payload in Parser::new(0).parse_all(module) {
        let Payload::DataSection(section) = payload? else { continue };
        for data in section {
            let data = data?;
            if segments.is_empty() {
                first = data.range.start;
            }
            let address = match data.kind {
                wasmparser::DataKind::Active { memory_index: 0, offset_expr } => {
                    match offset_expr.get_operators_reader().read()? {
                        Operator::I32Const { value } => Some(value.cast_unsigned()),
                        _ => None,
                    }
                }
                _ => None,
            };
            segments.push((address, data.data, data.range.start));
        }
    }
    let [.., (Some(at), locator, from), (Some(start), image, _)] = segments.as_slice() else { return Ok(None) };
    let length = u32::try_from(image.len()).unwrap_or(u32::MAX);
    let expected = [start.to_le_bytes(), length.to_le_bytes()].concat();
    if *at != layout.address || *locator != expected.as_slice() || u64::from(*start) % PAGE != 0 {
        return Ok(None);
    }
    let segments = u32::try_from(segments.len() - 2).unwrap_or_default();
    Ok(Some((Before { segments, start: *start }, slice(module, &(first..*from))?)))
}

fn slice<'a>(module: &'a [u8], range: &std::ops::Range<u64>) -> Result<&'a [u8], ComposeError> {
    let bounds = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
    bounds
        .and_then(|(start, end)| module.get(start..end))
        .ok_or_else(|| ComposeError::new(ErrorKind::Invalid, "a section ends outside of the module"))
}

fn memory(out: &mut Vec<u8>, layout: &Layout, pages: u64) {
    let mut memory = MemorySection::new();
    memory.memory(wasm_encoder::MemoryType {
        minimum: pages,
        maximum: layout.memory.maximum,
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    memory.append_to(out);
}

fn raw(out: &mut Vec<u8>, id: u8, data: &[u8]) {
    RawSection { id, data }.append_to(out);
}

fn write_data(out: &mut Vec<u8>, count: u32, items: &[u8], segments: &[(u32, &[u8])]) {
    let mut body = Vec::with_capacity(items.len() + segments.iter().map(|(_, data)| data.len() + 16).sum::<usize>());
    count.saturating_add(u32::try_from(segments.len()).unwrap_or(u32::MAX)).encode(&mut body);
    body.extend_from_slice(items);
    for (address, data) in segments {
        let segment = DataSegment {
            mode: DataSegmentMode::Active { memory_index: 0, offset: &ConstExpr::i32_const(address.cast_signed()) },
            data: data.iter().copied(),
        };
        let mut one = wasm_encoder::DataSection::new();
        one.segment(segment);
        let mut encoded = Vec::new();
        one.encode(&mut encoded);
        // An encoded section is its size, its count (one byte: 1), its items.
        let size_bytes = encoded.iter().take_while(|byte| **byte & 0x80 != 0).count() + 1;
        body.extend_from_slice(encoded.get(size_bytes + 1..).unwrap_or_default());
    }
    raw(out, SectionId::Data.into(), &body);
}

struct Layout {
    memory: wasmparser::MemoryType,
    /// Where `[address, length]` of the image lies.
    address: u32,
}

impl Layout {
    fn read(module: &[u8]) -> Result<Layout, ComposeError> {
        let mut memories = Vec::new();
        let mut imported_globals = 0_u32;
        let mut globals = Vec::new();
        let mut exported = None;
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        match import?.ty {
                            TypeRef::Memory(_) => return Err(not_ours("its memory is imported")),
                            TypeRef::Global(_) => imported_globals += 1,
                            _ => {}
                        }
                    }
                }
                Payload::MemorySection(section) => {
                    for memory in section {
                        memories.push(memory?);
                    }
                }
                Payload::GlobalSection(section) => {
                    for global in section {
                        let mut init = global?.init_expr.get_operators_reader();
                        globals.push(match init.read()? {
                            Operator::I32Const { value } => Some(value.cast_unsigned()),
                            _ => None,
                        });
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        let export = export?;
                        if export.name == IMAGE_GLOBAL && export.kind == ExternalKind::Global {
                            exported = Some(export.index);
                        }
                    }
                }
                Payload::CodeSectionStart { .. } => break,
                _ => {}
            }
        }
        let [memory] = memories.as_slice() else {
            return Err(not_ours("it has not exactly one memory"));
        };
        if memory.memory64 || memory.shared || memory.page_size_log2.is_some() {
            return Err(not_ours("its memory is not a plain 32-bit one"));
        }
        let address = exported
            .and_then(|index| index.checked_sub(imported_globals))
            .and_then(|index| globals.get(index as usize).copied().flatten())
            .ok_or_else(|| not_ours("it exports no constant LARDER_IMAGE"))?;
        Ok(Layout { memory: *memory, address })
    }
}

fn not_ours(why: &str) -> ComposeError {
    ComposeError::new(ErrorKind::Module, format!("this module cannot carry an image: {why}"))
}
