//! Paths to keys and back.

use larder_bucket::LONGEST_KEY;

use super::fault::{KeyError, KeyFault};

/// The directory at a volume's root in which Larder keeps what is its own.
pub const RESERVED: &str = ".larder";

/// The longest name between two slashes, in bytes: POSIX `NAME_MAX`, and what
/// SeaweedFS takes.
pub const LONGEST_COMPONENT: usize = 255;

/// The longest prefix, in bytes. Leaves room for Larder's own keys, and half
/// of the key for the guest's paths.
pub const LONGEST_PREFIX: usize = 512;

/// What stands for `\` in a key, as some servers take that for `/`: the
/// character that SMB clients use for it.
const STAND_IN: &str = "\u{f05c}";

/// Bytes that a path has in a key.
#[must_use]
pub fn key_length(path: &str) -> usize {
    path.len() + path.matches('\\').count() * (STAND_IN.len() - 1)
}

/// The keys of one volume.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeySpace {
    /// Empty, or ends with `/`.
    prefix: String,
}

/// What a key is to a volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// A file or symbolic link at this path.
    File(String),
    /// The marker of the directory at this path; empty for the root.
    Marker(String),
    /// Larder's own.
    Reserved,
    /// No path of a volume. Is reported, and neither shown nor touched.
    Foreign(KeyFault),
}

impl KeySpace {
    /// The volume below `prefix`: names separated by single slashes, with or
    /// without one at the end; empty for the whole bucket.
    ///
    /// # Errors
    ///
    /// The prefix is no relative path, or longer than [`LONGEST_PREFIX`].
    pub fn new(prefix: &str) -> Result<Self, KeyError> {
        let path = prefix.strip_suffix('/').unwrap_or(prefix);
        let fault = |fault| KeyError { path: prefix.to_owned(), fault };
        if prefix.is_empty() {
            return Ok(Self { prefix: String::new() });
        }
        check_names(path).map_err(fault)?;
        if path.contains('\\') {
            return Err(fault(KeyFault::Backslash));
        }
        let prefix = format!("{path}/");
        match prefix.len() {
            0..=LONGEST_PREFIX => Ok(Self { prefix }),
            bytes => Err(fault(KeyFault::LongPrefix { bytes })),
        }
    }

    /// Empty, or ends with `/`. What to list for the whole volume.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Below this key all is Larder's own. Ends with `/`.
    #[must_use]
    pub fn reserved(&self) -> String {
        format!("{}{RESERVED}/", self.prefix)
    }

    /// The key of the file or symbolic link at a relative path.
    ///
    /// # Errors
    ///
    /// See [`KeyFault`].
    pub fn file_key(&self, path: &str) -> Result<String, KeyError> {
        self.key(path, "")
    }

    /// The key of the marker of the directory at a relative path, which is not
    /// the root: that one needs none.
    ///
    /// # Errors
    ///
    /// See [`KeyFault`].
    pub fn marker_key(&self, directory: &str) -> Result<String, KeyError> {
        self.key(directory, "/")
    }

    fn key(&self, path: &str, end: &str) -> Result<String, KeyError> {
        let key = format!("{}{}{end}", self.prefix, path.replace('\\', STAND_IN));
        let checked = check_path(path).and_then(|()| check_length(key.len()));
        checked.map(|()| key).map_err(|fault| KeyError { path: path.to_owned(), fault })
    }

    /// Whether all that is in a directory still has keys when the directory is
    /// renamed to `directory`. `longest_relative` is the length of the longest
    /// path in it, relative to it, in bytes, with the `/` of a marker; 0 for
    /// an empty directory.
    ///
    /// # Errors
    ///
    /// `directory` has no marker, or the longest path no key.
    pub fn longest_below(&self, directory: &str, longest_relative: usize) -> Result<(), KeyError> {
        let marker = self.marker_key(directory)?;
        check_length(marker.len().saturating_add(longest_relative))
            .map_err(|fault| KeyError { path: directory.to_owned(), fault })
    }

