//! The names that a listing of a directory has. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use larder_bucket::{Etag, Page};

use crate::layout::{KeyFault, KeySpace, Parsed};

/// What a listing by delimiter has of one directory.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Files and symbolic links, by name, and their keys.
    pub(super) files: BTreeMap<Arc<str>, Arc<str>>,
    /// Directories, and their markers, where the listing has them.
    pub(super) directories: BTreeMap<Arc<str>, Option<(Arc<str>, Etag)>>,
    /// The directory's own marker.
    pub(super) marker: Option<(Arc<str>, Etag)>,
    /// Keys that are no paths, a sentence for each.
    pub(super) foreign: Vec<String>,
    /// Whether the bucket has anything of the directory.
    pub(super) is_there: bool,
}

impl Names {
    /// Adds a page of the listing of the directory at `path`.
    pub(super) fn add(&mut self, keys: &KeySpace, path: &str, page: Page) {
        for object in page.objects {
            // So SeaweedFS shows an empty directory that has no marker.
            if object.etag.is_empty() {
                continue;
            }
            self.is_there = true;
            match keys.parse(&object.key) {
                Parsed::File(file) => match relative(path, &file) {
                    Some((name, false)) => drop(self.files.insert(name.into(), object.key.into())),
                    Some((name, true)) => self.directory(name),
                    None => {}
                },
                Parsed::Marker(directory) if directory == path => {
                    self.marker = Some((object.key.into(), object.etag));
                }
                Parsed::Marker(directory) => match relative(path, &directory) {
                    Some((name, false)) => {
                        self.directories.insert(name.into(), Some((object.key.into(), object.etag)));
                    }
                    Some((name, true)) => self.directory(name),
                    None => {}
                },
                Parsed::Reserved => {}
                Parsed::Foreign(fault) => self.foreign.push(foreign(&object.key, fault)),
            }
        }
        for prefix in page.prefixes {
            self.is_there = true;
            match keys.parse(&prefix) {
                Parsed::File(below) | Parsed::Marker(below) => {
                    if let Some((name, _)) = relative(path, &below) {
                        self.directory(name);
                    }
                }
                Parsed::Reserved => {}
                Parsed::Foreign(fault) => self.foreign.push(foreign(&prefix, fault)),
            }
        }
    }

    fn directory(&mut self, name: &str) {
        if !self.directories.contains_key(name) {
            self.directories.insert(name.into(), None);
        }
    }
}

/// The first name of a path below a directory, and whether more follow; `None`
/// for what is not below it.
fn relative<'a>(directory: &str, path: &'a str) -> Option<(&'a str, bool)> {
    let rest = match directory {
        "" => path,
        _ => path.strip_prefix(directory)?.strip_prefix('/')?,
    };
    let (name, more) = rest.split_once('/').map_or((rest, false), |(name, _)| (name, true));
    (!name.is_empty()).then_some((name, more))
}

/// Why a key is no path.
pub(super) fn foreign(key: &str, fault: KeyFault) -> String {
    format!("the key {key:?} is no path of the volume and is left alone: {fault}; {}", fault.remedy())
}

/// That a key is a file and a directory.
pub(super) fn hidden(key: &str) -> String {
    format!(
        "the key {key:?} is hidden by the directory of the same name and left alone: rename this object, or those whose keys begin with {:?}",
        format!("{key}/")
    )
}

#[cfg(test)]
mod tests {
    use larder_bucket::Listed;

    use super::*;

    fn page(keys: &[&str], prefixes: &[&str]) -> Page {
        let object = |key: &&str| Listed { key: (*key).into(), etag: "e".into(), size: 1, modified: (0, 0) };
        Page {
            objects: keys.iter().map(object).collect(),
            prefixes: prefixes.iter().map(|prefix| (*prefix).to_owned()).collect(),
            next: None,
        }
    }

    #[test]
    fn a_listing_has_names() {
        let keys = KeySpace::new("p").unwrap();
        let mut names = Names::default();
        names.add(&keys, "d", page(&["p/d/", "p/d/f", "p/d/g/h", "p/d/m/"], &["p/d/f/", "p/d//", "p/d/../", "p/d/e/"]));
        let files: Vec<_> = names.files.keys().map(|name| &**name).collect();
        let directories: Vec<_> = names.directories.keys().map(|name| &**name).collect();
        assert_eq!((files, directories), (vec!["f"], vec!["e", "f", "g", "m"]));
        assert_eq!(names.marker, Some(("p/d/".into(), "e".into())));
        assert_eq!(names.foreign.len(), 2, "{:?}", names.foreign);
        let mut hollow = page(&["p/d/"], &[]);
        hollow.objects[0].etag = "".into();
        let mut names = Names::default();
        names.add(&keys, "d", hollow);
        assert_eq!((names.marker, names.is_there), (None, false));
        let mut names = Names::default();
        names.add(&keys, "", page(&["p/", "p/x", "elsewhere"], &["p/.larder/", "p/y/"]));
        assert_eq!((names.files.len(), names.directories.len(), names.foreign.len()), (1, 1, 1));
    }
}
