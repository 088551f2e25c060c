//! Real programs with the store composed in, under Wasmtime's own command: no
//! directory of the host is granted.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use larder_compose::{ComposeOptions, Via, compose};
use larder_core::Timestamp;
use larder_image::{ImageBuilder, Meta, Options};
use larder_platforms::{guest, tool, work};

fn composed(name: &str, options: &ComposeOptions<'_>) -> PathBuf {
    let composed = compose(&guest(name), options).unwrap_or_else(|error| panic!("{name}: {error}")).component;
    let path = work("guests").join(format!("{:?}-{name}", options.via).to_lowercase());
    std::fs::write(&path, composed).unwrap();
    path
}

/// Runs a command that ends with a line `… ok`.
fn ends_well(path: &PathBuf, options: &[&str], arguments: &[&str]) {
    let mut command = Command::new(tool("LARDER_WASMTIME"));
    let output = command.arg("run").args(options).arg(path).args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.ends_with(": ok\n"), "{}: {text}{}", path.display(), String::from_utf8_lossy(&output.stderr));
}

#[test]
fn javascript_works_with_files() {
    for via in [Via::Attach, Via::Plug] {
        let path = composed("js-files.wasm", &ComposeOptions { via, ..ComposeOptions::default() });
        ends_well(&path, &[], &["/js", "300"]);
    }
}

/// The script comes out of the packed tree.
#[test]
fn ruby_works_with_files() {
    let script = std::fs::read(Path::new(&tool("LARDER_GUESTS")).join("ruby-root/files.rb")).unwrap();
    let mut image = ImageBuilder::new(Options::default()).unwrap();
    let meta = Meta { mode: 0o644, modified: Timestamp::UNIX_EPOCH };
    image.tree(0).unwrap().file("files.rb", meta, &script).unwrap();
    let image = image.finish().unwrap();
    let path = composed("ruby.wasm", &ComposeOptions { image: Some(image.into()), ..ComposeOptions::default() });
    ends_well(&path, &["-W", "max-wasm-stack=8388608"], &["/files.rb", "/ruby", "300"]);
}

/// Files, TCP, standard input and output, and clocks at once.
#[test]
fn tcp_goes_on_beside_files() {
    const CONNECTIONS: usize = 5;
    let mut server = Command::new(tool("LARDER_WASMTIME"))
        .args(["run", "-S", "inherit-network,tcp"])
        .arg(composed("tcp-files.wasm", &ComposeOptions::default()))
        .args(["/tcp", &CONNECTIONS.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut input, mut output) = (server.stdin.take().unwrap(), BufReader::new(server.stdout.take().unwrap()));
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on ").expect("it says where it listens").to_owned();
    for number in 0..CONNECTIONS {
        writeln!(input, "line {number}").unwrap();
        let content: Vec<u8> = (0..200_000 * (number + 1)).map(|at| (at / 251 + at) as u8).collect();
        let mut connection = TcpStream::connect(&address).unwrap();
        let mut sender = connection.try_clone().unwrap();
        let sent = content.clone();
        let sending = thread::spawn(move || {
            writeln!(sender, "file-{number} {}", sent.len()).unwrap();
            sender.write_all(&sent).unwrap();
            sender.shutdown(Shutdown::Write).unwrap();
        });
        let mut received = Vec::new();
        connection.read_to_end(&mut received).unwrap();
        sending.join().unwrap();
        assert!(received == content, "connection {number} gave {} bytes back", received.len());
    }
    drop(input);
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert!(server.wait().unwrap().success(), "{rest}");
    assert!(rest.starts_with("line 0\nline 1\n") && rest.contains("tcp-files: ok, 5 connections"), "{rest}");
}
