//! SIGKILL in the middle: what was synced is there.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use larder_test_s3::{Access, Weed};
use larder_test_spin::{App, Project, Site, Up};
use serde_json::{Value, json};

/// Kills of each test, unless `LARDER_KILLS` says another number.
const KILLS: u32 = 6;

/// Clients that write.
const WRITERS: u32 = 8;

/// What a file has that was synced: its name, many times.
fn content(name: &str) -> String {
    name.repeat(500)
}

/// Writes new files until the server is gone; answers those that it said were
/// synced.
fn write(site: &Site, kill: u32) -> Vec<String> {
    let (synced, gone) = (Mutex::new(Vec::new()), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (synced, gone) = (&synced, &gone);
            scope.spawn(move || {
                for number in 0.. {
                    let name = format!("{kill}-{writer}-{number}");
                    let put = site.try_request("PUT", &format!("/{name}?sync"), &[], content(&name).as_bytes());
                    match put {
                        Ok(answer) if answer.status == 201 => synced.lock().unwrap().push(name),
                        Ok(answer) => panic!("{name}: {answer:?}"),
                        Err(_) => gone.store(true, Ordering::Relaxed),
                    }
                    if gone.load(Ordering::Relaxed) {
                        break;
                    }
                }
            });
        }
    });
    synced.into_inner().unwrap()
}

fn survives(volume: Value, up: impl for<'p> Fn(Up<'p>) -> Up<'p>) {
    let kills = std::env::var("LARDER_KILLS").map_or(KILLS, |number| number.parse().expect("LARDER_KILLS is a number"));
    let project = Project::new();
    let app = App::over("http-files", "data", volume);
    let mut synced = Vec::new();
    for kill in 0..kills {
        let (plugin, site) = up(project.up(&app)).serve();
        check(&site, &synced);
        let before = synced.len();
        std::thread::scope(|scope| {
            let writing = scope.spawn(|| write(&site, kill));
            // Another moment each time, with writes under way.
            std::thread::sleep(Duration::from_millis(400 + u64::from(kill) * 137 % 500));
            plugin.signal("KILL");
            synced.extend(writing.join().unwrap());
        });
        assert_eq!(plugin.ends().code, -9);
        assert!(synced.len() > before || kill > 0, "nothing was synced before the first kill");
        eprintln!("kill {kill}: {} files were synced", synced.len() - before);
    }
    assert!(!synced.is_empty());
    let (_plugin, site) = up(project.up(&app)).serve();
    check(&site, &synced);
    // Files that nobody was told of are whole, or not there.
    for name in site.get("/").text().lines() {
        if !name.starts_with('.') {
            assert!(site.get(&format!("/{name}")).text() == content(name), "{name} is a part");
        }
    }
}

fn check(site: &Site, synced: &[String]) {
    for name in synced {
        let answer = site.get(&format!("/{name}"));
        assert!(answer.status == 200 && answer.text() == content(name), "{name} was synced: {}", answer.status);
    }
}

#[test]
fn a_volume_in_a_file() {
    survives(json!({ "sync": true }), |up| up);
}

#[test]
fn a_volume_in_a_bucket() {
    let access = Weed::shared().access();
    access.make_bucket("spin-kills");
    let Access { endpoint, access_key, secret_key, region } = access;
    let state = tempfile::tempdir().unwrap();
    for (prefix, query) in [("through", ""), ("async", "?write=async")] {
        survives(json!({ "s3": format!("s3://spin-kills/{prefix}{query}") }), |up| {
            up.env("AWS_ENDPOINT_URL", &endpoint)
                .env("AWS_ACCESS_KEY_ID", &access_key)
                .env("AWS_SECRET_ACCESS_KEY", &secret_key)
                .env("AWS_REGION", &region)
                .env("XDG_STATE_HOME", state.path())
        });
    }
}
