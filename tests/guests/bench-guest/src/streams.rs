//! One large file through the streams of WASI 0.2.

use std::hint::black_box;
use std::time::Instant;

use wasip2::filesystem::types::{Descriptor, OpenFlags};
use wasip2::io::streams::{OutputStream, StreamError};

use crate::large::prepare;
use crate::raw::{mount, open};
use crate::report::{Case, Measured, Outcome};

pub fn read(case: &Case) -> Outcome {
    prepare(case)?;
    let file = open(&case.path(), OpenFlags::empty())?;
    let wanted = case.count * case.size as u64;
    let (mut bytes, mut operations) = (0, 0);
    let mut stream = file.read_via_stream(0)?;
    let start = Instant::now();
    while bytes < wanted {
        match stream.blocking_read(case.size as u64) {
            Ok(data) => bytes += black_box(data).len() as u64,
            Err(StreamError::Closed) => stream = file.read_via_stream(0)?,
            Err(error) => return Err(error.into()),
        }
        operations += 1;
    }
    Ok(Measured::since(start, bytes, operations))
}

pub fn write(case: &Case) -> Outcome {
    prepare(case)?;
    let file = open(&case.path(), OpenFlags::empty())?;
    let bytes = case.file_bytes();
    pour(case, bytes, || Ok(file.write_via_stream(0)?))
}

pub fn append(case: &Case) -> Outcome {
    let path = case.path() + ".log";
    let file: Descriptor = open(&path, OpenFlags::CREATE | OpenFlags::TRUNCATE)?;
    let measured = pour(case, u64::MAX, || Ok(file.append_via_stream()?))?;
    let (root, rest) = mount(&path)?;
    root.unlink_file_at(&rest)?;
    Ok(measured)
}

/// Writes calls of `size` bytes as the host permits, in a new stream whenever
/// `most` bytes went into one.
fn pour(case: &Case, most: u64, stream: impl Fn() -> Result<OutputStream, Box<dyn std::error::Error>>) -> Outcome {
    let buffer = vec![0x5a; case.size];
    let wanted = case.count * case.size as u64;
    let (mut bytes, mut operations, mut here) = (0, 0, 0);
    let mut output = stream()?;
    let start = Instant::now();
    while bytes < wanted {
        let permit = loop {
            match output.check_write()? {
                0 => output.subscribe().block(),
                permit => break permit.min(case.size as u64),
            }
        };
        output.write(&buffer[..permit as usize])?;
        operations += 1;
        bytes += permit;
        here += permit;
        if here.saturating_add(case.size as u64) > most {
            output.blocking_flush()?;
            output = stream()?;
            here = 0;
        }
    }
    output.blocking_flush()?;
    Ok(Measured::since(start, bytes, operations))
}
