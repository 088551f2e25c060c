use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// The lock file of an app with these settings and triggers of Larder's, and
/// the components `web` (with files at `/`) and `job`.
fn app(settings: &Value, triggers: &[Value]) -> LockedApp {
    let source = json!({ "content_type": "application/wasm", "source": "file:///x.wasm" });
    let triggers: Vec<Value> = triggers
        .iter()
        .enumerate()
        .map(|(index, config)| json!({ "id": format!("t{index}"), "trigger_type": "larder", "trigger_config": config }))
        .collect();
    let lock = json!({
        "spin_lock_version": 0,
        "metadata": { "name": "app", "triggers": { "larder": settings } },
        "triggers": triggers,
        "components": [
            { "id": "web", "source": source, "files": [{ "source": "file:///assets", "path": "/" }] },
            { "id": "job", "source": source },
        ],
    });
    LockedApp::parse(lock.to_string().as_bytes()).unwrap()
}

fn read(settings: &Value, triggers: &[Value]) -> Result<Config, Problems> {
    Config::read(&app(settings, triggers))
}

fn web() -> Value {
    json!({ "component": "web", "route": "/..." })
}

#[test]
fn a_whole_manifest() {
    let config = read(
        &json!({ "volumes": {
            "data": { "sync": true, "limits": { "bytes": "1GiB", "inodes": 100_000 } },
            "named": { "file": "sub/other.larder" },
            "scratch": { "memory": true, "sync": false },
            "bucket": { "s3": "s3://bucket/prefix?read=through" },
            "served": { "nats": "nats://host/NAME", "memory": false },
        } }),
        &[
            json!({ "component": "web", "route": "/files/...", "mounts": [
                { "volume": "data", "path": "/data/", "mode": "ro", "subdir": "/public//x/" },
                { "volume": "scratch", "path": "/tmp" },
            ] }),
            json!({ "component": "web", "kind": "http", "route": { "private": true } }),
            json!({ "component": "job", "kind": "command", "every": "30s", "args": ["--all"], "mounts": [{ "volume": "data", "path": "/" }] }),
            json!({ "component": "job", "kind": "command", "once": true }),
            json!({ "component": "job", "kind": "command" }),
        ],
    )
    .unwrap();
    let kinds: Vec<&VolumeKind> = config.volumes.values().map(|volume| &volume.kind).collect();
    assert_eq!(
        kinds,
        [
            &VolumeKind::S3 { address: "s3://bucket/prefix?read=through".into() },
            &VolumeKind::File { path: "data.larder".into(), sync: true },
            &VolumeKind::File { path: "sub/other.larder".into(), sync: false },
            &VolumeKind::Memory,
            &VolumeKind::Nats { address: "nats://host/NAME".into() },
        ]
    );
    assert_eq!(config.volumes["data"].limits.to_string(), "bytes=1073741824,inodes=100000");
    assert!(config.volumes["scratch"].limits.is_empty());
    let mounts: Vec<_> = config.triggers[0]
        .mounts
        .iter()
        .map(|mount| (mount.volume.as_str(), mount.path.as_str(), mount.mode, mount.subdirectory.as_str()))
        .collect();
    assert_eq!(
        mounts,
        [("data", "/data", MountMode::ReadOnly, "public/x"), ("scratch", "/tmp", MountMode::ReadWrite, "")]
    );
    assert!(
        matches!(&config.triggers[0].kind, TriggerKind::Http { route: Route::Public(route) } if route.raw() == "/files/...")
    );
    assert_eq!(config.triggers[1].kind, TriggerKind::Http { route: Route::Private });
    let every = Schedule::Every(Duration::from_secs(30));
    assert_eq!(config.triggers[2].kind, TriggerKind::Command { schedule: every, args: vec!["--all".into()] });
    assert_eq!(config.triggers[2].mounts[0].path, "/");
    for trigger in &config.triggers[3..] {
        assert_eq!(trigger.kind, TriggerKind::Command { schedule: Schedule::Once, args: vec![] });
    }
}

