//! Limits as people write them: `--limit` of the command line and `limits`
//! tables of configuration files.

use std::str::FromStr;

use larder_core::Limits;
use serde::Deserialize;
use serde::de::{self, Deserializer, Visitor};

use crate::units::parse_size;

/// Limits that differ from the volume's defaults; absent ones stay.
///
/// The keys are those of `larder_core::Limits` in kebab case, both on the
/// command line (`bytes=1GiB,inodes=1000`) and in TOML.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct LimitChanges {
    bytes: Option<Size>,
    inodes: Option<Size>,
    file_bytes: Option<Size>,
    name_bytes: Option<Size>,
    path_bytes: Option<Size>,
    directory_entries: Option<Size>,
    open_handles: Option<Size>,
    links: Option<Size>,
    symlink_depth: Option<Size>,
}

/// The keys in the order in which help and errors list them.
const KEYS: &str =
    "bytes, inodes, file-bytes, name-bytes, path-bytes, directory-entries, open-handles, links, symlink-depth";

impl LimitChanges {
    /// `base` with the changes.
    #[must_use]
    pub fn apply(&self, base: Limits) -> Limits {
        let wide = |change: Option<Size>, default: u64| change.map_or(default, |size| size.0);
        let narrow = |change: Option<Size>, default: u32| {
            change.map_or(default, |size| u32::try_from(size.0).unwrap_or(u32::MAX))
        };
        Limits {
            bytes: wide(self.bytes, base.bytes),
            inodes: wide(self.inodes, base.inodes),
            file_bytes: wide(self.file_bytes, base.file_bytes),
            name_bytes: narrow(self.name_bytes, base.name_bytes),
            path_bytes: narrow(self.path_bytes, base.path_bytes),
            directory_entries: wide(self.directory_entries, base.directory_entries),
            open_handles: wide(self.open_handles, base.open_handles),
            links: wide(self.links, base.links),
            symlink_depth: narrow(self.symlink_depth, base.symlink_depth),
        }
    }

    fn field(&mut self, key: &str) -> Option<&mut Option<Size>> {
        Some(match key {
            "bytes" => &mut self.bytes,
            "inodes" => &mut self.inodes,
            "file-bytes" => &mut self.file_bytes,
            "name-bytes" => &mut self.name_bytes,
            "path-bytes" => &mut self.path_bytes,
            "directory-entries" => &mut self.directory_entries,
            "open-handles" => &mut self.open_handles,
            "links" => &mut self.links,
            "symlink-depth" => &mut self.symlink_depth,
            _ => return None,
        })
    }
}

impl FromStr for LimitChanges {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut changes = Self::default();
        for part in text.split(',') {
            let (key, value) =
                part.split_once('=').ok_or_else(|| format!("`{part}` is not KEY=VALUE; the keys are {KEYS}"))?;
            let field =
                changes.field(key.trim()).ok_or_else(|| format!("`{key}` is not a limit; the keys are {KEYS}"))?;
            let size = Size(parse_size(value)?);
            if field.replace(size).is_some() {
                return Err(format!("`{key}` is given twice"));
            }
        }
        Ok(changes)
    }
}

/// What an operator's own commands (`ls`, `cp`, …) load a volume with: the
/// limits guard the host against guests, and must not stop the operator from
/// reading what a run with higher limits has written.
#[must_use]
pub fn unlimited() -> Limits {
    let usual = Limits::default();
    Limits {
        bytes: u64::MAX,
        inodes: u64::MAX,
        file_bytes: u64::MAX,
        directory_entries: u64::MAX,
        open_handles: u64::MAX,
        links: u64::MAX,
        ..usual
    }
}

/// A size in bytes or a count: in TOML a whole number or a text such as
/// `"64MiB"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u64);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SizeVisitor;

        impl Visitor<'_> for SizeVisitor {
            type Value = Size;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a whole number or a size such as \"64MiB\"")
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Size, E> {
                Ok(Size(value))
            }

            fn visit_i64<E: de::Error>(self, value: i64) -> Result<Size, E> {
                u64::try_from(value).map(Size).map_err(|_| E::invalid_value(de::Unexpected::Signed(value), &self))
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Size, E> {
                parse_size(value).map(Size).map_err(E::custom)
            }
        }

        deserializer.deserialize_any(SizeVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_sizes() {
        let changes: LimitChanges = "bytes=64M,inodes=1000".parse().unwrap();
        let limits = changes.apply(Limits::default());
        assert_eq!((limits.bytes, limits.inodes), (64 << 20, 1_000));
        assert_eq!(limits.links, Limits::default().links);
        for wrong in ["bytes", "bites=1", "bytes=1,bytes=2", "bytes=x", ""] {
            assert!(wrong.parse::<LimitChanges>().is_err(), "{wrong}");
        }
    }
}
