//! Which component answers a request, and what it is told.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::net::TcpStream;

use larder_test_spin::{App, Component, Project, Response, Site, Spin, tiny};
use serde_json::{Value, json};

/// A component behind each route, which names itself.
fn routed(routes: &[(&str, &str)]) -> App {
    routes.iter().fold(App::new("routed"), |app, (id, route)| {
        app.component(Component::guest(id, "spin-files").env("NAME", id))
            .trigger(json!({ "component": id, "route": route }))
    })
}

/// What the guest was told of its request.
fn headers(answer: &Response) -> BTreeMap<String, String> {
    let lines = answer.ok();
    let pairs = lines.lines().filter_map(|line| line.split_once(": "));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[test]
fn the_closest_route_gets_the_request() {
    let project = Project::new();
    let app = routed(&[
        ("all", "/..."),
        ("exact", "/headers"),
        ("wild", "/w/..."),
        ("deep", "/w/b/..."),
        ("parameter", "/p/:id/..."),
        ("named", "/p/x/..."),
    ]);
    let (_plugin, site) = project.up(&app).serve();
    for (path, component) in
        [("/env", "all"), ("/w/env", "wild"), ("/w/b/env", "deep"), ("/p/7/env", "parameter"), ("/p/x/env", "named")]
    {
        assert_eq!(site.get(&format!("{path}?name=NAME")).ok(), format!("{component}\n"), "{path}");
    }
    for (path, route) in [("/headers", "/headers"), ("/headers?x", "/headers"), ("/w/headers", "/w/...")] {
        assert_eq!(headers(&site.get(path))["spin-raw-component-route"], route, "{path}");
    }
}

#[test]
fn guests_are_told_what_spin_tells() {
    let project = Project::new();
    let app = App::new("told")
        .component(Component::guest("web", "spin-files"))
        .trigger(json!({ "component": "web", "route": "/shop/:user-id/..." }));
    let (_plugin, site) = project.up(&app).serve();
    let mut connection = TcpStream::connect(site.address()).unwrap();
    let client = connection.local_addr().unwrap();
    let request = "GET /shop/4%202/headers?a=b%20c&d HTTP/1.1\r\nHost: shop.example:99\r\nX-Mine: yes\r\n\
                   Connection: close\r\n\r\n";
    std::io::Write::write_all(&mut connection, request.as_bytes()).unwrap();
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut connection, &mut answer).unwrap();
    let told: BTreeMap<&str, &str> = answer.lines().filter_map(|line| line.split_once(": ")).collect();
    let client = client.to_string();
    for (name, value) in [
        ("spin-path-info", "/headers"),
        ("spin-full-url", "http://shop.example:99/shop/4%202/headers?a=b%20c&d"),
        ("spin-matched-route", "/shop/:user-id/..."),
        ("spin-base-path", "/"),
        ("spin-raw-component-route", "/shop/:user-id/..."),
        ("spin-component-route", "/shop/:user-id"),
        ("spin-client-addr", client.as_str()),
        ("spin-path-match-user-id", "4%202"),
        ("x-mine", "yes"),
        // Spin shows it to guests, other than `wasi:http` itself.
        ("host", "shop.example:99"),
    ] {
        assert_eq!(told.get(name), Some(&value), "{name}: {answer}");
    }
}

#[test]
fn a_client_cannot_forge_what_guests_are_told() {
    let project = Project::new();
    let app = App::new("forged")
        .component(Component::guest("web", "spin-files"))
        .trigger(json!({ "component": "web", "route": "/:user/..." }));
    let (_plugin, site) = project.up(&app).serve();
    let forged = [
        ("spin-path-info", "/trap"),
        ("Spin-Client-Addr", "6.6.6.6:6"),
        ("SPIN-FULL-URL", "http://evil/"),
        ("spin-path-match-user", "root"),
        ("spin-path-match-other", "root"),
        ("spin-component-route", "/evil"),
    ];
    let answer = site.request("GET", "/me/headers", &forged, b"");
    let text = answer.ok();
    for evil in ["/trap", "6.6.6.6", "evil", "root"] {
        assert!(!text.contains(evil), "{evil} is in: {text}");
    }
    assert_eq!(headers(&answer)["spin-path-match-user"], "me");
    assert_eq!(text.matches("spin-client-addr").count(), 1, "{text}");
}

#[test]
fn what_no_route_has_is_not_found() {
    let project = Project::new();
    let app = routed(&[("one", "/one/..."), ("two", "/two")]);
    let (_plugin, site) = project.up(&app).serve();
    for path in ["/", "/on", "/oneness", "/two/more", "/.well-known/spin/none", "/.well-known/other"] {
        let answer = site.get(path);
        assert_eq!((answer.status, answer.body.len()), (404, 0), "{path}: {answer:?}");
    }
    // The wildcard matches nothing as well.
    assert_eq!(site.get("/one").text(), "no such request\n");
}

#[test]
fn health_and_info_are_the_triggers_own() {
    for spin in [Spin::V4_0, Spin::V4_1] {
        let project = Project::new();
        let (_plugin, site) = project.up(&routed(&[("all", "/...")]).by(spin)).serve();
        let health = site.get("/.well-known/spin/health");
        assert_eq!((health.status, health.text().as_str()), (200, "OK"));
        let info = site.get("/.well-known/spin/info");
        assert_eq!(info.header("content-type"), Some("application/json"));
        let info: Value = serde_json::from_slice(&info.body).unwrap();
        assert_eq!(info["name"], "routed");
        assert_eq!(info["version"], "0.1.0");
    }
}

