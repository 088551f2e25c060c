//! Many files of `size` bytes: open, read or write, close.

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{Read, Write};
use std::time::Instant;

use wasip2::filesystem::types::{Descriptor, DescriptorFlags, OpenFlags, PathFlags};

use crate::raw::mount;
use crate::report::{Case, Measured, Outcome};

/// Names of at most this many files are used in turn.
const FILES: u64 = 2000;

fn names(case: &Case) -> Vec<String> {
    (0..case.count.min(FILES)).map(|number| format!("{}/file-{number}", case.folder())).collect()
}

fn filled(case: &Case) -> Result<Vec<String>, std::io::Error> {
    fs::create_dir_all(case.folder())?;
    let names = names(case);
    for name in &names {
        fs::write(name, vec![0x5a; case.size])?;
    }
    Ok(names)
}

fn finish(case: &Case, start: Instant) -> Outcome {
    let measured = Measured::since(start, case.count * case.size as u64, case.count);
    fs::remove_dir_all(case.folder())?;
    Ok(measured)
}

/// New files; when all names are used, the files are written anew.
pub fn write(case: &Case) -> Outcome {
    fs::create_dir_all(case.folder())?;
    let (names, content) = (names(case), vec![0x5a; case.size]);
    let start = Instant::now();
    for number in 0..case.count {
        let mut file = File::create(&names[(number % FILES) as usize])?;
        file.write_all(&content)?;
    }
    finish(case, start)
}

pub fn read(case: &Case) -> Outcome {
    let names = filled(case)?;
    let mut buffer = vec![0; case.size];
    let start = Instant::now();
    for number in 0..case.count {
        let mut file = File::open(&names[(number % FILES) as usize])?;
        file.read_exact(&mut buffer)?;
    }
    black_box(&buffer);
    finish(case, start)
}

fn raw_names(names: &[String]) -> Result<(Descriptor, Vec<String>), Box<dyn std::error::Error>> {
    let mut root = None;
    let mut rest = Vec::new();
    for name in names {
        let (descriptor, path) = mount(name)?;
        root.get_or_insert(descriptor);
        rest.push(path);
    }
    Ok((root.ok_or("no files")?, rest))
}

pub fn raw_write(case: &Case) -> Outcome {
    fs::create_dir_all(case.folder())?;
    let (root, names) = raw_names(&names(case))?;
    let content = vec![0x5a; case.size];
    let how = OpenFlags::CREATE | OpenFlags::TRUNCATE;
    let start = Instant::now();
    for number in 0..case.count {
        let name = &names[(number % FILES) as usize];
        let file = root.open_at(PathFlags::empty(), name, how, DescriptorFlags::WRITE)?;
        let mut offset = 0;
        while offset < case.size {
            offset += file.write(&content[offset..], offset as u64)? as usize;
        }
    }
    finish(case, start)
}

pub fn raw_read(case: &Case) -> Outcome {
    let (root, names) = raw_names(&filled(case)?)?;
    let start = Instant::now();
    for number in 0..case.count {
        let name = &names[(number % FILES) as usize];
        let file = root.open_at(PathFlags::empty(), name, OpenFlags::empty(), DescriptorFlags::READ)?;
        let mut offset = 0;
        while offset < case.size as u64 {
            offset += black_box(file.read(case.size as u64 - offset, offset)?).0.len() as u64;
        }
    }
    finish(case, start)
}
