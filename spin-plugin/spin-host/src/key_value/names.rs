//! Which file a key's value is in.
//!
//! Letters, digits, `-`, `_` and `.` of a key stand for themselves, so that an
//! operator can read the names; every other byte is `%` and two upper-case
//! hexadecimal digits, as in a URL. A `.` that would be a name's first byte is
//! escaped, so that no name is `.` or `..`, and those that begin with one are
//! the store's own ([`NEW`]). What is longer than a name is cut into
//! directories, whose names end in `+`, which no file's does: no key's file is
//! in the place of another key's directory. The empty key is the file `%`.
//!
//! Each key has one path, and a path that is not exactly what its key gets
//! ([`key_of`]) is no key's: whatever else somebody puts into the directory is
//! not the store's.

use super::{KeyValueError, MOST_KEY_BYTES};

/// Most bytes of a part of a path: with the `+` of a directory, below the 255
/// of a volume's names.
const MOST_PIECE: usize = 240;

/// Most directories above a file: guards a list against a tree that somebody
/// else made deep. Every byte of a key is at most 3 of the path, and a
/// directory's name is full up to an escape.
pub(super) const MOST_DIRECTORIES: usize = 3 * MOST_KEY_BYTES / (MOST_PIECE - 2);

/// The file of the empty key.
const EMPTY: &str = "%";

/// What a directory's name ends in.
const DIRECTORY: char = '+';

/// What the names of files begin with that are no key's yet. A process that
/// ended in the middle of a write may leave one behind.
pub(super) const NEW: &str = ".new-";

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// The path of a key's file below the store's directory.
pub(super) fn path_of(key: &str) -> Result<String, KeyValueError> {
    if key.len() > MOST_KEY_BYTES {
        return Err(KeyValueError::KeyTooLong);
    }
    if key.is_empty() {
        return Ok(EMPTY.to_owned());
    }
    let mut path = String::with_capacity(key.len());
    // Where the last piece begins.
    let mut piece = 0;
    for byte in key.bytes() {
        let plain = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if path.len() - piece + if plain { 1 } else { 3 } > MOST_PIECE {
            path.push(DIRECTORY);
            path.push('/');
            piece = path.len();
        }
        if plain && (byte != b'.' || path.len() > piece) {
            path.push(char::from(byte));
        } else {
            let digit = |four: u8| HEX.get(usize::from(four)).map_or('0', |digit| char::from(*digit));
            path.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    Ok(path)
}

/// The directories above a key's file, from the outermost.
pub(super) fn directories(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.match_indices('/').filter_map(|(at, _)| path.get(..at))
}

/// Whether a directory of this name may have keys in it.
pub(super) fn is_directory(name: &str) -> bool {
    name.ends_with(DIRECTORY) && (MOST_PIECE - 1..=MOST_PIECE + 1).contains(&name.len())
}

/// The key whose file has this path, if one has.
pub(super) fn key_of(path: &str) -> Option<String> {
    let mut key = Vec::with_capacity(path.len());
    if path != EMPTY {
        let mut pieces = path.split('/');
        let file = pieces.next_back()?;
        for directory in pieces {
            decode(directory.strip_suffix(DIRECTORY)?, &mut key)?;
        }
        decode(file, &mut key)?;
    }
    let key = String::from_utf8(key).ok()?;
    (path_of(&key).ok()? == path).then_some(key)
}

fn decode(piece: &str, key: &mut Vec<u8>) -> Option<()> {
    let mut bytes = piece.bytes();
    while let Some(byte) = bytes.next() {
        key.push(match byte {
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            byte => byte,
        });
    }
    Some(())
}

fn hex(digit: u8) -> Option<u8> {
    HEX.iter().position(|known| *known == digit).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_can_be_read() {
        let paths = [
            ("user.json", "user.json"),
            ("User_1-b", "User_1-b"),
            ("a/b:c d", "a%2Fb%3Ac%20d"),
            ("", "%"),
            ("%", "%25"),
            (".", "%2E"),
            ("..", "%2E."),
            (".new-1", "%2Enew-1"),
            ("+", "%2B"),
            ("\0é", "%00%C3%A9"),
        ];
        for (key, path) in paths {
            assert_eq!(path_of(key).unwrap(), path);
            assert_eq!(key_of(path).as_deref(), Some(key));
        }
    }

    #[test]
    fn long_keys_have_directories() {
        let key = "k".repeat(MOST_PIECE);
        assert_eq!(path_of(&key).unwrap(), key);
        assert_eq!(path_of(&format!("{key}.x")).unwrap(), format!("{key}+/%2Ex"));
        let longest = "/".repeat(MOST_KEY_BYTES);
        let path = path_of(&longest).unwrap();
        assert!(directories(&path).count() <= MOST_DIRECTORIES && path.len() <= 4096, "{}", path.len());
        assert_eq!(directories("a+/b+/c").collect::<Vec<_>>(), ["a+", "a+/b+"]);
        assert_eq!(path_of(&format!("{longest}x")), Err(KeyValueError::KeyTooLong));
    }

    #[test]
    fn what_no_key_gets_is_no_keys() {
        let cut = format!("{}+/b", "a".repeat(MOST_PIECE - 1));
        for path in
            ["", "a+/b", "a+", "+", "%2", "%2f", "%61", "%+1", "%%", "%FF", ".a", ".new-1", "a/b", "a b", "/", &cut]
        {
            assert_eq!(key_of(path), None, "{path}");
        }
    }

    /// Keys of all lengths, of plain and other characters.
    fn key() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a-c./%+ ]{0,6}",
            any::<String>(),
            "\\PC{0,250}",
            "[a-z.]{230,500}",
            "[a-z./é]{600,800}",
            Just("🦀".repeat(MOST_KEY_BYTES / 4)),
        ]
    }

    proptest! {
        #[test]
        fn a_path_is_its_keys_and_within_a_volumes_limits(key in key()) {
            prop_assume!(key.len() <= MOST_KEY_BYTES);
            let path = path_of(&key).unwrap();
            prop_assert_eq!(key_of(&path), Some(key));
            prop_assert!(path.len() <= 4096);
            prop_assert!(path.split('/').all(|name| !name.is_empty() && name.len() <= 255 && !name.starts_with('.')));
            let names: Vec<_> = path.split('/').collect();
            let (file, above) = names.split_last().unwrap();
            prop_assert!(!file.ends_with('+') && above.iter().all(|name| is_directory(name)));
            prop_assert!(above.len() <= MOST_DIRECTORIES);
        }

        #[test]
        fn two_keys_have_two_paths_and_neither_is_in_the_others_way(one in key(), other in key()) {
            prop_assume!(one != other && one.len().max(other.len()) <= MOST_KEY_BYTES);
            let (one, other) = (path_of(&one).unwrap(), path_of(&other).unwrap());
            prop_assert_ne!(&one, &other);
            prop_assert!(directories(&one).all(|directory| directory != other));
        }

        #[test]
        fn whatever_a_path_is_its_key_gets_it_back(path in "[a-b.%+/0-9A-F]{0,12}") {
            if let Some(key) = key_of(&path) {
                prop_assert_eq!(path_of(&key).unwrap(), path);
            }
        }
    }
}