    /// What a key is, whoever made it.
    #[must_use]
    pub fn parse(&self, key: &str) -> Parsed {
        if let Err(fault) = check_length(key.len()) {
            return Parsed::Foreign(fault);
        }
        let Some(path) = key.strip_prefix(&self.prefix) else {
            return Parsed::Foreign(KeyFault::OutsidePrefix);
        };
        if path.is_empty() {
            let root = !self.prefix.is_empty();
            return if root { Parsed::Marker(String::new()) } else { Parsed::Foreign(KeyFault::Empty) };
        }
        if path.strip_prefix(RESERVED).is_some_and(|rest| rest.starts_with('/')) {
            return Parsed::Reserved;
        }
        let (path, marker) = path.strip_suffix('/').map_or((path, false), |path| (path, true));
        if path.contains('\\') {
            return Parsed::Foreign(KeyFault::Backslash);
        }
        let path = path.replace(STAND_IN, "\\");
        match check_path(&path) {
            Ok(()) if marker => Parsed::Marker(path),
            Ok(()) => Parsed::File(path),
            // The key `/` is a slash too many, not nothing.
            Err(KeyFault::Empty) => Parsed::Foreign(KeyFault::EmptyComponent),
            Err(fault) => Parsed::Foreign(fault),
        }
    }
}

/// A relative path that a guest may use.
fn check_path(path: &str) -> Result<(), KeyFault> {
    check_names(path)?;
    if path.split('/').next() == Some(RESERVED) { Err(KeyFault::Reserved) } else { Ok(()) }
}

fn check_names(path: &str) -> Result<(), KeyFault> {
    if path.is_empty() {
        return Err(KeyFault::Empty);
    }
    for name in path.split('/') {
        match name {
            "" => return Err(KeyFault::EmptyComponent),
            "." | ".." => return Err(KeyFault::Dots),
            _ if name.contains('\0') => return Err(KeyFault::Nul),
            _ if name.contains(STAND_IN) => return Err(KeyFault::StandIn),
            _ if key_length(name) > LONGEST_COMPONENT => {
                return Err(KeyFault::LongComponent { bytes: key_length(name) });
            }
            _ => {}
        }
    }
    Ok(())
}

