//! Offsets and lengths at the ends of their types, through streams.

use wasip2::io::streams::{InputStream, OutputStream, StreamError};

use crate::kit::*;
use crate::offsets::EXTREMES;
use crate::{Attack, Outcome};

pub const ATTACKS: &[Attack] = &[
    ("stream-read", read),
    ("stream-skip", skip),
    ("stream-write", write),
    ("stream-splice", splice),
    ("stream-after-unlink", after_unlink),
];

const CONTENT: &[u8] = b"0123456789";

fn arena_file() -> Result<(Descriptor, Descriptor), String> {
    let arena = arena()?;
    let file = filled(&arena, "file", CONTENT)?;
    Ok((arena, file))
}

/// Reads to the end, never more than `most`.
fn drain(stream: &InputStream, length: u64, most: usize) -> Result<Vec<u8>, String> {
    let mut all = Vec::new();
    loop {
        match stream.blocking_read(length) {
            Ok(data) if data.is_empty() && length > 0 => return Err("read nothing".into()),
            Ok(data) => all.extend(data),
            Err(_) => return Ok(all),
        }
        if all.len() > most {
            return Err(format!("{} bytes from a file of {most}", all.len()));
        }
    }
}

fn read() -> Outcome {
    let (_arena, file) = arena_file()?;
    let mut codes = Codes::default();
    for offset in EXTREMES.iter().chain(&[0, 4, 10]) {
        for length in EXTREMES {
            let stream = match file.read_via_stream(*offset) {
                Ok(stream) => stream,
                Err(code) => {
                    let wanted = &[ErrorCode::Invalid, ErrorCode::Overflow];
                    codes.refused::<()>("read-via-stream", Err(code), wanted)?;
                    continue;
                }
            };
            let got = drain(&stream, length, CONTENT.len())?;
            let start = (*offset).min(10) as usize;
            same("content", got.as_slice(), &CONTENT[start..])?;
            codes.note("end-of-stream");
        }
    }
    codes.done()
}

fn skip() -> Outcome {
    let (_arena, file) = arena_file()?;
    for length in EXTREMES {
        let stream = works("read-via-stream", file.read_via_stream(3))?;
        let mut skipped = 0;
        while let Ok(count) = stream.blocking_skip(length) {
            skipped += count;
            if count == 0 || skipped > 7 {
                break;
            }
        }
        same("bytes skipped", skipped, 7)?;
    }
    Ok("end-of-stream".into())
}

/// Writes as a careful program does; the code of the first failure, if any.
fn pour(stream: &OutputStream, data: &[u8]) -> Result<(), String> {
    let name = |error: StreamError| match error {
        StreamError::Closed => "closed".to_owned(),
        StreamError::LastOperationFailed(error) => wasip2::filesystem::types::filesystem_error_code(&error)
            .map_or_else(|| error.to_debug_string(), |code| code.name().to_owned()),
    };
    stream.blocking_write_and_flush(data).map_err(name)
}

fn write() -> Outcome {
    let (_arena, file) = arena_file()?;
    let mut seen = std::collections::BTreeSet::new();
    for offset in EXTREMES.iter().filter(|offset| **offset >= 1 << 62) {
        let failure = match file.write_via_stream(*offset) {
            Err(code) => code.name().to_owned(),
            Ok(stream) => match pour(&stream, b"data") {
                Err(code) => code,
                Ok(()) => return Err(format!("a write at {offset:#x} was allowed")),
            },
        };
        same("size", size(&file)?, 10)?;
        seen.insert(failure);
    }
    Ok(seen.into_iter().collect::<Vec<_>>().join(" "))
}

fn splice() -> Outcome {
    let (arena, source) = arena_file()?;
    for length in EXTREMES {
        let target = file(&arena, &format!("target-{length}"))?;
        let input = works("read-via-stream", source.read_via_stream(0))?;
        let output = works("write-via-stream", target.write_via_stream(0))?;
        let mut moved = 0;
        while let Ok(count) = output.blocking_splice(&input, length) {
            moved += count;
            if moved > 10 || count == 0 {
                break;
            }
        }
        let _ = output.blocking_flush();
        drop((input, output));
        same("bytes spliced", moved, 10)?;
        same("content", works("read", target.read(100, 0))?.0, CONTENT.to_vec())?;
    }
    Ok("end-of-stream".into())
}

/// Streams outlive names and descriptors.
fn after_unlink() -> Outcome {
    let (arena, file) = arena_file()?;
    let input = works("read-via-stream", file.read_via_stream(0))?;
    let output = works("append-via-stream", file.append_via_stream())?;
    works("unlink", arena.unlink_file_at("file"))?;
    drop(file);
    pour(&output, b"more")?;
    let got = drain(&input, u64::MAX, 14)?;
    same("content", got.as_slice(), b"0123456789more")?;
    same("names", names(&arena)?, Vec::new())?;
    Ok("kept until the last close".into())
}
