//! Apps, as they were built, over volumes in a bucket: what they wrote is there
//! on a host that never saw the volume, also after a kill.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use larder_e2e::bucket::{Host, TestBucket};
use larder_e2e::built::{guest, provider};
use larder_e2e::run::{succeeds, told};
use larder_e2e::served::{Running, until};
use larder_e2e::sqlite::survives;
use larder_test_nats::Nats;
use larder_test_s3::{Access, Weed};

/// The modes that promise something of their own.
const MODES: [&str; 4] = ["", "?read=through", "?write=async", "?read=through&write=async"];

fn json(command: &mut Command) -> serde_json::Value {
    serde_json::from_str(&succeeds(command)).unwrap()
}

#[test]
fn files_are_there_on_an_empty_host() {
    for mode in MODES {
        let bucket = TestBucket::make();
        let one = bucket.host();
        succeeds(&mut one.run(mode, "", "rust-files.wasm", &["create", "/kept", "100"]));
        succeeds(&mut bucket.host().run(mode, "", "rust-files.wasm", &["verify", "/kept", "100"]));
        // On the host that has the journal's directory, and for a core module.
        succeeds(&mut one.run(mode, "", "rust-files-p1.wasm", &["verify", "/kept", "100"]));
        succeeds(&mut bucket.host().run(mode, ":ro", "rust-files.wasm", &["verify", "/kept", "100"]));
        succeeds(&mut bucket.host().run(mode, "", "rust-files.wasm", &["all", "/all", "50"]));
        succeeds(&mut bucket.host().run(mode, "", "rust-files.wasm", &["remove", "/kept", "100"]));
        let left: Vec<_> = bucket.objects().into_iter().filter(|(key, _)| !key.starts_with(".larder/")).collect();
        assert_eq!(left, [], "{mode}: all was removed");
    }
}

#[test]
fn objects_are_files_for_everybody() {
    let bucket = TestBucket::make();
    bucket.put("in/note.txt", "from another client");
    let host = bucket.host();
    let read = host.run("", "", "rust-files.wasm", &["cat", "/in/note.txt"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&read.stdout), "from another client");
    succeeds(&mut host.run("", "", "rust-files.wasm", &["write-loop", "/in/log", "3"]));
    let objects = bucket.objects();
    assert!(objects.iter().any(|(key, size)| key == "in/log" && *size > 0), "{objects:?}");
}

#[test]
fn the_file_commands_work_on_a_bucket() {
    let bucket = TestBucket::make();
    let host = bucket.host();
    let place = |path: &str| format!("{}:{path}", bucket.address(""));
    std::fs::create_dir_all(host.directory().join("site/deep")).unwrap();
    std::fs::write(host.directory().join("site/index.html"), "<p>").unwrap();
    std::fs::write(host.directory().join("site/deep/ü b"), vec![7; 100_000]).unwrap();
    succeeds(&mut host.larder(&["cp", "-r", "site", &place("/")]));
    succeeds(&mut host.larder(&["mkdir", "-p", &place("/a/b")]));
    let other = bucket.host();
    assert_eq!(succeeds(&mut other.larder(&["ls", &place("/")])), "a\nsite\n");
    assert_eq!(succeeds(&mut other.larder(&["cat", &place("/site/index.html")])), "<p>");
    let stat = json(&mut other.larder(&["stat", "--json", &place("/site/deep/ü b")]));
    assert_eq!(stat.pointer("/0/size"), Some(&100_000.into()));
    let tree = succeeds(&mut other.larder(&["tree", &place("/")]));
    assert!(tree.contains("ü b") && tree.contains("4 directories, 2 files"), "{tree}");
    succeeds(&mut other.larder(&["export", &place("/site"), "copy"]));
    assert_eq!(std::fs::read(other.directory().join("copy/deep/ü b")).unwrap(), vec![7; 100_000]);
    succeeds(&mut other.larder(&["cp", "-r", &place("/site"), "copy.larder:/"]));
    succeeds(&mut other.larder(&["cp", "-r", "copy.larder:/site", &place("/again")]));
    succeeds(&mut other.larder(&["rm", "-r", &place("/site"), &place("/a")]));
    assert_eq!(succeeds(&mut host.larder(&["ls", &place("/")])), "again\n");
    let usage = json(&mut host.larder(&["df", "--json", &bucket.address("")]));
    assert!(usage.pointer("/0/bytes").and_then(serde_json::Value::as_u64).is_some_and(|bytes| bytes >= 100_000));
    // `import` through the journal, which is empty at the end.
    succeeds(&mut host.larder(&["import", "site", &bucket.address("?write=async")]));
    assert_eq!(succeeds(&mut bucket.host().larder(&["cat", &place("/index.html")])), "<p>");
}

