//! What the client knows of names without asking: where it may foresee that a
//! file can be created, and which answers come again anyway.
//!
//! Knowledge of names is never what decides: whatever is deferred because of
//! it is carried out by the store in the end, which looks for itself.

use std::collections::HashMap;

use larder_core::{FileType, MetadataHash};
use larder_store_service::Attributes;

/// Most names that are known at a time: 8,192. All are forgotten beyond it;
/// guards the memory of the guest's component.
const MOST_NAMES: usize = 8192;

/// A name that is known to lead to an inode.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub(crate) identity: MetadataHash,
    pub(crate) file_type: FileType,
}

#[derive(Debug, Default)]
struct Directory {
    /// Every name is in `entries`.
    complete: bool,
    entries: HashMap<Box<str>, Known>,
}

/// What a path leads to, as far as is known.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Foreseen {
    Unknown,
    /// The directory is there, the name is not.
    Absent,
    Present(Known),
}

/// Directories by identity, and attributes that answer the next question.
#[derive(Debug, Default)]
pub(crate) struct Names {
    directories: HashMap<MetadataHash, Directory>,
    names: usize,
    hints: HashMap<(MetadataHash, Box<str>), Hint>,
    /// Files that were created where nothing is known of the directory: by the
    /// directory that was named, and the way from there.
    creations: HashMap<(MetadataHash, Box<str>), u32>,
}

/// Attributes of a name that an answer brought and nobody used yet.
#[derive(Debug)]
struct Hint {
    attributes: Attributes,
    /// How many questions for the identity it may answer.
    identities: u8,
    /// How many for the attributes.
    stats: u8,
}

/// Which of the two a question is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    Identity,
    Stat,
}

