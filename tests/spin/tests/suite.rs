//! The behavioural suite through HTTP: cases in a guest under the trigger, 64
//! requests at once, several in each instance.
//!
//! Each case has a route of its own, and for each way to run it volumes that
//! nobody used before.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::fmt::Write;
use std::sync::Barrier;
use std::time::Duration;

use larder_suite::{InProcess, Mount, Set, cases, sets_of};
use larder_test_s3::{Access, Weed};
use larder_test_spin::{App, Component, Project, Site, Up};
use serde_json::{Value, json};

/// Requests at once.
const CLIENTS: usize = 64;

/// The longest time of a case over a bucket, with 63 others beside it.
const PATIENCE: Duration = Duration::from_secs(300);

/// Most volumes of an app.
const MOST_VOLUMES: usize = 256;

/// By WASI 0.2, by its streams, and by WASI 0.3.
const WAYS: [&str; 3] = ["run", "run-streams", "run-p3"];

/// Where volumes are kept: what the manifest says of one with this name.
type Kept<'a> = &'a dyn Fn(&str) -> Value;

struct Case {
    name: &'static str,
    sets: Vec<Set>,
    /// So many turns are of one run.
    turns: u32,
}

impl Case {
    fn all() -> Vec<Self> {
        let all = cases::<InProcess>().into_iter().map(|case| {
            let sets = sets_of(case);
            let turns = sets.iter().map(|set| set.turn + 1).max().unwrap_or(1);
            Self { name: case.name, sets, turns }
        });
        all.collect()
    }

    /// The sets of the run of this number.
    fn sets_of_round(&self, round: usize) -> impl Iterator<Item = Set> {
        let first = self.first_turn(round);
        self.sets.iter().map(move |set| Set { limits: set.limits.clone(), turn: set.turn + first })
    }

    fn first_turn(&self, round: usize) -> u32 {
        self.turns * u32::try_from(round).unwrap()
    }
}

/// All limits, as a manifest has them: those of a host may be others.
fn limits(set: &Set) -> Value {
    let limits = &set.limits;
    json!({
        "bytes": limits.bytes,
        "inodes": limits.inodes,
        "file-bytes": limits.file_bytes,
        "name-bytes": limits.name_bytes,
        "path-bytes": limits.path_bytes,
        "directory-entries": limits.directory_entries,
        "open-handles": limits.open_handles,
        "links": limits.links,
        "symlink-depth": limits.symlink_depth,
    })
}

/// An app with a route for each of the cases.
fn app(cases: &[Case], ways: &[&str], kept: Kept<'_>, env: &[(&str, &str)]) -> App {
    let component = Component::guest("suite", "suite-guest-spin");
    let component = env.iter().fold(component, |component, (name, value)| component.env(name, value));
    let mut app = App::new("suite").component(component).volume("other", kept("other"));
    for (number, case) in cases.iter().enumerate() {
        let mut mounts = Vec::new();
        for round in 0..ways.len() {
            for (index, set) in case.sets_of_round(round).enumerate() {
                let name = format!("case-{number}-{round}-{index}");
                let mut volume = kept(&name);
                volume["limits"] = limits(&set);
                app = app.volume(&name, volume);
                for mount in Mount::ALL {
                    let path = set.mount_path(mount);
                    mounts.push(match mount {
                        Mount::Main => json!({ "volume": name, "path": path }),
                        Mount::ReadOnly => json!({ "volume": name, "path": path, "mode": "ro" }),
                        Mount::Scoped => json!({ "volume": name, "path": path, "subdir": "scope" }),
                        Mount::ScopedReadOnly => {
                            json!({ "volume": name, "path": path, "subdir": "scope", "mode": "ro" })
                        }
                        // Nobody asks how full it is.
                        Mount::Other => json!({ "volume": "other", "path": path, "subdir": name }),
                    });
                }
            }
        }
        app = app.trigger(json!({ "component": "suite", "route": format!("/{number}/..."), "mounts": mounts }));
    }
    app
}

/// How many of the first cases one app can have.
fn fitting(cases: &[Case], ways: &[&str]) -> usize {
    let mut volumes = 1;
    let fits = |case: &&Case| {
        volumes += case.sets.len() * ways.len();
        volumes <= MOST_VOLUMES
    };
    cases.iter().take(CLIENTS).take_while(fits).count()
}

