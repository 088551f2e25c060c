//! Components on several hosts share a volume, and lose nothing that was
//! synced.

use std::time::Duration;

use anyhow::{Result, ensure};
use larder_lattice_tests::{Lattice, composed, eventually};

const HTTP: &str = "builtin-http-server";

#[tokio::test(flavor = "multi_thread")]
async fn components_on_two_hosts_share_a_volume() -> Result<()> {
    let lattice = Lattice::start().await?;
    let (one, two) = (lattice.host("one", HTTP).await?, lattice.host("two", HTTP).await?);
    let file = lattice.path("data.larder");
    lattice
        .provider(&one, &[("volumes.data.file", &file.to_string_lossy()), ("volumes.data.writable", "true")])
        .await?;
    let app = lattice.path("app.wasm");
    composed("http-files.wasm", &app)?;

    lattice.link("writer", &[("volume", "data")]).await?;
    lattice.link("other", &[("volume", "data")]).await?;
    lattice.link("reader", &[("volume", "data"), ("directory", "shared"), ("access", "read")]).await?;
    lattice.component(&one, "writer", &app).await?;
    lattice.component(&two, "other", &app).await?;
    let (writer, other) = (lattice.http(&one, "writer").await?, lattice.http(&two, "other").await?);

    writer.put("/shared/a", b"of the first host").await?;
    ensure!(other.get("/shared/a").await? == (200, b"of the first host".to_vec()));
    let large: Vec<u8> = (0..3_000_000_u32).map(|number| number as u8).collect();
    other.put("/shared/large", &large).await?;
    ensure!(writer.get("/shared/large").await?.1 == large, "a large file is another on the other host");

    lattice.component(&two, "reader", &app).await?;
    let reader = lattice.http(&two, "reader").await?;
    ensure!(reader.get("/a").await? == (200, b"of the first host".to_vec()), "the link's directory is the root");
    ensure!(reader.put("/b", b"x").await.is_err(), "a reader has written");

    lattice.unlink("other").await?;
    eventually(async || {
        ensure!(other.get("/shared/a").await?.0 != 200, "a component without a link still reads");
        Ok(())
    })
    .await?;
    ensure!(writer.get("/shared/a").await?.0 == 200);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_killed_has_what_was_synced() -> Result<()> {
    let lattice = Lattice::start().await?;
    let host = lattice.host("one", HTTP).await?;
    let file = lattice.path("data.larder");
    lattice
        .provider(&host, &[("volumes.data.file", &file.to_string_lossy()), ("volumes.data.writable", "true")])
        .await?;
    let app = lattice.path("app.wasm");
    composed("http-files.wasm", &app)?;
    lattice.link("app", &[("volume", "data")]).await?;
    lattice.component(&host, "app", &app).await?;
    let site = lattice.http(&host, "app").await?;
    site.put("/before?sync", b"kept").await?;

    let provider = lattice.provider_processes();
    ensure!(provider.len() == 1, "{} providers", provider.len());
    for id in &provider {
        std::process::Command::new("kill").args(["-9", &id.to_string()]).status()?;
    }
    // The host starts it again, with its configuration and links.
    eventually(async || {
        ensure!(site.get("/before").await? == (200, b"kept".to_vec()), "what was synced is not there");
        Ok(())
    })
    .await?;
    ensure!(lattice.provider_processes() != provider, "the provider was not killed");
    site.put("/after", b"it goes on").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_does_not_outlive_its_host() -> Result<()> {
    let lattice = Lattice::start().await?;
    let mut host = lattice.host("one", HTTP).await?;
    lattice.provider(&host, &[("volumes.data.memory", "true"), ("volumes.data.writable", "true")]).await?;
    ensure!(lattice.provider_processes().len() == 1, "no provider runs");
    host.process.kill();
    eventually(async || {
        tokio::time::sleep(Duration::from_millis(100)).await;
        ensure!(lattice.provider_processes().is_empty(), "an orphan goes on serving");
        Ok(())
    })
    .await
}
