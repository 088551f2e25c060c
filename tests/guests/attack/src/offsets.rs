//! Offsets and lengths at the ends of their types, through descriptors.

use wasip2::filesystem::types::Advice;

use crate::kit::*;
use crate::{Attack, Outcome};

pub const ATTACKS: &[Attack] = &[
    ("offset-read", read),
    ("offset-write", write),
    ("offset-set-size", set_size),
    ("offset-advise", advise),
    ("offset-large-write", large_write),
];

pub const EXTREMES: [u64; 10] = [
    u64::MAX,
    u64::MAX - 1,
    u64::MAX - 4095,
    1 << 63,
    (1 << 63) - 1,
    (1 << 63) - 4096,
    1 << 62,
    u32::MAX as u64 + 1,
    u32::MAX as u64,
    1 << 31,
];

/// Past any file: sizes end at 2^63 - 1.
fn impossible(number: &&u64) -> bool {
    **number >= 1 << 62
}

const TOO_LARGE: &[ErrorCode] =
    &[ErrorCode::FileTooLarge, ErrorCode::Invalid, ErrorCode::Overflow, ErrorCode::InsufficientSpace, ErrorCode::Quota];

fn read() -> Outcome {
    let arena = arena()?;
    let file = filled(&arena, "file", b"0123456789")?;
    let mut codes = Codes::default();
    for offset in EXTREMES.iter().chain(&[0, 5, 10]) {
        for length in EXTREMES.iter().chain(&[0, 1]) {
            match file.read(*length, *offset) {
                Ok((data, end)) => {
                    let wanted = 10_u64.saturating_sub(*offset).min(*length);
                    same("length read", data.len() as u64, wanted)?;
                    if *offset > 10 && *length > 0 {
                        same("end of file", end, true)?;
                    }
                    codes.note("end-of-file");
                }
                Err(code) => {
                    let wanted = &[ErrorCode::Invalid, ErrorCode::Overflow];
                    codes.refused::<()>("read", Err(code), wanted)?;
                }
            }
        }
    }
    codes.done()
}

fn write() -> Outcome {
    let arena = arena()?;
    let file = filled(&arena, "file", b"0123456789")?;
    let mut codes = Codes::default();
    for offset in EXTREMES.iter().filter(impossible) {
        let write = file.write(b"data", *offset);
        codes.refused(&format!("write at {offset:#x}"), write, TOO_LARGE)?;
        same("size", size(&file)?, 10)?;
        // An empty write reaches nowhere: any answer, no change.
        let _ = file.write(b"", *offset);
        same("size", size(&file)?, 10)?;
    }
    codes.done()
}

fn set_size() -> Outcome {
    let arena = arena()?;
    let file = filled(&arena, "file", b"0123456789")?;
    let mut codes = Codes::default();
    for length in EXTREMES.iter().filter(impossible) {
        codes.refused(&format!("{length:#x}"), file.set_size(*length), TOO_LARGE)?;
        same("size", size(&file)?, 10)?;
    }
    codes.done()
}

fn advise() -> Outcome {
    let arena = arena()?;
    let file = filled(&arena, "file", b"0123456789")?;
    let mut codes = Codes::default();
    for offset in EXTREMES {
        for length in EXTREMES {
            for advice in [Advice::WillNeed, Advice::DontNeed, Advice::NoReuse] {
                match file.advise(offset, length, advice) {
                    Ok(()) => codes.note("ok"),
                    Err(code) => {
                        let wanted = &[ErrorCode::Invalid, ErrorCode::Overflow, ErrorCode::Unsupported];
                        codes.refused::<()>("advise", Err(code), wanted)?;
                    }
                }
            }
        }
    }
    let (content, _) = works("read", file.read(100, 0))?;
    same("content", content, b"0123456789".to_vec())?;
    codes.done()
}

/// One call with 64 MiB: written whole, in part, or refused, but never more
/// than the limit, and the file's size is what the host said it wrote.
fn large_write() -> Outcome {
    let arena = arena()?;
    let file = file(&arena, "file")?;
    let data = vec![0x5a; 64 << 20];
    let mut codes = Codes::default();
    match file.write(&data, 0) {
        Ok(written) => {
            same("size", size(&file)?, written)?;
            codes.note("written");
        }
        Err(code) => codes.refused::<()>("write", Err(code), FULL)?,
    }
    let (content, _) = works("read", file.read(u64::MAX, 0))?;
    if content.iter().any(|&byte| byte != 0x5a) {
        return Err("other bytes than those written".into());
    }
    codes.done()
}