#[test]
fn without_settings_there_are_no_volumes() {
    let mut app = app(&json!({}), &[web()]);
    app.metadata = crate::lock::AppMetadata::default();
    let config = Config::read(&app).unwrap();
    assert!(config.volumes.is_empty());
    assert_eq!(config.triggers.len(), 1);
}

/// The only problem, with its key, message and help.
fn only(settings: &Value, triggers: &[Value]) -> [String; 3] {
    let problems = read(settings, triggers).unwrap_err();
    let all: Vec<&Problem> = problems.iter().collect();
    let [Problem { key, message, help }] = all.as_slice() else { panic!("{problems}") };
    assert!(!help.contains('\n') && !help.is_empty());
    [key.clone(), message.clone(), help.clone()]
}

#[test]
fn what_is_wrong_with_volumes_is_named_with_its_key() {
    let volume = |value: Value| json!({ "volumes": { "data": value } });
    for (settings, key, message, help) in [
        (json!(1), "[application.trigger.larder]", "it is the number 1, not a table", "table"),
        (json!({ "volums": {} }), "[application.trigger.larder] volums", "not known", "did you mean `volumes`?"),
        (json!({ "volumes": [] }), "[application.trigger.larder] volumes", "an array", "table"),
        (json!({ "volumes": { "a b": {} } }), "[application.trigger.larder.volumes.a b]", "no name", "A-Z"),
        (volume(json!("x")), "[application.trigger.larder.volumes.data]", "a text", "table"),
        (volume(json!({ "fil": "x.larder" })), "] fil", "not known", "did you mean `file`?"),
        (volume(json!({ "kind": "memory" })), "] kind", "not known", "the keys are `file`, `memory`"),
        (volume(json!({ "memory": "yes" })), "] memory", "it is a text", "`true` or `false`"),
        (volume(json!({ "file": "/etc/x.larder" })), "] file", "not below the state directory", "--state-dir"),
        (volume(json!({ "file": "../x.larder" })), "] file", "not below the state directory", "`..`"),
        (volume(json!({ "file": "x.db" })), "] file", "does not end in .larder", "NAME.larder"),
        (volume(json!({ "file": "a/.larder" })), "] file", "does not end in .larder", "NAME.larder"),
        (volume(json!({ "file": "s3://b" })), "] file", "an address", "write `s3 = \"s3://…\"`"),
        (volume(json!({ "file": 7 })), "] file", "the number 7", ".larder"),
        (
            volume(json!({ "s3": "s3://b", "memory": true })),
            "] s3",
            "there is `memory` as well",
            "leave out all but one",
        ),
        (volume(json!({ "s3": "b" })), "] s3", "does not begin with s3://", "s3://BUCKET"),
        (volume(json!({ "s3": "s3://b?access_key=hunter2" })), "] s3", "a secret", "environment of `spin up`"),
        (volume(json!({ "nats": "nats://u:hunter2@h/x" })), "] nats", "a login", "environment of `spin up`"),
        (volume(json!({ "nats": "nats://h" })), "] nats", "missing", "nats://HOST"),
        (volume(json!({ "memory": true, "sync": true })), "] sync", "for volumes in a file", "leave it out"),
        (
            volume(json!({ "limits": { "bytes": "many" } })),
            "[application.trigger.larder.volumes.data] limits.bytes",
            "not a size",
            "64MiB",
        ),
        (volume(json!({ "limits": { "bites": 1 } })), "] limits.bites", "not known", "did you mean `bytes`?"),
        (volume(json!({ "limits": { "inodes": 0 } })), "] limits.inodes", "leaves nothing", "at least 1"),
        (volume(json!({ "limits": { "bytes": "17T" } })), "] limits.bytes", "too much", "at most"),
        (volume(json!({ "limits": 5 })), "] limits", "the number 5", "table"),
        (
            json!({ "volumes": { "a": {}, "b": { "file": "./A.larder" } } }),
            "volumes.b] file",
            "the volume `a` is in the same file",
            "its own",
        ),
    ] {
        let found = only(&settings, &[web()]);
        let [found_key, found_message, found_help] = &found;
        assert!(found_key.ends_with(key) || found_key == key, "{key}: {found:?}");
        assert!(found_message.contains(message) && found_help.contains(help), "{message}, {help}: {found:?}");
        assert!(!format!("{found:?}").contains("hunter2"));
    }
}