/// Starts a guest that writes `/x` and waits, and returns once it has.
fn waiting(host: &Host<'_>, query: &str) -> Running {
    let mut command = host.run(query, "", "rust-files.wasm", &["spin", "/x", "60"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let line = BufReader::new(child.stdout.take().unwrap()).lines().next().unwrap().unwrap();
    assert!(line.contains("ready"), "{line}");
    Running(child)
}

fn signal(running: &Running, name: &str) {
    let status = Command::new("kill").args(["-s", name, &running.0.id().to_string()]).status().unwrap();
    assert!(status.success());
}

#[test]
fn a_signal_loses_nothing() {
    for (mode, name, code) in [("", "TERM", 143), ("?write=async&age=1h", "INT", 130)] {
        let bucket = TestBucket::make();
        let host = bucket.host();
        let mut running = waiting(&host, mode);
        signal(&running, name);
        assert_eq!(running.0.wait().unwrap().code(), Some(code), "{mode}");
        let found = succeeds(&mut bucket.host().larder(&["cat", &format!("{}:/x", bucket.address(""))]));
        assert_eq!(found, "written before the wait\n", "{mode}");
    }
}

#[test]
fn a_kill_loses_nothing_that_was_acknowledged() {
    // The bucket has it.
    let bucket = TestBucket::make();
    let host = bucket.host();
    drop(waiting(&host, ""));
    let place = format!("{}:/x", bucket.address(""));
    assert_eq!(succeeds(&mut bucket.host().larder(&["cat", &place])), "written before the wait\n");

    // The journal has it, and the bucket when this host has it open again.
    let bucket = TestBucket::make();
    let host = bucket.host();
    drop(waiting(&host, "?write=async&age=1h"));
    let place = format!("{}:/x", bucket.address(""));
    let missing = bucket.host().larder(&["cat", &place]).output().unwrap();
    assert!(!missing.status.success(), "it was not to go to the bucket for an hour");
    succeeds(&mut host.run("?write=async", "", "rust-files.wasm", &["cat", "/x"]));
    assert_eq!(succeeds(&mut bucket.host().larder(&["cat", &place])), "written before the wait\n");
}

#[test]
fn a_bucket_that_is_away_at_the_end_has_everything_later() {
    let mut weed = Weed::start();
    let bucket = TestBucket::on(&weed);
    let host = bucket.host();
    let mut running = waiting(&host, "?write=async&age=1h&patience=2s");
    weed.kill();
    signal(&running, "TERM");
    // Not saved, and not for ever in ending.
    let started = Instant::now();
    assert_eq!(running.0.wait().unwrap().code(), Some(74));
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    let mut status = host.larder(&["s3", "status", &bucket.address("")]);
    let output = status.output().unwrap();
    let said = told(&status, &output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("changes in the bucket") && said.contains("is done again at the next opening"), "{said}");
    weed.start_again();
    succeeds(&mut host.run("?write=async", "", "rust-files.wasm", &["cat", "/x"]));
    let found = succeeds(&mut bucket.host().larder(&["cat", &format!("{}:/x", bucket.address(""))]));
    assert_eq!(found, "written before the wait\n");
}

fn sqlite_survives(name: &str, query: &str) {
    let bucket = TestBucket::make();
    let sqlite = |host: &Host<'_>, arguments: &[&str]| {
        let mut command = host.run(query, ":sync", "python-sqlite.wasm", arguments);
        command.env("LARDER_LOG", "larder_s3=warn");
        command
    };
    succeeds(&mut sqlite(&bucket.host(), &["init"]));
    // Each on a host that has nothing: what was synced is in the bucket.
    let mut hosts = Vec::new();
    survives(
        name,
        // See sqlite_kills.rs.
        1,
        || {
            hosts.push(bucket.host());
            sqlite(hosts.last().unwrap(), &["work", "1000000"])
        },
        || succeeds(&mut sqlite(&bucket.host(), &["check"])),
    );
}

#[test]
fn sqlite_survives_kills_with_writes_through() {
    sqlite_survives("through", "");
}

#[test]
fn sqlite_survives_kills_with_asynchronous_writes() {
    sqlite_survives("async", "?write=async&read=through");
}

#[test]
fn the_status_tells_of_an_open_volume() {
    let bucket = TestBucket::make();
    let host = bucket.host();
    let status = |host: &Host<'_>| json(&mut host.larder(&["s3", "status", "--json", &bucket.address("")]));
    let before = status(&host);
    assert_eq!((before.pointer("/open"), before.pointer("/bucket/groups")), (Some(&false.into()), Some(&0.into())));
    let mut running = waiting(&host, "");
    let open = until("the status is written", || {
        Some(status(&host)).filter(|status| status.pointer("/status/stored").is_some_and(|stored| *stored != 0))
    });
    assert_eq!(open.pointer("/open"), Some(&true.into()), "{open}");
    assert_eq!(open.pointer("/status/process"), Some(&running.0.id().into()), "{open}");
    let told = succeeds(&mut host.larder(&["s3", "status", &bucket.address("")]));
    assert!(told.contains("PutObject"), "{told}");
    signal(&running, "TERM");
    running.0.wait().unwrap();
    let closed = status(&host);
    assert_eq!(closed.pointer("/open"), Some(&false.into()));
    assert_eq!(closed.pointer("/status/state"), Some(&"closed".into()));
    assert_eq!(closed.pointer("/status/recorded"), closed.pointer("/status/stored"));
    assert_eq!(status(&bucket.host()).pointer("/status"), Some(&serde_json::Value::Null));
}

#[test]
fn a_bucket_is_checked() {
    let bucket = TestBucket::make();
    let host = bucket.host();
    let findings = json(&mut host.larder(&["s3", "check", "--json", &bucket.address("")]));
    assert!(findings.as_array().is_some_and(|all| all.len() == 6), "{findings}");
    assert_eq!(bucket.objects(), []);
    let mut wrong = host.larder(&["s3", "check", "s3://no-such-bucket"]);
    let output = wrong.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", told(&wrong, &output));
    assert!(String::from_utf8_lossy(&output.stdout).contains("FAILED  list"), "{}", told(&wrong, &output));
}

#[test]
fn a_configuration_file_has_the_credentials() {
    let bucket = TestBucket::make();
    let host = bucket.host();
    let access = bucket.access();
    let file = host.directory().join("s3.toml");
    let text = format!(
        "[volume.data]\nbucket = '{}'\nendpoint = '{}'\naccess_key_id = '{}'\nsecret_access_key = '{}'\n",
        bucket.name(),
        access.endpoint,
        access.access_key,
        access.secret_key
    );
    std::fs::write(&file, text).unwrap();
    let set = |mode: &str| assert!(Command::new("chmod").arg(mode).arg(&file).status().unwrap().success());
    set("600");
    let bare = |arguments: &[&str]| {
        let mut command = host.larder(arguments);
        for name in ["AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            command.env_remove(name);
        }
        command.env("LARDER_S3_CONFIG", &file);
        command
    };
    succeeds(&mut bare(&["mkdir", &format!("{}:/made", bucket.address(""))]));
    assert_eq!(succeeds(&mut bare(&["ls", &bucket.address("")])), "made\n");
}

#[test]
fn apps_of_an_up_file_share_a_bucket() {
    let bucket = TestBucket::make();
    let host = bucket.host();
    let app = guest("rust-files.wasm");
    let text = format!(
        "[volumes.shared]\ns3 = '{}'\n\
         [[app]]\nname = 'writer'\nwasm = '{app}'\nargs = ['write-loop', '/w/log', '5']\nmounts = [{{ volume = 'shared', path = '/w' }}]\n\
         [[app]]\nname = 'reader'\nwasm = '{app}'\nargs = ['follow', '/r/log', '5']\nmounts = [{{ volume = 'shared', path = '/r', mode = 'ro' }}]\n",
        bucket.address(""),
        app = app.display()
    );
    std::fs::write(host.directory().join("apps.toml"), text).unwrap();
    succeeds(&mut host.larder(&["up", "apps.toml"]));
    let objects = bucket.objects();
    assert!(objects.iter().any(|(key, _)| key == "log"), "{objects:?}");
}

/// Serves the bucket's volume over NATS from a host; the access key is in the
/// configuration.
fn serve(host: &Host<'_>, nats: &Nats, address: &str, access: &Access) -> Running {
    let config = host.directory().join("provider.toml");
    std::fs::write(host.directory().join("secret"), format!("{}\n", access.secret_key)).unwrap();
    let id = &access.access_key;
    let text = format!(
        "[volumes.data]\ns3 = '{address}'\nwritable = true\ns3_access_key_id = '{id}'\ns3_secret_access_key_file = 'secret'\n"
    );
    std::fs::write(&config, text).unwrap();
    let mut command = host.command(&provider());
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    command.arg("--config").arg(config).args(["--nats", &nats.url()]).stderr(Stdio::null()).stdout(Stdio::null());
    let running = Running(command.spawn().unwrap());
    let volume = format!("{}/data", nats.url());
    until("larder-provider answers", || host.larder(&["df", &volume]).output().ok()?.status.success().then_some(()));
    running
}

#[test]
fn a_served_volume_moves_to_an_empty_host() {
    for mode in ["", "?write=async"] {
        let bucket = TestBucket::make();
        let nats = Nats::start();
        let (one, other) = (bucket.host(), bucket.host());
        let run = |host: &Host<'_>, arguments: &[&str]| {
            let mut command = host.larder(&["run", "-v", &format!("{}/data::/", nats.url())]);
            succeeds(command.arg(guest("python-sqlite.wasm")).args(arguments))
        };
        let serving = serve(&one, &nats, &bucket.address(mode), bucket.access());
        run(&one, &["init"]);
        run(&one, &["work", "5"]);
        // SIGKILL: nothing is brought to the bucket at the end.
        drop(serving);
        std::thread::sleep(Duration::from_millis(200));
        let mut serving = serve(&other, &nats, &bucket.address(mode), bucket.access());
        let checked = run(&other, &["check"]);
        assert!(checked.contains("integrity ok") && checked.contains("committed 5"), "{mode}: {checked}");
        run(&other, &["work", "2"]);
        signal(&serving, "TERM");
        assert!(serving.0.wait().unwrap().success());
    }
}