/// Runs a case in each way, one after another; answers what failed, and the
/// most requests that one instance was seen to have had.
fn run(site: &Site, number: usize, case: &Case, ways: &[&str]) -> (String, u32) {
    let (mut failed, mut most) = (String::new(), 0);
    let mut connection = site.connect().unwrap();
    for (round, way) in ways.iter().enumerate() {
        let path = format!("/{number}/{way}/{}?turn={}", case.name, case.first_turn(round));
        let answer = connection.request("GET", &path, &[], b"");
        let expected = format!("ok {}\nrequest ", case.name);
        match answer.as_ref().map(|answer| (answer.status, answer.text())) {
            Ok((200, text)) if text.starts_with(&expected) => {
                let requests: u32 = text[expected.len()..].trim().parse().unwrap();
                most = most.max(requests);
            }
            other => writeln!(failed, "{way} {}: {other:?}", case.name).unwrap(),
        }
        if answer.is_err() {
            connection = site.connect().unwrap();
        }
    }
    (failed, most)
}

/// Passes the whole suite.
fn passes(ways: &[&str], kept: Kept<'_>, env: &[(&str, &str)], up: impl for<'p> Fn(Up<'p>) -> Up<'p>) {
    let all = Case::all();
    let mut rest = all.as_slice();
    let (mut done, mut reused, mut full) = (0, 0, false);
    while !rest.is_empty() {
        let count = fitting(rest, ways);
        assert!(count > 0, "{} needs too many volumes", rest[0].name);
        let (now, later) = rest.split_at(count);
        rest = later;
        full |= count == CLIENTS;
        let project = Project::new();
        let timeout = format!("{}s", PATIENCE.as_secs());
        let arguments = ["--idle-instance-timeout", "30s", "--request-timeout", &timeout];
        let (plugin, site) = up(project.up(&app(now, ways, kept, env)).args(&arguments)).serve();
        let site = site.patient(PATIENCE);
        let start = Barrier::new(count);
        let results: Vec<(String, u32)> = std::thread::scope(|scope| {
            let clients: Vec<_> = now
                .iter()
                .enumerate()
                .map(|(number, case)| {
                    let (site, start) = (&site, &start);
                    scope.spawn(move || {
                        start.wait();
                        run(site, number, case, ways)
                    })
                })
                .collect();
            clients.into_iter().map(|client| client.join().unwrap()).collect()
        });
        let failed: String = results.iter().map(|(failed, _)| failed.as_str()).collect();
        let ended = plugin.stop();
        assert!(failed.is_empty(), "{failed}\n{}", ended.err);
        done += count;
        reused += results.iter().filter(|(_, most)| *most > 1).count();
    }
    assert_eq!(done, all.len());
    assert!(full || ways.len() > 1, "never {CLIENTS} at once");
    // Instances make room for each other, so that not each case has one alone.
    assert!(reused * 2 > done, "instances of {reused} of {done} cases had several requests");
}

#[test]
fn on_volumes_in_memory() {
    passes(&WAYS, &|_| json!({ "memory": true }), &[], |up| up);
}

#[test]
fn on_volumes_in_files() {
    passes(&WAYS, &|_| json!({}), &[], |up| up);
}

/// A bucket of its own, and the environment with which the plugin reaches it.
fn bucket(name: &str) -> Vec<(String, String)> {
    let access = Weed::shared().access();
    access.make_bucket(name);
    let Access { endpoint, access_key, secret_key, region } = access;
    [
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_ACCESS_KEY_ID", access_key),
        ("AWS_SECRET_ACCESS_KEY", secret_key),
        ("AWS_REGION", region),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// With `write=through` an object is stored when a descriptor is closed. Each
/// write by WASI 0.3 is a stream, with a descriptor of its own: 40,000 appends
/// would take minutes.
#[test]
fn on_volumes_in_a_bucket() {
    let ways =
        [("spin-suite-through", "", ["run", "run-streams"]), ("spin-suite-async", "?write=async", ["run", "run-p3"])];
    for (name, query, ways) in ways {
        let env = bucket(name);
        // Journals are of this test.
        let state = tempfile::tempdir().unwrap();
        let kept = |volume: &str| json!({ "s3": format!("s3://{name}/{volume}{query}") });
        // A key has 1,024 bytes, and the prefix is a part of it.
        passes(&ways, &kept, &[("LONGEST_PATH", "900")], |up| {
            let up = up.env("XDG_STATE_HOME", state.path());
            env.iter().fold(up, |up, (name, value)| up.env(name, value))
        });
    }
}
