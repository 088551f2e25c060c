//! What is wrong with a manifest.

use std::fmt;

use crate::suggest::closest;

/// Most problems that are told. Guards the length of the message, as a manifest
/// may have any number.
pub const MOST_SHOWN: usize = 50;

/// Most characters of the manifest's own words in a message.
const MOST_QUOTED: usize = 80;

/// Something wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The table and the key: `[application.trigger.larder.volumes.data]
    /// limits.bytes`.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What to do: one line.
    pub help: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, message, help } = self;
        write!(f, "{key}: {message}\n  help: {help}")
    }
}

/// All that is wrong with a manifest, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    shown: Vec<Problem>,
    more: usize,
}

impl Problems {
    pub(super) fn add(&mut self, key: impl Into<String>, message: impl Into<String>, help: impl Into<String>) {
        if self.shown.len() < MOST_SHOWN {
            self.shown.push(Problem { key: key.into(), message: message.into(), help: help.into() });
        } else {
            self.more += 1;
        }
    }

    /// Each, up to [`MOST_SHOWN`].
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.shown.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shown.len() + self.more
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("spin.toml asks Larder for what it cannot do:")?;
        for problem in &self.shown {
            write!(f, "\n{problem}")?;
        }
        if self.more == 0 { Ok(()) } else { write!(f, "\nand {} more", self.more) }
    }
}

impl std::error::Error for Problems {}

/// A text of the manifest in a message: in backquotes, escaped, and cut.
pub(super) fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(MOST_QUOTED).collect::<String>().escape_debug().to_string();
    if text.chars().nth(MOST_QUOTED).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

/// The line of help for a name that is not among the known ones.
pub(super) fn among(written: &str, known: &[&str], what: &str) -> String {
    match closest(written, known.iter().copied()) {
        Some(meant) => format!("did you mean {}?", quoted(meant)),
        None if known.is_empty() => format!("there are no {what}"),
        None => {
            let names: Vec<String> = known.iter().take(MOST_SHOWN).map(|name| quoted(name)).collect();
            format!("the {what} are {}", names.join(", "))
        }
    }
}
