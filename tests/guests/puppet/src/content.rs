//! Reading and writing, by the calls of a descriptor or through streams.

use std::cell::Cell;

use wasip2::filesystem::types::{Descriptor, ErrorCode, filesystem_error_code};
use wasip2::io::streams::{OutputStream, StreamError};

thread_local! {
    static STREAMS: Cell<bool> = const { Cell::new(false) };
}

pub fn use_streams(yes: bool) {
    STREAMS.set(yes);
}

pub fn read(from: &Descriptor, offset: u64, length: u32) -> Result<Vec<u8>, ErrorCode> {
    if STREAMS.get() { read_stream(from, offset, length as usize) } else { read_direct(from, offset, length as usize) }
}

pub fn write(to: &Descriptor, offset: u64, data: &[u8]) -> Result<(), ErrorCode> {
    if STREAMS.get() {
        return write_stream(to.write_via_stream(offset)?, data);
    }
    let mut written = 0;
    loop {
        let rest = &data[written..];
        written += to.write(rest, offset.wrapping_add(written as u64))? as usize;
        if written == data.len() {
            return Ok(());
        }
    }
}

pub fn append(to: &Descriptor, data: &[u8]) -> Result<(), ErrorCode> {
    write_stream(to.append_via_stream()?, data)
}

fn read_direct(from: &Descriptor, offset: u64, length: usize) -> Result<Vec<u8>, ErrorCode> {
    let mut all = Vec::new();
    loop {
        let asked = length - all.len();
        let (part, at_end) = from.read(asked as u64, offset.saturating_add(all.len() as u64))?;
        assert!(part.len() <= asked, "more than was asked for");
        assert!(!part.is_empty() || at_end || asked == 0, "no bytes, and not at the end");
        all.extend(part);
        if at_end || all.len() == length {
            return Ok(all);
        }
    }
}

fn read_stream(from: &Descriptor, offset: u64, length: usize) -> Result<Vec<u8>, ErrorCode> {
    let stream = from.read_via_stream(offset)?;
    let mut all = Vec::new();
    while all.len() < length {
        let asked = length - all.len();
        match stream.blocking_read(asked as u64) {
            Ok(part) => {
                assert!(part.len() <= asked && !part.is_empty(), "a blocking read gives some bytes");
                all.extend(part);
            }
            Err(StreamError::Closed) => break,
            Err(StreamError::LastOperationFailed(error)) => {
                return Err(filesystem_error_code(&error).expect("a filesystem's error"));
            }
        }
    }
    Ok(all)
}

fn write_stream(stream: OutputStream, data: &[u8]) -> Result<(), ErrorCode> {
    // As much as the stream permits at a time: a piece is written in whole.
    let write = || {
        let mut rest = data;
        while !rest.is_empty() {
            let permit = stream.check_write()?;
            let (piece, later) = rest.split_at(rest.len().min(permit as usize));
            stream.write(piece)?;
            rest = later;
        }
        stream.blocking_flush()
    };
    write().map_err(|error| match error {
        StreamError::Closed => panic!("the stream closed by itself"),
        StreamError::LastOperationFailed(error) => filesystem_error_code(&error).expect("a filesystem's error"),
    })
}
