//! One large file through component-model streams.

use std::hint::black_box;
use std::time::Instant;

use wasip3::filesystem::types::{Descriptor, OpenFlags};
use wasip3::wit_bindgen::{StreamResult, StreamWriter};
use wasip3::wit_stream;

use crate::large::{Offsets, prepare};
use crate::mounts::{mount, open};
use crate::report::{Case, Measured, Outcome};

type Failure = Box<dyn std::error::Error>;

/// Each stream is read to its end before the next begins.
pub async fn read(case: &Case) -> Outcome {
    prepare(case)?;
    let file = open(&case.path(), OpenFlags::empty()).await?;
    let wanted = case.count * case.size as u64;
    let (mut bytes, mut operations) = (0, 0);
    let mut buffer = Vec::with_capacity(case.size);
    let start = Instant::now();
    while bytes < wanted {
        let (mut stream, end) = file.read_via_stream(0);
        loop {
            let (status, data) = stream.read(buffer).await;
            bytes += data.len() as u64;
            operations += 1;
            buffer = black_box(data);
            buffer.clear();
            if !matches!(status, StreamResult::Complete(_)) || bytes >= wanted {
                break;
            }
        }
        drop(stream);
        if bytes < wanted {
            end.await?;
        }
    }
    Ok(Measured::since(start, bytes, operations))
}

/// WASI 0.3 has positional reads through a stream alone: one for each.
pub async fn random_read(case: &Case) -> Outcome {
    prepare(case)?;
    let file = open(&case.path(), OpenFlags::empty()).await?;
    let mut offsets = Offsets::of(case);
    let mut buffer = Vec::with_capacity(case.size);
    let mut bytes = 0;
    let start = Instant::now();
    for _ in 0..case.count {
        let (mut stream, _end) = file.read_via_stream(offsets.next());
        let (_, data) = stream.read(buffer).await;
        bytes += data.len() as u64;
        buffer = black_box(data);
        buffer.clear();
    }
    Ok(Measured::since(start, bytes, case.count))
}

/// Sends `calls` pieces and closes the stream. The buffer comes back from
/// each, so that no call pays for making one.
async fn send(mut stream: StreamWriter<u8>, size: usize, calls: u64) -> Result<(), Failure> {
    let mut buffer = vec![0x5a_u8; size];
    for _ in 0..calls {
        buffer = stream.write_all(buffer).await;
        if !buffer.is_empty() {
            return Err("the host closed the stream".into());
        }
        assert!(buffer.capacity() >= size);
        // SAFETY: the vector is the one that was handed in, and all of its
        // bytes were written when it was made.
        unsafe { buffer.set_len(size) };
    }
    Ok(())
}

/// Calls that fit into the large file; the rest go into further streams.
fn calls_per_file(case: &Case) -> u64 {
    (case.file_bytes() / case.size as u64).max(1)
}

pub async fn write(case: &Case) -> Outcome {
    prepare(case)?;
    let file = open(&case.path(), OpenFlags::empty()).await?;
    write_to(case, &file, false).await
}

pub async fn write_fresh(case: &Case) -> Outcome {
    let path = case.path() + ".fresh";
    let file = open(&path, OpenFlags::CREATE | OpenFlags::TRUNCATE).await?;
    let measured = write_to(case, &file, true).await?;
    let (root, rest) = mount(&path)?;
    root.unlink_file_at(rest).await?;
    Ok(measured)
}

async fn write_to(case: &Case, file: &Descriptor, fresh: bool) -> Outcome {
    let mut left = case.count;
    let start = Instant::now();
    while left > 0 {
        let calls = left.min(calls_per_file(case));
        if fresh {
            file.set_size(0).await?;
        }
        let (writer, reader) = wit_stream::new();
        let done = file.write_via_stream(reader, 0);
        send(writer, case.size, calls).await?;
        done.await?;
        left -= calls;
    }
    Ok(Measured::since(start, case.count * case.size as u64, case.count))
}

pub async fn append(case: &Case) -> Outcome {
    let path = case.path() + ".log";
    let file = open(&path, OpenFlags::CREATE | OpenFlags::TRUNCATE).await?;
    let start = Instant::now();
    let (writer, reader) = wit_stream::new();
    let done = file.append_via_stream(reader);
    send(writer, case.size, case.count).await?;
    done.await?;
    let measured = Measured::since(start, case.count * case.size as u64, case.count);
    let (root, rest) = mount(&path)?;
    root.unlink_file_at(rest).await?;
    Ok(measured)
}
