//! `allowed_outbound_hosts`: where a component may connect to.
//!
//! The rules are Spin 4's. An entry is `SCHEME://HOST[:PORT]`, of which `*` may
//! stand for each part:
//!
//! | Part | Written | Means |
//! |---|---|---|
//! | scheme | `http`, `*` | letters; any |
//! | host | `example.org`, `192.0.2.1`, `[::1]` | that one |
//! | | `*.example.org` | every name below it, not itself |
//! | | `10.0.0.0/8`, `ff00::/8` | every address in the network, written as an address |
//! | | `self` | the app itself, by requests without a host |
//! | | `*` | any, also the app itself |
//! | port | `8080`, `8000..9000` | that one; from the first to before the second |
//! | | `*` | any |
//! | | nothing | the scheme's usual port |
//!
//! Spin's lists (`{…}`) are reserved and refused there as here. An entry may
//! have templates; one that comes to nothing, or to `http://` or `https://`, is
//! left out: an address that is optional is an empty variable.
//!
//! What does not live here: names are not resolved to addresses, and nothing
//! connects.

mod entry;
mod port;

use thiserror::Error;

use crate::variables::{ExpandError, Template, TemplateError, Variables};
use entry::Entry;
pub use entry::{EntryError, MOST_ENTRY_BYTES};
pub use port::PortError;

/// Most entries of a component. Guards the time of a check, which looks at
/// each.
pub const MOST_ENTRIES: usize = 1024;

/// Below it are the names of the app's components, for requests among them
/// ("service chaining").
const CHAINING_SUFFIX: &str = ".spin.internal";

/// What older Spins took for "everything".
const ALLOW_ALL: &str = "insecure:allow-all";

/// What templates may come to where an entry is to be left out.
const NOTHING: [&str; 3] = ["", "http://", "https://"];

/// What is wrong with a component's entries.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`[component.{component}] allowed_outbound_hosts`{}: {problem}", .entry.as_ref().map(|entry| format!(", `{entry}`")).unwrap_or_default())]
pub struct HostError {
    /// The component.
    pub component: String,
    /// The entry as in the manifest, also where it is a template: what it came
    /// to may be a secret. None where it is about all.
    pub entry: Option<String>,
    /// What is wrong.
    pub problem: HostProblem,
}

/// What is wrong with an entry, or with all.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HostProblem {
    /// It is no entry.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// It is no template.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// It names what is no variable, or is too long.
    #[error(transparent)]
    Expand(#[from] ExpandError),
    /// It is the older word for everything.
    #[error("write `*://*:*` to allow everything: the app is then not confined at all")]
    AllowAll,
    /// There are more than [`MOST_ENTRIES`].
    #[error("there are {0} entries, and at most {MOST_ENTRIES} are read")]
    TooMany(usize),
}

/// Where a component may connect to.
#[derive(Clone, Debug, Default)]
pub struct AllowedHosts {
    entries: Vec<Entry>,
}

impl AllowedHosts {
    /// Reads a component's entries. `components` are the names of all
    /// components, which `*.spin.internal` stands for.
    ///
    /// # Errors
    /// Everything that is wrong with the entries.
    pub fn parse(
        component: &str,
        entries: &[String],
        variables: &Variables,
        components: &[&str],
    ) -> Result<Self, Vec<HostError>> {
        let error = |entry: Option<&str>, problem| HostError {
            component: component.to_owned(),
            entry: entry.map(cut),
            problem,
        };
        if entries.len() > MOST_ENTRIES {
            return Err(vec![error(None, HostProblem::TooMany(entries.len()))]);
        }
        let mut hosts = Self::default();
        let mut errors = Vec::new();
        for written in entries {
            match read(written, variables) {
                Ok(Some(entry)) => hosts.entries.extend(entry.expanded(CHAINING_SUFFIX, components)),
                Ok(None) => {}
                Err(problem) => errors.push(error(Some(written), problem)),
            }
        }
        if errors.is_empty() { Ok(hosts) } else { Err(errors) }
    }

    /// Whether a connection is allowed. `scheme` is in lower case; `host` is a
    /// name or an address, with brackets around one of IPv6; without a `port`
    /// it is the scheme's usual one.
    #[must_use]
    pub fn allows(&self, scheme: &str, host: &str, port: Option<u16>) -> bool {
        let Ok(host) = url::Host::parse(host) else { return false };
        let port = port.or_else(|| port::usual(scheme));
        self.entries.iter().any(|entry| entry.allows(scheme, &host, port))
    }

    /// Whether requests to the app itself are allowed, those without a host.
    #[must_use]
    pub fn allows_self(&self, scheme: &str) -> bool {
        self.entries.iter().any(|entry| entry.allows_self(scheme))
    }

    /// Whether an entry is for the app itself by requests without a host.
    #[must_use]
    pub fn names_self(&self) -> bool {
        self.entries.iter().any(Entry::names_self)
    }

    /// Whether an entry is meant for requests among components, which a host
    /// must serve then: `http://self`, or a name below `spin.internal`.
    #[must_use]
    pub fn needs_chaining(&self) -> bool {
        self.entries.iter().any(|entry| entry.needs_chaining(CHAINING_SUFFIX))
    }

    /// Whether nothing is allowed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// The component that a host names for requests among components; none for
/// other hosts. `host` may have a port.
#[must_use]
pub fn chaining_target(host: &str) -> Option<&str> {
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    let component = host.strip_suffix(CHAINING_SUFFIX)?;
    (!component.is_empty() && !component.contains('.')).then_some(component)
}

/// An entry; none where its templates come to nothing.
fn read(written: &str, variables: &Variables) -> Result<Option<Entry>, HostProblem> {
    if written == ALLOW_ALL {
        return Err(HostProblem::AllowAll);
    }
    let template = Template::parse(written)?;
    if template.is_plain() {
        return Ok(Some(Entry::parse(written)?));
    }
    let text = variables.expand(&template, "the entry")?;
    if NOTHING.contains(&text.reveal()) { Ok(None) } else { Ok(Some(Entry::parse(text.reveal())?)) }
}

/// As much of an entry as a message has.
fn cut(entry: &str) -> String {
    entry.chars().take(MOST_ENTRY_BYTES).collect::<String>().escape_debug().to_string()
}

#[cfg(test)]
mod tests;
