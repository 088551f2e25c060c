//! `[application.trigger.larder.volumes.NAME]`.

use std::collections::BTreeMap;
use std::fmt;

use super::address::{check_nats, check_s3, is_below};
use super::problems::{Problems, among, quoted};
use super::table::Table;
use super::units::{SIZE_HELP, size};
use super::{SETTINGS, Volumes};

/// Most volumes of an app. Guards memory, of which each has some, and
/// connections.
pub const MOST_VOLUMES: usize = 256;

/// Most characters of a volume's name, of which a file's name is made.
pub const MOST_NAME_BYTES: usize = 64;

/// How the name of a volume's file ends. So it cannot be another program's
/// file in the state directory, such as Spin's own databases.
const FILE_SUFFIX: &str = ".larder";

/// Most bytes of the path of a volume's file.
const MOST_FILE_BYTES: usize = 1024;

/// The limits of a volume and the most that each may be: more than any volume
/// is meant to have, and low enough that sums do not overflow.
const LIMITS: &[(&str, u64)] = &[
    ("bytes", 1 << 44),
    ("inodes", 1 << 40),
    ("file-bytes", 1 << 50),
    ("name-bytes", 1 << 16),
    ("path-bytes", 1 << 20),
    ("directory-entries", 1 << 40),
    ("open-handles", 1 << 32),
    ("links", 1 << 32),
    ("symlink-depth", 1 << 10),
];

const KEYS: &[&str] = &["file", "memory", "s3", "nats", "sync", "limits"];

/// A volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    /// Its name.
    pub name: String,
    /// Where it is kept.
    pub kind: VolumeKind,
    /// The limits that the manifest sets.
    pub limits: LimitSettings,
}

/// Where a volume is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VolumeKind {
    /// In a snapshot file.
    File {
        /// Its path, relative to the state directory and below it.
        path: String,
        /// Whether a guest's `fsync` saves it.
        sync: bool,
    },
    /// In this process: gone when it ends.
    Memory,
    /// In a bucket.
    S3 {
        /// The address, without secrets. Paths in it begin at the state
        /// directory.
        address: String,
    },
    /// With a provider, over NATS.
    Nats {
        /// The address, without secrets.
        address: String,
    },
}

/// Limits that differ from a volume's usual ones, by the names that they have
/// in `larder up` files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitSettings(BTreeMap<&'static str, u64>);

impl LimitSettings {
    /// The value of a limit; none where the usual one stays.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<u64> {
        self.0.get(name).copied()
    }

    /// Whether all are the usual ones.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for LimitSettings {
    /// As for the option `--limit`: `bytes=1073741824,inodes=1000`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, value)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{name}={value}")?;
        }
        Ok(())
    }
}

/// Reads all volumes of the settings.
pub(super) fn read(settings: &Table<'_>, problems: &mut Problems) -> Volumes {
    let mut volumes = Volumes::default();
    let Some(table) = settings.table("volumes", problems) else { return volumes };
    let all: Vec<_> = table.iter().collect();
    if all.len() > MOST_VOLUMES {
        problems.add(
            settings.key("volumes"),
            format!("there are {} volumes", all.len()),
            format!("at most {MOST_VOLUMES} are read"),
        );
        return volumes;
    }
    for (name, value) in all {
        volumes.names.push(name.to_owned());
        let place = format!("[application.trigger.larder.volumes.{}]", quoted(name).trim_matches('`'));
        if !is_name(name) {
            problems.add(
                place,
                "this is no name for a volume",
                format!("a name is of A-Z, a-z, 0-9, `-` and `_`, at most {MOST_NAME_BYTES}"),
            );
            continue;
        }
        if let Some(table) = Table::root(value, place, problems) {
            let volume = read_one(name, &table, problems);
            volumes.good.insert(name.to_owned(), volume);
        }
    }
    check_files(&volumes, problems);
    volumes
}