#[test]
fn a_private_component_has_no_route() {
    let project = Project::new();
    let app = App::new("private")
        .component(Component::guest("web", "spin-files"))
        .component(Component::guest("hidden", "spin-files"))
        .trigger(json!({ "component": "web", "route": "/web/..." }))
        .trigger(json!({ "component": "hidden", "route": { "private": true } }));
    let (_plugin, site) = project.up(&app).serve();
    for path in ["/", "/hidden", "/count", "/hidden/count"] {
        assert_eq!(site.get(path).status, 404, "{path}");
    }
    assert_eq!(site.get("/web/count").text(), "1\n");
}

#[test]
fn two_triggers_cannot_have_one_route() {
    let project = Project::new();
    project.up(&routed(&[("one", "/a/:x"), ("two", "/a/:y")])).refuses(&["route", "/a/:x", "/a/:y"]);
}

#[test]
fn other_types_of_triggers_are_not_ours() {
    let project = Project::new();
    let app = routed(&[("web", "/...")])
        .component(Component::new("of-http", &tiny::importing(&project, "spin:sqlite/sqlite@3.1.0")))
        .other_trigger("http", json!({ "component": "of-http", "route": "/..." }));
    let (_plugin, site) = project.up(&app).serve();
    assert_eq!(site.get("/env?name=NAME").text(), "web\n");
}

#[test]
fn a_trap_is_500_and_the_next_request_works() {
    let project = Project::new();
    let app = routed(&[("web", "/...")])
        .component(Component::new("tiny", &tiny::trapping(&project)))
        .component(Component::new("silent", &tiny::silent(&project)))
        .trigger(json!({ "component": "tiny", "route": "/tiny" }))
        .trigger(json!({ "component": "silent", "route": "/silent" }));
    let (mut plugin, site) = project.up(&app).serve();
    for round in 0..3 {
        for path in ["/trap", "/tiny", "/silent"] {
            let answer = site.get(path);
            assert_eq!(answer.status, 500, "{path}, round {round}: {answer:?}");
            assert!(!answer.text().contains("wasm"), "nothing of the inside is told: {answer:?}");
        }
        assert_eq!(site.get("/env?name=NAME").text(), "web\n");
    }
    // The operator is told what and where.
    plugin.wait_for("GET /tiny");
    // Also while others are answered by the same component.
    std::thread::scope(|scope| {
        for client in 0..24 {
            let site = &site;
            scope.spawn(move || {
                if client % 6 == 0 {
                    assert_eq!(site.get("/trap").status, 500);
                } else {
                    // One that shares an instance with a trap ends with it.
                    let answer = site.get("/env?name=NAME");
                    assert!(answer.status == 500 || answer.text() == "web\n", "{answer:?}");
                }
            });
        }
    });
    assert_eq!(site.get("/env?name=NAME").text(), "web\n");
    plugin.stop();
}

#[test]
fn the_demo_components_of_both_sdks_run() {
    let project = Project::new();
    let app = App::new("hello")
        .component(Component::guest("seven", "spin-7-hello"))
        .component(Component::guest("five", "spin-5-hello"))
        // As the SDK's own template builds it: for wasm32-wasip1.
        .component(Component::guest("module", "spin-5-hello-p1"))
        .trigger(json!({ "component": "seven", "route": "/seven/..." }))
        .trigger(json!({ "component": "five", "route": "/five/..." }))
        .trigger(json!({ "component": "module", "route": "/module/..." }));
    let (mut plugin, site) = project.up(&app).serve();
    for (path, component) in [("/seven/a?b=c", "seven"), ("/five/a?b=c", "five"), ("/module/a?b=c", "module")] {
        let answer = site.get(path);
        assert_eq!((answer.status, answer.text().as_str()), (200, "Hello World!"), "{path}");
        assert_eq!(answer.header("content-type"), Some("text/plain"));
        let line = plugin.wait_for("Handling request");
        let url = format!("http://{}{path}", site.address());
        assert!(line.contains(&url), "{component}: {line}");
    }
}

#[test]
fn instances_are_reused_as_far_as_they_may_be() {
    let project = Project::new();
    let app = routed(&[("web", "/...")]);
    let count = |site: &Site| site.get("/count").ok().trim().parse::<u32>().unwrap();
    let (_plugin, site) = project.up(&app).args(&["--idle-instance-timeout", "60s"]).serve();
    assert_eq!((1..=5).map(|_| count(&site)).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    let (_plugin, site) = project.up(&app).args(&["--max-instance-reuse-count", "2"]).serve();
    assert!((0..6).all(|_| count(&site) <= 2));
    let (_plugin, site) = project.up(&app).args(&["--max-instance-reuse-count", "1"]).serve();
    assert!((0..4).all(|_| count(&site) == 1));
    let (_plugin, site) = project.up(&app).args(&["--idle-instance-timeout", "100ms"]).serve();
    assert_eq!(count(&site), 1);
    std::thread::sleep(std::time::Duration::from_millis(1500));
    assert_eq!(count(&site), 1, "the idle one is gone");
}