#[test]
fn what_is_wrong_with_triggers_is_named_with_its_key() {
    let settings = json!({ "volumes": { "data": {} } });
    let mount = |value: Value| json!({ "component": "job", "route": "/", "mounts": [value] });
    let command = |key: &str, value: Value| {
        let mut command = json!({ "component": "job", "kind": "command" });
        command[key] = value;
        command
    };
    for (trigger, key, message, help) in [
        (json!(1), "[[trigger.larder]] (`t0`)", "the number 1", "table"),
        (json!({ "component": "web" }), "(`t0`) route", "missing", "`kind = \"command\"`"),
        (json!({ "route": "/" }), "(`t0`) component", "missing", "name of a component"),
        (json!({ "component": "wed", "route": "/" }), "(`t0`) component", "no component `wed`", "did you mean `web`?"),
        (json!({ "component": 1, "route": "/" }), "(`t0`) component", "the number 1", "name of a component"),
        (json!({ "component": "web", "rout": "/", "route": "/" }), "(`t0`) rout", "not known", "did you mean `route`?"),
        (
            json!({ "component": "web", "route": "/", "executor": { "type": "wagi" } }),
            "(`t0`) executor",
            "does not have it",
            "wasi:http",
        ),
        (
            json!({ "component": "web", "route": "/", "static_response": {} }),
            "(`t0`) static_response",
            "does not have it",
            "component",
        ),
        (json!({ "component": "web", "route": "/a b" }), "(`t0`) route", "`/a b` is no route", "/files/..."),
        (
            json!({ "component": "web", "route": "/.well-known/spin/x" }),
            "(`t0`) route",
            "answered by the trigger",
            "write a path",
        ),
        (
            json!({ "component": "web", "route": { "private": false } }),
            "(`t0`) route",
            "not `{ private = true }`",
            "private",
        ),
        (json!({ "component": "web", "route": true }), "(`t0`) route", "the truth value true", "write a path"),
        (
            json!({ "component": "web", "route": "/", "every": "1s" }),
            "(`t0`) every",
            "for commands",
            "kind = \"command\"",
        ),
        (
            json!({ "component": "web", "kind": "cron", "route": "/" }),
            "(`t0`) kind",
            "`cron` is no kind",
            "the kinds are `http`, `command`",
        ),
        (command("route", json!("/")), "(`t0`) route", "for HTTP", "leave it out"),
        (command("every", json!("soon")), "(`t0`) every", "not a duration", "30s"),
        (command("every", json!(0)), "(`t0`) every", "too short", "100ms"),
        (command("every", json!("400d")), "(`t0`) every", "too long", "366d"),
        (command("once", json!(false)), "(`t0`) once", "never be run", "every"),
        (command("args", json!("a")), "(`t0`) args", "a text", "array"),
        (command("args", json!(["a", 1])), "(`t0`) args[1]", "the number 1", "array"),
        (command("args", json!(["a\0"])), "(`t0`) args[0]", "NUL", "bytes"),
        (
            json!({ "component": "job", "kind": "command", "once": true, "every": 1 }),
            "(`t0`) once",
            "`every` as well",
            "leave out one",
        ),
        (
            mount(json!({ "volume": "date", "path": "/x" })),
            "(`t0`) mounts[0].volume",
            "no volume `date`",
            "did you mean `data`?; or add [application.trigger.larder.volumes.date]",
        ),
        (mount(json!({ "volume": "data", "path": "x" })), "(`t0`) mounts[0].path", "`x` is no absolute path", "slash"),
        (mount(json!({ "volume": "data", "path": "/a/../b" })), "(`t0`) mounts[0].path", "no absolute path", "`..`"),
        (
            mount(json!({ "volume": "data", "path": "/x", "subdir": "a/../.." })),
            "(`t0`) mounts[0].subdir",
            "no directory of the volume",
            "`..`",
        ),
        (
            mount(json!({ "volume": "data", "path": "/x", "mode": "rx" })),
            "(`t0`) mounts[0].mode",
            "`rx` is no mode",
            "`ro`, `rw`",
        ),
        (
            mount(json!({ "volume": "data", "path": "/x", "readonly": true })),
            "(`t0`) mounts[0].readonly",
            "not known",
            "the keys are",
        ),
        (mount(json!({ "path": "/x" })), "(`t0`) mounts[0].volume", "missing", "name of a volume"),
        (mount(json!({ "volume": "data" })), "(`t0`) mounts[0].path", "missing", "absolute path"),
        (mount(json!("data")), "(`t0`) mounts[0]", "a text", "table"),
        (
            json!({ "component": "web", "route": "/", "mounts": [{ "volume": "data", "path": "/" }] }),
            "(`t0`) mounts[0].path",
            "the component's `files` are at `/` already",
            "its own",
        ),
        (
            json!({ "component": "web", "route": "/", "mounts": [{ "volume": "data", "path": "/a" }, { "volume": "data", "path": "/a/" }] }),
            "(`t0`) mounts[1].path",
            "`mounts[0]` is at `/a` already",
            "its own",
        ),
    ] {
        let found = only(&settings, &[trigger]);
        let [found_key, found_message, found_help] = &found;
        assert!(found_key.ends_with(key), "{key}: {found:?}");
        assert!(found_message.contains(message) && found_help.contains(help), "{message}, {help}: {found:?}");
    }
    let [key, message, _] = only(&settings, &[]);
    assert_eq!((key.as_str(), message.as_str()), ("[[trigger.larder]]", "there is none"));
    let [key, message, _] = only(&settings, &[web(), json!({ "component": "job", "route": "/*" })]);
    assert!(
        key.ends_with("(`t1`) route") && message.contains("`/*` matches the same paths as `/...`"),
        "{key} {message}"
    );
}

