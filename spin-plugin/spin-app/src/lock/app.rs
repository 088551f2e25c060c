//! The lock file as a whole: metadata, variables, triggers.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::requirements::{UNDERSTOOD, missing};
use super::{
    Component, Dependency, LockError, MIDDLEWARE, MOST_ID_BYTES, MOST_ITEMS, MOST_LOCK_BYTES, Requirement, Unserved,
};

/// The versions of the lock file that are read. Spin writes 0 where nothing
/// must be understood.
const VERSIONS: [u64; 2] = [0, 1];

/// A resolved app.
#[derive(Clone, Debug, Deserialize)]
pub struct LockedApp {
    /// What it is called and where it comes from.
    #[serde(default)]
    pub metadata: AppMetadata,
    /// Its variables, by name.
    #[serde(default)]
    pub variables: BTreeMap<String, Variable>,
    /// All its triggers, also those of other types.
    pub triggers: Vec<LockedTrigger>,
    /// All its components, also those that only other triggers use.
    pub components: Vec<Component>,
    #[serde(default)]
    host_requirements: BTreeMap<String, Value>,
}

/// `metadata`.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct AppMetadata {
    /// The app's name.
    #[serde(default)]
    pub name: Option<String>,
    /// Its version.
    #[serde(default)]
    pub version: Option<String>,
    /// What it is, in its author's words.
    #[serde(default)]
    pub description: Option<String>,
    /// Where it comes from: the manifest's file URL, or
    /// `vnd.fermyon.origin-oci:REFERENCE`.
    #[serde(default)]
    pub origin: Option<String>,
    /// `[application.trigger.TYPE]`, by type.
    #[serde(default)]
    triggers: BTreeMap<String, Value>,
    /// The same for the only type of an app, with its name as `type`: older
    /// Spins wrote nothing else.
    #[serde(default)]
    trigger: Option<Map<String, Value>>,
}

impl AppMetadata {
    /// The settings of `[application.trigger.TYPE]`; none where there are none.
    #[must_use]
    pub fn trigger_settings(&self, trigger_type: &str) -> Option<Value> {
        if let Some(settings) = self.triggers.get(trigger_type) {
            return Some(settings.clone());
        }
        let mut settings = self.trigger.clone()?;
        let is_of_type = settings.remove("type").is_some_and(|value| value.as_str() == Some(trigger_type));
        (is_of_type && !settings.is_empty()).then_some(Value::Object(settings))
    }
}

/// A variable of the app, as declared.
#[derive(Clone, Deserialize)]
pub struct Variable {
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// Its value where none is given; without one, a value is required.
    #[serde(default)]
    pub default: Option<String>,
    /// Whether its value is a secret.
    #[serde(default)]
    pub secret: bool,
}

impl fmt::Debug for Variable {
    /// Without its value, which may be secret by mistake as well.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Variable")
            .field("required", &self.default.is_none())
            .field("secret", &self.secret)
            .finish_non_exhaustive()
    }
}

/// A trigger.
#[derive(Clone, Debug, Deserialize)]
pub struct LockedTrigger {
    /// Its name, which Spin makes: `web-larder-trigger`, or a number where one
    /// component has several.
    pub id: String,
    /// `larder`, `http`, …
    pub trigger_type: String,
    /// The other keys of `[[trigger.TYPE]]`.
    pub trigger_config: Value,
    /// Components around the trigger's own ("middleware"), by name; Spin 4.1.
    #[serde(default)]
    pub trigger_dependencies: BTreeMap<String, Vec<Dependency>>,
}

impl LockedTrigger {
    /// The component that it starts; none where the configuration names none.
    #[must_use]
    pub fn component(&self) -> Option<&str> {
        self.trigger_config.get("component")?.as_str()
    }
}

/// What decides whether the rest can be read.
#[derive(Deserialize)]
struct Envelope {
    spin_lock_version: Value,
    #[serde(default)]
    must_understand: Vec<Value>,
}

