//! The modes, and how they are written.

use std::fmt;
use std::str::FromStr;

/// What an opening asks the bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ReadMode {
    /// The tree is loaded at the start, and kept up to date by polling.
    #[default]
    Cached,
    /// The bucket is asked at each opening whether the object is another one
    /// by now.
    Through,
}

/// When a change is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum WriteMode {
    /// When the bucket has it; a stream of writes to one open file when it is
    /// closed or synced.
    #[default]
    Through,
    /// When the journal has it.
    Async,
}

/// What happens where another client changed what this one changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ConflictPolicy {
    /// Theirs stays; ours is kept beside it under another name.
    #[default]
    BucketWins,
    /// Ours replaces theirs.
    OursWins,
    /// Neither: the volume takes no more changes until somebody decided.
    Fail,
}

macro_rules! written {
    ($type:ident, $($variant:ident = $text:literal),+) => {
        impl $type {
            /// All of them, as they are written.
            pub const ALL: &[(&str, Self)] = &[$(($text, Self::$variant)),+];
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $text),+ })
            }
        }

        impl FromStr for $type {
            /// A sentence that says what there is.
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                let known = Self::ALL.iter().find(|(known, _)| *known == text);
                known.map(|(_, value)| *value).ok_or_else(|| {
                    let all: Vec<_> = Self::ALL.iter().map(|(known, _)| format!("`{known}`")).collect();
                    format!("`{text}` is not known: use {}", all.join(" or "))
                })
            }
        }
    };
}

written!(ReadMode, Cached = "cached", Through = "through");
written!(WriteMode, Through = "through", Async = "async");
written!(ConflictPolicy, BucketWins = "bucket-wins", OursWins = "ours-wins", Fail = "fail");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_written_as_they_are_read() {
        for (text, mode) in WriteMode::ALL {
            assert_eq!((text.parse(), mode.to_string()), (Ok(*mode), (*text).to_owned()));
        }
        let error = "back".parse::<WriteMode>().unwrap_err();
        assert_eq!(error, "`back` is not known: use `through` or `async`");
    }
}
