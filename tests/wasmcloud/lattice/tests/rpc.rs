//! Apps that were composed for hosts with the feature `rpc-interface`: the
//! bridge calls the provider by `wrpc:rpc/invoker`, with a deadline of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use larder_lattice_tests::{Host, Lattice, Site, composed, composed_for, signal};

const FEATURES: &str = "builtin-http-server,rpc-interface";
const NOTES: &str = "larder:test/notes@0.1.0";
const BENCH: &str = "larder:test/edge-bench@0.1.0";
const VOLUME: [(&str, &str); 2] = [("volumes.data.memory", "true"), ("volumes.data.writable", "true")];

/// The bridge repeats after a second what was not answered, and a provider that
/// was started again answers that it does not know the session. The rest is what
/// a busy machine takes.
const SOON: Duration = Duration::from_secs(9);

/// The bridge's deadline of a request, and what a busy machine takes.
const DEADLINE: Duration = Duration::from_secs(30);
const BUSY: Duration = Duration::from_secs(15);

/// The component `app`, linked to the volume, on one host with these features
/// which waits as long as hosts do: ten minutes.
async fn app(guest: &str, features: &str) -> Result<(Lattice, Host)> {
    let lattice = Lattice::start().await?;
    let host = lattice.host("one", features).await?;
    lattice.provider(&host, &VOLUME).await?;
    let app = lattice.path("app.wasm");
    composed_for(guest, "wasmcloud-rpc", &app)?;
    lattice.link("app", &[("volume", "data")]).await?;
    lattice.component(&host, "app", &app).await?;
    Ok((lattice, host))
}

/// One that keeps what it is sent over HTTP.
async fn site() -> Result<(Lattice, Host, Site)> {
    let (lattice, host) = app("http-files.wasm", FEATURES).await?;
    let site = lattice.http(&host, "app").await?;
    Ok((lattice, host, site))
}

