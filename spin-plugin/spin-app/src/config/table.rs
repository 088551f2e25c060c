//! Reading of a table of the manifest, which the lock file has as JSON.
//!
//! Every getter tells what is wrong and then answers as if the key were not
//! there: so reading goes on, and one mistake is told once.

use serde_json::{Map, Value};

use super::problems::{Problems, among, quoted};

/// A table, and how it is called in messages.
pub(super) struct Table<'a> {
    /// The manifest's table, in brackets, and the way to this one in it.
    place: String,
    /// Between the place and a key: a space behind the brackets, a dot on the
    /// way.
    between: char,
    map: &'a Map<String, Value>,
}

impl<'a> Table<'a> {
    /// A table that the manifest has in brackets. Tells when it is none.
    pub(super) fn root(value: &'a Value, place: String, problems: &mut Problems) -> Option<Self> {
        Self::new(value, place, ' ', problems)
    }

    /// A table inside of another one. Tells when it is none.
    pub(super) fn open(value: &'a Value, place: String, problems: &mut Problems) -> Option<Self> {
        Self::new(value, place, '.', problems)
    }

    fn new(value: &'a Value, place: String, between: char, problems: &mut Problems) -> Option<Self> {
        if let Value::Object(map) = value {
            return Some(Self { place, between, map });
        }
        problems.add(
            place,
            format!("it is {}, not a table", kind(value)),
            "write a table, such as `{ key = \"value\" }`",
        );
        None
    }

    /// How a key of this table is called.
    pub(super) fn key(&self, name: &str) -> String {
        format!("{}{}{name}", self.place, self.between)
    }

    /// Tells all keys that are not known.
    pub(super) fn only(&self, known: &[&str], problems: &mut Problems) {
        for name in self.map.keys().filter(|name| !known.contains(&name.as_str())) {
            let shown: String = quoted(name);
            problems.add(self.key(shown.trim_matches('`')), "this key is not known", among(name, known, "keys"));
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.map.get(name)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.map.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Tells that a value is of another type.
    pub(super) fn wrong_type(&self, name: &str, value: &Value, help: &str, problems: &mut Problems) {
        problems.add(self.key(name), format!("it is {}", kind(value)), help);
    }

    pub(super) fn text(&self, name: &str, help: &str, problems: &mut Problems) -> Option<&'a str> {
        match self.get(name)? {
            Value::String(text) => Some(text),
            value => {
                self.wrong_type(name, value, help, problems);
                None
            }
        }
    }

    pub(super) fn truth(&self, name: &str, problems: &mut Problems) -> Option<bool> {
        match self.get(name)? {
            Value::Bool(truth) => Some(*truth),
            value => {
                self.wrong_type(name, value, "write `true` or `false`, without quotes", problems);
                None
            }
        }
    }

    pub(super) fn table(&self, name: &str, problems: &mut Problems) -> Option<Table<'a>> {
        Table::open(self.get(name)?, self.key(name), problems)
    }

    /// At most `most` values; of more, none.
    pub(super) fn array(&self, name: &str, most: usize, help: &str, problems: &mut Problems) -> &'a [Value] {
        match self.get(name) {
            None => &[],
            Some(Value::Array(values)) if values.len() <= most => values,
            Some(Value::Array(values)) => {
                problems.add(
                    self.key(name),
                    format!("it has {} entries", values.len()),
                    format!("at most {most} are read"),
                );
                &[]
            }
            Some(value) => {
                self.wrong_type(name, value, help, problems);
                &[]
            }
        }
    }
}

/// A JSON value's type in TOML's words, with a short value.
fn kind(value: &Value) -> String {
    match value {
        Value::Null => "empty".to_owned(),
        Value::Bool(truth) => format!("the truth value {truth}"),
        Value::Number(number) => format!("the number {number}"),
        // The text may be a secret in the wrong place.
        Value::String(_) => "a text".to_owned(),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "a table".to_owned(),
    }
}
