//! Thousands of files over nested directories: created, renamed, linked,
//! listed, read back and removed.
//!
//! File `i` is born as `d<i % 50>/new-<i>` and renamed to `d<i % 50>/file-<i>`.
//! Every 10th has a hard link in `links/`, every 10th (but one) a relative
//! symbolic link there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::Outcome;
use crate::content::{self, Checksum};

const DIRECTORIES: u32 = 50;

/// Names the path and the operation in every failure.
pub fn at<T>(what: &str, path: &Path, result: std::io::Result<T>) -> Result<T, String> {
    result.map_err(|error| format!("{what} {}: {error}", path.display()))
}

/// `std::fs::soft_link` is the only way to a symbolic link which is stable on
/// both WASI targets.
#[allow(deprecated)]
pub fn symlink(target: &Path, link: &Path) -> std::io::Result<()> {
    fs::soft_link(target, link)
}

fn directory_of(root: &Path, index: u32) -> PathBuf {
    root.join(format!("d{}", index % DIRECTORIES))
}

fn path_of(root: &Path, index: u32) -> PathBuf {
    directory_of(root, index).join(format!("file-{index}"))
}

pub fn create(root: &Path, count: u32) -> Outcome {
    for number in 0..DIRECTORIES {
        let directory = directory_of(root, number);
        at("create", &directory, fs::create_dir_all(&directory))?;
    }
    let links = root.join("links");
    at("create", &links, fs::create_dir_all(&links))?;
    for index in 0..count {
        let born = directory_of(root, index).join(format!("new-{index}"));
        at("write", &born, fs::write(&born, content::of(index)))?;
        let path = path_of(root, index);
        at("rename to", &path, fs::rename(&born, &path))?;
        if born.exists() {
            return Err(format!("{} is still there after rename", born.display()));
        }
        match index % 10 {
            0 => {
                let link = links.join(format!("hard-{index}"));
                at("link", &link, fs::hard_link(&path, &link))?;
            }
            1 => {
                let link = links.join(format!("soft-{index}"));
                let target = format!("../d{}/file-{index}", index % DIRECTORIES);
                at("symlink", &link, symlink(Path::new(&target), &link))?;
            }
            _ => {}
        }
    }
    println!("rust-files: {count} files created");
    Ok(())
}

pub fn verify(root: &Path, count: u32) -> Outcome {
    let mut checksum = Checksum::new();
    for index in 0..count {
        verify_one(root, index, &mut checksum)?;
    }
    let mut listed = 0;
    for number in 0..DIRECTORIES {
        listed += verify_listing(&directory_of(root, number), number, count)?;
    }
    if listed != count {
        return Err(format!("{listed} files listed, {count} expected"));
    }
    println!("rust-files: {count} files verified, checksum {:016x}", checksum.value());
    Ok(())
}

fn verify_one(root: &Path, index: u32, checksum: &mut Checksum) -> Outcome {
    let path = path_of(root, index);
    let expected = content::of(index);
    let read = at("read", &path, fs::read(&path))?;
    checksum.add(&read);
    if read != expected {
        return Err(format!("{}: wrong content", path.display()));
    }
    let metadata = at("stat", &path, fs::metadata(&path))?;
    if metadata.len() != expected.len() as u64 || !metadata.is_file() {
        return Err(format!("{}: wrong metadata", path.display()));
    }
    let links = root.join("links");
    match index % 10 {
        0 => {
            let link = links.join(format!("hard-{index}"));
            if at("read", &link, fs::read(&link))? != expected {
                return Err(format!("{}: wrong content", link.display()));
            }
        }
        1 => {
            let link = links.join(format!("soft-{index}"));
            let target = at("readlink", &link, fs::read_link(&link))?;
            let wanted = format!("../d{}/file-{index}", index % DIRECTORIES);
            if target != Path::new(&wanted) || at("read", &link, fs::read(&link))? != expected {
                return Err(format!("{}: wrong target or content", link.display()));
            }
        }
        _ => {}
    }
    Ok(())
}

/// Every name once, none missing, none that should not be there.
fn verify_listing(directory: &Path, number: u32, count: u32) -> Result<u32, String> {
    let mut names = BTreeSet::new();
    for entry in at("list", directory, fs::read_dir(directory))? {
        let entry = at("list", directory, entry)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let kind = at("type of", &entry.path(), entry.file_type())?;
        if !kind.is_file() {
            return Err(format!("{}/{name} is no file", directory.display()));
        }
        if !names.insert(name.clone()) {
            return Err(format!("{}/{name} listed twice", directory.display()));
        }
    }
    let wanted: BTreeSet<String> =
        (number..count).step_by(DIRECTORIES as usize).map(|index| format!("file-{index}")).collect();
    if names != wanted {
        return Err(format!("{}: wrong names in the listing", directory.display()));
    }
    Ok(names.len() as u32)
}

pub fn remove(root: &Path, count: u32) -> Outcome {
    // A directory with entries must refuse, whatever else is removed.
    if count > 0 && fs::remove_dir(directory_of(root, 0)).is_ok() {
        return Err("a directory with files in it was removed".into());
    }
    for index in 0..count {
        let path = path_of(root, index);
        at("remove", &path, fs::remove_file(&path))?;
        if index % 10 == 0 {
            // The other name keeps the content.
            let link = root.join("links").join(format!("hard-{index}"));
            if at("read", &link, fs::read(&link))? != content::of(index) {
                return Err(format!("{}: content lost with the name", link.display()));
            }
        }
    }
    at("remove", root, fs::remove_dir_all(root))?;
    if root.exists() {
        return Err(format!("{} is still there", root.display()));
    }
    println!("rust-files: {count} files removed");
    Ok(())
}
