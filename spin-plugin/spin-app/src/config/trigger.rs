//! `[[trigger.larder]]`.

use std::time::Duration;

use serde_json::Value;

use super::Volumes;
use super::mount::{self, Mount};
use super::problems::{Problems, among, quoted};
use super::table::Table;
use super::units::{DURATION_HELP, duration};
use crate::TRIGGER_TYPE;
use crate::lock::{LockedApp, LockedTrigger};
use crate::route::{Pattern, Router};

/// Most arguments of a command.
pub const MOST_ARGUMENTS: usize = 1024;

/// Most bytes of one argument: with the number of them, what guards memory.
pub const MOST_ARGUMENT_BYTES: usize = 64 << 10;

/// The shortest interval of a command: 100 ms. Guards the processor, as a start
/// of an instance costs some.
pub const LEAST_INTERVAL: Duration = Duration::from_millis(100);

/// The longest interval: 366 days. Guards sums of times.
pub const MOST_INTERVAL: Duration = Duration::from_secs(366 * 86_400);

const KINDS: &[&str] = &["http", "command"];
const KEYS: &[&str] = &["component", "kind", "route", "every", "once", "args", "mounts"];

/// Keys of Spin's own HTTP trigger that are not Larder's, with what to do.
const SPINS_KEYS: &[(&str, &str)] = &[
    ("executor", "leave it out: components are called by wasi:http"),
    ("static_response", "serve it from a component"),
    ("components", "leave it out: compose the components when they are built"),
    ("dependencies", "leave it out: compose the components when they are built"),
];

/// What starts a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// Its name in the lock file.
    pub id: String,
    /// The component's name; there is one.
    pub component: String,
    /// When it is started.
    pub kind: TriggerKind,
    /// What the guest sees.
    pub mounts: Vec<Mount>,
}

/// When a component is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TriggerKind {
    /// For a request: `kind = "http"`.
    Http {
        /// For which one.
        route: Route,
    },
    /// By itself: `kind = "command"`.
    Command {
        /// When.
        schedule: Schedule,
        /// Arguments behind the program's name.
        args: Vec<String>,
    },
}

/// For which requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// Those with a matching path.
    Public(Pattern),
    /// Only those of other components: `{ private = true }`.
    Private,
}

/// When a command is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// At the start: `once = true`, and where nothing is said.
    Once,
    /// At the start and then in this interval: `every`.
    Every(Duration),
}

/// Reads all triggers of Larder's.
pub(super) fn read(app: &LockedApp, volumes: &Volumes, problems: &mut Problems) -> Vec<Trigger> {
    let mut triggers = Vec::new();
    let mut routes = Router::new();
    let mut found = false;
    for locked in app.triggers_of(TRIGGER_TYPE) {
        found = true;
        let place = format!("[[trigger.larder]] ({})", quoted(&locked.id));
        let Some(table) = Table::root(&locked.trigger_config, place, problems) else { continue };
        if let Some(trigger) = read_one(app, locked, &table, volumes, problems) {
            if let TriggerKind::Http { route: Route::Public(pattern) } = &trigger.kind
                && let Err(same) = routes.add(pattern.clone(), locked.id.clone())
            {
                problems.add(
                    table.key("route"),
                    format!(
                        "{} matches the same paths as {} of another trigger",
                        quoted(pattern.raw()),
                        quoted(same.other.raw())
                    ),
                    "give each trigger a route of its own",
                );
            }
            triggers.push(trigger);
        }
    }
    if !found {
        problems.add("[[trigger.larder]]", "there is none", "add one with `component` and `route`");
    }
    triggers
}

fn read_one(
    app: &LockedApp,
    locked: &LockedTrigger,
    table: &Table<'_>,
    volumes: &Volumes,
    problems: &mut Problems,
) -> Option<Trigger> {
    check_keys(table, problems);
    let component = read_component(app, table, problems);
    let files: Vec<&str> = component
        .and_then(|id| app.component(id))
        .map(|component| component.files.iter().map(|mount| mount.path.as_str()).collect())
        .unwrap_or_default();
    let mounts = mount::read(table, volumes, &files, problems);
    let kind = match table.text("kind", "write \"http\" or \"command\"", problems) {
        None | Some("http") => read_http(table, problems),
        Some("command") => read_command(table, problems),
        Some(other) => {
            problems.add(
                table.key("kind"),
                format!("{} is no kind of trigger", quoted(other)),
                among(other, KINDS, "kinds"),
            );
            None
        }
    };
    Some(Trigger { id: locked.id.clone(), component: component?.to_owned(), kind: kind?, mounts })
}

