//! `larder plugin pack`: what Spin would install, without Spin.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::support::Place;

/// As Spin names this platform.
fn platform() -> (&'static str, &'static str) {
    let arch = if cfg!(target_arch = "x86_64") { "amd64" } else { std::env::consts::ARCH };
    (std::env::consts::OS, arch)
}

fn manifest(place: &Place, path: &str) -> serde_json::Value {
    serde_json::from_str(&place.read(path)).unwrap()
}

/// The header of an executable for another platform, and some content.
fn foreign(place: &Place, name: &str) -> String {
    let mut bytes = match name {
        "elf-aarch64" => b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\xb7\0".to_vec(),
        "mach-o" => b"\xcf\xfa\xed\xfe\x0c\x00\x00\x01".to_vec(),
        other => panic!("{other} is not known"),
    };
    bytes.resize(1000, 7);
    place.write(name, bytes).into_os_string().into_string().unwrap()
}

/// Unpacks an archive as Spin does, after it checked the digest.
fn unpack(place: &Place, package: &serde_json::Value, to: &str) {
    let url = package["url"].as_str().unwrap();
    let path = url::Url::parse(url).unwrap().to_file_path().unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(package["sha256"], digest.as_str());
    tar::Archive::new(flate2::read::GzDecoder::new(bytes.as_slice())).unpack(place.path(to)).unwrap();
}

fn says(program: &Path, argument: &str) -> String {
    let output = Command::new(program).arg(argument).env_remove("SPIN_LOCKED_URL").output().unwrap();
    assert!(output.status.success(), "{}: {}", program.display(), String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn both_plugins_are_packed_and_run() {
    let place = Place::new();
    let (os, arch) = platform();
    let told = place.ok(&["plugin", "pack", "--version", "1.2.3", "--out", "my dist"]).err;
    // What is printed can be typed.
    let install = told.lines().find(|line| line.contains("trigger-larder.json")).unwrap();
    let words = Command::new("sh").args(["-c", &format!("printf '%s\\n' {install}")]).output().unwrap();
    let typed = place.path("my dist/trigger-larder.json").canonicalize().unwrap();
    assert_eq!(String::from_utf8(words.stdout).unwrap().lines().last(), typed.to_str(), "{told}");
    for name in ["trigger-larder", "larder"] {
        let manifest = manifest(&place, &format!("my dist/{name}.json"));
        assert_eq!(manifest["name"], name);
        assert_eq!(manifest["version"], "1.2.3");
        assert_eq!(manifest["spinCompatibility"], ">=4.0, <5.0");
        assert_eq!(manifest["license"], "Apache-2.0");
        assert!(!manifest["description"].as_str().unwrap().is_empty());
        assert!(manifest.get("homepage").is_none());
        let [package] = manifest["packages"].as_array().unwrap().as_slice() else { panic!("{manifest}") };
        assert_eq!((&package["os"], &package["arch"]), (&os.into(), &arch.into()));
        let file = format!("/my%20dist/{name}-1.2.3-{os}-{arch}.tar.gz");
        let url = package["url"].as_str().unwrap();
        assert!(url.starts_with("file:///") && url.ends_with(&file), "{url}");

        let installed = format!("plugins/{name}");
        unpack(&place, package, &installed);
        let program = place.path(&installed).join(name);
        assert_eq!(program.metadata().unwrap().permissions().mode() & 0o7777, 0o755);
        assert_eq!(std::fs::read(&program).unwrap(), std::fs::read(env!("CARGO_BIN_EXE_larder")).unwrap());
        assert!(place.read(&format!("{installed}/LICENSE")).contains("Apache License"));
        assert_eq!(std::fs::read_dir(place.path(&installed)).unwrap().count(), 2);
        assert!(says(&program, "--version").starts_with(&format!("{name} ")), "{name}");
    }
    let trigger = place.path("plugins/trigger-larder/trigger-larder");
    assert!(says(&trigger, "--help-args-only").contains("--state-dir"));
}

#[test]
fn the_same_executables_have_the_same_archives() {
    let place = Place::new();
    let executable = foreign(&place, "mach-o");
    let files = |directory: &str| -> BTreeMap<String, Vec<u8>> {
        place.ok(&["plugin", "pack", "--url-base", "https://example.org/x", "--out", directory, &executable]);
        let entries = std::fs::read_dir(place.path(directory)).unwrap();
        entries
            .map(|entry| {
                let path = entry.unwrap().path();
                (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(&path).unwrap())
            })
            .collect()
    };
    let first = files("first");
    let copy = std::fs::read(&executable).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1100));
    // Another time and other rights.
    place.write("mach-o", copy);
    std::fs::set_permissions(&executable, PermissionsExt::from_mode(0o600)).unwrap();
    assert!(first == files("second"), "they differ");
    assert_eq!(first.len(), 4);
    let archive = first.iter().find(|(name, _)| name.starts_with("trigger-larder-")).unwrap().1;
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(archive.as_slice()));
    for entry in archive.entries().unwrap() {
        let entry = entry.unwrap();
        let header = entry.header();
        assert_eq!((header.uid().unwrap(), header.gid().unwrap(), header.mtime().unwrap()), (0, 0, 1_000_000_000));
    }
}

