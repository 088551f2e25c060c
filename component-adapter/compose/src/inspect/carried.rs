//! The image that a core module of Larder carries, read from its data
//! segments.

use wasmparser::{Data, DataKind, ExternalKind, Operator, Parser, Payload};

/// The exported global whose value is the address of the image's place and
/// length: two u32.
const ADDRESS: &str = "LARDER_IMAGE";

/// Why an image can't be read.
#[derive(Debug)]
pub enum CarriedError {
    /// The module is not valid WebAssembly.
    Invalid(wasmparser::BinaryReaderError),
    /// The module's data are not those of a store.
    Damaged(&'static str),
}

impl From<wasmparser::BinaryReaderError> for CarriedError {
    fn from(error: wasmparser::BinaryReaderError) -> Self {
        Self::Invalid(error)
    }
}

impl std::fmt::Display for CarriedError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Invalid(error) => write!(f, "not a valid core module: {error}"),
            Self::Damaged(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for CarriedError {}

/// The image in a core module: `None` when the module is none of Larder's,
/// empty when it carries none.
///
/// # Errors
/// When the module is not valid, or its image lies outside of its data.
pub fn carried_image(module: &[u8]) -> Result<Option<Vec<u8>>, CarriedError> {
    let mut globals = Vec::new();
    let mut imported_globals = 0_usize;
    let mut exported = None;
    let mut segments: Vec<(u64, &[u8])> = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    imported_globals += usize::from(matches!(import?.ty, wasmparser::TypeRef::Global(_)));
                }
            }
            Payload::GlobalSection(section) => {
                for global in section {
                    globals.push(constant(&global?.init_expr));
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export?;
                    if export.name == ADDRESS && export.kind == ExternalKind::Global {
                        exported = Some(export.index as usize);
                    }
                }
            }
            Payload::DataSection(section) => {
                for data in section {
                    segments.extend(active(&data?));
                }
            }
            _ => {}
        }
    }
    let Some(index) = exported else { return Ok(None) };
    let address = index.checked_sub(imported_globals).and_then(|own| globals.get(own).copied().flatten());
    let address = address.ok_or(CarriedError::Damaged("LARDER_IMAGE is no constant"))?;
    let mut place = [0; 8];
    copy(&segments, address, &mut place);
    let [a, b, c, d, e, f, g, h] = place;
    let (start, length) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
    let start = u64::from(start);
    let end = start + u64::from(length);
    if length == 0 {
        return Ok(Some(Vec::new()));
    }
    // One segment holds it: so it is written, and so a false length can't ask
    // for more memory than the module has bytes.
    let whole = segments.iter().rev().find(|(at, bytes)| *at <= start && end <= at + bytes.len() as u64);
    let (at, bytes) = whole.ok_or(CarriedError::Damaged("its image is not among its data"))?;
    let from = usize::try_from(start - at).unwrap_or(usize::MAX);
    let image = bytes.get(from..from + length as usize);
    image.map(|image| Some(image.to_vec())).ok_or(CarriedError::Damaged("its image is not among its data"))
}

fn constant(expression: &wasmparser::ConstExpr<'_>) -> Option<u64> {
    match expression.get_operators_reader().read().ok()? {
        Operator::I32Const { value } => Some(u64::from(value.cast_unsigned())),
        _ => None,
    }
}

fn active<'a>(data: &Data<'a>) -> Option<(u64, &'a [u8])> {
    match &data.kind {
        DataKind::Active { memory_index: 0, offset_expr } => Some((constant(offset_expr)?, data.data)),
        _ => None,
    }
}

/// What memory holds at `address` once the segments are in it, the later over
/// the earlier.
fn copy(segments: &[(u64, &[u8])], address: u64, out: &mut [u8]) {
    for (at, bytes) in segments {
        for (position, byte) in (address..).zip(out.iter_mut()) {
            let index = position.checked_sub(*at).and_then(|index| usize::try_from(index).ok());
            if let Some(value) = index.and_then(|index| bytes.get(index)) {
                *byte = *value;
            }
        }
    }
}
