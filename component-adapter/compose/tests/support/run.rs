//! Runs components under Wasmtime's own command, and composes them with wac.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions};

use super::cached;

/// A component in a file.
pub(crate) struct Guest {
    folder: tempfile::TempDir,
}

impl Guest {
    pub(crate) fn new(component: &[u8]) -> Guest {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        std::fs::write(folder.path().join("app.wasm"), component).expect("there is room for the component");
        Guest { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("app.wasm")
    }
}

/// Runs a command that has to succeed, with no directory of the host; answers
/// its standard output.
pub(crate) fn run(guest: &Guest, args: &[&str]) -> String {
    let out = Command::new(cached("LARDER_WASMTIME")).arg("run").arg(guest.path()).args(args).output();
    let out = out.expect("Wasmtime runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(out.status.success(), "{}\n{}", text(&out.stdout), text(&out.stderr));
    text(&out.stdout)
}

/// A component that answers HTTP, until it is dropped.
pub(crate) struct Server {
    child: Child,
    address: String,
    _guest: Guest,
}

impl Server {
    pub(crate) fn start(component: &[u8]) -> Server {
        let guest = Guest::new(component);
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = format!("127.0.0.1:{}", port.expect("a port is free").port());
        let child = Command::new(cached("LARDER_WASMTIME"))
            .args(["serve", "-S", "cli", "--addr", &address])
            .arg(guest.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Wasmtime runs");
        let server = Server { child, address, _guest: guest };
        let deadline = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(&server.address).is_err() {
            assert!(Instant::now() < deadline, "the server does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        server
    }

    /// Sends a request; answers all of the response.
    pub(crate) fn request(&self, method: &str, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("the server listens");
        let length = body.len();
        let host = &self.address;
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .expect("the request is sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("the server answers");
        answer
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Instantiates each of `components` (name and binary), and exports what
/// `exports` names: component, its export, the new name.
pub(crate) fn compose(components: &[(&str, Vec<u8>)], exports: &[(&str, &str, &str)]) -> Vec<u8> {
    let mut graph = CompositionGraph::new();
    let mut packages = BTreeMap::new();
    let mut instances = Vec::new();
    for (name, bytes) in components {
        let package = *packages.entry(*name).or_insert_with(|| {
            let package = Package::from_bytes(&format!("test:{name}"), None, bytes.clone(), graph.types_mut());
            graph.register_package(package.expect("it is a component")).expect("it is new")
        });
        instances.push(graph.instantiate(package));
    }
    for ((_, export, new), instance) in exports.iter().zip(instances) {
        let node = graph.alias_instance_export(instance, export).expect("it is exported");
        graph.export(node, *new).expect("the name is free");
    }
    graph.encode(EncodeOptions::default()).expect("it composes")
}
