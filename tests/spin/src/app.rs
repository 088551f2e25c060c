//! A Spin app, and the lock file that `spin up` makes of it.
//!
//! The forms of both versions were seen; `spin-plugin/spin-app/tests/locks` has
//! whole files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use url::Url;

use crate::built;

/// Whose lock file it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spin {
    /// 4.0.2.
    #[default]
    V4_0,
    /// 4.1.0-pre0.
    V4_1,
}

impl Spin {
    /// Its version.
    #[must_use]
    pub const fn version(self) -> &'static str {
        match self {
            Self::V4_0 => "4.0.2",
            Self::V4_1 => "4.1.0-pre0",
        }
    }
}

/// A component: `[component.ID]`.
#[derive(Clone, Debug)]
pub struct Component {
    pub(crate) id: String,
    wasm: PathBuf,
    env: BTreeMap<String, String>,
    variables: BTreeMap<String, String>,
    metadata: Map<String, Value>,
    pub(crate) files: Vec<Files>,
    dependencies: Map<String, Value>,
    requirements: Map<String, Value>,
}

/// An entry of `files`: a directory of the project, and where the guest sees
/// it.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    pub(crate) source: PathBuf,
    pub(crate) destination: String,
}

impl Component {
    /// Of a WebAssembly file.
    #[must_use]
    pub fn new(id: &str, wasm: &Path) -> Self {
        Self {
            id: id.to_owned(),
            wasm: wasm.to_owned(),
            env: BTreeMap::new(),
            variables: BTreeMap::new(),
            metadata: Map::new(),
            files: Vec::new(),
            dependencies: Map::new(),
            requirements: Map::new(),
        }
    }

    /// A guest that `tests/guests/build` made.
    ///
    /// # Panics
    /// Where it is not there.
    #[must_use]
    pub fn guest(id: &str, name: &str) -> Self {
        Self::new(id, &built::guest(&format!("{name}.wasm")))
    }

    /// `environment`.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// `[component.ID.variables]`: a template.
    #[must_use]
    pub fn variable(mut self, name: &str, template: &str) -> Self {
        self.variables.insert(name.to_owned(), template.to_owned());
        self
    }

    /// An entry of `files`.
    #[must_use]
    pub fn files(mut self, source: &Path, destination: &str) -> Self {
        self.files.push(Files { source: source.to_owned(), destination: destination.to_owned() });
        self
    }

    /// `allowed_outbound_hosts`.
    #[must_use]
    pub fn allowed_outbound_hosts(self, hosts: &[&str]) -> Self {
        self.metadata("allowed_outbound_hosts", json!(hosts))
    }

    /// `key_value_stores`.
    #[must_use]
    pub fn key_value_stores(self, stores: &[&str]) -> Self {
        self.metadata("key_value_stores", json!(stores))
    }

    /// Any member of `metadata`; `databases` are the manifest's
    /// `sqlite_databases`.
    #[must_use]
    pub fn metadata(mut self, name: &str, value: Value) -> Self {
        self.metadata.insert(name.to_owned(), value);
        self
    }

    /// An entry of `[component.ID.dependencies]`.
    #[must_use]
    pub fn dependency(mut self, name: &str, wasm: &Path) -> Self {
        let source = json!({ "content_type": "application/wasm", "source": url(wasm) });
        self.dependencies.insert(name.to_owned(), json!({ "source": source, "export": null }));
        self
    }

    /// What it needs of the host, as 4.1 writes it.
    #[must_use]
    pub fn host_requirement(mut self, name: &str) -> Self {
        self.requirements.insert(name.to_owned(), json!("required"));
        self
    }

    fn locked(&self, files: &[Files]) -> Value {
        let mut locked = Map::new();
        locked.insert("id".into(), json!(self.id));
        put(&mut locked, "metadata", &self.metadata);
        locked.insert("source".into(), json!({ "content_type": "application/wasm", "source": url(&self.wasm) }));
        put(&mut locked, "env", &texts(&self.env));
        if !files.is_empty() {
            let entry = |files: &Files| json!({ "source": url(&files.source), "path": files.destination });
            locked.insert("files".into(), files.iter().map(entry).collect());
        }
        put(&mut locked, "config", &texts(&self.variables));
        put(&mut locked, "dependencies", &self.dependencies);
        put(&mut locked, "host_requirements", &self.requirements);
        locked.into()
    }
}

/// A Spin app. Without a setting it is `[application.trigger.larder]` with
/// nothing, and no triggers.
#[derive(Clone, Debug, Default)]
pub struct App {
    spin: Spin,
    name: String,
    settings: Map<String, Value>,
    variables: Map<String, Value>,
    triggers: Vec<(String, Value)>,
    pub(crate) components: Vec<Component>,
    must_understand: Vec<String>,
    requirements: Map<String, Value>,
}

impl App {
    /// With a name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// One component behind one route, over one volume at `/`, which `settings`
    /// describe: `{ "memory": true }`.
    ///
    /// # Panics
    /// Where the guest is not there.
    #[must_use]
    pub fn over(guest: &str, volume: &str, settings: Value) -> Self {
        Self::new("files").volume(volume, settings).component(Component::guest("web", guest)).trigger(json!({
            "component": "web",
            "route": "/...",
            "mounts": [{ "volume": volume, "path": "/" }],
        }))
    }

