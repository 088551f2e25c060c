//! Where the output of components goes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use larder_test_spin::{App, Component, Project, until};
use serde_json::{Value, json};

/// Two commands that print to standard output and error once, and a server
/// which keeps the app alive.
fn app() -> App {
    App::new("logs")
        .component(Component::guest("talker", "rust-files").env("SAYS", "something"))
        .component(Component::guest("failer", "rust-files"))
        .component(Component::guest("web", "http-files"))
        .volume("scratch", json!({ "memory": true }))
        .trigger(command("talker", &["env"]))
        .trigger(command("failer", &["no-such-word"]))
        .trigger(json!({ "component": "web", "route": "/...", "mounts": [{ "volume": "scratch", "path": "/" }] }))
}

fn command(component: &str, arguments: &[&str]) -> Value {
    json!({ "component": component, "kind": "command", "args": arguments })
}

/// Runs it until both have ended; gives what came on the terminal.
fn run(project: &Project, arguments: &[&str]) -> String {
    let mut plugin = project.up(&app()).args(arguments).start();
    plugin.wait_for("failer ended with exit code 1");
    until("the talker's log", || {
        let log = std::fs::read_to_string(project.join(".spin/logs/talker_stdout.txt")).ok()?;
        log.contains("SAYS=something").then_some(())
    });
    plugin.site();
    let ended = plugin.stop();
    ended.out + &ended.err
}

#[test]
fn each_component_has_a_file_for_each_stream() {
    let project = Project::new();
    let terminal = run(&project, &[]);
    assert_eq!(project.read(".spin/logs/talker_stdout.txt"), "SAYS=something\n");
    assert_eq!(project.read(".spin/logs/talker_stderr.txt"), "");
    assert_eq!(project.read(".spin/logs/failer_stderr.txt"), "rust-files: unknown subcommand no-such-word\n");
    // Everything is on the terminal as well, and where it is kept.
    assert!(terminal.contains("SAYS=something") && terminal.contains("unknown subcommand"), "{terminal}");
    assert!(terminal.contains("Logging component stdio to") && terminal.contains("logs/"), "{terminal}");
}

#[test]
fn logs_are_appended_to_unless_they_are_truncated() {
    let project = Project::new();
    run(&project, &[]);
    run(&project, &[]);
    assert_eq!(project.read(".spin/logs/talker_stdout.txt"), "SAYS=something\nSAYS=something\n");
    run(&project, &["--truncate-logs"]);
    assert_eq!(project.read(".spin/logs/talker_stdout.txt"), "SAYS=something\n");
}

#[test]
fn quiet_is_quiet_on_the_terminal_alone() {
    for flag in ["--quiet", "-q", "--sh", "--shush"] {
        let project = Project::new();
        let terminal = run(&project, &[flag]);
        assert!(!terminal.contains("SAYS=") && !terminal.contains("unknown subcommand"), "{flag}: {terminal}");
        // How to reach it, and that something failed, is Larder's own word.
        assert!(terminal.contains("Serving http://") && terminal.contains("failer ended"), "{flag}: {terminal}");
        assert_eq!(project.read(".spin/logs/talker_stdout.txt"), "SAYS=something\n");
    }
}

#[test]
fn who_follows_one_sees_that_one() {
    let project = Project::new();
    let terminal = run(&project, &["--follow", "failer"]);
    assert!(!terminal.contains("SAYS=") && terminal.contains("unknown subcommand"), "{terminal}");
    let terminal = run(&project, &["--follow", "talker", "--follow", "web"]);
    assert!(terminal.contains("SAYS=") && !terminal.contains("unknown subcommand"), "{terminal}");
    project.up(&app()).args(&["--follow", "talkre"]).refuses(&["talkre", "talker"]);
}

#[test]
fn the_log_directory_can_be_chosen() {
    for arguments in [&["--log-dir", "my logs"][..], &["-L", "my logs"]] {
        let project = Project::new();
        let mut plugin = project.up(&app()).args(arguments).start();
        plugin.wait_for("SAYS=something");
        plugin.site();
        plugin.stop();
        assert_eq!(project.read("my logs/talker_stdout.txt"), "SAYS=something\n");
        assert!(!project.join(".spin/logs").exists());
    }
    let project = Project::new();
    let mut plugin = project.up(&app()).env("SPIN_LOG_DIR", "by env").start();
    plugin.wait_for("SAYS=something");
    plugin.site();
    plugin.stop();
    assert_eq!(project.read("by env/talker_stdout.txt"), "SAYS=something\n");
}

/// An app from a registry has no directory, and logs to the terminal alone.
#[test]
fn without_a_directory_there_are_no_logs() {
    let project = Project::new();
    let mut plugin = project.up(&app()).local_app_dir(None).start();
    plugin.wait_for("SAYS=something");
    plugin.site();
    let ended = plugin.stop();
    assert!(!ended.err.contains("Logging component"), "{ended}");
    assert!(!project.join(".spin").exists());
}

#[test]
fn a_line_without_an_end_is_kept() {
    let project = Project::new();
    let app = App::new("partial")
        .component(Component::guest("cat", "rust-files"))
        .component(Component::guest("web", "http-files"))
        .volume("data", json!({}))
        .trigger(json!({
            "component": "cat",
            "kind": "command",
            "every": "1s",
            "args": ["cat", "/data/text"],
            "mounts": [{ "volume": "data", "path": "/data" }],
        }))
        .trigger(json!({ "component": "web", "route": "/...", "mounts": [{ "volume": "data", "path": "/" }] }));
    let (plugin, site) = project.up(&app).serve();
    site.put("/text", "no newline").ok();
    until("it is in the log", || {
        project.join(".spin/logs/cat_stdout.txt").exists().then_some(())?;
        project.read(".spin/logs/cat_stdout.txt").contains("no newline").then_some(())
    });
    plugin.stop();
}
