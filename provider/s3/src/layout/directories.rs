//! Objects that hold a directory's attributes.
//!
//! The key is `.larder/directories/NAME`. NAME is the path, percent-encoded
//! into one component (SeaweedFS cannot have `a` beside `a/b`): everything but
//! ASCII letters, digits, `-`, `_`, `.` and `~`. The root is `%2F`. Where that
//! has more than [`LONGEST_COMPONENT`] bytes, NAME is `!` and the path's
//! SHA-256 in lower-case hexadecimal. The body is in both cases the path in
//! UTF-8, empty for the root; the attributes are the object's metadata.

use std::fmt::Write as _;

use larder_bucket::LONGEST_KEY;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest as _, Sha256};

use super::fault::KeyError;
use super::keys::{KeySpace, LONGEST_COMPONENT, LONGEST_PREFIX, RESERVED};

const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The root's name: what no relative path is encoded to.
const ROOT: &str = "%2F";

const FOLDER: &str = "directories/";

// Every directory that has a key has a key for its attributes.
const _: () = assert!(LONGEST_PREFIX + RESERVED.len() + 1 + FOLDER.len() + LONGEST_COMPONENT <= LONGEST_KEY);

/// The body of the object that holds the attributes of the directory at
/// `path`, empty for the root.
#[must_use]
pub const fn directory_attributes_body(path: &str) -> &[u8] {
    path.as_bytes()
}

fn name(path: &str) -> String {
    if path.is_empty() {
        return ROOT.to_owned();
    }
    let plain = utf8_percent_encode(path, ENCODED).to_string();
    if plain.len() <= LONGEST_COMPONENT {
        return plain;
    }
    let mut name = "!".to_owned();
    for byte in Sha256::digest(path.as_bytes()) {
        // Writing to a string cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    name
}

impl KeySpace {
    /// Below this key are the attributes of directories. Ends with `/`.
    #[must_use]
    pub fn directories(&self) -> String {
        format!("{}{FOLDER}", self.reserved())
    }

    /// The key of the attributes of the directory at a relative path, empty
    /// for the root.
    ///
    /// # Errors
    ///
    /// As [`marker_key`](Self::marker_key).
    pub fn directory_attributes_key(&self, path: &str) -> Result<String, KeyError> {
        if !path.is_empty() {
            self.marker_key(path)?;
        }
        Ok(format!("{}{}", self.directories(), name(path)))
    }

    /// The directory of which a key holds the attributes, where the key alone
    /// says it: not for long paths, which
    /// [`directory_of_attributes`](Self::directory_of_attributes) knows.
    #[must_use]
    pub fn directory_of_key(&self, key: &str) -> Option<String> {
        let encoded = key.strip_prefix(&self.directories())?;
        if encoded == ROOT {
            return Some(String::new());
        }
        let path = percent_decode_str(encoded).decode_utf8().ok()?.into_owned();
        self.confirmed(key, path)
    }

    /// The directory of which an object holds the attributes, by its key and
    /// body; `None` for what Larder did not write there.
    #[must_use]
    pub fn directory_of_attributes(&self, key: &str, body: &[u8]) -> Option<String> {
        if body.len() > LONGEST_KEY {
            return None;
        }
        self.confirmed(key, std::str::from_utf8(body).ok()?.to_owned())
    }

    fn confirmed(&self, key: &str, path: String) -> Option<String> {
        (self.directory_attributes_key(&path).ok()? == key).then_some(path)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::layout::Parsed;

    #[test]
    fn names_are_readable_where_they_fit() {
        let space = KeySpace::new("v").unwrap();
        assert_eq!(space.directory_attributes_key("a/b c").unwrap(), "v/.larder/directories/a%2Fb%20c");
        assert_eq!(space.directory_attributes_key("").unwrap(), "v/.larder/directories/%2F");
        let long = format!("{0}/{0}/{0}", "d".repeat(200));
        let key = space.directory_attributes_key(&long).unwrap();
        assert_eq!(key.len(), "v/.larder/directories/!".len() + 64);
        assert_eq!(space.directory_of_key(&key), None);
        assert_eq!(space.directory_of_attributes(&key, directory_attributes_body(&long)), Some(long));
    }

    #[test]
    fn what_others_wrote_there_is_nothing() {
        let space = KeySpace::new("").unwrap();
        for key in ["a", "b%2f", "%2E%2E", "", "%", "%FF", "%00", "..", ".larder", "a/b", "!00"] {
            let key = format!(".larder/directories/{key}");
            assert_eq!(space.directory_of_key(&key).filter(|path| path != "a"), None, "{key}");
            assert_eq!(space.directory_of_attributes(&key, b"x"), None);
            assert_eq!(space.directory_of_attributes(&key, &[0xff; 9]), None);
            assert_eq!(space.directory_of_attributes(&key, &[b'a'; 99_999]), None);
        }
    }

    proptest! {
        #[test]
        fn paths_survive(names in prop::collection::vec("[a-z.~%!= \u{e9}\u{1F980}\n]{1,60}", 0..9)) {
            let path = names.join("/");
            let space = KeySpace::new(&"p/".repeat(LONGEST_PREFIX / 2)).unwrap();
            if let Ok(key) = space.directory_attributes_key(&path) {
                prop_assert!(key.len() <= LONGEST_KEY);
                prop_assert_eq!(space.parse(&key), Parsed::Reserved);
                prop_assert_eq!(space.directory_of_attributes(&key, path.as_bytes()), Some(path.clone()));
                let short = space.directory_of_key(&key);
                prop_assert!(short.is_none_or(|short| short == path));
            }
        }

        #[test]
        fn any_key_is_something(name in any::<String>(), body in any::<Vec<u8>>()) {
            let space = KeySpace::new("").unwrap();
            let key = format!(".larder/directories/{name}");
            let _ = (space.directory_of_key(&key), space.directory_of_attributes(&key, &body));
        }
    }
}
