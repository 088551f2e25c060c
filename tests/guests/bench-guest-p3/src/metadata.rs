//! Operations on names. `size` is the number of files that the directory holds
//! for `stat`, `open` and `readdir`; the others work on `count` names.

use std::fs::{self, File};
use std::hint::black_box;
use std::time::Instant;

use wasip3::filesystem::types::{Descriptor, DescriptorFlags, OpenFlags, PathFlags};

use crate::mounts::{mount, names};
use crate::report::{Case, Measured, Outcome};

const NO_FOLLOW: PathFlags = PathFlags::empty();

fn folder(case: &Case, prefix: &str) -> Result<(Descriptor, Vec<String>), Box<dyn std::error::Error>> {
    fs::create_dir_all(case.folder())?;
    Ok(names(&case.folder(), prefix, case.count)?)
}

fn files(case: &Case, count: u64) -> Result<(Descriptor, Vec<String>), Box<dyn std::error::Error>> {
    fs::create_dir_all(case.folder())?;
    for number in 0..count {
        File::create(format!("{}/file-{number}", case.folder()))?;
    }
    Ok(names(&case.folder(), "file", count)?)
}

fn finish(case: &Case, start: Instant, operations: u64) -> Outcome {
    let measured = Measured::since(start, 0, operations);
    fs::remove_dir_all(case.folder())?;
    Ok(measured)
}

pub async fn create(case: &Case) -> Outcome {
    let (root, names) = folder(case, "new")?;
    let start = Instant::now();
    for name in names {
        let how = OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
        root.open_at(NO_FOLLOW, name, how, DescriptorFlags::WRITE).await?;
    }
    finish(case, start, case.count)
}

pub async fn stat(case: &Case) -> Outcome {
    let (root, names) = files(case, case.size as u64)?;
    let start = Instant::now();
    for number in 0..case.count as usize {
        black_box(root.stat_at(NO_FOLLOW, names[number % names.len()].clone()).await?);
    }
    finish(case, start, case.count)
}

pub async fn open(case: &Case) -> Outcome {
    let (root, names) = files(case, case.size as u64)?;
    let start = Instant::now();
    for number in 0..case.count as usize {
        let name = names[number % names.len()].clone();
        root.open_at(NO_FOLLOW, name, OpenFlags::empty(), DescriptorFlags::READ).await?;
    }
    finish(case, start, case.count)
}

pub async fn rename(case: &Case) -> Outcome {
    let (root, old) = files(case, case.count)?;
    let (_, new) = names(&case.folder(), "renamed", case.count)?;
    let start = Instant::now();
    for (old, new) in old.into_iter().zip(new) {
        root.rename_at(old, &root, new).await?;
    }
    finish(case, start, case.count)
}

pub async fn unlink(case: &Case) -> Outcome {
    let (root, names) = files(case, case.count)?;
    let start = Instant::now();
    for name in names {
        root.unlink_file_at(name).await?;
    }
    finish(case, start, case.count)
}

pub async fn mkdir(case: &Case) -> Outcome {
    let (root, names) = folder(case, "directory")?;
    let start = Instant::now();
    for name in names {
        root.create_directory_at(name).await?;
    }
    finish(case, start, case.count)
}

pub async fn rmdir(case: &Case) -> Outcome {
    let (root, names) = folder(case, "directory")?;
    for name in &names {
        root.create_directory_at(name.clone()).await?;
    }
    let start = Instant::now();
    for name in names {
        root.remove_directory_at(name).await?;
    }
    finish(case, start, case.count)
}

/// Lists the directory of `size` files `count` times; an operation is an entry.
pub async fn readdir(case: &Case) -> Outcome {
    files(case, case.size as u64)?;
    let (root, path) = mount(&case.folder())?;
    let flags = DescriptorFlags::READ;
    let folder = root.open_at(NO_FOLLOW, path, OpenFlags::DIRECTORY, flags).await?;
    let mut entries = 0;
    let start = Instant::now();
    for _ in 0..case.count {
        let (mut stream, end) = folder.read_directory();
        let mut batch = Vec::with_capacity(64);
        loop {
            let (status, data) = stream.read(batch).await;
            entries += black_box(&data).len() as u64;
            batch = data;
            batch.clear();
            if !matches!(status, wasip3::wit_bindgen::StreamResult::Complete(_)) {
                break;
            }
        }
        drop(stream);
        end.await?;
    }
    finish(case, start, entries)
}
