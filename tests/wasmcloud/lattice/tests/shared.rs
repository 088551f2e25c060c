//! Components on several hosts share a volume.

use anyhow::{Result, ensure};
use larder_lattice_tests::{Lattice, PATIENCE, Site, composed, eventually};

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

/// Appends a line whatever the transport loses: where no confirmation comes,
/// once it has looked.
async fn append_once(site: &Site, path: &str, line: &str) -> Result<()> {
    eventually(async || {
        let Err(error) = site.append(path, format!("{line}\n").as_bytes()).await else { return Ok(()) };
        let (status, content) = eventually(async || site.get(path).await).await?;
        ensure!(status == 200 && String::from_utf8(content)?.lines().any(|there| there == line), "{line}: {error}");
        Ok(())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn appends_of_three_components_on_two_hosts_are_whole() -> Result<()> {
    const LINES: usize = 40;
    let lattice = Lattice::start().await?;
    let one = lattice.host_with("one", HTTP, &PATIENCE).await?;
    let two = lattice.host_with("two", HTTP, &PATIENCE).await?;
    lattice.provider(&one, &[("volumes.data.memory", "true"), ("volumes.data.writable", "true")]).await?;
    let app = lattice.path("app.wasm");
    composed("http-files.wasm", &app)?;
    let mut sites = Vec::new();
    for (component, host) in [("a", &one), ("b", &one), ("c", &two)] {
        lattice.link(component, &[("volume", "data")]).await?;
        lattice.component(host, component, &app).await?;
        sites.push((component, lattice.http(host, component).await?));
    }
    let appending = sites.iter().map(async |(component, site)| {
        for number in 0..LINES {
            append_once(site, "/log", &format!("{component} {number}")).await?;
        }
        Ok::<_, anyhow::Error>(())
    });
    futures::future::try_join_all(appending).await?;

    for (_, site) in &sites {
        let (status, log) = site.get("/log").await?;
        let log = String::from_utf8(log)?;
        ensure!(status == 200 && log.lines().count() == sites.len() * LINES, "{status} {log}");
        // Each component's lines, in its order.
        for (component, _) in &sites {
            let of: Vec<&str> = log.lines().filter(|line| line.starts_with(component)).collect();
            let expected: Vec<String> = (0..LINES).map(|number| format!("{component} {number}")).collect();
            ensure!(of == expected, "{component}: {of:?}");
        }
    }
    Ok(())
}
