//! Real programs with the store attached, under Wasmtime's own command: no
//! directory of the host is granted.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;

use larder_compose::attach::{AttachOptions, attach};
use larder_platforms::{guest, tool, work};

fn attached(name: &str) -> PathBuf {
    let options = AttachOptions { module: larder_artifacts::ATTACHMENT.into(), ..AttachOptions::default() };
    let composed = attach(&guest(name), &options).unwrap_or_else(|error| panic!("{name}: {error}")).component;
    let path = work("guests").join(name);
    std::fs::write(&path, composed).unwrap();
    path
}

#[test]
fn javascript_works_with_files() {
    let output =
        Command::new(tool("LARDER_WASMTIME")).arg("run").arg(attached("js-files.wasm")).args(["/js", "300"]).output();
    let output = output.unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.ends_with("js-files: ok\n"), "{text}{}", String::from_utf8_lossy(&output.stderr));
}

/// Files, TCP, standard input and output, and clocks at once.
#[test]
fn tcp_goes_on_beside_files() {
    const CONNECTIONS: usize = 5;
    let mut server = Command::new(tool("LARDER_WASMTIME"))
        .args(["run", "-S", "inherit-network,tcp"])
        .arg(attached("tcp-files.wasm"))
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
