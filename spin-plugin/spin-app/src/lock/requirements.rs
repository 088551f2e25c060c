//! What an app demands of its host: `must_understand` and `host_requirements`.
//!
//! `must_understand` names members of the lock file that a host has to look
//! at. It may be there without need: `spin up -c` leaves it when the component
//! with the requirement is gone. So it is checked for being known, and the
//! requirements themselves for being served.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;
use thiserror::Error;

/// The requirement of an app with `http://*.spin.internal` or `http://self`
/// among its allowed hosts: requests between components.
pub const SERVICE_CHAINING: &str = "local_service_chaining";

/// The requirement of an app whose triggers have dependencies.
pub const MIDDLEWARE: &str = "middleware";

/// The value of a requirement that need not be served.
const OPTIONAL: &str = "optional";

/// The members that `must_understand` may name.
pub(super) const UNDERSTOOD: [&str; 2] = ["host_requirements", "component_host_requirements"];

/// Something that an app needs and this host does not serve.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Requirement {
    /// The component that needs it; none for the app as a whole.
    pub component: Option<String>,
    /// Its name.
    pub name: String,
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { component, name } = self;
        match component {
            Some(component) => write!(f, "`{name}` (component `{component}`)")?,
            None => write!(f, "`{name}`")?,
        }
        f.write_str(match name.as_str() {
            SERVICE_CHAINING => ": remove `http://*.spin.internal` and the like from `allowed_outbound_hosts`",
            MIDDLEWARE => ": remove `dependencies` from the triggers",
            _ => ": use a newer Larder",
        })
    }
}

/// All that an app needs and this host does not serve.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the app needs what this version of Larder does not serve:{}", .0.iter().map(|one| format!("\n  {one}")).collect::<String>())]
pub struct Unserved(pub Vec<Requirement>);

/// The requirements of a table that are not optional and not in `served`.
pub(super) fn missing<'a>(
    component: Option<&'a str>,
    requirements: &'a BTreeMap<String, Value>,
    served: &'a [&str],
) -> impl Iterator<Item = Requirement> + 'a {
    requirements
        .iter()
        .filter(|(name, value)| value.as_str() != Some(OPTIONAL) && !served.contains(&name.as_str()))
        .map(move |(name, _)| Requirement { component: component.map(str::to_owned), name: name.clone() })
}
