//! Short forms of the raw calls, and what every attack checks with.
//!
//! Environment:
//! - `LARDER_MAX_BYTES`, `_FILE_BYTES`, `_INODES`, `_DIRECTORY_ENTRIES`,
//!   `_OPEN_HANDLES`, `_STREAMS`, `_LINKS`: the limits of the volume at `/`. A limit that is
//!   named must be met exactly or refused earlier; one that is not named is
//!   only tried up to `ATTACK_COUNT` (default 20000) or 64 MiB.
//! - `ATTACK_KEEP=1`: leave what was created, so that the host has to save it.
//! - `ATTACK_LENIENT=1`: print what was not refused and go on, to look at other
//!   hosts.

use std::collections::BTreeSet;
use std::sync::Mutex;

use wasip2::filesystem::preopens::get_directories;
pub use wasip2::filesystem::types::{Descriptor, DescriptorFlags, ErrorCode, OpenFlags, PathFlags};

pub const NO_FOLLOW: PathFlags = PathFlags::empty();
pub const FOLLOW: PathFlags = PathFlags::SYMLINK_FOLLOW;
pub const READ: DescriptorFlags = DescriptorFlags::READ;
pub const MUTATE: DescriptorFlags = DescriptorFlags::MUTATE_DIRECTORY;
pub const NONE: OpenFlags = OpenFlags::empty();

pub fn read_write() -> DescriptorFlags {
    DescriptorFlags::READ | DescriptorFlags::WRITE
}

/// A refusal because there is no more room, in each form that WASI has for it.
pub const FULL: &[ErrorCode] =
    &[ErrorCode::InsufficientSpace, ErrorCode::Quota, ErrorCode::FileTooLarge, ErrorCode::InsufficientMemory];

pub fn lenient() -> bool {
    flag("ATTACK_LENIENT")
}

pub fn keep() -> bool {
    flag("ATTACK_KEEP")
}

fn flag(name: &str) -> bool {
    std::env::var(name).is_ok_and(|value| value == "1")
}

/// A limit of the volume, when the caller named it.
pub fn limit(name: &str) -> Option<u64> {
    let value = std::env::var(format!("LARDER_MAX_{name}")).ok()?;
    Some(value.parse().unwrap_or_else(|_| {
        panic!("LARDER_MAX_{name}={value} is no number");
    }))
}

/// How often to try what is to be exhausted: past the limit, if there is one.
pub fn tries(name: &str) -> u64 {
    let count = std::env::var("ATTACK_COUNT").ok();
    let count = count.and_then(|text| text.parse().ok()).unwrap_or(20_000);
    limit(name).map_or(count, |limit| limit + 10)
}

/// The preopened directory of that name.
pub fn mount(name: &str) -> Result<Descriptor, String> {
    let mut names = Vec::new();
    for (descriptor, mounted) in get_directories() {
        if mounted == name {
            return Ok(descriptor);
        }
        names.push(mounted);
    }
    Err(format!("there is no mount {name}, only {names:?}"))
}

/// Name of the directory of the attack that runs.
static ARENA: Mutex<String> = Mutex::new(String::new());

fn arena_name() -> String {
    ARENA.lock().map(|name| name.clone()).unwrap_or_default()
}

/// Removes what an earlier run, which may have trapped, left behind.
pub fn begin(attack: &str) {
    if let (Ok(mut name), Ok(root)) = (ARENA.lock(), mount("/")) {
        *name = format!("attack-{attack}");
        remove_tree(&root, &name);
    }
}

pub fn end() {
    if let (false, Ok(root)) = (keep(), mount("/")) {
        remove_tree(&root, &arena_name());
    }
}

/// A fresh directory to work in.
pub fn arena() -> Result<Descriptor, String> {
    let root = mount("/")?;
    works("create the arena", root.create_directory_at(&arena_name()))?;
    directory(&root, &arena_name())
}

/// Iterative, since some attacks build deep trees: everything is moved up to
/// the top before it is removed.
pub fn remove_tree(parent: &Descriptor, name: &str) {
    let Ok(top) = directory(parent, name) else {
        return;
    };
    let mut moved = 0_u64;
    loop {
        let entries = names(&top).unwrap_or_default();
        if entries.is_empty() {
            break;
        }
        for entry in entries {
            if top.unlink_file_at(&entry).is_ok() || top.remove_directory_at(&entry).is_ok() {
                continue;
            }
            let Ok(inner) = directory(&top, &entry) else {
                continue;
            };
            for child in names(&inner).unwrap_or_default() {
                moved += 1;
                if inner.unlink_file_at(&child).is_err() {
                    let _ = inner.rename_at(&child, &top, &format!("moved-{moved}"));
                }
            }
        }
    }
    drop(top);
    let _ = parent.remove_directory_at(name);
}

pub fn directory(parent: &Descriptor, path: &str) -> Result<Descriptor, String> {
    works("open a directory", parent.open_at(FOLLOW, path, OpenFlags::DIRECTORY, READ | MUTATE))
}

/// Creates or opens a file to read and write.
pub fn file(parent: &Descriptor, path: &str) -> Result<Descriptor, String> {
    works("create a file", parent.open_at(NO_FOLLOW, path, OpenFlags::CREATE, read_write()))
}

pub fn filled(parent: &Descriptor, path: &str, content: &[u8]) -> Result<Descriptor, String> {
    let file = file(parent, path)?;
    let written = works("write", file.write(content, 0))?;
    same("bytes written", written, content.len() as u64)?;
    Ok(file)
}

pub fn size(file: &Descriptor) -> Result<u64, String> {
    Ok(works("stat", file.stat())?.size)
}

pub fn names(directory: &Descriptor) -> Result<Vec<String>, String> {
    let stream = works("list", directory.read_directory())?;
    let mut names = Vec::new();
    while let Some(entry) = works("list", stream.read_directory_entry())? {
        names.push(entry.name);
    }
    Ok(names)
}

pub fn works<T>(what: &str, result: Result<T, ErrorCode>) -> Result<T, String> {
    result.map_err(|code| format!("{what}: {}", code.name()))
}

pub fn same<T: PartialEq + std::fmt::Debug>(what: &str, got: T, wanted: T) -> Result<(), String> {
    if got == wanted { Ok(()) } else { Err(format!("{what}: got {got:?}, wanted {wanted:?}")) }
}

/// Collects the codes of an attack's calls for its line in the log.
#[derive(Default)]
pub struct Codes(BTreeSet<&'static str>);

impl Codes {
    /// The call was refused with one of these codes.
    pub fn refused<T>(&mut self, what: &str, result: Result<T, ErrorCode>, wanted: &[ErrorCode]) -> Result<(), String> {
        match result {
            Err(code) if wanted.contains(&code) => {
                self.0.insert(code.name());
                Ok(())
            }
            Err(code) => {
                let wanted: Vec<_> = wanted.iter().map(|code| code.name()).collect();
                Err(format!("{what}: got {}, wanted {wanted:?}", code.name()))
            }
            Ok(_) => Err(format!("{what}: was allowed")),
        }
    }

    pub fn note(&mut self, text: &'static str) {
        self.0.insert(text);
    }

    pub fn done(self) -> Result<String, String> {
        Ok(self.0.into_iter().collect::<Vec<_>>().join(" "))
    }
}
