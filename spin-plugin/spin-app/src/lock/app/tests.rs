use proptest::prelude::*;
use serde_json::json;

use super::super::{ContentError, Inherit, SERVICE_CHAINING};
use super::*;

fn parse(value: &Value) -> Result<LockedApp, LockError> {
    LockedApp::parse(value.to_string().as_bytes())
}

/// A lock file with one component, of which `change` makes a case.
fn lock(change: impl FnOnce(&mut Value)) -> Value {
    let mut value = json!({
        "spin_lock_version": 0,
        "metadata": { "name": "app", "triggers": { "larder": { "volumes": {} } } },
        "triggers": [
            { "id": "web-larder-trigger", "trigger_type": "larder", "trigger_config": { "component": "web" } },
            { "id": "other-http-trigger", "trigger_type": "http", "trigger_config": { "component": "other" } },
        ],
        "components": [
            { "id": "web", "source": { "content_type": "application/wasm", "source": "file:///web.wasm" } },
            { "id": "other", "source": { "content_type": "application/wasm", "source": "file:///other.wasm" } },
        ],
    });
    change(&mut value);
    value
}

#[test]
fn both_versions_and_members_of_later_spins() {
    for version in [0, 1] {
        let app = parse(&lock(|lock| {
            lock["spin_lock_version"] = json!(version);
            lock["new"] = json!(1);
            lock["components"][0]["new"] = json!({ "a": [1] });
            lock["metadata"]["new"] = json!(null);
        }))
        .unwrap();
        assert_eq!(app.metadata.name.as_deref(), Some("app"));
        assert_eq!(app.triggers_of("larder").count(), 1);
        let components: Vec<&str> = app.components_of("larder").map(|component| component.id.as_str()).collect();
        assert_eq!(components, ["web"]);
    }
}

#[test]
fn what_cannot_be_honoured_is_refused_by_name() {
    for (case, expected) in [
        (lock(|lock| lock["spin_lock_version"] = json!(2)), "has the version 2"),
        (lock(|lock| lock["spin_lock_version"] = json!("x")), "has the version \"x\""),
        (lock(|lock| lock["must_understand"] = json!(["time_travel"])), "`time_travel` is understood"),
        (lock(|lock| lock["must_understand"] = json!([7])), "`7` is understood"),
        (lock(|lock| lock["components"][0]["id"] = json!("../web")), "not the name of a component"),
        (lock(|lock| lock["components"][0]["id"] = json!("")), "not the name of a component"),
        (lock(|lock| lock["components"][0]["id"] = json!("x".repeat(129))), "from 1 to 128 bytes"),
        (lock(|lock| lock["components"][1]["id"] = json!("web")), "two components are called `web`"),
        (lock(|lock| lock["triggers"][1]["id"] = json!("a\nb")), "not the name of a trigger"),
        (lock(|lock| lock["components"][0]["source"] = json!(null)), "not of a form"),
        (json!([]), "not of a form"),
        (json!({}), "spin_lock_version"),
    ] {
        let error = parse(&case).unwrap_err().to_string();
        assert!(error.contains(expected), "{expected}\n→ {error}");
    }
    assert!(matches!(LockedApp::parse(&vec![b' '; MOST_LOCK_BYTES + 1]), Err(LockError::TooLarge(_))));
    let many: Vec<Value> = (0..=MOST_ITEMS)
        .map(|number| json!({ "id": number.to_string(), "trigger_type": "http", "trigger_config": {} }))
        .collect();
    assert!(matches!(
        parse(&lock(|lock| lock["triggers"] = json!(many))),
        Err(LockError::TooMany { what: "trigger", .. })
    ));
}

#[test]
fn requirements_are_served_or_refused() {
    let required = json!({ SERVICE_CHAINING: "required" });
    let unserved = |case: &Value, served: &[&str]| match parse(case).unwrap().check_requirements("larder", served) {
        Ok(()) => Vec::new(),
        Err(Unserved(all)) => all.into_iter().map(|one| (one.component, one.name)).collect(),
    };
    let web = Some("web".to_owned());
    // Of a component of ours.
    let ours = lock(|lock| {
        lock["spin_lock_version"] = json!(1);
        lock["must_understand"] = json!(["component_host_requirements"]);
        lock["components"][0]["host_requirements"] = required.clone();
    });
    assert_eq!(unserved(&ours, &[]), [(web.clone(), SERVICE_CHAINING.to_owned())]);
    assert!(unserved(&ours, &[SERVICE_CHAINING]).is_empty());
    // Of another trigger's component: another process's matter.
    let others = lock(|lock| lock["components"][1]["host_requirements"] = required.clone());
    assert!(unserved(&others, &[]).is_empty());
    // Of the app.
    let apps = lock(|lock| lock["host_requirements"] = json!({ "warp": "required", "sound": "optional" }));
    assert_eq!(unserved(&apps, &[SERVICE_CHAINING]), [(None, "warp".to_owned())]);
    // What `spin up -c` leaves.
    let stale = lock(|lock| lock["must_understand"] = json!(["host_requirements", "component_host_requirements"]));
    assert!(unserved(&stale, &[]).is_empty());
    // Components around a trigger.
    let around = lock(|lock| {
        lock["triggers"][0]["trigger_dependencies"] =
            json!({ "middleware": [{ "source": { "content_type": "application/wasm", "source": "file:///m.wasm" } }] });
    });
    assert_eq!(unserved(&around, &[]), [(web, MIDDLEWARE.to_owned())]);
    let text = parse(&ours).unwrap().check_requirements("larder", &[]).unwrap_err().to_string();
    assert!(text.contains("`local_service_chaining` (component `web`): remove `http://*.spin.internal`"), "{text}");
}

