//! What is killed comes back, and what was synced is there.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use larder_lattice_tests::{Host, Lattice, PATIENCE, Site, composed, eventually, larder};

const HTTP: &str = "builtin-http-server";

fn kill(processes: &[u32]) -> Result<()> {
    for id in processes {
        std::process::Command::new("kill").args(["-9", &id.to_string()]).status()?;
    }
    Ok(())
}

/// The volume's file, in the lattice's directory.
const FILE: &str = "data.larder";

/// An app that keeps what it is sent over HTTP in a volume with a file, on one
/// host. `more` configures the provider.
async fn app_with_files(more: &[(&str, &str)]) -> Result<(Lattice, Host, Site)> {
    let lattice = Lattice::start().await?;
    let host = lattice.host_with("one", HTTP, &PATIENCE).await?;
    let file = lattice.path(FILE);
    let file = file.to_string_lossy();
    let mut configuration = vec![("volumes.data.file", &*file), ("volumes.data.writable", "true")];
    configuration.extend(more);
    lattice.provider(&host, &configuration).await?;
    let app = lattice.path("app.wasm");
    composed("http-files.wasm", &app)?;
    lattice.link("app", &[("volume", "data")]).await?;
    lattice.component(&host, "app", &app).await?;
    let site = lattice.http(&host, "app").await?;
    Ok((lattice, host, site))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_synced_while_the_provider_was_killed_is_there() -> Result<()> {
    /// Kills, each in the middle of writes, and writers.
    const KILLS: usize = 3;
    const WRITERS: usize = 3;
    /// Files that are kept between two kills.
    const BETWEEN: usize = 20;
    let (lattice, _host, site) = app_with_files(&[]).await?;
    let site = Arc::new(site);

    let (ended, kept) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (site, ended, kept) = (Arc::clone(&site), Arc::clone(&ended), Arc::clone(&kept));
            tokio::spawn(async move {
                let mut synced = HashMap::new();
                let mut failed = 0;
                for number in 0.. {
                    if ended.load(Ordering::Relaxed) {
                        break;
                    }
                    let (path, content) = (format!("/{writer}/{number}"), format!("{writer} {number}").repeat(1000));
                    if site.put(&format!("{path}?sync"), content.as_bytes()).await.is_ok() {
                        synced.insert(path, content);
                        kept.fetch_add(1, Ordering::Relaxed);
                    } else {
                        failed += 1;
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                }
                (synced, failed)
            })
        })
        .collect();
    for kills in 0..=KILLS {
        let goal = kept.load(Ordering::Relaxed) + BETWEEN;
        eventually(async || {
            let now = kept.load(Ordering::Relaxed);
            ensure!(now >= goal, "after {kills} kills nothing goes on: {now} of {goal} files");
            Ok(())
        })
        .await?;
        if kills < KILLS {
            let provider = lattice.provider_processes();
            ensure!(provider.len() == 1, "{} providers", provider.len());
            kill(&provider)?;
        }
    }
    ended.store(true, Ordering::Relaxed);
    let mut failures = 0;
    for writer in writers {
        let (synced, failed) = writer.await?;
        failures += failed;
        for (path, content) in synced {
            let (status, found) = site.get(&path).await?;
            ensure!(status == 200 && found == content.as_bytes(), "{path}: {status}, {} bytes", found.len());
        }
    }
    ensure!(failures > 0, "no write was under way when the provider was killed");
    println!("{} files kept, {failures} writes failed", kept.load(Ordering::Relaxed));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_killed_has_what_was_synced() -> Result<()> {
    let (lattice, _host, site) = app_with_files(&[]).await?;
    site.put("/before?sync", b"kept").await?;

    let provider = lattice.provider_processes();
    ensure!(provider.len() == 1, "{} providers", provider.len());
    kill(&provider)?;
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
async fn what_was_not_synced_is_saved_every_so_often() -> Result<()> {
    let (lattice, _host, site) = app_with_files(&[("volumes.data.save_every_seconds", "1")]).await?;
    let file = lattice.path(FILE);
    site.put("/file", b"not synced").await?;
    eventually(async || {
        let path = format!("{}:/file", file.display());
        let saved = std::process::Command::new(larder()?).args(["cat", &path]).output()?;
        ensure!(saved.stdout == b"not synced", "not saved: {}", String::from_utf8_lossy(&saved.stderr));
        Ok(())
    })
    .await?;

    kill(&lattice.provider_processes())?;
    eventually(async || {
        ensure!(site.get("/file").await? == (200, b"not synced".to_vec()), "what was saved is not there");
        Ok(())
    })
    .await
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
