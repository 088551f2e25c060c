//! The server: what it says at the start, where it listens, and its bounds.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::net::TcpListener;
use std::time::{Duration, Instant};

use larder_test_spin::{App, Component, Project, tiny, until};
use serde_json::{Value, json};

fn app() -> App {
    App::new("serving")
        .volume("data", json!({ "memory": true }))
        .component(Component::guest("web", "http-files").metadata("description", json!("Keeps files")))
        .component(Component::guest("sdk", "spin-files"))
        .trigger(json!({ "component": "web", "route": "/files/...", "mounts": [{ "volume": "data", "path": "/" }] }))
        .trigger(json!({ "component": "sdk", "route": "/exact" }))
        .trigger(json!({ "component": "sdk", "route": "/sdk/..." }))
}

#[test]
fn the_start_is_told_in_spins_words() {
    let project = Project::new();
    let (plugin, site) = project.up(&app()).serve();
    let base = format!("http://{}", site.address());
    assert!(site.port() != 0);
    let ended = plugin.stop();
    let lines: Vec<&str> = ended.out.lines().collect();
    let serving = lines.iter().position(|line| *line == format!("Serving {base}")).unwrap_or_else(|| panic!("{ended}"));
    assert_eq!(lines[serving + 1], "Available Routes:", "{ended}");
    for line in [
        format!("  web: {base}/files (wildcard)"),
        "    Keeps files".to_owned(),
        format!("  sdk: {base}/exact"),
        format!("  sdk: {base}/sdk (wildcard)"),
    ] {
        assert!(lines[serving..].contains(&line.as_str()), "`{line}` is not in: {ended}");
    }
}

#[test]
fn the_start_is_told_as_json() {
    let project = Project::new();
    let mut plugin = project.up(&app()).args(&["--format", "json", "--quiet"]).start();
    // Nothing else is on standard output.
    let told: Value = until("the JSON is whole", || serde_json::from_str(&plugin.output().0).ok());
    let base = told["base_url"].as_str().unwrap();
    assert!(base.starts_with("http://127.0.0.1:"), "{told}");
    let routes = told["routes"].as_array().unwrap();
    assert_eq!(routes.len(), 3, "{told}");
    let web = routes.iter().find(|route| route["id"] == "web").unwrap();
    assert_eq!((&web["route"], &web["wildcard"]), (&json!("/files"), &json!(true)), "{told}");
    plugin.stop();
}

#[test]
fn the_address_is_chosen_by_flag_or_environment() {
    let project = Project::new();
    let mut plugin = project.up(&app()).only_args(&[]).env("SPIN_HTTP_LISTEN_ADDR", "127.0.0.1:0").start();
    assert!(plugin.site().address().starts_with("127.0.0.1:"));
    let mut plugin = project.up(&app()).only_args(&["--listen=127.0.0.2:0"]).env("SPIN_HTTP_LISTEN_ADDR", "x").start();
    let site = plugin.site();
    assert!(site.address().starts_with("127.0.0.2:"));
    assert_eq!(site.get("/.well-known/spin/health").status, 200);
}

#[test]
fn an_address_that_is_taken_is_named() {
    let project = Project::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");
    let ended = project.up(&app()).only_args(&["--listen", &address]).refuses(&[&address, "--listen"]);
    assert!(!ended.out.contains("Serving"), "{ended}");
    project.up(&app()).only_args(&["--listen", "nonsense"]).refuses(&["nonsense"]);
    let mut plugin = project.up(&app()).only_args(&["--listen", &address, "--find-free-port"]).start();
    let site = plugin.site();
    assert!(site.port() > port, "{}", site.port());
    assert_eq!(site.get("/.well-known/spin/health").status, 200);
}

#[test]
fn a_request_that_takes_too_long_is_504() {
    let project = Project::new();
    let app = app()
        .component(Component::new("hanging", &tiny::hanging(&project)))
        .trigger(json!({ "component": "hanging", "route": "/hanging" }));
    let (plugin, site) = project.up(&app).args(&["--request-timeout", "1s"]).serve();
    for path in ["/hanging", "/sdk/spin", "/sdk/sleep?ms=60000"] {
        let begun = Instant::now();
        let answer = site.get(path);
        assert_eq!(answer.status, 504, "{path}: {answer:?}");
        assert!(begun.elapsed() < Duration::from_secs(15), "{path}: {:?}", begun.elapsed());
    }
    // The next ones are answered.
    assert_eq!(site.get("/sdk/count").status, 200);
    plugin.stop();
}