impl Names {
    /// The directory that holds the last name of `path`, and that name.
    /// `None` where part of the way is not known.
    fn parent<'p>(&self, base: MetadataHash, path: &'p str) -> Option<(MetadataHash, &'p str)> {
        let (way, name) = path.rsplit_once('/').unwrap_or(("", path));
        if name.is_empty() || name == "." || name == ".." {
            return None;
        }
        let mut here = base;
        for component in way.split('/').filter(|component| !component.is_empty()) {
            let known = self.directories.get(&here)?.entries.get(component)?;
            if known.file_type != FileType::Directory {
                return None;
            }
            here = known.identity;
        }
        Some((here, name))
    }

    pub(crate) fn foresee(&self, base: MetadataHash, path: &str) -> Foreseen {
        let Some((parent, name)) = self.parent(base, path) else { return Foreseen::Unknown };
        let Some(directory) = self.directories.get(&parent) else { return Foreseen::Unknown };
        match directory.entries.get(name) {
            Some(known) => Foreseen::Present(*known),
            None if directory.complete => Foreseen::Absent,
            None => Foreseen::Unknown,
        }
    }

    /// A name leads there, says an answer.
    pub(crate) fn learn(&mut self, base: MetadataHash, path: &str, known: Known) {
        if let Some((parent, name)) = self.parent(base, path) {
            self.insert(parent, name, known);
        }
    }

    fn insert(&mut self, parent: MetadataHash, name: &str, known: Known) {
        if self.names >= MOST_NAMES {
            self.forget();
        }
        let before = self.directories.entry(parent).or_default().entries.insert(name.into(), known);
        self.names += usize::from(before.is_none());
    }

    /// A directory was made: nothing is in it.
    pub(crate) fn made(&mut self, identity: MetadataHash) {
        self.directories.insert(identity, Directory { complete: true, entries: HashMap::new() });
        self.names += 1;
    }

    /// A listing from its start to its end, in one answer.
    pub(crate) fn listed<'e>(&mut self, directory: MetadataHash, entries: impl Iterator<Item = (&'e str, Known)>) {
        self.names += 1;
        for (name, known) in entries {
            self.insert(directory, name, known);
        }
        self.directories.entry(directory).or_default().complete = true;
    }

    /// A name leads nowhere now.
    pub(crate) fn removed(&mut self, base: MetadataHash, path: &str) {
        match self.take(base, path) {
            Some(Foreseen::Present(known)) => self.gone(known),
            // It may have been any directory.
            Some(Foreseen::Unknown) | None => self.forget(),
            Some(Foreseen::Absent) => {}
        }
    }

    /// A name of a file or symbolic link leads nowhere now.
    pub(crate) fn unlinked(&mut self, base: MetadataHash, path: &str) {
        if self.take(base, path).is_none() {
            self.forget();
        }
    }

    /// A name leads somewhere that is not known; it was not there before.
    pub(crate) fn added(&mut self, base: MetadataHash, path: &str) {
        match self.parent(base, path.trim_end_matches('/')).map(|(parent, _)| parent) {
            Some(parent) => {
                if let Some(directory) = self.directories.get_mut(&parent) {
                    directory.complete = false;
                }
            }
            None => self.forget(),
        }
    }

    /// A name moved, and replaced what was there.
    pub(crate) fn moved(&mut self, old: (MetadataHash, &str), new: (MetadataHash, &str)) {
        let moved = self.take(old.0, old.1);
        let replaced = self.take(new.0, new.1);
        match (moved, replaced) {
            (Some(Foreseen::Present(known)), Some(replaced)) => {
                match replaced {
                    Foreseen::Present(replaced) if replaced.identity != known.identity => self.gone(replaced),
                    // Only a directory replaces a directory.
                    Foreseen::Unknown if known.file_type == FileType::Directory => return self.forget(),
                    _ => {}
                }
                self.learn(new.0, new.1.trim_end_matches('/'), known);
            }
            _ => self.forget(),
        }
    }

    fn gone(&mut self, known: Known) {
        if known.file_type == FileType::Directory {
            self.directories.remove(&known.identity);
        }
    }

    /// Forgets a name and tells what was known of it; `None` where its
    /// directory is not known.
    fn take(&mut self, base: MetadataHash, path: &str) -> Option<Foreseen> {
        let (parent, name) = self.parent(base, path.trim_end_matches('/'))?;
        let Some(directory) = self.directories.get_mut(&parent) else { return Some(Foreseen::Unknown) };
        match directory.entries.remove(name) {
            Some(known) => {
                self.names = self.names.saturating_sub(1);
                Some(Foreseen::Present(known))
            }
            None if directory.complete => Some(Foreseen::Absent),
            None => Some(Foreseen::Unknown),
        }
    }

    pub(crate) fn forget(&mut self) {
        *self = Self { creations: std::mem::take(&mut self.creations), ..Self::default() };
    }

    /// Whether the directory is worth a listing, now that another file is
    /// created there: at the second, and seldom after that, as it may be too
    /// large to be known.
    pub(crate) fn is_worth_listing(&mut self, base: MetadataHash, way: &str) -> bool {
        if self.creations.len() >= MOST_NAMES {
            self.creations.clear();
        }
        let count = self.creations.entry((base, way.into())).or_default();
        *count = count.saturating_add(1);
        (1..=7).any(|power| *count == 2 * 16_u32.pow(power - 1))
    }

    /// Attributes that may answer this many questions about a name.
    pub(crate) fn hint(&mut self, base: MetadataHash, path: &str, attributes: Attributes, identities: u8, stats: u8) {
        if self.hints.len() >= MOST_NAMES {
            self.hints.clear();
        }
        self.hints.insert((base, path.into()), Hint { attributes, identities, stats });
    }

    /// The answer to a question, if an earlier answer brought it along.
    pub(crate) fn answer(&mut self, base: MetadataHash, path: &str, follow: bool, to: Question) -> Option<Attributes> {
        if self.hints.is_empty() {
            return None;
        }
        let key = (base, Box::from(path));
        let hint = self.hints.get_mut(&key)?;
        if follow && hint.attributes.file_type == FileType::SymbolicLink {
            return None;
        }
        let left = match to {
            Question::Identity => &mut hint.identities,
            Question::Stat => &mut hint.stats,
        };
        *left = left.checked_sub(1)?;
        let attributes = hint.attributes.clone();
        if hint.identities == 0 && hint.stats == 0 {
            self.hints.remove(&key);
        }
        Some(attributes)
    }

    /// Something was changed: attributes may be others now.
    pub(crate) fn drop_hints(&mut self) {
        self.hints.clear();
    }
}
