//! One large file through `descriptor.read` and `descriptor.write`.

use std::hint::black_box;
use std::time::Instant;

use wasip2::filesystem::preopens::get_directories;
use wasip2::filesystem::types::{Descriptor, DescriptorFlags, ErrorCode, OpenFlags, PathFlags};

use crate::large::{Offsets, prepare};
use crate::report::{Case, Measured, Outcome};

/// The mount that a guest path is in, and the rest of the path.
pub fn mount(path: &str) -> Result<(Descriptor, String), ErrorCode> {
    get_directories()
        .into_iter()
        .filter_map(|(descriptor, name)| {
            let rest = path.strip_prefix(name.trim_end_matches('/'))?.strip_prefix('/')?;
            Some((name.len(), descriptor, rest.to_owned()))
        })
        .max_by_key(|(length, _, _)| *length)
        .map(|(_, descriptor, rest)| (descriptor, rest))
        .ok_or(ErrorCode::NoEntry)
}

pub fn open(path: &str, how: OpenFlags) -> Result<Descriptor, ErrorCode> {
    let (root, rest) = mount(path)?;
    let flags = DescriptorFlags::READ | DescriptorFlags::WRITE;
    root.open_at(PathFlags::SYMLINK_FOLLOW, &rest, how, flags)
}

pub fn read(case: &Case) -> Outcome {
    prepare(case)?;
    let file = open(&case.path(), OpenFlags::empty())?;
    let wanted = case.count * case.size as u64;
    let (mut bytes, mut operations, mut offset) = (0, 0, 0);
    let start = Instant::now();
    while bytes < wanted {
        let (data, end) = file.read(case.size as u64, offset)?;
        let length = black_box(data).len() as u64;
        offset = if end || length == 0 { 0 } else { offset + length };
        bytes += length;
        operations += 1;
    }
    Ok(Measured::since(start, bytes, operations))
}

pub fn random_read(case: &Case) -> Outcome {
    prepare(case)?;
    let file = open(&case.path(), OpenFlags::empty())?;
    let mut offsets = Offsets::of(case);
    let mut bytes = 0;
    let start = Instant::now();
    for _ in 0..case.count {
        let (data, _) = file.read(case.size as u64, offsets.next())?;
        bytes += black_box(data).len() as u64;
    }
    Ok(Measured::since(start, bytes, case.count))
}

pub fn write(case: &Case) -> Outcome {
    prepare(case)?;
    let file = open(&case.path(), OpenFlags::empty())?;
    write_to(case, &file, false)
}

pub fn write_fresh(case: &Case) -> Outcome {
    let path = case.path() + ".fresh";
    let file = open(&path, OpenFlags::CREATE | OpenFlags::TRUNCATE)?;
    let measured = write_to(case, &file, true)?;
    let (root, rest) = mount(&path)?;
    root.unlink_file_at(&rest)?;
    Ok(measured)
}

fn write_to(case: &Case, file: &Descriptor, fresh: bool) -> Outcome {
    let buffer = vec![0x5a; case.size];
    let wanted = case.count * case.size as u64;
    let (mut bytes, mut operations, mut offset) = (0, 0, 0);
    let start = Instant::now();
    while bytes < wanted {
        if offset + case.size as u64 > case.file_bytes() {
            offset = 0;
            if fresh {
                file.set_size(0)?;
            }
        }
        // A host may take less than it was given.
        let written = file.write(&buffer, offset)?;
        offset += written;
        bytes += written;
        operations += 1;
    }
    Ok(Measured::since(start, bytes, operations))
}