#[test]
fn several_platforms_are_in_one_manifest() {
    let place = Place::new();
    let (os, arch) = platform();
    let own = format!("{}={os}/{arch}", env!("CARGO_BIN_EXE_larder"));
    let (elf, mach_o) = (foreign(&place, "elf-aarch64"), format!("{}=macos/aarch64", foreign(&place, "mach-o")));
    let base = [
        "--url-base",
        "https://example.org/v1/",
        "--homepage",
        "https://example.org/",
        "--spin-compatibility",
        ">=4.1",
    ];
    let mut arguments = vec!["plugin", "pack", "--out", "dist", "--version", "1.0.0-rc.1"];
    arguments.extend(base);
    arguments.extend([own.as_str(), &elf, &mach_o]);
    place.ok(&arguments);
    let manifest = manifest(&place, "dist/trigger-larder.json");
    assert_eq!(manifest["homepage"], "https://example.org/");
    assert_eq!(manifest["spinCompatibility"], ">=4.1");
    let urls: Vec<_> =
        manifest["packages"].as_array().unwrap().iter().map(|package| package["url"].as_str().unwrap()).collect();
    assert_eq!(
        urls,
        [
            format!("https://example.org/v1/trigger-larder-1.0.0-rc.1-{os}-{arch}.tar.gz"),
            "https://example.org/v1/trigger-larder-1.0.0-rc.1-linux-aarch64.tar.gz".to_owned(),
            "https://example.org/v1/trigger-larder-1.0.0-rc.1-macos-aarch64.tar.gz".to_owned(),
        ]
    );
    assert_eq!(place.names().iter().filter(|name| *name == "dist").count(), 1);
    assert_eq!(std::fs::read_dir(place.path("dist")).unwrap().count(), 8);
}

#[test]
fn what_cannot_be_packed_is_named() {
    let place = Place::new();
    let (elf, mach_o) = (foreign(&place, "elf-aarch64"), foreign(&place, "mach-o"));
    place.write("script", "#!/bin/sh\n");
    let pack = |executables: &[&str], code: i32, texts: &[&str]| {
        let arguments: Vec<_> = ["plugin", "pack", "--out", "dist"].iter().chain(executables).copied().collect();
        place.fails(&arguments, code, texts);
        assert!(!place.path("dist").exists(), "something was written");
    };
    pack(&[&format!("{elf}=linux/x86_64")], 2, &["x86_64", "amd64"]);
    pack(&[&format!("{elf}=darwin/aarch64")], 2, &["darwin", "macos"]);
    pack(&[&format!("{elf}=linux")], 2, &["OS/ARCH"]);
    pack(&["=linux/amd64"], 2, &["EXECUTABLE"]);
    pack(&["--version", "one", &elf], 2, &["--version"]);
    pack(&["--spin-compatibility", "4 or so", &elf], 2, &["--spin-compatibility"]);
    pack(&["--url-base", "ftp://example.org", &elf], 2, &["--url-base", "https"]);
    pack(&[&format!("{elf}=linux/amd64")], 1, &["linux/aarch64", "linux/amd64"]);
    pack(&[&format!("{mach_o}=linux/aarch64")], 1, &["macos/aarch64"]);
    pack(&[&elf, &format!("{elf}=linux/aarch64")], 1, &["second", "linux/aarch64"]);
    pack(&["script"], 1, &["script", "not an executable"]);
    pack(&["none"], 1, &["none", "check the path"]);
    pack(&["."], 1, &["not a file"]);
}