fn check_keys(table: &Table<'_>, problems: &mut Problems) {
    for (key, help) in SPINS_KEYS {
        if table.has(key) {
            problems.add(table.key(key), "Larder's trigger does not have it", *help);
        }
    }
    let known: Vec<&str> = KEYS.iter().copied().chain(SPINS_KEYS.iter().map(|(key, _)| *key)).collect();
    table.only(&known, problems);
}

fn read_component<'a>(app: &LockedApp, table: &Table<'a>, problems: &mut Problems) -> Option<&'a str> {
    let help = "write the name of a component";
    if !table.has("component") {
        problems.add(table.key("component"), "it is missing", help);
    }
    let id = table.text("component", help, problems)?;
    if app.component(id).is_none() {
        let known: Vec<&str> = app.components.iter().map(|component| component.id.as_str()).collect();
        problems.add(
            table.key("component"),
            format!("there is no component {}", quoted(id)),
            among(id, &known, "components"),
        );
        return None;
    }
    Some(id)
}

/// Tells the keys that are for the other kind.
fn refuse(keys: &[&str], table: &Table<'_>, message: &str, help: &str, problems: &mut Problems) {
    for key in keys.iter().filter(|key| table.has(key)) {
        problems.add(table.key(key), message, help);
    }
}

fn read_http(table: &Table<'_>, problems: &mut Problems) -> Option<TriggerKind> {
    refuse(
        &["every", "once", "args"],
        table,
        "it is for commands, and this trigger serves HTTP",
        "leave it out, or add `kind = \"command\"` and leave out `route`",
        problems,
    );
    let help = "write a path such as \"/files/...\", or `{ private = true }`";
    match table.get("route") {
        None => {
            problems.add(table.key("route"), "it is missing", format!("{help}; a command has `kind = \"command\"`"));
            None
        }
        Some(Value::String(raw)) => match Pattern::parse(raw) {
            Ok(pattern) => Some(TriggerKind::Http { route: Route::Public(pattern) }),
            Err(error) => {
                problems.add(table.key("route"), format!("{} is no route: {error}", quoted(raw)), help);
                None
            }
        },
        Some(Value::Object(private)) if private.len() == 1 && private.get("private") == Some(&Value::Bool(true)) => {
            Some(TriggerKind::Http { route: Route::Private })
        }
        Some(Value::Object(_)) => {
            problems.add(table.key("route"), "the table is not `{ private = true }`", help);
            None
        }
        Some(value) => {
            table.wrong_type("route", value, help, problems);
            None
        }
    }
}

fn read_command(table: &Table<'_>, problems: &mut Problems) -> Option<TriggerKind> {
    refuse(
        &["route"],
        table,
        "it is for HTTP, and this trigger is a command",
        "leave it out, or leave out `kind = \"command\"`",
        problems,
    );
    let args = read_args(table, problems);
    let once = table.truth("once", problems);
    let schedule = match (table.get("every"), once) {
        (None, None | Some(true)) => Some(Schedule::Once),
        (None, Some(false)) => {
            let help = "add `every = \"30s\"`, or leave out `once`";
            problems.add(table.key("once"), "the command would never be run", help);
            None
        }
        (Some(_), Some(true)) => {
            problems.add(table.key("once"), "there is `every` as well", "leave out one of `once` and `every`");
            None
        }
        (Some(value), None | Some(false)) => read_interval(table, value, problems).map(Schedule::Every),
    };
    Some(TriggerKind::Command { schedule: schedule?, args })
}

fn read_interval(table: &Table<'_>, value: &Value, problems: &mut Problems) -> Option<Duration> {
    let Some(interval) = duration(value) else {
        problems.add(table.key("every"), "it is not a duration", DURATION_HELP);
        return None;
    };
    if !(LEAST_INTERVAL..=MOST_INTERVAL).contains(&interval) {
        problems.add(table.key("every"), "it is too short or too long", "write from 100ms to 366d");
        return None;
    }
    Some(interval)
}

fn read_args(table: &Table<'_>, problems: &mut Problems) -> Vec<String> {
    let help = "write an array of texts: `args = [\"--all\"]`";
    let mut args = Vec::new();
    for (index, value) in table.array("args", MOST_ARGUMENTS, help, problems).iter().enumerate() {
        let key = format!("args[{index}]");
        match value {
            Value::String(text) if text.len() <= MOST_ARGUMENT_BYTES && !text.contains('\0') => args.push(text.clone()),
            Value::String(_) => {
                let help = format!("write at most {MOST_ARGUMENT_BYTES} bytes without NUL");
                problems.add(table.key(&key), "the argument is too long or has a NUL", help);
            }
            value => table.wrong_type(&key, value, help, problems),
        }
    }
    args
}
