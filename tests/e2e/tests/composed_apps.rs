//! Apps in seven languages, composed with their files by `larder compose`, and
//! run by Wasmtime's own command, which gives them no directory.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stdout, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use larder_e2e::built::{guest, larder, wasmtime};
use larder_e2e::run::succeeds;
use tempfile::TempDir;

/// Go and Ruby use more stack than Wasmtime's command gives.
const STACK: &str = "max-wasm-stack=8388608";

/// An app and its files in one component.
struct Composed {
    directory: TempDir,
    component: PathBuf,
}

impl Composed {
    fn new(app: &str, options: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let component = directory.path().join("composed.wasm");
        let mut command = Command::new(larder());
        command.arg("compose").arg(guest(app)).arg("-o").arg(&component).args(options);
        succeeds(&mut command);
        Self { directory, component }
    }

    /// Runs it as a command, on a host that has no files for it.
    fn wasmtime(&self, options: &[&str], arguments: &[&str]) -> Command {
        let mut command = Command::new(wasmtime());
        command.current_dir(self.directory.path()).arg("run").args(["-W", STACK]).args(options);
        command.arg(&self.component).args(arguments);
        command
    }

    fn passes(&self, arguments: &[&str]) -> String {
        succeeds(&mut self.wasmtime(&["--env", "ABSOLUTE_SYMLINKS=1"], arguments))
    }

    /// What it still asks of its host.
    fn imports(&self) -> Vec<String> {
        let mut command = Command::new(larder());
        let text = succeeds(command.arg("inspect").arg("--json").arg(&self.component));
        let shown: serde_json::Value = serde_json::from_str(&text).unwrap();
        let imports = shown["imports"].as_array().unwrap();
        imports.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
    }
}

/// Composes an app in one way and runs it.
fn passes(app: &str, options: &[&str], arguments: &[&str]) {
    let composed = Composed::new(app, options);
    let imports = composed.imports();
    assert!(!imports.iter().any(|name| name.starts_with("wasi:filesystem")), "{imports:?}");
    composed.passes(arguments);
}

const ATTACHED: &[&str] = &["--via", "attach"];
const MULTI_MEMORY: &[&str] = &["--via", "attach", "--bridge", "multi-memory"];
const PLUGGED: &[&str] = &["--via", "plug"];

#[test]
fn rust_attached() {
    passes("rust-files.wasm", ATTACHED, &["all"]);
}

#[test]
fn rust_attached_with_multi_memory() {
    passes("rust-files.wasm", MULTI_MEMORY, &["all"]);
}

#[test]
fn rust_plugged() {
    passes("rust-files.wasm", PLUGGED, &["all"]);
}

#[test]
fn rust_for_wasi_0_1() {
    passes("rust-files-p1.wasm", &[], &["all"]);
}

#[test]
fn c_for_wasi_0_1() {
    passes("c-files.wasm", &[], &[]);
}

#[test]
fn c_for_wasi_0_1_with_multi_memory() {
    passes("c-files.wasm", &["--bridge", "multi-memory"], &[]);
}

#[test]
fn go_for_wasi_0_1() {
    passes("go-files.wasm", &[], &[]);
}

#[test]
fn python_attached() {
    passes("python-sqlite.wasm", ATTACHED, &["files"]);
}

#[test]
fn python_plugged() {
    passes("python-sqlite.wasm", PLUGGED, &["files", "/python-files", "500"]);
}

#[test]
fn sqlite_in_python_attached() {
    for journal in ["delete", "truncate", "persist", "memory"] {
        let composed = Composed::new("python-sqlite.wasm", ATTACHED);
        let variable = format!("JOURNAL={journal}");
        let text = succeeds(&mut composed.wasmtime(&["--env", &variable], &["all", "40"]));
        assert!(text.contains("40"), "{journal}: {text}");
    }
}

#[test]
fn sqlite_in_python_plugged() {
    let composed = Composed::new("python-sqlite.wasm", PLUGGED);
    succeeds(&mut composed.wasmtime(&[], &["all", "20"]));
}

#[test]
fn javascript_attached() {
    passes("js-files.wasm", ATTACHED, &[]);
}

#[test]
fn javascript_plugged() {
    passes("js-files.wasm", PLUGGED, &[]);
}

#[test]
fn ruby_with_its_library_carried() {
    let library = format!("{}::/", guest("ruby-root").display());
    let composed = Composed::new("ruby.wasm", &["--dir", &library]);
    composed.passes(&["/files.rb"]);
}

