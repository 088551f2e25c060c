//! One route, and whether a path matches it.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeSet;
use std::fmt;

use thiserror::Error;

use super::WELL_KNOWN;

/// Most bytes of a route. Guards messages and the time of a match.
pub const MOST_ROUTE_BYTES: usize = 1024;

/// How a route with any further path ends; the second form is an older one.
const WILDCARDS: [&str; 2] = ["/...", "/*"];

/// Why a text is no route.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PatternError {
    /// It is too long.
    #[error("a route has at most {MOST_ROUTE_BYTES} bytes")]
    TooLong,
    /// It has what no path has.
    #[error("a route has no space, control character, `?` or `#`, and other than ASCII is percent-encoded")]
    Character,
    /// A wildcard is not at the end, or has a name.
    #[error("`...` and `*` stand only at the end of a route, behind a slash")]
    Wildcard,
    /// A parameter's name is none.
    #[error("`:{0}` is no parameter: its name is of A-Z, a-z, 0-9, `-` and `_`, and a header is named after it")]
    Parameter(String),
    /// A parameter is there twice; `-` and `_`, and both cases, are the same in
    /// a header's name.
    #[error("the parameter `:{0}` is there twice")]
    Twice(String),
    /// The trigger itself answers there.
    #[error("what begins with {WELL_KNOWN} is answered by the trigger itself, and no request reaches a component")]
    Reserved,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// As in the manifest.
    raw: String,
    segments: Vec<Segment>,
    wildcard: bool,
}

/// What matches one name of a path: pieces with dots between them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Segment(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Parameter(String),
}

impl Segment {
    fn parse(text: &str) -> Result<Self, PatternError> {
        if text.contains('*') {
            return Err(PatternError::Wildcard);
        }
        let pieces = text.split('.').map(|piece| match piece.strip_prefix(':') {
            Some(name) if is_parameter(name) => Ok(Piece::Parameter(name.to_owned())),
            Some(name) => Err(PatternError::Parameter(name.to_owned())),
            None => Ok(Piece::Literal(piece.to_owned())),
        });
        Ok(Self(pieces.collect::<Result<_, _>>()?))
    }

    fn parameters(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Parameter(name) => Some(name.as_str()),
            Piece::Literal(_) => None,
        })
    }

    /// Whether it matches a name, whose parameters it adds. The last parameter
    /// takes the rest of the name, the others end at the next dot.
    fn matches<'a>(&'a self, mut name: &'a str, parameters: &mut Vec<(&'a str, &'a str)>) -> bool {
        let last = self.0.len().saturating_sub(1);
        for (index, piece) in self.0.iter().enumerate() {
            let value = if index == last {
                std::mem::take(&mut name)
            } else {
                let Some((before, rest)) = name.split_once('.') else { return false };
                name = rest;
                before
            };
            match piece {
                Piece::Literal(literal) if literal == value => {}
                Piece::Parameter(parameter) if !value.is_empty() => parameters.push((parameter, value)),
                _ => return false,
            }
        }
        true
    }

    /// The order of precedence: less comes first. Of two with parameters the
    /// one with more dots does, and of those the one with the earlier plain
    /// piece: two that match one name are of the same rank only when they are
    /// like each other.
    fn rank(&self) -> (bool, Reverse<usize>, Vec<bool>) {
        let kinds: Vec<bool> = self.0.iter().map(|piece| matches!(piece, Piece::Parameter(_))).collect();
        if kinds.contains(&true) { (true, Reverse(kinds.len()), kinds) } else { (false, Reverse(0), Vec::new()) }
    }

    /// Whether both match the same names.
    fn is_like(&self, other: &Self) -> bool {
        self.0.len() == other.0.len()
            && self.0.iter().zip(&other.0).all(|pair| match pair {
                (Piece::Literal(one), Piece::Literal(two)) => one == two,
                (Piece::Parameter(_), Piece::Parameter(_)) => true,
                _ => false,
            })
    }
}

