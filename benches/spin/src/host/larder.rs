//! `trigger-larder`, as `spin up` starts it.

use anyhow::Result;
use larder_test_spin::{App, Component, Plugin, Project, Site};
use serde_json::{Value, json};

use super::reuse;
use crate::content::{ROOT, VARIABLE, fill};
use crate::guest::{Guest, filler};
use crate::plan::Plan;

/// Where the second component sees the volume, and its route.
const FILL: &str = "/fill";

/// A running trigger.
pub(crate) struct Larder {
    plugin: Plugin,
    site: Site,
    /// Has the volume's file. After the plugin: it goes once that has ended.
    _project: Project,
}

impl Larder {
    /// Over a volume in memory, or in a file.
    pub(super) async fn start(guest: Guest, memory: bool, plan: &Plan) -> Result<Self> {
        let project = Project::new();
        let volume = if memory { json!({ "memory": true }) } else { json!({}) };
        // A component fills the volume that the measured one has, in one process:
        // it is not asked again.
        let app = App::new("bench")
            .volume("data", volume)
            .component(Component::new("web", &guest.path()).env(VARIABLE.0, VARIABLE.1))
            .trigger(trigger("web", "/...", ROOT))
            .component(Component::new("fill", &filler()))
            .trigger(trigger("fill", &format!("{FILL}/..."), FILL));
        let reuse = reuse(plan);
        let arguments: Vec<&str> = reuse.iter().map(String::as_str).collect();
        let (plugin, site) = project.up(&app).args(&arguments).serve();
        let larder = Self { plugin, site, _project: project };
        fill(larder.address(), FILL).await?;
        Ok(larder)
    }

    pub(super) fn address(&self) -> &str {
        self.site.address()
    }

    pub(super) fn process(&self) -> u32 {
        self.plugin.id()
    }

    pub(super) fn stop(self) {
        self.plugin.stop();
    }
}

fn trigger(component: &str, route: &str, path: &str) -> Value {
    json!({ "component": component, "route": route, "mounts": [{ "volume": "data", "path": path }] })
}
