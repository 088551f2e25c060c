//! Calls that the transport loses. The released wRPC drops a message now and
//! then when a host makes many calls at once; the instance then waits until the
//! host ends it. What of Larder's promises is left: no change is applied twice,
//! none that was confirmed is missing, and the provider goes on serving.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use larder_lattice_tests::{Host, Lattice, PATIENCE, Site, composed, eventually, on_stock_host};

const HTTP: &str = "builtin-http-server";

/// Answers that took longer waited for what was lost: a little less than the
/// host's patience.
const LATE: Duration = Duration::from_millis(2900);

/// Longest answer to one request: what was lost ends with the host's patience,
/// and a busy machine takes its time.
const LONGEST: Duration = Duration::from_secs(60);

/// Callers at once, and how many appends each makes in a round. An append is
/// about four calls of the provider.
const CALLERS: usize = 32;
const APPENDS: usize = 30;

/// Rounds until one loses a call. Losing about three in a thousand, each round
/// has some ten.
const MOST_ROUNDS: usize = 10;

/// How the appends of a round ended.
#[derive(Debug, Default)]
struct Round {
    /// Confirmed at once.
    kept: usize,
    /// Confirmed late: something was lost and repeated, or the machine is busy.
    late: usize,
    /// Failed, as an error that the app saw and answered with.
    failed: usize,
    /// Failed, as the host ended the instance.
    ended: usize,
    /// Failed, but the line is there.
    applied: usize,
}

impl Round {
    const fn lost(&self) -> usize {
        self.failed + self.ended
    }
}

/// The app behind HTTP on this host, with a volume in memory.
async fn app(lattice: &Lattice, host: &Host) -> Result<Arc<Site>> {
    lattice.provider(host, &[("volumes.data.memory", "true"), ("volumes.data.writable", "true")]).await?;
    let app = lattice.path("app.wasm");
    composed("http-files.wasm", &app)?;
    lattice.link("app", &[("volume", "data")]).await?;
    lattice.component(host, "app", &app).await?;
    Ok(Arc::new(lattice.http(host, "app").await?.waiting(LONGEST)))
}

/// Lines appended by many callers at once, and then the file: each confirmed
/// line is there once, each that failed once or not.
async fn round(site: &Arc<Site>, file: &str) -> Result<Round> {
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let (site, file) = (Arc::clone(site), file.to_owned());
            tokio::spawn(async move {
                let mut all = Vec::new();
                for number in 0..APPENDS {
                    let line = format!("{caller} {number}");
                    let begun = Instant::now();
                    let answer = site.append(&file, format!("{line}\n").as_bytes()).await;
                    all.push((line, answer, begun.elapsed()));
                }
                all
            })
        })
        .collect();
    let (mut round, mut confirmed) = (Round::default(), HashMap::new());
    for caller in callers {
        for (line, answer, took) in caller.await? {
            *match &answer {
                Ok(()) if took < LATE => &mut round.kept,
                Ok(()) => &mut round.late,
                Err(error) if took >= LONGEST => bail!("line {line} hangs: {error}"),
                Err(error) if error.to_string().contains("I/O error") => &mut round.failed,
                Err(_) => &mut round.ended,
            } += 1;
            confirmed.insert(line, answer.is_ok());
        }
    }
    let (status, content) = eventually(async || site.get(file).await).await?;
    ensure!(status == 200, "{file}: {status}");
    let mut found: HashMap<String, usize> = HashMap::new();
    for line in String::from_utf8(content)?.lines() {
        *found.entry(line.to_owned()).or_default() += 1;
    }
    for (line, confirmed) in confirmed {
        let times = found.remove(&line).unwrap_or_default();
        let right = if confirmed { times == 1 } else { times <= 1 };
        ensure!(right, "line {line}, confirmed: {confirmed}, is there {times} times");
        round.applied += usize::from(!confirmed && times == 1);
    }
    ensure!(found.is_empty(), "nobody wrote {found:?}");
    println!("{file}: {round:?}");
    Ok(round)
}

/// The provider that was there all the time serves one call after the other.
async fn goes_on(lattice: &Lattice, site: &Site, provider: &[u32]) -> Result<()> {
    for number in 0..20 {
        let path = format!("/after/{number}");
        eventually(async || site.put(&path, b"it goes on").await).await?;
        let read = eventually(async || site.get(&path).await).await?;
        ensure!(read == (200, b"it goes on".to_vec()), "{path}: {read:?}");
    }
    ensure!(lattice.provider_processes() == provider, "the provider was started anew");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn many_calls_at_once_all_succeed() -> Result<()> {
    let lattice = Lattice::start().await?;
    // The stock host's calls must end; without it, whatever ends one is a fault.
    let patience: &[_] = if on_stock_host() { &PATIENCE } else { &[] };
    let host = lattice.host_with("one", HTTP, patience).await?;
    let site = app(&lattice, &host).await?;
    let round = round(&site, "/log").await?;
    ensure!(round.lost() == 0 || on_stock_host(), "{round:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "on the stock host: `tests/run lattice` runs it where there is one"]
async fn a_call_that_the_stock_host_loses_is_applied_once_or_not() -> Result<()> {
    let lattice = Lattice::start().await?;
    let host = lattice.stock_host("one", HTTP, &PATIENCE).await?;
    let site = app(&lattice, &host).await?;
    let provider = lattice.provider_processes();
    for number in 0..MOST_ROUNDS {
        if round(&site, &format!("/log-{number}")).await?.lost() > 0 {
            return goes_on(&lattice, &site, &provider).await;
        }
    }
    bail!("in {MOST_ROUNDS} rounds the transport lost no call: nothing was shown")
}

/// What a caller leaves behind whose host is killed or whose messages are lost:
/// calls of which only a part comes, with nobody there for the answer.
#[tokio::test(flavor = "multi_thread")]
async fn calls_that_are_never_whole_stop_nobody() -> Result<()> {
    /// More than the provider handles at once.
    const PARTS: usize = 3000;
    let lattice = Lattice::start().await?;
    let host = lattice.host("one", HTTP).await?;
    let site = app(&lattice, &host).await?;
    let provider = lattice.provider_processes();
    let nats = lattice.control.nats_client();
    let subject = format!("{}.wrpc.0.0.1.larder:remote/messages@0.1.0.call", lattice.subjects("larder"));
    let mut headers = async_nats::HeaderMap::new();
    headers.insert("source-id", "app");
    headers.insert("link-name", "default");
    for number in 0..PARTS {
        // A string of a hundred bytes of which some are missing, or all and
        // its length, too.
        let part: &[u8] = if number % 2 == 0 { &[100, b'a', b'b', b'c'] } else { &[] };
        let inbox = nats.new_inbox();
        nats.publish_with_reply_and_headers(subject.clone(), inbox, headers.clone(), Bytes::from_static(part))
            .await
            .context("publish")?;
    }
    nats.flush().await?;
    goes_on(&lattice, &site, &provider).await
}
