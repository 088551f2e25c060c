//! Operations on names. `size` is the number of files that the directory holds
//! for `stat`, `open` and `readdir`; the others work on `count` names.

use std::fs::{self, File};
use std::hint::black_box;
use std::time::Instant;

use wasip2::filesystem::types::{DescriptorFlags, OpenFlags, PathFlags};

use crate::raw::mount;
use crate::report::{Case, Measured, Outcome};

fn names(case: &Case, prefix: &str, count: u64) -> Vec<String> {
    (0..count).map(|number| format!("{}/{prefix}-{number}", case.folder())).collect()
}

fn files(case: &Case, count: u64) -> Result<Vec<String>, std::io::Error> {
    fs::create_dir_all(case.folder())?;
    let names = names(case, "file", count);
    for name in &names {
        File::create(name)?;
    }
    Ok(names)
}

fn finish(case: &Case, start: Instant, operations: u64) -> Outcome {
    let measured = Measured::since(start, 0, operations);
    fs::remove_dir_all(case.folder())?;
    Ok(measured)
}

pub fn create(case: &Case) -> Outcome {
    fs::create_dir_all(case.folder())?;
    let names = names(case, "new", case.count);
    let start = Instant::now();
    for name in &names {
        File::create_new(name)?;
    }
    finish(case, start, case.count)
}

pub fn stat(case: &Case) -> Outcome {
    let names = files(case, case.size as u64)?;
    let start = Instant::now();
    for number in 0..case.count as usize {
        black_box(fs::metadata(&names[number % names.len()])?);
    }
    finish(case, start, case.count)
}

pub fn raw_stat(case: &Case) -> Outcome {
    let names = files(case, case.size as u64)?;
    let (root, _) = mount(&names[0])?;
    let names = names.iter().map(|name| Ok(mount(name)?.1));
    let names = names.collect::<Result<Vec<_>, Box<dyn std::error::Error>>>()?;
    let start = Instant::now();
    for number in 0..case.count as usize {
        black_box(root.stat_at(PathFlags::empty(), &names[number % names.len()])?);
    }
    finish(case, start, case.count)
}

pub fn open(case: &Case) -> Outcome {
    let names = files(case, case.size as u64)?;
    let start = Instant::now();
    for number in 0..case.count as usize {
        File::open(&names[number % names.len()])?;
    }
    finish(case, start, case.count)
}

pub fn raw_open(case: &Case) -> Outcome {
    let names = files(case, case.size as u64)?;
    let (root, _) = mount(&names[0])?;
    let names = names.iter().map(|name| Ok(mount(name)?.1));
    let names = names.collect::<Result<Vec<_>, Box<dyn std::error::Error>>>()?;
    let start = Instant::now();
    for number in 0..case.count as usize {
        let name = &names[number % names.len()];
        root.open_at(PathFlags::empty(), name, OpenFlags::empty(), DescriptorFlags::READ)?;
    }
    finish(case, start, case.count)
}

/// An operation is an open, a stat of what was opened and a close.
pub fn open_stat(case: &Case) -> Outcome {
    let names = files(case, case.size as u64)?;
    let start = Instant::now();
    for number in 0..case.count as usize {
        black_box(File::open(&names[number % names.len()])?.metadata()?);
    }
    finish(case, start, case.count)
}

pub fn raw_open_stat(case: &Case) -> Outcome {
    let names = files(case, case.size as u64)?;
    let (root, _) = mount(&names[0])?;
    let names = names.iter().map(|name| Ok(mount(name)?.1));
    let names = names.collect::<Result<Vec<_>, Box<dyn std::error::Error>>>()?;
    let start = Instant::now();
    for number in 0..case.count as usize {
        let name = &names[number % names.len()];
        let file = root.open_at(PathFlags::empty(), name, OpenFlags::empty(), DescriptorFlags::READ)?;
        black_box(file.stat()?);
    }
    finish(case, start, case.count)
}

pub fn rename(case: &Case) -> Outcome {
    let old = files(case, case.count)?;
    let new = names(case, "renamed", case.count);
    let start = Instant::now();
    for (old, new) in old.iter().zip(&new) {
        fs::rename(old, new)?;
    }
    finish(case, start, case.count)
}

pub fn unlink(case: &Case) -> Outcome {
    let names = files(case, case.count)?;
    let start = Instant::now();
    for name in &names {
        fs::remove_file(name)?;
    }
    finish(case, start, case.count)
}

pub fn mkdir(case: &Case) -> Outcome {
    fs::create_dir_all(case.folder())?;
    let names = names(case, "directory", case.count);
    let start = Instant::now();
    for name in &names {
        fs::create_dir(name)?;
    }
    finish(case, start, case.count)
}

pub fn rmdir(case: &Case) -> Outcome {
    fs::create_dir_all(case.folder())?;
    let names = names(case, "directory", case.count);
    for name in &names {
        fs::create_dir(name)?;
    }
    let start = Instant::now();
    for name in &names {
        fs::remove_dir(name)?;
    }
    finish(case, start, case.count)
}

/// Lists the directory of `size` files `count` times; an operation is an entry.
pub fn readdir(case: &Case) -> Outcome {
    files(case, case.size as u64)?;
    let mut entries = 0;
    let start = Instant::now();
    for _ in 0..case.count {
        for entry in fs::read_dir(case.folder())? {
            black_box(entry?.file_name());
            entries += 1;
        }
    }
    finish(case, start, entries)
}
