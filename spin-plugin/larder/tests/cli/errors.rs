//! What is told when something is wrong, help, and completions.

use crate::support::{Place, guest};

#[test]
fn wrong_usage_has_code_2_and_says_what_is_right() {
    let place = Place::new();
    for (arguments, text) in [
        (["run", "--volume", "data.larder", "x.wasm"].as_slice(), "VOLUME::GUEST"),
        (&["run", "--volume", "data.larder::data", "x.wasm"], "begin with a slash"),
        (&["run", "--volume", "gs://bucket::/data", "x.wasm"], "not supported"),
        (&["run", "--volume", "name::/data:sync", "x.wasm"], "in memory"),
        (&["run", "--limit", "bytes=lots", "x.wasm"], "is not a size"),
        (&["run", "--limit", "bites=1", "x.wasm"], "the keys are bytes, inodes"),
        (&["run", "--timeout", "0", "x.wasm"], "greater than zero"),
        (&["run", "--env", "=x", "x.wasm"], "empty"),
        (&["run", "--copy-in", "x", "x.wasm"], "HOST::GUEST"),
        (&["run"], "APP"),
        (&["frobnicate"], "frobnicate"),
    ] {
        place.fails(arguments, 2, &[text]);
    }
    assert!(place.names().is_empty());
}

#[test]
fn a_name_in_memory_that_is_also_a_file_is_refused() {
    let place = Place::new();
    place.write("data.bin", "precious");
    place.fails(&["run", "-v", "data.bin::/data", "x.wasm"], 2, &["./data.bin"]);
}

#[test]
fn apps_that_are_none_are_told_apart() {
    let place = Place::new();
    place.write("text.wasm", "hello");
    place.write("future.wasm", b"\0asm\x09\0\0\0");
    place.write("broken.wasm", b"\0asm\x01\0\0\0\xff\xff");
    place.write("empty-module.wasm", b"\0asm\x01\0\0\0");
    place.write("empty-component.wasm", b"\0asm\x0d\0\x01\0");
    place.fails(&["run", "none.wasm"], 1, &["none.wasm", "check the path"]);
    place.fails(&["run", "text.wasm"], 1, &["text.wasm is not a WebAssembly binary"]);
    place.fails(&["run", "future.wasm"], 1, &["future.wasm", "version"]);
    place.fails(&["run", "broken.wasm"], 1, &["broken.wasm"]);
    place.fails(&["run", "empty-module.wasm"], 1, &["empty-module.wasm", "_start"]);
    place.fails(&["run", "empty-component.wasm"], 1, &["empty-component.wasm", "wasi:cli/run"]);
    place.fails(&["serve", "empty-component.wasm"], 1, &["wasi:http"]);
    place.fails(&["serve", &guest("rust-files")], 1, &["is a command", "larder run"]);
}

#[test]
fn volumes_that_are_none_are_told_apart() {
    let place = Place::new();
    place.write("text.larder", "hello, this is no volume");
    std::fs::create_dir(place.path("dir.larder")).unwrap();
    place.fails(&["ls", "none.larder"], 1, &["none.larder"]);
    place.fails(&["ls", "text.larder"], 1, &["text.larder", "not a Larder snapshot"]);
    place.fails(&["ls", "dir.larder"], 1, &["is a directory"]);
    place.fails(&["ls", "no/such/data.larder"], 1, &["no/such"]);
    let app = guest("rust-files");
    place.fails(&["run", "-v", "none.larder::/:ro", &app], 1, &["none.larder"]);
    place.fails(&["run", "-v", "text.larder::/", &app], 1, &["text.larder"]);
    // What is no volume is not overwritten.
    assert_eq!(place.read("text.larder"), "hello, this is no volume");
}

#[test]
fn damaged_volumes_are_refused_and_not_touched() {
    let place = Place::new();
    place.write("x", vec![b'x'; 10_000]);
    place.ok(&["cp", "x", "data.larder:/x"]);
    let mut bytes = std::fs::read(place.path("data.larder")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    place.write("data.larder", &bytes);
    place.fails(&["cat", "data.larder:/x"], 1, &["data.larder", "damaged"]);
    place.fails(&["run", "-v", "data.larder::/", &guest("rust-files"), "env"], 1, &["data.larder", "damaged"]);
    assert_eq!(std::fs::read(place.path("data.larder")).unwrap(), bytes);
}

#[test]
fn every_command_has_help_with_an_example() {
    let place = Place::new();
    let overview = place.ok(&["--help"]).out;
    for command in [
        "run",
        "serve",
        "up",
        "ls",
        "tree",
        "cat",
        "stat",
        "df",
        "cp",
        "mkdir",
        "rm",
        "import",
        "export",
        "s3",
        "completions",
    ] {
        assert!(overview.contains(command), "{command} is not in --help");
        let help = place.ok(&[command, "--help"]).out;
        assert!(help.contains(&format!("larder {command}")) && help.contains("Example"), "{help}");
    }
    // Wherever the lines are broken.
    let help = place.ok(&["run", "--help"]).out;
    let help: Vec<&str> = help.split_whitespace().collect();
    assert!(help.join(" ").contains("durability level \"stored\""));
    assert!(place.ok(&["--version"]).out.starts_with("larder "));
}

#[test]
fn completions_name_the_commands() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(place.ok(&["completions", shell]).out.contains("import"), "{shell}");
    }
    place.fails(&["completions", "tcsh"], 2, &["bash"]);
}