#[test]
fn attacks_are_refused() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("dir")).unwrap();
    std::fs::write(root.path().join("file"), "content").unwrap();
    std::fs::write(root.path().join("dir/file"), "content").unwrap();
    let read_only = format!("{}::/ro:ro", root.path().display());
    let options = ["-v", "main::/", "-v", "scoped#/sub::/sub", "--dir", &read_only];
    let options =
        [&options[..], &["--limit", "bytes=16MiB,inodes=5000,directory-entries=3000,open-handles=500,links=200"]];
    let composed = Composed::new("attack.wasm", &options.concat());
    let limits = [
        "--env=LARDER_MAX_BYTES=16777216",
        "--env=LARDER_MAX_INODES=5000",
        "--env=LARDER_MAX_DIRECTORY_ENTRIES=3000",
        "--env=LARDER_MAX_OPEN_HANDLES=500",
        "--env=LARDER_MAX_LINKS=200",
    ];
    println!("{}", succeeds(&mut composed.wasmtime(&limits, &["all"])));
}

#[test]
fn http_and_files() {
    let composed = Composed::new("http-files.wasm", ATTACHED);
    let imports = composed.imports();
    assert!(!imports.iter().any(|name| name.starts_with("wasi:filesystem")), "{imports:?}");
    let mut command = Command::new(wasmtime());
    command.args(["serve", "-S", "cli", "--addr", "127.0.0.1:0"]).arg(&composed.component);
    let mut server = Running(command.stderr(Stdio::piped()).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(server.0.stderr.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.rsplit("http://").next().unwrap().trim().trim_end_matches('/').to_owned();
    // Each request is answered by an instance of its own, and so by new files.
    let answer = request(&address, "PUT /a HTTP/1.1", "what a request brings");
    assert!(answer.starts_with("HTTP/1.1 2"), "{answer}");
    let answer = request(&address, "GET /a HTTP/1.1", "");
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
}

#[test]
fn tcp_and_files_and_standard_streams_at_once() {
    for options in [ATTACHED, PLUGGED] {
        let composed = Composed::new("tcp-files.wasm", options);
        let mut command = composed.wasmtime(&["-S", "inherit-network,tcp"], &["/files", "3"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut app = Running(command.spawn().unwrap());
        app.0.stdin.take().unwrap().write_all(b"one\ntwo\nthree\n").unwrap();
        let mut out = BufReader::new(app.0.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        for (name, length) in [("a", 10), ("b", 100_000), ("c", 3_000_000)] {
            let sent: Vec<u8> = (0..length).map(|i: u32| (i % 251) as u8).collect();
            let connection = TcpStream::connect(&address).unwrap();
            let mut writer = connection.try_clone().unwrap();
            let head = format!("{name} {length}\n");
            let body = sent.clone();
            let writing = std::thread::spawn(move || {
                writer.write_all(head.as_bytes()).unwrap();
                writer.write_all(&body).unwrap();
            });
            let mut received = Vec::new();
            (&connection).take(u64::from(length)).read_to_end(&mut received).unwrap();
            writing.join().unwrap();
            assert!(received == sent, "{name} comes back as it was sent");
        }
        let mut rest = String::new();
        out.read_to_string(&mut rest).unwrap();
        assert!(rest.starts_with("one\ntwo\nthree\n") && rest.contains("ok, 3 connections"), "{rest}");
        assert!(app.0.wait().unwrap().success());
    }
}

/// A process in the background, killed should the test end before it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn request(address: &str, line: &str, body: &str) -> String {
    let mut connection = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(connection, "{line}\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}")
        .unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn ten_thousand_files_are_carried() {
    let root = tempfile::tempdir().unwrap();
    for index in 0..10_000 {
        let directory = root.path().join(format!("d{}", index / 100));
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join(format!("f{index}")), format!("content {index}").repeat(50)).unwrap();
    }
    let put = format!("{}::/many", root.path().display());
    let composed = Composed::new("rust-files.wasm", &["--dir", &put]);
    assert_eq!(composed.passes(&["cat", "/many/d77/f7777"]), "content 7777".repeat(50));
    assert_carries(&composed.component, "/many/d99/f9999");
}

fn assert_carries(component: &Path, path: &str) {
    let mut command = Command::new(larder());
    let text = succeeds(command.args(["inspect", "--files"]).arg(component));
    assert!(text.contains(path), "{path} is listed");
}
