//! The summary: how much there is, the newest files and the largest.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::Serialize;

use crate::walk::Found;

/// How many of the newest and of the largest files are told.
const MOST_TOLD: usize = 8;

const NAME: &str = ".index.json";

#[derive(Default, Serialize)]
pub struct Summary {
    files: u64,
    directories: u64,
    bytes: u64,
    newest: Vec<Told>,
    largest: Vec<Told>,
}

#[derive(Clone, Serialize)]
struct Told {
    path: String,
    bytes: u64,
    /// Milliseconds since 1970.
    modified: u64,
}

impl Summary {
    pub fn add(&mut self, found: Found) {
        if found.is_directory {
            self.directories += 1;
            return;
        }
        self.files += 1;
        self.bytes += found.bytes;
        let told = Told { path: found.path, bytes: found.bytes, modified: found.modified };
        keep(&mut self.newest, &told, |told| told.modified);
        keep(&mut self.largest, &told, |told| told.bytes);
    }

    /// Writes it where it is not the same as what is there: beside and renamed,
    /// so that a reader never sees a part of it. Answers whether it wrote.
    pub fn write(&self, root: &Path) -> std::io::Result<bool> {
        let text = serde_json::to_string(self)?;
        let target = root.join(NAME);
        match fs::read_to_string(&target) {
            Ok(former) if former == text => return Ok(false),
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let beside = root.join(format!("{NAME}.new"));
        fs::write(&beside, text)?;
        fs::rename(beside, target)?;
        Ok(true)
    }
}

/// Keeps the few with the highest key, the highest first. Of equal ones the
/// order of their paths decides, so that two runs over the same files agree.
fn keep<K: Ord>(kept: &mut Vec<Told>, told: &Told, key: impl Fn(&Told) -> K) {
    let place =
        kept.partition_point(|other| key(other) > key(told) || (key(other) == key(told) && other.path <= told.path));
    if place < MOST_TOLD {
        kept.insert(place, told.clone());
        kept.truncate(MOST_TOLD);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, bytes: u64, modified: u64) -> Found {
        Found { path: path.into(), is_directory: false, bytes, modified }
    }

    #[test]
    fn the_newest_and_the_largest_are_kept() {
        let mut summary = Summary::default();
        for number in 0..20 {
            summary.add(found(&format!("{number:02}"), 100 - number, number));
        }
        let paths = |told: &[Told]| told.iter().map(|told| told.path.clone()).collect::<Vec<_>>();
        assert_eq!(paths(&summary.newest), ["19", "18", "17", "16", "15", "14", "13", "12"]);
        assert_eq!(paths(&summary.largest), ["00", "01", "02", "03", "04", "05", "06", "07"]);
        assert_eq!((summary.files, summary.bytes), (20, 1810));
    }

    #[test]
    fn the_order_of_the_walk_does_not_matter() {
        let (mut one, mut other) = (Summary::default(), Summary::default());
        for number in 0..20 {
            one.add(found(&format!("{number:02}"), 1, 1));
            other.add(found(&format!("{:02}", 19 - number), 1, 1));
        }
        assert_eq!(serde_json::to_string(&one).unwrap(), serde_json::to_string(&other).unwrap());
    }
}