const fn check_length(bytes: usize) -> Result<(), KeyFault> {
    if bytes > LONGEST_KEY { Err(KeyFault::LongKey { bytes }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spaces() -> [KeySpace; 2] {
        [KeySpace::new("").unwrap(), KeySpace::new("a/b").unwrap()]
    }

    #[test]
    fn prefixes() {
        assert_eq!(KeySpace::new("a/b/").unwrap().prefix(), "a/b/");
        assert_eq!(KeySpace::new("a").unwrap().prefix(), "a/");
        assert_eq!(KeySpace::new("").unwrap().reserved(), ".larder/");
        assert_eq!(KeySpace::new("a").unwrap().reserved(), "a/.larder/");
        for bad in ["/", "/a", "a//", "a//b", ".", "a/../b", "a\\b", "\0", &"a/".repeat(300), &"a".repeat(256)] {
            assert!(KeySpace::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_has_no_key() {
        let long = "n".repeat(256);
        for space in spaces() {
            for (path, fault) in [
                ("", KeyFault::Empty),
                ("/a", KeyFault::EmptyComponent),
                ("a/", KeyFault::EmptyComponent),
                ("a//b", KeyFault::EmptyComponent),
                ("a/./b", KeyFault::Dots),
                ("..", KeyFault::Dots),
                ("a\0", KeyFault::Nul),
                ("a\u{f05c}b", KeyFault::StandIn),
                (&long, KeyFault::LongComponent { bytes: 256 }),
                (".larder", KeyFault::Reserved),
                (".larder/a", KeyFault::Reserved),
            ] {
                assert_eq!(space.file_key(path).unwrap_err().fault, fault, "{path:?}");
                assert_eq!(space.marker_key(path).unwrap_err().fault, fault, "{path:?}");
            }
            assert!(space.file_key("a/.larder").is_ok());
            assert!(space.file_key(".larder2").is_ok());
            assert!(space.file_key("...").is_ok());
            let key = space.file_key("a\\b").unwrap();
            assert!(!key.contains('\\'), "{key}");
            assert_eq!(space.parse(&key), Parsed::File("a\\b".into()));
        }
    }

    #[test]
    fn what_keys_are() {
        let [all, below] = spaces();
        assert_eq!(all.parse("a"), Parsed::File("a".into()));
        assert_eq!(all.parse("a/"), Parsed::Marker("a".into()));
        assert_eq!(below.parse("a/b/"), Parsed::Marker(String::new()));
        assert_eq!(below.parse("a/bc"), Parsed::Foreign(KeyFault::OutsidePrefix));
        assert_eq!(below.parse("a/b//"), Parsed::Foreign(KeyFault::EmptyComponent));
        assert_eq!(all.parse("a//"), Parsed::Foreign(KeyFault::EmptyComponent));
        assert_eq!(all.parse("/"), Parsed::Foreign(KeyFault::EmptyComponent));
        assert_eq!(all.parse(""), Parsed::Foreign(KeyFault::Empty));
        assert_eq!(all.parse(".larder/"), Parsed::Reserved);
        assert_eq!(all.parse(".larder/../\\"), Parsed::Reserved);
        assert_eq!(all.parse(".larder"), Parsed::Foreign(KeyFault::Reserved));
        assert_eq!(all.parse("a/.larder/b"), Parsed::File("a/.larder/b".into()));
        assert_eq!(all.parse(&"a/".repeat(600)), Parsed::Foreign(KeyFault::LongKey { bytes: 1200 }));
    }

    #[test]
    fn lengths_are_exact() {
        let [_, below] = spaces();
        let directory = "d".repeat(200);
        let room = LONGEST_KEY - "a/b/".len() - 201;
        assert!(below.longest_below(&directory, room).is_ok());
        assert!(below.longest_below(&directory, room + 1).is_err());
        assert!(below.longest_below(&directory, usize::MAX).is_err());
        let path = format!("{}n", "d/".repeat((LONGEST_KEY - 5) / 2));
        assert_eq!(below.file_key(&path).unwrap().len(), LONGEST_KEY - 1);
        assert_eq!(below.marker_key(&path).unwrap().len(), LONGEST_KEY);
        assert!(below.marker_key(&format!("{path}n")).is_err());
    }

    proptest! {
        #[test]
        fn parse_undoes_key(names in prop::collection::vec("[a-z.~% \u{e9}\u{1F980}\n]{1,12}", 1..6)) {
            let path = names.join("/");
            for space in spaces() {
                if let Ok(key) = space.file_key(&path) {
                    prop_assert_eq!(space.parse(&key), Parsed::File(path.clone()));
                }
                if let Ok(key) = space.marker_key(&path) {
                    prop_assert_eq!(space.parse(&key), Parsed::Marker(path.clone()));
                }
            }
        }

        #[test]
        fn key_undoes_parse(key in "(a/b/)?[./\\\\\0ab\u{e9}]{0,12}") {
            for space in spaces() {
                match space.parse(&key) {
                    Parsed::File(path) => prop_assert_eq!(space.file_key(&path).unwrap(), key.clone()),
                    Parsed::Marker(path) if path.is_empty() => prop_assert_eq!(space.prefix(), key.as_str()),
                    Parsed::Marker(path) => prop_assert_eq!(space.marker_key(&path).unwrap(), key.clone()),
                    Parsed::Reserved => prop_assert!(key.starts_with(&space.reserved())),
                    // A path may have a `\`; a key may not.
                    Parsed::Foreign(KeyFault::Backslash) => {}
                    Parsed::Foreign(_) => prop_assert!(space.file_key(&key).is_err() || !space.prefix().is_empty()),
                }
            }
        }

        #[test]
        fn any_text_is_something(key in any::<String>()) {
            for space in spaces() {
                let _ = (space.parse(&key), space.file_key(&key), KeySpace::new(&key));
            }
        }
    }
}
