//! Why a path has no key, or a key no path.

use std::fmt;

use larder_bucket::LONGEST_KEY;
use larder_core::ErrorCode;

use super::keys::LONGEST_COMPONENT;

/// What is wrong with a path or a key. Displays as a clause about "it".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyFault {
    /// No name at all.
    Empty,
    /// A `/` at the start or the end, or two in a row.
    EmptyComponent,
    /// A component is `.` or `..`.
    Dots,
    /// A NUL, which no server takes in a key.
    Nul,
    /// A `\` in a key, which SeaweedFS takes for `/`. In a path it may be.
    Backslash,
    /// U+F05C in a path, which stands for `\` in keys.
    StandIn,
    /// A component of more than [`LONGEST_COMPONENT`] bytes.
    LongComponent {
        /// The component's bytes.
        bytes: usize,
    },
    /// The key would have more than [`LONGEST_KEY`] bytes.
    LongKey {
        /// The key's bytes, the prefix included.
        bytes: usize,
    },
    /// `.larder` at the root, which is Larder's own.
    Reserved,
    /// The key does not begin with the volume's prefix.
    OutsidePrefix,
    /// The prefix has more than [`LONGEST_PREFIX`](super::LONGEST_PREFIX) bytes.
    LongPrefix {
        /// The prefix's bytes.
        bytes: usize,
    },
}

impl fmt::Display for KeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("it is empty"),
            Self::EmptyComponent => f.write_str("it has an empty name before, after or between its slashes"),
            Self::Dots => f.write_str("one of its names is '.' or '..'"),
            Self::Nul => f.write_str("it has a NUL in it"),
            Self::Backslash => f.write_str("it has a '\\' in it, which some S3 servers take for '/'"),
            Self::StandIn => f.write_str("it has the character U+F05C in it, which stands for '\\' in keys"),
            Self::LongComponent { bytes } => {
                write!(f, "one of its names has {bytes} bytes; {LONGEST_COMPONENT} is the most")
            }
            Self::LongKey { bytes } => {
                write!(f, "its key has {bytes} bytes with the volume's prefix; S3 takes {LONGEST_KEY} at most")
            }
            Self::Reserved => f.write_str("the name '.larder' at a volume's root is Larder's own"),
            Self::OutsidePrefix => f.write_str("it is not below the volume's prefix"),
            Self::LongPrefix { bytes } => {
                write!(f, "it has {bytes} bytes; a prefix has {} at most", super::LONGEST_PREFIX)
            }
        }
    }
}

impl KeyFault {
    /// What to do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Empty => "give it a name",
            Self::EmptyComponent => "separate names with one '/' each",
            Self::Dots => "resolve '.' and '..' first",
            Self::Nul | Self::Backslash | Self::StandIn => "use a name without that character",
            Self::LongComponent { .. } => "use a shorter name",
            Self::LongKey { .. } => "use shorter names, fewer levels or a shorter prefix",
            Self::Reserved => "use another name, or a directory below the root",
            Self::OutsidePrefix => "look in the volume that has this prefix",
            Self::LongPrefix { .. } => "use a shorter prefix",
        }
    }

    /// The WASI code for a guest that asked for such a path.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::LongComponent { .. } | Self::LongKey { .. } | Self::LongPrefix { .. } => ErrorCode::NameTooLong,
            Self::Reserved => ErrorCode::NotPermitted,
            Self::Empty
            | Self::EmptyComponent
            | Self::Dots
            | Self::Nul
            | Self::Backslash
            | Self::StandIn
            | Self::OutsidePrefix => ErrorCode::Invalid,
        }
    }
}

/// A path that cannot be a key, or a prefix that cannot be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyError {
    /// The path or prefix as it was given.
    pub path: String,
    /// What is wrong with it.
    pub fault: KeyFault,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} cannot be in a bucket: {}; {}", self.path, self.fault, self.fault.remedy())
    }
}

impl std::error::Error for KeyError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_and_what_to_do() {
        let error = KeyError { path: "a\\b".into(), fault: KeyFault::Backslash };
        assert_eq!(
            error.to_string(),
            r#""a\\b" cannot be in a bucket: it has a '\' in it, which some S3 servers take for '/'; use a name without that character"#
        );
    }
}