#[test]
fn all_is_told_at_once_and_each_mistake_once() {
    let problems = read(
        &json!({ "volumes": { "data": { "s3": "s3://b", "memory": true, "limits": { "bytes": "x", "nodes": 1 } }, "z z": {} } }),
        &[
            json!({ "component": "web", "mounts": [{ "volume": "data", "path": "x" }, { "volume": "z z", "path": "/y", "mode": 1 }] }),
            json!({ "component": "nobody", "kind": "command", "route": "/" }),
        ],
    )
    .unwrap_err();
    let keys: Vec<&str> =
        problems.iter().map(|problem| problem.key.rsplit([']', ')']).next().unwrap_or("").trim()).collect();
    assert_eq!(
        keys,
        ["limits.bytes", "limits.nodes", "s3", "", ".path", ".mode", "route", "component", "route"],
        "{problems}"
    );
    let text = problems.to_string();
    assert!(
        text.starts_with("spin.toml asks Larder for what it cannot do:\n[application.trigger.larder.volumes."),
        "{text}"
    );
    assert_eq!(text.lines().count(), 1 + 2 * problems.len());
}

#[test]
fn numbers_of_things_are_bounded() {
    let many: serde_json::Map<String, Value> =
        (0..=MOST_VOLUMES).map(|number| (format!("v{number}"), json!({}))).collect();
    let [key, ..] = only(&json!({ "volumes": many }), &[web()]);
    assert_eq!(key, "[application.trigger.larder] volumes");
    let mounts: Vec<Value> =
        (0..=MOST_MOUNTS).map(|number| json!({ "volume": "d", "path": format!("/{number}") })).collect();
    let [key, ..] =
        only(&json!({ "volumes": { "d": {} } }), &[json!({ "component": "job", "route": "/", "mounts": mounts })]);
    assert!(key.ends_with(" mounts"), "{key}");
    let unknown: serde_json::Map<String, Value> =
        (0..MOST_SHOWN + 7).map(|number| (format!("k{number}"), json!(1))).collect();
    let problems = read(&json!(unknown), &[web()]).unwrap_err();
    assert_eq!((problems.iter().count(), problems.len()), (MOST_SHOWN, MOST_SHOWN + 7));
    assert!(problems.to_string().ends_with("and 7 more"));
}