/// Whether a header can be named after a parameter.
fn is_parameter(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// The names of a path, without slashes at both ends: none of the root's.
fn names(path: &str) -> impl Iterator<Item = &str> {
    let trimmed = path.trim_matches('/');
    trimmed.split('/').take(if trimmed.is_empty() { 0 } else { usize::MAX })
}

impl Pattern {
    /// Reads a route. Without a slash at its start it has one, as in Spin.
    ///
    /// # Errors
    /// When it is no route, or one that no request would reach.
    pub fn parse(raw: &str) -> Result<Self, PatternError> {
        if raw.len() > MOST_ROUTE_BYTES {
            return Err(PatternError::TooLong);
        }
        if raw.bytes().any(|byte| !byte.is_ascii_graphic() || byte == b'?' || byte == b'#') {
            return Err(PatternError::Character);
        }
        let absolute = if raw.starts_with('/') { raw.to_owned() } else { format!("/{raw}") };
        if absolute.starts_with(WELL_KNOWN) {
            return Err(PatternError::Reserved);
        }
        let stripped = WILDCARDS.iter().find_map(|wildcard| absolute.strip_suffix(wildcard));
        let fixed = stripped.unwrap_or(&absolute);
        if names(fixed).any(|name| name == "...") {
            return Err(PatternError::Wildcard);
        }
        let segments: Vec<Segment> = names(fixed).map(Segment::parse).collect::<Result<_, _>>()?;
        let mut seen = BTreeSet::new();
        for name in segments.iter().flat_map(Segment::parameters) {
            if !seen.insert(super::headers::in_header(name)) {
                return Err(PatternError::Twice(name.to_owned()));
            }
        }
        Ok(Self { raw: raw.to_owned(), segments, wildcard: stripped.is_some() })
    }

    /// The route as in the manifest.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// The route with a slash at its start and none at its end: empty for the
    /// root. Spin calls it the matched route.
    #[must_use]
    pub fn normalised(&self) -> String {
        let slash = if self.raw.starts_with('/') { "" } else { "/" };
        let whole = format!("{slash}{}", self.raw);
        whole.strip_suffix('/').unwrap_or(&whole).to_owned()
    }

    /// The route as in the manifest, without the `/...` at its end.
    #[must_use]
    pub fn prefix(&self) -> &str {
        self.raw.strip_suffix("/...").unwrap_or(&self.raw)
    }

    /// Whether any further path matches as well.
    #[must_use]
    pub const fn is_wildcard(&self) -> bool {
        self.wildcard
    }

    /// Whether both match the same paths: then only one could get a request.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        self.wildcard == other.wildcard
            && self.segments.len() == other.segments.len()
            && self.segments.iter().zip(&other.segments).all(|(one, two)| one.is_like(two))
    }

    /// The order of precedence: less is tried first.
    pub(super) fn precedence(&self, other: &Self) -> Ordering {
        for (one, two) in self.segments.iter().zip(&other.segments) {
            let order = one.rank().cmp(&two.rank());
            if order != Ordering::Equal {
                return order;
            }
        }
        // Behind the same names: a further name, then the end, then anything.
        // Of a name and the end at most one can match.
        other.segments.len().cmp(&self.segments.len()).then(self.wildcard.cmp(&other.wildcard))
    }

    /// The parameters and, for a wildcard, the rest of the path; none where
    /// the path does not match.
    pub(super) fn matches<'a>(&'a self, path: &'a str) -> Option<(Vec<(&'a str, &'a str)>, String)> {
        let mut parameters = Vec::new();
        let mut names = names(path);
        for segment in &self.segments {
            if !segment.matches(names.next()?, &mut parameters) {
                return None;
            }
        }
        let mut rest = String::new();
        for name in names {
            if !self.wildcard {
                return None;
            }
            rest.push('/');
            rest.push_str(name);
        }
        // Spin keeps a slash at the end, one of any number.
        if self.wildcard && path.ends_with('/') {
            rest.push('/');
        }
        Some((parameters, rest))
    }
}

impl fmt::Display for Pattern {
    /// As Spin lists routes at its start.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.normalised();
        let shown = WILDCARDS.iter().find_map(|wildcard| whole.strip_suffix(wildcard)).unwrap_or(&whole);
        f.write_str(if shown.is_empty() { "/" } else { shown })?;
        if self.wildcard { f.write_str(" (wildcard)") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_read_and_shown() {
        for (raw, normalised, prefix, shown) in [
            ("/", "", "/", "/"),
            ("/...", "/...", "", "/ (wildcard)"),
            ("/a", "/a", "/a", "/a"),
            ("a", "/a", "a", "/a"),
            ("/a/", "/a", "/a/", "/a"),
            ("/a/:id/...", "/a/:id/...", "/a/:id", "/a/:id (wildcard)"),
            ("/a/*", "/a/*", "/a/*", "/a (wildcard)"),
        ] {
            let pattern = Pattern::parse(raw).unwrap();
            assert_eq!(
                (pattern.normalised().as_str(), pattern.prefix(), pattern.to_string().as_str()),
                (normalised, prefix, shown),
                "{raw}"
            );
        }
    }

    #[test]
    fn what_is_no_route() {
        for (raw, expected) in [
            ("/a b", PatternError::Character),
            ("/é", PatternError::Character),
            ("/a?b", PatternError::Character),
            ("/a#", PatternError::Character),
            ("/a/.../b", PatternError::Wildcard),
            ("/a/*/b", PatternError::Wildcard),
            ("/a*", PatternError::Wildcard),
            ("/:", PatternError::Parameter(String::new())),
            ("/:a~b", PatternError::Parameter("a~b".into())),
            ("/:a/:a", PatternError::Twice("a".into())),
            ("/:a-b/:A_b", PatternError::Twice("A_b".into())),
            ("/.well-known/spin/...", PatternError::Reserved),
            ("/.well-known/spin/x", PatternError::Reserved),
            ("x".repeat(1025).as_str(), PatternError::TooLong),
        ] {
            assert_eq!(Pattern::parse(raw), Err(expected), "{raw}");
        }
        for raw in ["/.well-known/spindle/...", "/.well-known/spin", "/.well-known/spi/...", "", "/a...b"] {
            assert!(Pattern::parse(raw).is_ok(), "{raw}");
        }
    }
}