#[test]
fn settings_are_where_new_and_old_spins_write_them() {
    let settings = |case: &Value| parse(case).unwrap().metadata.trigger_settings("larder");
    assert_eq!(settings(&lock(|_| {})), Some(json!({ "volumes": {} })));
    let old =
        lock(|lock| lock["metadata"] = json!({ "name": "x", "trigger": { "type": "larder", "volumes": { "a": {} } } }));
    assert_eq!(settings(&old), Some(json!({ "volumes": { "a": {} } })));
    let other = lock(|lock| lock["metadata"] = json!({ "trigger": { "type": "http", "base": "/" } }));
    assert_eq!(settings(&other), None);
    assert_eq!(settings(&lock(|lock| lock["metadata"] = json!({ "trigger": { "type": "larder" } }))), None);
}

#[test]
fn components_say_what_they_use() {
    let app = parse(&lock(|lock| {
        lock["components"][0]["dependencies"] = json!({
            "a:b": { "source": { "content_type": "application/wasm", "source": "file:///d.wasm" }, "export": null, "inherit": { "Some": ["files"] } },
            "c:d": { "source": { "content_type": "application/wasm", "source": "file:///d.wasm" }, "export": "e", "inherit": "All" },
            "e:f": { "source": { "content_type": "application/wasm", "source": "file:///d.wasm" } },
        });
        lock["components"][0]["files"] = json!([{ "source": "file:///w/assets/web", "path": "/" }, { "inline": "AA==", "path": "/x" }, { "path": "/y" }]);
    }))
    .unwrap();
    let web = app.component("web").unwrap();
    let inherit: Vec<&Inherit> = web.dependencies.values().map(|one| &one.inherit).collect();
    assert_eq!(inherit, [&Inherit::Some(vec!["files".to_owned()]), &Inherit::All, &Inherit::default()]);
    assert_eq!(web.dependencies["c:d"].export.as_deref(), Some("e"));
    let paths: Vec<_> = web.files.iter().map(|one| one.content.path()).collect();
    assert_eq!(
        paths,
        [Ok(std::path::PathBuf::from("/w/assets/web")), Err(ContentError::Inline), Err(ContentError::Nowhere)]
    );
}

#[test]
fn values_are_not_shown() {
    let app = parse(&lock(|lock| {
        lock["variables"] = json!({ "token": { "default": "hunter2", "secret": true } });
        lock["components"][0]["env"] = json!({ "PASSWORD": "hunter2" });
        lock["components"][0]["config"] = json!({ "key": "hunter2" });
    }))
    .unwrap();
    let shown = format!("{app:?}");
    assert!(shown.contains("PASSWORD") && !shown.contains("hunter2"), "{shown}");
}

/// Any JSON, with the lock file's keys among its own.
fn any_json() -> impl Strategy<Value = Value> {
    let keys = prop_oneof![
        prop::sample::select(vec![
            "spin_lock_version",
            "must_understand",
            "metadata",
            "host_requirements",
            "variables",
            "triggers",
            "components",
            "id",
            "trigger_type",
            "trigger_config",
            "source",
            "files",
            "env",
            "config",
            "dependencies",
            "path",
            "inherit",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,6}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0_u64..3).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(keys.clone(), inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_json_panics(mut value in any_json()) {
        let _ = parse(&value);
        if let Value::Object(map) = &mut value {
            map.insert("spin_lock_version".into(), 1.into());
            map.remove("must_understand");
            map.entry("triggers").or_insert_with(|| json!([]));
            map.entry("components").or_insert_with(|| json!([]));
            if let Ok(app) = parse(&value) {
                let _ = app.check_requirements("larder", &[]);
                let _ = app.metadata.trigger_settings("larder");
            }
        }
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        let _ = LockedApp::parse(&bytes);
    }
}
