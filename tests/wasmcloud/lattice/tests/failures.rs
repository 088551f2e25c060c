//! What a component sees when something is not as it should be:
//! docs/wasmcloud.md has these as a table.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use larder_lattice_tests::{Host, Lattice, composed, eventually};

const NOTES: &str = "larder:test/notes@0.1.0";
const VOLUME: [(&str, &str); 2] = [("volumes.data.memory", "true"), ("volumes.data.writable", "true")];
/// A volume that nobody may write to.
const FROZEN: &str = "volumes.frozen.file";

async fn says(lattice: &Lattice, component: &str, function: &str) -> Result<String> {
    let (text,): (String,) = lattice.call(component, NOTES, function, ()).await?;
    Ok(text)
}

/// The guest `notes` under several names.
async fn notes(lattice: &Lattice, host: &Host, names: &[&str]) -> Result<()> {
    let app = lattice.path("notes.wasm");
    composed("notes.wasm", &app)?;
    for name in names {
        lattice.component(host, name, &app).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_not_right_is_an_error_and_no_trap() -> Result<()> {
    let lattice = Lattice::start().await?;
    let host = lattice.host("one", "").await?;
    let frozen = lattice.path("frozen.larder");
    let frozen = frozen.to_string_lossy();
    let made =
        Command::new(larder_lattice_tests::larder()?).args(["mkdir", "-p", &format!("{frozen}:/notes")]).status()?;
    ensure!(made.success(), "larder mkdir failed");
    lattice.provider(&host, &[VOLUME[0], VOLUME[1], (FROZEN, &frozen)]).await?;
    lattice.link("writer-of-frozen", &[("volume", "frozen")]).await?;
    lattice.link("reader-of-frozen", &[("volume", "frozen"), ("access", "read")]).await?;
    lattice.link("right", &[("volume", "data")]).await?;
    lattice.link("nowhere", &[("volume", "data"), ("directory", "/nowhere")]).await?;
    lattice.link("reader", &[("volume", "data"), ("access", "read")]).await?;
    lattice.link("other", &[("volume", "other")]).await?;
    lattice.link("unknown", &[("volume", "data"), ("mode", "rw")]).await?;
    notes(&lattice, &host, &["right", "none", "nowhere", "reader", "other", "unknown"]).await?;
    notes(&lattice, &host, &["writer-of-frozen", "reader-of-frozen"]).await?;

    ensure!(says(&lattice, "right", "add").await? == "note 1 is kept");
    ensure!(says(&lattice, "right", "add").await? == "note 2 is kept", "an instance is for one call");
    ensure!(says(&lattice, "reader", "read").await? == "note 1\nnote 2\n");
    for (component, expected) in [
        ("none", "I/O error"),
        ("unknown", "I/O error"),
        ("other", "I/O error"),
        ("nowhere", "I/O error"),
        ("writer-of-frozen", "I/O error"),
        ("reader-of-frozen", "Read-only file system"),
        ("reader", "Read-only file system"),
    ] {
        let said = says(&lattice, component, "add").await;
        let log = || std::fs::read_to_string(lattice.path("one.log")).unwrap_or_default();
        let said = said.with_context(|| format!("{component}: {}", log()))?;
        ensure!(said.contains(expected), "{component}: {said}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_provider_it_is_an_error_until_there_is_one() -> Result<()> {
    let lattice = Lattice::start().await?;
    let host = lattice.host("one", "").await?;
    lattice.link("app", &[("volume", "data")]).await?;
    notes(&lattice, &host, &["app"]).await?;
    let said = says(&lattice, "app", "add").await?;
    ensure!(said.contains("I/O error"), "{said}");

    lattice.provider(&host, &VOLUME).await?;
    eventually(async || {
        let said = says(&lattice, "app", "add").await?;
        ensure!(said == "note 1 is kept", "{said}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_larder_command_looks_into_the_volume() -> Result<()> {
    let lattice = Lattice::start().await?;
    let host = lattice.host("one", "").await?;
    lattice.provider(&host, &VOLUME).await?;
    lattice.link("app", &[("volume", "data")]).await?;
    notes(&lattice, &host, &["app"]).await?;
    says(&lattice, "app", "add").await?;
    let address = format!("nats://127.0.0.1:{}/data/notes", lattice.port);
    let listed = Command::new(larder_lattice_tests::larder()?).args(["ls", &address]).output()?;
    ensure!(listed.stdout == b"all.txt\n", "{listed:?}");
    Ok(())
}
