//! Which paths requests may name.
//!
//! A path is made of names that every system can have in a directory. Names
//! with a dot in front are the service's own: uploads under way, the indexer's
//! summary.

use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;

use crate::failure::Failure;

/// Where the volume is mounted: see spin.toml.
pub const ROOT: &str = "/data";

/// Most bytes of a name (POSIX `NAME_MAX`, and the volume's own limit).
const MOST_NAME_BYTES: usize = 255;

/// Most names of a path. Guards the indexer, which walks as deep, and pages.
const MOST_NAMES: usize = 32;

/// A file or a directory below [`ROOT`], which may or may not be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    names: Vec<String>,
}

impl Place {
    /// Reads the path of a request: percent-encoded, relative to the root.
    pub fn parse(encoded: &str) -> Result<Self, Failure> {
        let decoded = percent_decode_str(encoded).decode_utf8();
        let decoded = decoded.map_err(|_| Failure::new(400, "the path is not UTF-8"))?;
        let path = decoded.trim_matches('/');
        if path.is_empty() {
            return Ok(Self { names: Vec::new() });
        }
        let names: Vec<String> = path.split('/').map(str::to_owned).collect();
        if names.len() > MOST_NAMES {
            return Err(Failure::new(400, format!("the path has more than {MOST_NAMES} names")));
        }
        names.iter().try_for_each(|name| check(name))?;
        Ok(Self { names })
    }

    /// The last name; none of the root.
    pub fn name(&self) -> Option<&str> {
        self.names.last().map(String::as_str)
    }

    /// The guest path.
    pub fn path(&self) -> PathBuf {
        self.names.iter().fold(Path::new(ROOT).to_owned(), |path, name| path.join(name))
    }

    /// The guest path, of anything but the root, which cannot be removed,
    /// replaced or moved.
    pub fn entry(&self) -> Result<PathBuf, Failure> {
        if self.names.is_empty() { Err(Failure::new(400, "the path has no name")) } else { Ok(self.path()) }
    }
}

fn check(name: &str) -> Result<(), Failure> {
    let problem = if name.is_empty() {
        "is empty"
    } else if name.starts_with('.') {
        "begins with a dot"
    } else if name.len() > MOST_NAME_BYTES {
        "is too long"
    } else if name.contains(|letter: char| letter.is_control() || letter == '\\') {
        "has a letter that is not allowed"
    } else {
        return Ok(());
    };
    Err(Failure::new(400, format!("a name in the path {problem}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(encoded: &str) -> Result<String, u16> {
        Place::parse(encoded).map(|place| place.path().display().to_string()).map_err(|failure| failure.status)
    }

    #[test]
    fn paths_lead_below_the_root() {
        assert_eq!(path(""), Ok("/data".into()));
        assert_eq!(path("a/b.txt"), Ok("/data/a/b.txt".into()));
        assert_eq!(path("/a/"), Ok("/data/a".into()));
        assert_eq!(path("a%20b/%C3%A4"), Ok("/data/a b/ä".into()));
    }

    #[test]
    fn nothing_leads_out() {
        for encoded in ["..", "a/../b", "%2e%2e/x", "a%2F..%2F..%2Fb", ".", "a//b", "a%00b", "a%0Ab", "a%5Cb", "%FF"] {
            assert_eq!(path(encoded), Err(400), "{encoded}");
        }
    }

    #[test]
    fn names_of_the_service_are_refused() {
        assert_eq!(path(".index.json"), Err(400));
        assert_eq!(path("a/.upload-1"), Err(400));
    }

    #[test]
    fn lengths_are_bounded() {
        assert!(path(&"n".repeat(MOST_NAME_BYTES)).is_ok());
        assert_eq!(path(&"n".repeat(MOST_NAME_BYTES + 1)), Err(400));
        assert!(path(&vec!["n"; MOST_NAMES].join("/")).is_ok());
        assert_eq!(path(&vec!["n"; MOST_NAMES + 1].join("/")), Err(400));
    }

    #[test]
    fn the_root_is_no_entry() {
        assert_eq!(Place::parse("/").unwrap().entry().unwrap_err().status, 400);
        assert_eq!(Place::parse("a").unwrap().entry().unwrap(), Path::new("/data/a"));
    }
}