impl LockedApp {
    /// Reads a lock file.
    ///
    /// # Errors
    /// When it is of another version, demands what is not known, or is not of
    /// the lock file's form.
    pub fn parse(bytes: &[u8]) -> Result<Self, LockError> {
        if bytes.len() > MOST_LOCK_BYTES {
            return Err(LockError::TooLarge(bytes.len()));
        }
        // First by itself: a later version may have another form.
        let envelope: Envelope = serde_json::from_slice(bytes)?;
        if !envelope.spin_lock_version.as_u64().is_some_and(|version| VERSIONS.contains(&version)) {
            return Err(LockError::Version(cut(&envelope.spin_lock_version.to_string())));
        }
        for demand in &envelope.must_understand {
            if !demand.as_str().is_some_and(|name| UNDERSTOOD.contains(&name)) {
                let name = demand.as_str().map_or_else(|| demand.to_string(), str::to_owned);
                return Err(LockError::MustUnderstand(cut(&name)));
            }
        }
        let app: Self = serde_json::from_slice(bytes)?;
        app.check()?;
        Ok(app)
    }

    fn check(&self) -> Result<(), LockError> {
        check_names("component", self.components.iter().map(|component| component.id.as_str()))?;
        check_names("trigger", self.triggers.iter().map(|trigger| trigger.id.as_str()))?;
        if self.variables.len() > MOST_ITEMS {
            return Err(LockError::TooMany { what: "variable", count: self.variables.len() });
        }
        Ok(())
    }

    /// The triggers of one type: each type has a process of its own, and all
    /// see the whole app.
    pub fn triggers_of<'a>(&'a self, trigger_type: &'a str) -> impl Iterator<Item = &'a LockedTrigger> + 'a {
        self.triggers.iter().filter(move |trigger| trigger.trigger_type == trigger_type)
    }

    /// The component of that name.
    #[must_use]
    pub fn component(&self, id: &str) -> Option<&Component> {
        self.components.iter().find(|component| component.id == id)
    }

    /// The components that triggers of one type start, each once, in the lock
    /// file's order. What the others need is for other processes.
    pub fn components_of<'a>(&'a self, trigger_type: &'a str) -> impl Iterator<Item = &'a Component> + 'a {
        let used: BTreeSet<&str> = self.triggers_of(trigger_type).filter_map(LockedTrigger::component).collect();
        self.components.iter().filter(move |component| used.contains(component.id.as_str()))
    }

    /// Checks that everything that the app, and the components that triggers
    /// of one type start, need is in `served`: [`SERVICE_CHAINING`](super::SERVICE_CHAINING)
    /// and the like. Requirements of value `optional` need not be. The rule is
    /// Spin's: a host that does not serve a requirement must refuse the app.
    ///
    /// # Errors
    /// All requirements that are not served.
    pub fn check_requirements(&self, trigger_type: &str, served: &[&str]) -> Result<(), Unserved> {
        let mut unserved: Vec<Requirement> = missing(None, &self.host_requirements, served).collect();
        for component in self.components_of(trigger_type) {
            unserved.extend(missing(Some(&component.id), &component.host_requirements, served));
        }
        if !served.contains(&MIDDLEWARE) {
            for trigger in self.triggers_of(trigger_type).filter(|trigger| !trigger.trigger_dependencies.is_empty()) {
                let component = trigger.component().map(str::to_owned);
                unserved.push(Requirement { component, name: MIDDLEWARE.to_owned() });
            }
        }
        unserved.sort();
        unserved.dedup();
        if unserved.is_empty() { Ok(()) } else { Err(Unserved(unserved)) }
    }
}

/// Checks names of which file names, header values and messages are made.
fn check_names<'a>(what: &'static str, names: impl ExactSizeIterator<Item = &'a str>) -> Result<(), LockError> {
    let count = names.len();
    if count > MOST_ITEMS {
        return Err(LockError::TooMany { what, count });
    }
    let mut seen = BTreeSet::new();
    for id in names {
        let wrong = |why| Err(LockError::Name { what, id: cut(&id.escape_debug().to_string()), why });
        if id.is_empty() || id.len() > MOST_ID_BYTES {
            return wrong("it has from 1 to 128 bytes");
        }
        if id.starts_with('.') || id.contains(|character: char| character.is_control() || "/\\:".contains(character)) {
            return wrong("it has no slash, colon or control character, and no dot at its start");
        }
        if !seen.insert(id) {
            return Err(LockError::Twice { what, id: id.to_owned() });
        }
    }
    Ok(())
}

/// As much of a text as a message may have.
fn cut(text: &str) -> String {
    text.chars().take(MOST_ID_BYTES).collect()
}

#[cfg(test)]
mod tests;
