//! Makes a module smaller without changing what it does: custom sections that
//! nothing needs go, and so do runs of zeros in data, since memory begins as
//! zeros.

use anyhow::Result;
use wasm_encoder::{ConstExpr, DataCountSection, DataSection, Module, RawSection};
use wasmparser::{DataKind, Operator, Parser, Payload};

/// Zeros in a row that are worth another segment: 32.
const RUN: usize = 32;

/// Custom sections that are kept: the world of the module.
fn is_kept(name: &str) -> bool {
    name.starts_with("component-type")
}

/// The smaller module.
///
/// # Errors
/// When it is not valid, or its data is not all placed at constants.
pub(crate) fn pack(module: &[u8]) -> Result<Vec<u8>> {
    let mut out = Module::new();
    let data = data(module)?;
    let count = u32::try_from(data.len())?;
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload?;
        match &payload {
            Payload::CustomSection(section) if !is_kept(section.name()) => {}
            Payload::DataCountSection { .. } => {
                out.section(&DataCountSection { count });
            }
            Payload::DataSection(_) => {
                let mut section = DataSection::new();
                for (address, bytes) in &data {
                    section.active(0, &ConstExpr::i32_const(address.cast_signed()), bytes.iter().copied());
                }
                out.section(&section);
            }
            other => {
                if let Some((id, range)) = other.as_section() {
                    let data = &module[usize::try_from(range.start)?..usize::try_from(range.end)?];
                    out.section(&RawSection { id, data });
                }
            }
        }
    }
    Ok(out.finish())
}

/// The data without long runs of zeros.
fn data(module: &[u8]) -> Result<Vec<(u32, &[u8])>> {
    let mut pieces = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        let Payload::DataSection(section) = payload? else { continue };
        for segment in section {
            let segment = segment?;
            let DataKind::Active { memory_index: 0, offset_expr } = segment.kind else {
                anyhow::bail!("data that is not placed at the start");
            };
            let Operator::I32Const { value } = offset_expr.get_operators_reader().read()? else {
                anyhow::bail!("data that is not placed at a constant");
            };
            split(value.cast_unsigned(), segment.data, &mut pieces);
        }
    }
    Ok(pieces)
}

fn split<'a>(address: u32, data: &'a [u8], pieces: &mut Vec<(u32, &'a [u8])>) {
    let mut at = 0;
    while at < data.len() {
        let zeros = data[at..].iter().take_while(|byte| **byte == 0).count();
        let start = at + zeros;
        let mut end = start;
        let mut run = 0;
        while end < data.len() && run < RUN {
            run = if data[end] == 0 { run + 1 } else { 0 };
            end += 1;
        }
        end -= run;
        if start < end {
            pieces.push((address + u32::try_from(start).unwrap_or(u32::MAX), &data[start..end]));
        }
        at = end.max(start);
    }
}