fn provider(lattice: &Lattice) -> Result<u32> {
    match *lattice.provider_processes() {
        [provider] => Ok(provider),
        ref others => anyhow::bail!("{} providers", others.len()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_kinds_of_components_share_a_volume() -> Result<()> {
    let (lattice, host, site) = site().await?;
    let typed = lattice.path("typed.wasm");
    composed("http-files.wasm", &typed)?;
    lattice.link("typed", &[("volume", "data")]).await?;
    lattice.component(&host, "typed", &typed).await?;
    let typed = lattice.http(&host, "typed").await?;

    site.put("/small", b"by the invoker").await?;
    ensure!(typed.get("/small").await? == (200, b"by the invoker".to_vec()));
    let large: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    typed.put("/large", &large).await?;
    ensure!(site.get("/large").await?.1 == large, "a large file is another when it is read");
    site.put("/copy", &large).await?;
    ensure!(typed.get("/copy").await?.1 == large, "a large file is another when it was written");
    site.append("/small", b", twice").await?;
    ensure!(site.get("/small").await?.1 == b"by the invoker, twice");
    ensure!(site.get("/none").await?.0 == 404, "errors of the store come through");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_not_there_is_an_error_and_no_trap() -> Result<()> {
    let lattice = Lattice::start().await?;
    let host = lattice.host("one", FEATURES).await?;
    lattice.provider(&host, &VOLUME).await?;
    let app = lattice.path("notes.wasm");
    composed_for("notes.wasm", "wasmcloud-rpc", &app)?;
    lattice.link("linked", &[("volume", "data")]).await?;
    lattice.link("reader", &[("volume", "data"), ("access", "read")]).await?;
    for (component, expected) in
        [("linked", "note 1 is kept"), ("none", "I/O error"), ("reader", "Read-only file system")]
    {
        lattice.component(&host, component, &app).await?;
        let (said,): (String,) = lattice.call(component, NOTES, "add", ()).await?;
        ensure!(said.contains(expected), "{component}: {said}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_killed_during_a_call_is_an_error_soon() -> Result<()> {
    /// Writes of the instance, each a call of its own: far more than it comes to.
    const WRITES: u32 = 1_000_000;
    let (lattice, _host) = app("edge-bench.wasm", FEATURES).await?;
    let (prepared,): (Result<(), String>,) = lattice.call("app", BENCH, "prepare", (u64::from(WRITES),)).await?;
    ensure!(prepared.is_ok(), "{prepared:?}");

    // A file, written and synced, one byte at a time.
    let write = (0_u8, 1_u8, 1_u32, WRITES);
    let calls = lattice.call::<_, (Result<Vec<u64>, String>,)>("app", BENCH, "measure", write);
    let killing = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let killed = provider(&lattice)?;
        // It stands still, so that a call is surely under way.
        signal(killed, "STOP")?;
        tokio::time::sleep(Duration::from_millis(100)).await;
        signal(killed, "KILL")?;
        Ok::<_, anyhow::Error>((killed, Instant::now()))
    };
    let (called, killed) = futures::future::join(calls, killing).await;
    let ((said,), (killed, at)) = (called?, killed?);
    let took = at.elapsed();
    ensure!(said.as_ref().is_err_and(|said| said.contains("I/O error")), "{:?}", said.err());
    ensure!(took < SOON, "the guest was told after {took:?}");
    println!("told after {took:?}");
    lattice.serving().await?;
    ensure!(provider(&lattice)? != killed, "the provider was not killed");
    let (prepared,): (Result<(), String>,) = lattice.call("app", BENCH, "prepare", (1_u64,)).await?;
    ensure!(prepared.is_ok(), "the next instance: {prepared:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_silent_is_an_error_at_the_deadline() -> Result<()> {
    let (lattice, _host) = app("notes.wasm", FEATURES).await?;
    let silent = provider(&lattice)?;
    signal(silent, "STOP")?;
    let began = Instant::now();
    let (said,): (String,) = lattice.call("app", NOTES, "add", ()).await?;
    let took = began.elapsed();
    signal(silent, "CONT")?;
    ensure!(said.contains("I/O error"), "{said}");
    ensure!((DEADLINE..DEADLINE + BUSY).contains(&took), "the guest was told after {took:?}");
    let (said,): (String,) = lattice.call("app", NOTES, "add", ()).await?;
    ensure!(said == "note 1 is kept", "{said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_again_is_applied_once() -> Result<()> {
    /// How often the provider stands still, longer than the bridge has patience.
    const STOPS: usize = 4;
    const WRITERS: usize = 3;
    let (lattice, _host, site) = site().await?;
    let (site, ended) = (Arc::new(site), Arc::new(AtomicBool::new(false)));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (site, ended) = (Arc::clone(&site), Arc::clone(&ended));
            tokio::spawn(async move {
                let mut count = 0;
                while !ended.load(Ordering::Relaxed) {
                    site.append("/log?sync", format!("{writer} {count}\n").as_bytes()).await?;
                    count += 1;
                }
                Ok::<_, anyhow::Error>(count)
            })
        })
        .collect();
    let provider = provider(&lattice)?;
    for _ in 0..STOPS {
        tokio::time::sleep(Duration::from_millis(500)).await;
        signal(provider, "STOP")?;
        tokio::time::sleep(Duration::from_millis(1500)).await;
        signal(provider, "CONT")?;
    }
    ended.store(true, Ordering::Relaxed);
    let mut counts = Vec::new();
    for writer in writers {
        counts.push(writer.await??);
    }
    let log = String::from_utf8(site.get("/log").await?.1)?;
    for (writer, count) in counts.into_iter().enumerate() {
        let found: Vec<&str> = log.lines().filter(|line| line.starts_with(&format!("{writer} "))).collect();
        let expected: Vec<String> = (0..count).map(|number| format!("{writer} {number}")).collect();
        ensure!(found == expected, "writer {writer}: {} lines of {count}", found.len());
        ensure!(count > STOPS, "writer {writer} came to {count} lines");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_host_without_the_feature_the_instance_ends() -> Result<()> {
    let (lattice, _host) = app("notes.wasm", "").await?;
    let began = Instant::now();
    let said = lattice.call::<_, (String,)>("app", NOTES, "add", ()).await;
    ensure!(said.is_err(), "{said:?}");
    ensure!(began.elapsed() < SOON, "after {:?}", began.elapsed());
    let log = std::fs::read_to_string(lattice.path("one.log"))?;
    ensure!(log.contains("wrpc:rpc/"), "the log says why: {log}");
    Ok(())
}
