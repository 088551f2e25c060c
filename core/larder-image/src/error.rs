//! Why bytes are no image, or options no options.

use std::fmt;

/// Why an image cannot be read, or its options cannot be written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImageError {
    /// The bytes do not begin as an image does.
    NoImage,
    /// The image is damaged or cut short.
    Damaged(&'static str),
    /// Written by a newer Larder.
    UnsupportedVersion {
        /// The image's version.
        found: u32,
        /// The newest that this build reads.
        supported: u32,
    },
    /// The image needs features that this build does not know.
    UnsupportedFeatures {
        /// Their bits.
        unknown: u32,
    },
    /// The options contradict themselves.
    Options {
        /// What is wrong.
        what: &'static str,
        /// Where: a guest path, a name.
        at: String,
    },
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoImage => f.write_str("this is no image of Larder"),
            Self::Damaged(what) => write!(f, "the image is damaged: {what}"),
            Self::UnsupportedVersion { found, supported } => {
                write!(f, "the image has version {found}; this build reads up to {supported}")
            }
            Self::UnsupportedFeatures { unknown } => {
                write!(f, "the image needs features that this build does not know: {unknown:#x}")
            }
            Self::Options { what, at } => write!(f, "{what}: {at:?}"),
        }
    }
}

impl std::error::Error for ImageError {}
