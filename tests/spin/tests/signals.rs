//! Signals: whatever comes, and how often, the volumes are saved.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::time::Duration;

use larder_test_spin::{App, Ended, Plugin, Project, Site, Stop};
use serde_json::json;

fn app() -> App {
    App::over("http-files", "data", json!({}))
}

/// Puts a file, ends the plugin in some way, and looks for the file.
fn survives(with_spin: bool, end: impl Fn(&Plugin, &Site)) -> Ended {
    let project = Project::new();
    let up = project.up(&app());
    let up = if with_spin { up.with_spin() } else { up };
    let (plugin, site) = up.serve();
    assert_eq!(site.put("/kept", "by the first run").status, 201);
    end(&plugin, &site);
    let ended = plugin.ends();
    let (_again, site) = project.up(&app()).serve();
    assert_eq!(site.get("/kept").text(), "by the first run", "{ended}");
    ended
}

#[test]
fn the_first_signal_ends_it_in_order() {
    for signal in ["TERM", "INT"] {
        let ended = survives(false, |plugin, _| plugin.signal(signal));
        assert_eq!(ended.code, 0, "{signal}: {ended}");
    }
}

/// `spin up` gets SIGINT with the plugin, and sends SIGTERM behind it.
#[test]
fn ctrl_c_is_several_signals() {
    let ended = survives(true, |plugin, _| {
        let process = plugin.id();
        plugin.signal_group("INT");
        for _ in 0..2 {
            std::thread::sleep(Duration::from_millis(5));
            // It may be gone by now.
            let _ = std::process::Command::new("kill")
                .args(["-s", "TERM", &process.to_string()])
                .stderr(std::process::Stdio::null())
                .status();
        }
    });
    assert_eq!(ended.code, 0, "{ended}");
}

#[test]
fn many_signals_are_one() {
    // A request is under way, so that the end takes some time.
    let project = Project::new();
    let app = App::over("spin-files", "data", json!({}));
    let (plugin, site) = project.up(&app).serve();
    site.put("/write?path=/kept", "whole").ok();
    let waiting = std::thread::spawn({
        let site = site.clone();
        move || site.try_request("GET", "/sleep?ms=2000", &[], b"")
    });
    std::thread::sleep(Duration::from_millis(300));
    for signal in ["TERM", "TERM", "INT", "INT", "TERM"] {
        plugin.signal(signal);
        std::thread::sleep(Duration::from_millis(20));
    }
    let ended = plugin.ends();
    assert_eq!(ended.code, 0, "{ended}");
    // It was answered, although five signals came.
    assert_eq!(waiting.join().unwrap().unwrap().status, 204, "{ended}");
    let (_again, site) = project.up(&app).serve();
    assert_eq!(site.get("/read?path=/kept").text(), "whole");
}

#[test]
fn what_does_not_end_is_cut_off_and_the_rest_is_saved() {
    let project = Project::new();
    let app = App::over("spin-files", "data", json!({}));
    let (plugin, site) = project.up(&app).args(&["--grace", "1s"]).serve();
    site.put("/write?path=/kept", "whole").ok();
    let lost = std::thread::spawn(move || site.try_request("GET", "/spin", &[], b""));
    std::thread::sleep(Duration::from_millis(500));
    let begun = std::time::Instant::now();
    let ended = plugin.stop();
    assert!(begun.elapsed() < Duration::from_secs(20), "it took {:?}: {ended}", begun.elapsed());
    let _ = lost.join().unwrap();
    let (_again, site) = project.up(&app).serve();
    assert_eq!(site.get("/read?path=/kept").text(), "whole");
}

/// An idle connection, which a browser keeps, holds nothing up.
#[test]
fn an_idle_connection_is_closed() {
    let begun = std::time::Instant::now();
    survives(false, |plugin, site| {
        let mut idle = site.connect().unwrap();
        assert_eq!(idle.request("GET", "/kept", &[], b"").unwrap().status, 200);
        plugin.signal("TERM");
        assert!(idle.response(false).is_err(), "the connection was closed");
    });
    assert!(begun.elapsed() < Duration::from_secs(60));
}

/// `spin trigger-larder` is the parent. A trigger that outlives it would keep
/// its volumes from the next `spin up`.
#[test]
fn it_ends_with_its_parent() {
    let ended = survives(true, |plugin, _| plugin.signal_above(Stop::Trigger, "KILL"));
    assert_ne!(ended.code, 0, "what was above it was killed: {ended}");
}

/// Then `spin trigger-larder` goes on, as it was seen to do.
#[test]
fn it_ends_with_spin_up() {
    let ended = survives(true, |plugin, _| plugin.signal_above(Stop::Up, "KILL"));
    assert_ne!(ended.code, 0, "what was above it was killed: {ended}");
}

/// A signal before the app is ready ends it at once: nothing is there to save.
#[test]
fn a_signal_at_the_start() {
    for delay in [0, 20, 100, 400] {
        let project = Project::new();
        let plugin = project.up(&app()).start();
        std::thread::sleep(Duration::from_millis(delay));
        plugin.signal("TERM");
        let ended = plugin.ends();
        // Before it listens for signals, it is killed by them.
        assert!(ended.code == 0 || ended.code == -15, "{delay} ms: {ended}");
        let (_again, site) = project.up(&app()).serve();
        assert_eq!(site.get("/").status, 200);
    }
}