/// Any JSON, with the manifest's keys and words among its own.
fn any_json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        prop::sample::select(vec![
            "volumes",
            "data",
            "file",
            "memory",
            "s3",
            "nats",
            "sync",
            "limits",
            "bytes",
            "inodes",
            "component",
            "kind",
            "http",
            "command",
            "route",
            "every",
            "once",
            "args",
            "mounts",
            "volume",
            "path",
            "mode",
            "ro",
            "subdir",
            "web",
            "job",
            "/",
            "/...",
            "/:a/b",
            "s3://b?state=x",
            "nats://h/v",
            "x.larder",
            "30s",
            "1GiB",
            "private",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,8}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(word.clone(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_manifest_panics(settings in any_json(), volumes in any_json(), triggers in prop::collection::vec(any_json(), 0..4)) {
        for settings in [settings, json!({ "volumes": volumes.clone() }), json!({ "volumes": { "data": volumes } })] {
            if let Err(problems) = read(&settings, &triggers) {
                prop_assert!(!problems.is_empty());
                // One line for the message and one for the help, whatever the manifest has.
                prop_assert_eq!(problems.to_string().lines().count(), 1 + 2 * problems.iter().count() + usize::from(problems.len() > MOST_SHOWN));
            }
        }
    }
}

#[test]
fn key_value_stores_are_in_volumes() {
    let volumes = json!({ "data": {} });
    let config = read(&json!({ "volumes": volumes }), &[web()]).unwrap();
    assert_eq!(config.stores, [(DEFAULT_STORE.to_owned(), StorePlace::Own)].into());
    let stores = json!({ "default": { "volume": "data" }, "other": { "volume": "data", "subdir": "/kv/" } });
    let config = read(&json!({ "volumes": volumes, "key_value_stores": stores }), &[web()]).unwrap();
    let place = |subdirectory: &str| StorePlace::Volume { volume: "data".into(), subdirectory: subdirectory.into() };
    assert_eq!(config.stores, [("default".to_owned(), place("")), ("other".to_owned(), place("kv"))].into());
    for (stores, expected) in [
        (json!({ "default": {} }), "key_value_stores.default.volume: it is missing"),
        (json!({ "default": { "volume": "dat" } }), "there is no volume `dat`"),
        (json!({ "default": { "volume": "data", "subdir": "../x" } }), "key_value_stores.default.subdir: `../x` is no"),
        (json!({ "x": { "volume": "data", "dir": "x" } }), "key_value_stores.x.dir: this key is not known"),
    ] {
        let problems = read(&json!({ "volumes": volumes, "key_value_stores": stores }), &[web()]).unwrap_err();
        assert_eq!(problems.len(), 1, "{problems}");
        assert!(problems.to_string().contains(expected), "{problems}");
    }
}

#[test]
fn a_store_that_nobody_configured_is_told_before_it_is_used() {
    let mut app = app(&json!({}), &[web()]);
    app.components[0].metadata.key_value_stores = vec!["default".into(), "sessions".into()];
    let problems = Config::read(&app).unwrap_err().to_string();
    assert!(
        problems.contains("[component.web] key_value_stores: nothing says where the store `sessions` is"),
        "{problems}"
    );
    assert!(problems.contains("add [application.trigger.larder.key_value_stores.sessions]"), "{problems}");
}
