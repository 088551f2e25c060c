//! Many files of `size` bytes: open, read or write, close.

use std::fs;
use std::hint::black_box;
use std::time::Instant;

use wasip3::filesystem::types::{DescriptorFlags, OpenFlags, PathFlags};
use wasip3::wit_bindgen::StreamResult;
use wasip3::wit_stream;

use crate::mounts::names;
use crate::report::{Case, Measured, Outcome};

/// Names of at most this many files are used in turn.
const FILES: u64 = 2000;

fn finish(case: &Case, start: Instant) -> Outcome {
    let measured = Measured::since(start, case.count * case.size as u64, case.count);
    fs::remove_dir_all(case.folder())?;
    Ok(measured)
}

pub async fn write(case: &Case) -> Outcome {
    fs::create_dir_all(case.folder())?;
    let (root, names) = names(&case.folder(), "file", case.count.min(FILES))?;
    let mut content = vec![0x5a; case.size];
    let start = Instant::now();
    for number in 0..case.count {
        let name = names[(number % FILES) as usize].clone();
        let how = OpenFlags::CREATE | OpenFlags::TRUNCATE;
        let file = root.open_at(PathFlags::empty(), name, how, DescriptorFlags::WRITE).await?;
        let (mut writer, reader) = wit_stream::new();
        let done = file.write_via_stream(reader, 0);
        content = writer.write_all(content).await;
        content.resize(case.size, 0x5a);
        drop(writer);
        done.await?;
    }
    finish(case, start)
}

pub async fn read(case: &Case) -> Outcome {
    fs::create_dir_all(case.folder())?;
    for number in 0..case.count.min(FILES) {
        fs::write(format!("{}/file-{number}", case.folder()), vec![0x5a; case.size])?;
    }
    let (root, names) = names(&case.folder(), "file", case.count.min(FILES))?;
    let mut buffer = Vec::with_capacity(case.size);
    let start = Instant::now();
    for number in 0..case.count {
        let name = names[(number % FILES) as usize].clone();
        let (path, how) = (PathFlags::empty(), OpenFlags::empty());
        let file = root.open_at(path, name, how, DescriptorFlags::READ).await?;
        let (mut stream, _end) = file.read_via_stream(0);
        while buffer.len() < case.size {
            let (status, data) = stream.read(buffer).await;
            buffer = data;
            if !matches!(status, StreamResult::Complete(_)) {
                break;
            }
        }
        if black_box(&buffer).len() != case.size {
            return Err("a file was cut short".into());
        }
        buffer.clear();
    }
    finish(case, start)
}