#[test]
fn more_requests_than_instances_wait() {
    let project = Project::new();
    let up = project.up(&app()).args(&["--max-instance-count", "2", "--max-instance-concurrent-reuse-count", "1"]);
    let (_plugin, site) = up.serve();
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| assert_eq!(site.get("/sdk/sleep?ms=50").status, 204));
        }
    });
    assert_eq!(site.get("/sdk/count").status, 200);
}

/// A guest that computes without a pause has its place for a second longer than
/// its request has time.
#[test]
fn who_waits_for_a_place_in_vain_is_told_503() {
    let project = Project::new();
    let app = app()
        .component(Component::new("hanging", &tiny::hanging(&project)))
        .trigger(json!({ "component": "hanging", "route": "/hanging" }));
    let up = project.up(&app).args(&["--request-timeout", "1s", "--max-instance-count", "1"]);
    let (_plugin, site) = up.serve();
    std::thread::scope(|scope| {
        let first = scope.spawn(|| site.get("/hanging").status);
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(site.get("/sdk/count").status, 503);
        assert_eq!(first.join().unwrap(), 504);
    });
}

/// One that sleeps beyond its request's time does not keep its place.
#[test]
fn a_late_guest_gives_its_place_back() {
    let project = Project::new();
    let up = project.up(&app()).args(&["--request-timeout", "4s", "--max-instance-count", "1"]);
    let (_plugin, site) = up.serve();
    assert_eq!(site.get("/sdk/sleep?ms=600000").status, 504);
    assert_eq!(site.get("/sdk/count").ok().trim(), "1", "it is another instance");
}

#[test]
fn bodies_come_whole() {
    let project = Project::new();
    let (_plugin, site) = project.up(&app()).serve();
    let large: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    site.put("/files/large", &large).ok();
    assert!(site.get("/files/large").body == large, "it is another");
    // On one connection, also without a body.
    let mut connection = site.connect().unwrap();
    for _ in 0..3 {
        assert_eq!(connection.request("GET", "/files/large", &[], b"").unwrap().body.len(), large.len());
        assert_eq!(connection.request("GET", "/none", &[], b"").unwrap().status, 404);
        assert_eq!(connection.request("PUT", "/files/small", &[], b"x").unwrap().status / 100, 2);
    }
    // In pieces whose sum nobody knew.
    let head = format!("PUT /files/pieces HTTP/1.1\r\nhost: {}\r\ntransfer-encoding: chunked\r\n\r\n", site.address());
    connection.send(head.as_bytes()).unwrap();
    connection.send(b"3\r\nabc\r\n").unwrap();
    std::thread::sleep(Duration::from_millis(100));
    connection.send(b"4\r\ndefg\r\n0\r\n\r\n").unwrap();
    assert_eq!(connection.response(false).unwrap().status, 201);
    assert_eq!(site.get("/files/pieces").text(), "abcdefg");
}

#[test]
fn what_is_no_request_is_refused() {
    let project = Project::new();
    let (_plugin, site) = project.up(&app()).serve();
    for request in ["GET / HTTP/1.1\r\n\r\n", "nonsense\r\n\r\n", "GET / HTTP/1.1\r\nhost: a b\r\n\r\n"] {
        let mut connection = site.connect().unwrap();
        connection.send(request.as_bytes()).unwrap();
        let answer = connection.response(false);
        assert!(answer.as_ref().map_or(true, |answer| answer.status == 400), "{request:?}: {answer:?}");
    }
    let mut connection = site.connect().unwrap();
    let large = format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "y".repeat(10 << 20));
    let _ = connection.send(large.as_bytes());
    assert!(connection.response(false).map_or(true, |answer| answer.status == 431));
    assert_eq!(site.get("/.well-known/spin/health").status, 200);
}