fn is_name(name: &str) -> bool {
    (1..=MOST_NAME_BYTES).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

fn read_one(name: &str, table: &Table<'_>, problems: &mut Problems) -> Volume {
    table.only(KEYS, problems);
    let limits = read_limits(table, problems);
    let kind = read_kind(name, table, problems);
    Volume { name: name.to_owned(), kind, limits }
}

/// What is wrong is told; then the kind that is answered has no meaning.
fn read_kind(name: &str, table: &Table<'_>, problems: &mut Problems) -> VolumeKind {
    let memory = table.truth("memory", problems);
    let file = table.text("file", "write a name that ends in .larder", problems);
    let s3 = table.text("s3", super::address::S3_HELP, problems);
    let nats = table.text("nats", super::address::NATS_HELP, problems);
    let sync = table.truth("sync", problems);
    let given: Vec<&str> = ["file", "memory", "s3", "nats"]
        .into_iter()
        // `memory = false` says only what is so anyway.
        .filter(|key| table.has(key) && (*key != "memory" || memory != Some(false)))
        .collect();
    if let [first, second, ..] = given.as_slice() {
        problems.add(
            table.key(second),
            format!("there is `{first}` as well, and a volume is in one place"),
            format!(
                "leave out all but one of {}",
                given.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
            ),
        );
    }
    let is_file = given.iter().all(|key| *key == "file");
    if sync == Some(true) && !is_file {
        problems.add(
            table.key("sync"),
            "it is for volumes in a file: a guest's fsync saves the file",
            "leave it out, or leave out the keys that put the volume elsewhere",
        );
    }
    if let Some(address) = s3 {
        if let Err((message, help)) = check_s3(address) {
            problems.add(table.key("s3"), message, help);
        }
        return VolumeKind::S3 { address: address.to_owned() };
    }
    if let Some(address) = nats {
        if let Err((message, help)) = check_nats(address) {
            problems.add(table.key("nats"), message, help);
        }
        return VolumeKind::Nats { address: address.to_owned() };
    }
    if memory == Some(true) {
        return VolumeKind::Memory;
    }
    let path = file.map_or_else(|| format!("{name}{FILE_SUFFIX}"), str::to_owned);
    if file.is_some() {
        check_file(&path, table, problems);
    }
    VolumeKind::File { path, sync: sync.unwrap_or(false) }
}

fn check_file(path: &str, table: &Table<'_>, problems: &mut Problems) {
    let key = table.key("file");
    if let Some((scheme, _)) = path.split_once("://") {
        let known = ["s3", "nats"].contains(&scheme);
        let help = if known {
            format!("write `{scheme} = \"{scheme}://…\"`")
        } else {
            "write a name that ends in .larder".to_owned()
        };
        problems.add(key, "it is an address, not a file", help);
    } else if path.len() > MOST_FILE_BYTES || path.chars().any(char::is_control) {
        problems.add(
            key,
            "it is too long or has control characters",
            format!("write a path of at most {MOST_FILE_BYTES} bytes"),
        );
    } else if !is_below(path) {
        problems.add(
            key,
            format!("{} is not below the state directory", quoted(path)),
            "write a relative path without `..`; `spin up --state-dir` says where it begins",
        );
    } else if !path.ends_with(FILE_SUFFIX) || path.ends_with(&format!("/{FILE_SUFFIX}")) || path == FILE_SUFFIX {
        problems.add(
            key,
            format!("{} does not end in {FILE_SUFFIX}", quoted(path)),
            format!("write `NAME{FILE_SUFFIX}`"),
        );
    }
}

/// Two volumes in one file would each lock the other out.
fn check_files(volumes: &Volumes, problems: &mut Problems) {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for (name, volume) in &volumes.good {
        let VolumeKind::File { path, .. } = &volume.kind else { continue };
        let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty() && *name != ".").collect();
        // Some filesystems do not tell cases apart.
        if let Some(other) = seen.insert(names.join("/").to_lowercase(), name) {
            problems.add(
                format!("[application.trigger.larder.volumes.{name}] file"),
                format!("the volume `{other}` is in the same file"),
                "give each volume a file of its own",
            );
        }
    }
}

fn read_limits(table: &Table<'_>, problems: &mut Problems) -> LimitSettings {
    let mut limits = LimitSettings::default();
    let Some(table) = table.table("limits", problems) else { return limits };
    for (name, value) in table.iter() {
        let key = table.key(quoted(name).trim_matches('`'));
        let Some((name, most)) = LIMITS.iter().find(|(known, _)| *known == name) else {
            let known: Vec<&str> = LIMITS.iter().map(|(name, _)| *name).collect();
            problems.add(key, "this limit is not known", among(name, &known, "limits"));
            continue;
        };
        match size(value) {
            None => problems.add(key, "it is not a size or a count", SIZE_HELP),
            Some(0) => problems.add(key, "a limit of 0 leaves nothing", "write at least 1, or leave it out"),
            Some(value) if value > *most => {
                problems.add(key, format!("{value} is too much"), format!("write at most {most}"))
            }
            Some(value) => {
                limits.0.insert(name, value);
            }
        }
    }
    limits
}

/// The volume that the key `volume` of a table names. Tells when there is none.
pub(super) fn named<'a>(table: &Table<'a>, volumes: &Volumes, problems: &mut Problems) -> Option<&'a str> {
    let volume = table.text("volume", "write the name of a volume", problems)?;
    if !volumes.names.iter().any(|name| name == volume) {
        problems.add(table.key("volume"), format!("there is no volume {}", quoted(volume)), missing(volume, volumes));
    }
    Some(volume)
}

/// The line of help for a volume that is not there.
fn missing(name: &str, volumes: &Volumes) -> String {
    let known: Vec<&str> = volumes.names.iter().map(String::as_str).collect();
    let table = SETTINGS.trim_end_matches(']');
    let add = if is_name(name) { format!("add {table}.volumes.{name}]") } else { format!("add {table}.volumes.NAME]") };
    if known.is_empty() { add } else { format!("{}; or {add}", among(name, &known, "volumes")) }
}
