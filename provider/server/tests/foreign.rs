//! A client in another language, written from docs/protocol.md alone.

mod support;

use std::path::Path;
use std::time::Duration;

use larder_nats_server::ServerOptions;
use support::{Nats, eventually, serve, volume};

#[tokio::test(flavor = "multi_thread")]
async fn a_client_written_from_the_document_works() {
    let (nats, volume) = (Nats::start(), volume());
    let before = volume.usage();
    let options = ServerOptions { lease: Duration::from_secs(2), ..ServerOptions::default() };
    let server = serve(&nats, &volume, options).await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign/exercise.py");
    let mut python = std::process::Command::new("python3");
    // Nothing is left beside the script.
    python.arg("-B").arg(script).arg(format!("{}/data", nats.url()));
    let output = tokio::task::spawn_blocking(move || python.output().expect("python3 is not installed")).await;
    let output = output.expect("it is run");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && output.stdout == b"done\n", "{said}");
    server.shutdown().await;
    assert_eq!(volume.usage().inodes, before.inodes);
    // The server's tasks end in their own time.
    eventually(async || volume.usage().open_handles == 0).await;
}
