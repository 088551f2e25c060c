//! What Spin asks of a trigger's executable by flags, and what a user may type.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::process::{Command, Output, Stdio};

use larder_test_spin::{App, Project};
use serde_json::{Value, json};

/// The plugin as Spin starts it without an app: none of its variables is there.
fn plugin(project: &Project, arguments: &[&str]) -> Output {
    let mut command = Command::new(project.plugin());
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("SPIN_")) {
            command.env_remove(name);
        }
    }
    command.args(arguments).current_dir(project.path()).stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn help_args_only_is_the_options_section_on_standard_output() {
    let project = Project::new();
    let said = plugin(&project, &["--help-args-only"]);
    let (out, err) = (text(&said.stdout), text(&said.stderr));
    assert_eq!(said.status.code(), Some(0), "{err}");
    assert_eq!(err, "");
    for flag in ["--listen", "--state-dir", "--log-dir", "--quiet", "--follow", "--variable", "--tls-cert"] {
        assert!(out.contains(flag), "{flag} is not in: {out}");
    }
    // It stands among other sections of `spin up --help`.
    for not_of_a_section in ["Usage:", "--help-args-only", "--launch-metadata-only", "-h, --help"] {
        assert!(!out.contains(not_of_a_section), "{not_of_a_section} is in: {out}");
    }
    // As `spin up --help` calls it.
    let mut command = Command::new(project.plugin());
    command.arg("--help-args-only").env("SPIN_PLUGINS_SUPPRESS_COMPATIBILITY_WARNINGS", "1");
    command.env("SPIN_VERSION", "4.0.2").env("SPIN_BIN_PATH", "/usr/bin/spin");
    assert_eq!(text(&command.output().unwrap().stdout), out);
}

#[test]
fn launch_metadata_is_all_of_standard_error() {
    let project = Project::new();
    // Spin drops it all where anything else is there, such as a log.
    let mut command = Command::new(project.plugin());
    command.arg("--launch-metadata-only").env("LARDER_LOG", "trace").env_remove("SPIN_LOCKED_URL");
    let said = command.output().unwrap();
    assert_eq!(said.status.code(), Some(0));
    let metadata: Value = serde_json::from_slice(&said.stderr).unwrap_or_else(|error| {
        panic!("{error}: {}", text(&said.stderr));
    });
    assert_eq!(metadata.as_object().unwrap().keys().collect::<Vec<_>>(), ["all_flags"]);
    let flags = metadata["all_flags"].as_array().unwrap();
    assert!(flags.contains(&json!({ "long": "--listen" })), "{metadata}");
    assert!(flags.contains(&json!({ "short": "-q", "long": "--quiet" })), "{metadata}");
    // Words of `spin up` itself never come here, and Spin would give both.
    let taken = ["--from", "--file", "--env", "--temp", "--build", "--component-id", "-f", "-e", "-c", "-k", "-h"];
    for flag in flags {
        for (name, value) in flag.as_object().unwrap() {
            let value = value.as_str().unwrap();
            let dashes = if name == "long" { "--" } else { "-" };
            assert!(["long", "short"].contains(&name.as_str()) && value.starts_with(dashes), "{flag}");
            assert!(!taken.contains(&value), "{flag}");
        }
    }
    // What the help tells of can be given to an app with several triggers.
    let help = text(&plugin(&project, &["--help-args-only"]).stdout);
    let told = help.split_whitespace().filter(|word| word.starts_with("--"));
    for word in told.map(|word| word.trim_end_matches([',', ';', '.', '`', '=', ')'])) {
        let plain = word.split('=').next().unwrap();
        let known = flags.iter().any(|flag| flag["long"] == plain);
        assert!(known, "{plain} is in the help and not in {metadata}");
    }
}

#[test]
fn who_types_its_name_is_told_to_use_spin_up() {
    let project = Project::new();
    for arguments in [&[][..], &["--listen", "127.0.0.1:0"]] {
        let said = plugin(&project, arguments);
        let err = text(&said.stderr);
        assert!(said.status.code().unwrap() > 0, "{err}");
        assert!(err.contains("spin up") && err.contains("SPIN_LOCKED_URL"), "{err}");
        assert_eq!(text(&said.stdout), "");
    }
    assert_eq!(std::fs::read_dir(project.path()).unwrap().count(), 0, "it left something");
}

#[test]
fn a_flag_that_is_not_known_is_named() {
    let project = Project::new();
    let app = App::over("http-files", "data", json!({ "memory": true }));
    let ended = project.up(&app).args(&["--lisen", "127.0.0.1:0"]).refuses(&["--lisen"]);
    assert!(ended.err.contains("--listen"), "{ended}");
    // `spin up` passes words on as well.
    project.up(&app).args(&["word"]).refuses(&["word"]);
}

#[test]
fn the_version_is_that_of_the_command() {
    let project = Project::new();
    let said = text(&plugin(&project, &["--version"]).stdout);
    let larder = text(&project.larder(&["--version"]).output().unwrap().stdout);
    assert_eq!(said.trim().rsplit(' ').next(), larder.trim().rsplit(' ').next());
    assert!(said.starts_with("trigger-larder "), "{said}");
}
