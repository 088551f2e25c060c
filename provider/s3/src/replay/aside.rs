//! Where our versions are whose names another client's have.

use std::collections::BTreeMap;
use std::ops::Range;

/// One of them.
#[derive(Debug)]
struct Aside {
    at: String,
    /// Bytes that only the bucket had, and has no more: nobody wrote them
    /// since.
    missing: Vec<Range<u64>>,
}

/// Names as the records have them, and where what they mean is.
#[derive(Debug, Default)]
pub(super) struct Asides {
    by_path: BTreeMap<String, Aside>,
}

impl Asides {
    pub(super) fn add(&mut self, path: &str, at: String, missing: u64) {
        let all = 0..missing;
        let missing = if missing == 0 { Vec::new() } else { vec![all] };
        self.by_path.insert(path.to_owned(), Aside { at, missing });
    }

    /// Whether the name itself is elsewhere.
    pub(super) fn is_aside(&self, path: &str) -> bool {
        self.by_path.contains_key(path)
    }

    /// Whether it, or a directory above it, is.
    pub(super) fn covers(&self, path: &str) -> bool {
        self.covering(path).is_some()
    }

    fn covering<'p>(&self, path: &'p str) -> Option<(&Aside, &'p str)> {
        let above = path.rmatch_indices('/').map(|(at, _)| at);
        [path.len()].into_iter().chain(above).find_map(|at| {
            let (name, rest) = path.split_at(at);
            self.by_path.get(name).map(|aside| (aside, rest))
        })
    }

    /// Where what a name means is.
    pub(super) fn place(&self, path: &str) -> String {
        self.covering(path).map_or_else(|| path.to_owned(), |(aside, rest)| format!("{}{rest}", aside.at))
    }

    pub(super) fn removed(&mut self, path: &str) {
        self.by_path.remove(path);
    }

    /// A name moved; with each name, where it was and is.
    pub(super) fn moved(&mut self, (from, source): (&str, &str), (to, target): (&str, &str)) {
        let moved = self.by_path.remove(from);
        if let Some(aside) = self.by_path.get_mut(to) {
            aside.missing = moved.map(|moved| moved.missing).unwrap_or_default();
        } else if let Some(moved) = moved.filter(|moved| !moved.missing.is_empty()) {
            // It has its name, and is not whole.
            self.by_path.insert(to.to_owned(), Aside { at: target.to_owned(), ..moved });
        }
        let is_below = |path: &String| path.strip_prefix(from).is_some_and(|rest| rest.starts_with('/'));
        let below: Vec<(String, Aside)> = self.by_path.extract_if(.., |path, _| is_below(path)).collect();
        for (path, aside) in below {
            let path = format!("{to}{}", path.strip_prefix(from).unwrap_or_default());
            let at = aside.at.strip_prefix(source).map(|rest| format!("{target}{rest}"));
            self.by_path.insert(path, Aside { at: at.unwrap_or(aside.at), missing: aside.missing });
        }
    }

    /// Bytes of a file were written.
    pub(super) fn written(&mut self, path: &str, range: Range<u64>) {
        let Some(aside) = self.by_path.get_mut(path) else { return };
        let left = |missing: &Range<u64>| {
            [missing.start..missing.end.min(range.start), missing.start.max(range.end)..missing.end]
        };
        let all = aside.missing.iter().flat_map(left);
        aside.missing = all.filter(|missing| missing.start < missing.end).collect();
    }

    /// A file got this length.
    pub(super) fn cut(&mut self, path: &str, size: u64) {
        self.written(path, size..u64::MAX);
    }

    /// Each name, where what it means is, and whether that is whole.
    pub(super) fn all(&self) -> Vec<(String, String, bool)> {
        let all = self.by_path.iter();
        all.map(|(path, aside)| (path.clone(), aside.at.clone(), aside.missing.is_empty())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_below_what_is_aside() {
        let mut asides = Asides::default();
        asides.add("a/b", "a/b.x".to_owned(), 0);
        assert_eq!(asides.place("a/b"), "a/b.x");
        assert_eq!(asides.place("a/b/c/d"), "a/b.x/c/d");
        assert_eq!(asides.place("a/bc"), "a/bc");
        assert!(asides.covers("a/b/c") && !asides.is_aside("a/b/c") && !asides.covers("a"));
    }

    #[test]
    fn what_is_aside_moves_with_its_directory() {
        let mut asides = Asides::default();
        asides.add("d/f", "d/f.x".to_owned(), 9);
        asides.moved(("d", "d"), ("e", "e"));
        assert_eq!(asides.place("e/f"), "e/f.x");
        asides.moved(("e/f", "e/f.x"), ("g", "g"));
        assert_eq!(asides.all(), [("g".to_owned(), "g".to_owned(), false)]);
    }

    #[test]
    fn what_is_written_is_not_missing() {
        let mut asides = Asides::default();
        asides.add("f", "g".to_owned(), 100);
        asides.written("f", 10..20);
        assert_eq!(asides.by_path["f"].missing, [0..10, 20..100]);
        asides.written("f", 0..15);
        asides.cut("f", 30);
        assert_eq!(asides.by_path["f"].missing.len(), 1);
        assert_eq!(asides.by_path["f"].missing[0], 20..30);
        asides.cut("f", 0);
        assert!(asides.all()[0].2);
    }
}
