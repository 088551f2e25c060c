//! What the provider needs to know and nobody else: it comes from a secrets
//! backend, through the host, and is used.

use std::process::{Command, Output};

use anyhow::{Result, ensure};
use larder_lattice_tests::{Guarded, Host, Lattice, SECRETS, Secrets, composed, eventually, larder};

const NOTES: &str = "larder:test/notes@0.1.0";
const VOLUME: [(&str, &str); 2] = [("volumes.data.memory", "true"), ("volumes.data.writable", "true")];

/// A lattice of one host, and the app `notes` on it under this name.
async fn lattice(component: &str) -> Result<(Lattice, Host)> {
    let lattice = Lattice::start().await?;
    let host = lattice.host_with("one", "", &SECRETS).await?;
    let app = lattice.path("notes.wasm");
    composed("notes.wasm", &app)?;
    lattice.component(&host, component, &app).await?;
    Ok((lattice, host))
}

/// Has the app add a note, once the volume is served at this address. (Not
/// before: asked again and again, the test's own wRPC could lose an answer.)
async fn add(lattice: &Lattice, component: &str, address: &str, more: &[&str]) -> Result<()> {
    eventually(async || {
        let listed = command("ls", address, more)?;
        ensure!(listed.status.success(), "{listed:?}: {}", log(lattice)?);
        Ok(())
    })
    .await?;
    eventually(async || {
        let (said,): (String,) = lattice.call(component, NOTES, "add", ()).await?;
        ensure!(said.ends_with("is kept"), "{said}");
        Ok(())
    })
    .await
}

/// Everything that the host and its provider have logged.
fn log(lattice: &Lattice) -> Result<String> {
    Ok(std::fs::read_to_string(lattice.path("one.log"))?)
}

fn command(name: &str, address: &str, more: &[&str]) -> Result<Output> {
    Ok(Command::new(larder()?).args([name, address]).args(more).output()?)
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_are_used_where_volumes_are_served_elsewhere() -> Result<()> {
    let (lattice, host) = lattice("app").await?;
    let (elsewhere, credentials) = Guarded::by_credentials(lattice.directory.path()).await?;
    let secret = [("nats_credentials", credentials.as_str())];
    let _secrets = Secrets::serve(lattice.control.nats_client(), &secret).await?;
    let url = format!("nats://{}", elsewhere.address());
    lattice.link("app", &[("volume", "data")]).await?;
    let configuration = [VOLUME[0], VOLUME[1], ("nats_url", &url)];
    lattice.begin_provider(&host, &configuration, &["nats_credentials"]).await?;
    let file = lattice.path("user.creds");
    std::fs::write(&file, &credentials)?;
    let known = ["--nats-creds", &*file.to_string_lossy()];
    add(&lattice, "app", &format!("{url}/data"), &known).await?;

    let address = format!("{url}/data/notes/all.txt");
    let with = command("cat", &address, &known)?;
    ensure!(with.stdout == b"note 1\n", "{with:?}");
    let without = command("cat", &address, &[])?;
    ensure!(!without.status.success(), "anybody gets in");
    let log = log(&lattice)?;
    let shown = credentials.lines().find(|line| !line.is_empty() && !line.starts_with('-') && log.contains(line));
    ensure!(shown.is_none(), "the log shows the credentials");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_used_and_a_link_takes_no_secret() -> Result<()> {
    let (lattice, host) = lattice("app").await?;
    lattice.component(&host, "other", &lattice.path("notes.wasm")).await?;
    // It looks like a number.
    let elsewhere = Guarded::by_password(lattice.directory.path(), "larder", "0071230").await?;
    let secret = [("nats_password", "0071230"), ("volume", "data")];
    let _secrets = Secrets::serve(lattice.control.nats_client(), &secret).await?;
    let url = format!("nats://{}", elsewhere.address());
    lattice.link("app", &[("volume", "data")]).await?;
    lattice.link_with_secret("other", &[], "volume").await?;
    let configuration = [VOLUME[0], VOLUME[1], ("nats_url", &url), ("nats_user", "larder")];
    lattice.begin_provider(&host, &configuration, &["nats_password"]).await?;
    let address = format!("nats://larder:0071230@{}/data", elsewhere.address());
    add(&lattice, "app", &address, &[]).await?;

    let read = command("cat", &format!("{address}/notes/all.txt"), &[])?;
    ensure!(read.stdout == b"note 1\n", "{read:?}");
    let (said,): (String,) = lattice.call("other", NOTES, "add", ()).await?;
    ensure!(said.contains("I/O error"), "{said}");
    ensure!(log(&lattice)?.contains("which only the provider's own configuration takes"), "nobody says why");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_wrong_is_told_and_not_shown() -> Result<()> {
    let lattice = Lattice::start().await?;
    let host = lattice.host_with("one", "", &SECRETS).await?;
    let elsewhere = Guarded::by_password(lattice.directory.path(), "larder", "right").await?;
    let url = format!("nats://larder:a-wrong-one@{}", elsewhere.address());
    let _secrets = Secrets::serve(lattice.control.nats_client(), &[("nats_url", &url)]).await?;
    lattice.begin_provider(&host, &VOLUME, &["nats_url"]).await?;
    let told = format!("cannot connect to NATS at nats://{}", elsewhere.address());
    eventually(async || {
        let log = log(&lattice)?;
        ensure!(log.contains(&told), "the provider says nothing: {log}");
        Ok(())
    })
    .await?;
    ensure!(!log(&lattice)?.contains("a-wrong-one"), "the log shows the password");
    Ok(())
}
