//! `mounts` of `[[trigger.larder]]`.

use std::collections::BTreeMap;

use super::problems::{Problems, among, quoted};
use super::table::Table;
use super::{Volumes, volume};

/// Most mounts of a trigger. Guards the time of each instance's start, which
/// opens all.
pub const MOST_MOUNTS: usize = 64;

/// Most bytes of a guest path or a directory (POSIX `PATH_MAX`).
pub const MOST_PATH_BYTES: usize = 4096;

const KEYS: &[&str] = &["volume", "path", "mode", "subdir"];
const MODES: &[&str] = &["ro", "rw"];

/// A volume that a guest sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// The volume's name.
    pub volume: String,
    /// The guest path: absolute, without empty names, `.` and `..`.
    pub path: String,
    /// What the guest may do.
    pub mode: MountMode,
    /// The directory of the volume, relative to its root; empty for the root.
    pub subdirectory: String,
}

/// What a guest may do with a mount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MountMode {
    /// Read: `ro`.
    ReadOnly,
    /// Read and write: `rw`.
    #[default]
    ReadWrite,
}

/// Reads the mounts of a trigger. At `files` its component has its own files.
pub(super) fn read(trigger: &Table<'_>, volumes: &Volumes, files: &[&str], problems: &mut Problems) -> Vec<Mount> {
    let help = "write an array: `mounts = [{ volume = \"NAME\", path = \"/data\" }]`";
    let mut mounts = Vec::new();
    let mut places: BTreeMap<String, String> = BTreeMap::new();
    for path in files.iter().filter_map(|path| normalised(path)) {
        places.insert(format!("/{path}"), "the component's `files` are".to_owned());
    }
    for (index, value) in trigger.array("mounts", MOST_MOUNTS, help, problems).iter().enumerate() {
        let place = trigger.key(&format!("mounts[{index}]"));
        let Some(table) = Table::open(value, place, problems) else { continue };
        let Some(mount) = read_one(&table, volumes, problems) else { continue };
        if let Some(other) = places.insert(mount.path.clone(), format!("`mounts[{index}]` is")) {
            problems.add(
                table.key("path"),
                format!("{other} at {} already", quoted(&mount.path)),
                "give each mount a path of its own",
            );
        }
        mounts.push(mount);
    }
    mounts
}

fn read_one(table: &Table<'_>, volumes: &Volumes, problems: &mut Problems) -> Option<Mount> {
    table.only(KEYS, problems);
    let volume = volume::named(table, volumes, problems);
    for (key, help) in
        [("volume", "write the name of a volume"), ("path", "write where the guest sees it: an absolute path")]
    {
        if !table.has(key) {
            problems.add(table.key(key), "it is missing", help);
        }
    }
    let path = table.text("path", "write an absolute path, such as \"/data\"", problems).and_then(|path| {
        let relative = path.strip_prefix('/').and_then(normalised);
        if relative.is_none() {
            let help = "write a path with a slash at its start and without `.` and `..`, such as \"/data\"";
            problems.add(table.key("path"), format!("{} is no absolute path", quoted(path)), help);
        }
        relative
    });
    let mode = match table.text("mode", "write \"ro\" or \"rw\"", problems) {
        Some("ro") => MountMode::ReadOnly,
        None | Some("rw") => MountMode::ReadWrite,
        Some(other) => {
            problems.add(table.key("mode"), format!("{} is no mode", quoted(other)), among(other, MODES, "modes"));
            MountMode::default()
        }
    };
    let subdirectory = subdirectory(table, "public", problems);
    Some(Mount { volume: volume?.to_owned(), path: format!("/{}", path?), mode, subdirectory })
}

/// `subdir`, relative to a volume's root; the root, empty, where it is missing
/// or wrong.
pub(super) fn subdirectory(table: &Table<'_>, example: &str, problems: &mut Problems) -> String {
    let Some(written) = table.text("subdir", "write a directory of the volume", problems) else {
        return String::new();
    };
    normalised(written).unwrap_or_else(|| {
        let help = format!("write a directory of the volume without `.` and `..`, such as \"{example}\"");
        problems.add(table.key("subdir"), format!("{} is no directory of the volume", quoted(written)), help);
        String::new()
    })
}

/// A path without slashes at its ends and without empty names; none where it is
/// too long, or has `.`, `..` or a NUL.
fn normalised(path: &str) -> Option<String> {
    if path.len() > MOST_PATH_BYTES || path.contains('\0') {
        return None;
    }
    let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
    if names.iter().any(|name| *name == "." || *name == "..") { None } else { Some(names.join("/")) }
}
