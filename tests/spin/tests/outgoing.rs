//! Requests of guests: to the hosts that the manifest allows.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use larder_test_spin::{App, Component, Project, Response, Site};
use serde_json::json;

/// A server outside of the app, which counts the requests that come.
struct Outside {
    port: u16,
    came: Arc<AtomicU32>,
}

impl Outside {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let came = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&came);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let counted = Arc::clone(&counted);
                std::thread::spawn(move || {
                    let mut lines = BufReader::new(&stream).lines();
                    let first = lines.next().and_then(Result::ok).unwrap_or_default();
                    while lines.next().and_then(Result::ok).is_some_and(|line| !line.is_empty()) {}
                    counted.fetch_add(1, Ordering::Relaxed);
                    let body = format!("outside: {first}");
                    let head =
                        format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
                    let _ = (&stream).write_all((head + &body).as_bytes());
                });
            }
        });
        Self { port, came }
    }

    fn came(&self) -> u32 {
        self.came.load(Ordering::Relaxed)
    }
}

fn app(hosts: &[&str]) -> App {
    App::new("outgoing")
        .component(Component::guest("web", "spin-files").allowed_outbound_hosts(hosts))
        .trigger(json!({ "component": "web", "route": "/..." }))
}

fn out(site: &Site, url: &str) -> Response {
    let encoded: String = url.bytes().map(|byte| format!("%{byte:02X}")).collect();
    site.get(&format!("/out?url={encoded}"))
}

#[test]
fn allowed_hosts_are_asked() {
    let outside = Outside::start();
    let project = Project::new();
    let allowed = format!("http://127.0.0.1:{}", outside.port);
    let (_plugin, site) = project.up(&app(&[&allowed])).serve();
    let answer = out(&site, &format!("{allowed}/a/b?c=d"));
    assert_eq!(answer.ok(), "200\noutside: GET /a/b?c=d HTTP/1.1");
    assert_eq!(outside.came(), 1);
}

#[test]
fn other_hosts_are_not() {
    let (outside, other) = (Outside::start(), Outside::start());
    let project = Project::new();
    let allowed = format!("http://127.0.0.1:{}", outside.port);
    let (mut plugin, site) = project.up(&app(&[&allowed])).serve();
    let denied = format!("http://127.0.0.1:{}/", other.port);
    for url in [denied.as_str(), &format!("http://localhost:{}/", outside.port), "http://example.org/"] {
        let answer = out(&site, url);
        assert_eq!(answer.status, 502, "{url}: {answer:?}");
        assert!(answer.text().to_lowercase().contains("denied"), "{url}: {answer:?}");
    }
    assert_eq!((outside.came(), other.came()), (0, 0));
    // The operator is told what to write.
    let line = plugin.wait_for("allowed_outbound_hosts");
    assert!(line.contains(&other.port.to_string()), "{line}");
}

#[test]
fn without_hosts_nothing_is_asked() {
    let outside = Outside::start();
    let project = Project::new();
    let (_plugin, site) = project.up(&app(&[])).serve();
    assert_eq!(out(&site, &format!("http://127.0.0.1:{}/", outside.port)).status, 502);
    assert_eq!(outside.came(), 0);
}

#[test]
fn hosts_may_be_templates() {
    let outside = Outside::start();
    let project = Project::new();
    let app = app(&["http://{{ host }}:{{ port }}"]).variable("host", Some("127.0.0.1")).variable("port", None);
    let up = project.up(&app).env("SPIN_VARIABLE_PORT", outside.port.to_string());
    let (_plugin, site) = up.serve();
    assert_eq!(out(&site, &format!("http://127.0.0.1:{}/", outside.port)).status, 200);
    assert_eq!(out(&site, "http://127.0.0.1:1/").status, 502);
}

/// A host that is allowed and does not answer is an error of its own.
#[test]
fn a_host_that_is_not_there_is_not_denied() {
    let project = Project::new();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (_plugin, site) = project.up(&app(&["http://127.0.0.1:*"])).serve();
    let answer = out(&site, &format!("http://{closed}/"));
    assert_eq!(answer.status, 502);
    assert!(!answer.text().to_lowercase().contains("denied"), "{answer:?}");
}

#[test]
fn components_ask_each_other() {
    let project = Project::new();
    let app = |hosts: &[&str]| {
        App::new("chained")
            .component(Component::guest("web", "spin-files").allowed_outbound_hosts(hosts))
            .component(Component::guest("hidden", "spin-files").env("NAME", "hidden"))
            .component(Component::guest("other", "spin-files").env("NAME", "other"))
            .trigger(json!({ "component": "web", "route": "/web/..." }))
            .trigger(json!({ "component": "other", "route": "/other/..." }))
            .trigger(json!({ "component": "hidden", "route": { "private": true } }))
            .host_requirement("local_service_chaining")
    };
    let ask = |site: &Site, url: &str| {
        let encoded: String = url.bytes().map(|byte| format!("%{byte:02X}")).collect();
        site.get(&format!("/web/out?url={encoded}"))
    };
    let (_plugin, site) = project.up(&app(&["http://hidden.spin.internal"])).serve();
    assert_eq!(ask(&site, "http://hidden.spin.internal/env?name=NAME").ok(), "200\nhidden\n");
    assert_eq!(ask(&site, "http://other.spin.internal/env?name=NAME").status, 502, "it is not allowed");
    let (_plugin, site) = project.up(&app(&["http://*.spin.internal"])).serve();
    assert_eq!(ask(&site, "http://other.spin.internal/env?name=NAME").ok(), "200\nother\n");
    let told = ask(&site, "http://other.spin.internal/headers").ok();
    assert!(told.contains("spin-path-info: /headers"), "{told}");
    assert_eq!(ask(&site, "http://nobody.spin.internal/").status, 502);
}