    /// Whose lock file it is.
    #[must_use]
    pub const fn by(mut self, spin: Spin) -> Self {
        self.spin = spin;
        self
    }

    pub(crate) const fn spin(&self) -> Spin {
        self.spin
    }

    /// `[application.trigger.larder.volumes.NAME]`.
    #[must_use]
    pub fn volume(mut self, name: &str, settings: Value) -> Self {
        let volumes = self.settings.entry("volumes").or_insert_with(|| json!({}));
        volumes[name] = settings;
        self
    }

    /// Any key of `[application.trigger.larder]`.
    #[must_use]
    pub fn setting(mut self, key: &str, value: Value) -> Self {
        self.settings.insert(key.to_owned(), value);
        self
    }

    /// `[variables] NAME = { default = "…" }`, or `{ required = true }`.
    #[must_use]
    pub fn variable(mut self, name: &str, default: Option<&str>) -> Self {
        let declared = default.map_or_else(|| json!({}), |default| json!({ "default": default }));
        self.variables.insert(name.to_owned(), declared);
        self
    }

    /// A component.
    #[must_use]
    pub fn component(mut self, component: Component) -> Self {
        self.components.push(component);
        self
    }

    /// `[[trigger.larder]]`.
    #[must_use]
    pub fn trigger(self, settings: Value) -> Self {
        self.other_trigger("larder", settings)
    }

    /// `[[trigger.TYPE]]`: also those are in the lock file that Larder gets.
    #[must_use]
    pub fn other_trigger(mut self, kind: &str, settings: Value) -> Self {
        self.triggers.push((kind.to_owned(), settings));
        self
    }

    /// A member that a host has to understand.
    #[must_use]
    pub fn must_understand(mut self, name: &str) -> Self {
        self.must_understand.push(name.to_owned());
        self
    }

    /// What the app needs of the host.
    #[must_use]
    pub fn host_requirement(mut self, name: &str) -> Self {
        self.requirements.insert(name.to_owned(), json!("required"));
        self
    }

    /// The lock file. `files` are the directories that a component sees, as
    /// `spin up` arranged them.
    pub(crate) fn locked(&self, manifest: &Path, mut files: impl FnMut(&Component) -> Vec<Files>) -> Value {
        let types: BTreeSet<&str> = self.triggers.iter().map(|(kind, _)| kind.as_str()).collect();
        let mut metadata = Map::new();
        metadata.insert("name".into(), json!(self.name));
        metadata.insert("version".into(), json!("0.1.0"));
        metadata.insert("origin".into(), json!(url(manifest)));
        let mut settings = Map::new();
        if !self.settings.is_empty() {
            settings.insert("larder".into(), json!(self.settings));
        }
        metadata.insert("triggers".into(), json!(settings));
        // For hosts of older versions: where there is one type alone.
        if types.len() == 1 {
            let mut only = if types.contains("larder") { self.settings.clone() } else { Map::new() };
            only.insert("type".into(), json!(types.first()));
            metadata.insert("trigger".into(), only.into());
        }
        if self.spin == Spin::V4_1 {
            metadata.insert("profile".into(), json!("debug"));
        }
        let mut understand: Vec<Value> = self.must_understand.iter().map(|name| json!(name)).collect();
        if !self.requirements.is_empty() {
            understand.push(json!("host_requirements"));
        }
        if self.components.iter().any(|component| !component.requirements.is_empty()) {
            understand.push(json!("component_host_requirements"));
        }
        let mut locked = Map::new();
        locked.insert("spin_lock_version".into(), json!(u8::from(!understand.is_empty())));
        locked.insert("metadata".into(), metadata.into());
        if !understand.is_empty() {
            locked.insert("must_understand".into(), understand.into());
        }
        put(&mut locked, "host_requirements", &self.requirements);
        put(&mut locked, "variables", &self.variables);
        locked.insert("triggers".into(), self.locked_triggers());
        let components = self.components.iter().map(|component| component.locked(&files(component)));
        locked.insert("components".into(), components.collect());
        locked.into()
    }

    /// Their names are made by Spin: after the component, or by a number.
    fn locked_triggers(&self) -> Value {
        let mut taken = BTreeSet::new();
        let locked = self.triggers.iter().enumerate().map(|(index, (kind, settings))| {
            let component = settings["component"].as_str().unwrap_or_default();
            let mut id = format!("{component}-{kind}-trigger");
            if component.is_empty() || !taken.insert(id.clone()) {
                id = format!("{kind}-trigger{}", index + 1);
                taken.insert(id.clone());
            }
            json!({ "id": id, "trigger_type": kind, "trigger_config": settings })
        });
        locked.collect()
    }
}

/// Members without content are left out.
fn put(into: &mut Map<String, Value>, name: &str, value: &Map<String, Value>) {
    if !value.is_empty() {
        into.insert(name.to_owned(), value.clone().into());
    }
}

fn texts(of: &BTreeMap<String, String>) -> Map<String, Value> {
    of.iter().map(|(name, value)| (name.clone(), json!(value))).collect()
}

/// The file URL of an absolute path, percent-encoded.
///
/// # Panics
/// Where the path is relative.
#[must_use]
pub fn url(path: &Path) -> String {
    Url::from_file_path(path).unwrap_or_else(|()| panic!("{} is not absolute", path.display())).into()
}
