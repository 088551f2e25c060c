//! Taking turns: of each cell, all contestants one after the other, so that
//! whatever else the machine does hits all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use serde::Serialize;
use tokio::runtime::Runtime;

use crate::case::{self, Case};
use crate::contestant::Contestant;
use crate::guest::Guest;
use crate::host::Host;
use crate::load::{self, Asker};
use crate::numbers::{number, percentile};
use crate::plan::Plan;
use crate::processor::Usage;

/// Between two cells: what the one left to do is not in the other's time.
const REST: Duration = Duration::from_millis(200);

/// Requests that show how many an instance answers: more than any default.
const COUNTED: usize = 300;

/// Somebody told the run to end.
static ENDED: AtomicBool = AtomicBool::new(false);

/// A repetition of a cell.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Sample {
    pub(crate) requests: u64,
    /// Requests a second.
    pub(crate) rate: f64,
    /// Latencies in seconds.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) longest: f64,
    /// Who had the processors.
    pub(crate) usage: Usage,
    /// Lines that were acknowledged and are not in the log.
    pub(crate) lost: u64,
}

/// Of which a table has one each.
pub(crate) type Place = (Guest, Case, usize, Contestant);

/// What was measured, and what could not be.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) samples: BTreeMap<Place, Vec<Sample>>,
    /// Requests that one instance answered, one after the other.
    pub(crate) reuse: BTreeMap<(Guest, Contestant), u64>,
    pub(crate) failures: Vec<String>,
    /// They have no further turn with a guest.
    failed: BTreeSet<Contestant>,
}

/// Measures all; progress goes to standard error. A contestant that fails loses
/// the rest of its turns with a guest, and is told.
///
/// # Errors
/// When the run was told to end.
pub(crate) fn all(plan: &Plan) -> Result<Found> {
    // One thread: it leaves the server as many processors as possible.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut found = Found::default();
    for &guest in &plan.guests {
        found.failed.clear();
        for round in 0..plan.repetitions {
            found.round(&runtime, guest, round, plan)?;
        }
    }
    Ok(found)
}

impl Found {
    /// One repetition of all cells of a guest, with new servers and new files.
    fn round(&mut self, runtime: &Runtime, guest: Guest, round: usize, plan: &Plan) -> Result<()> {
        let mut hosts = Vec::new();
        for &contestant in &plan.contestants {
            let start = || self::start(runtime, guest, contestant, plan);
            if let Some((host, reuse)) = self.turn(&format!("{guest:?}"), contestant, start)? {
                if let Some(reuse) = reuse {
                    self.reuse.insert((guest, contestant), reuse);
                }
                hosts.push((contestant, host));
            }
        }
        for &case in plan.cases.iter().filter(|case| case.is_for(guest)) {
            for &clients in &plan.clients {
                crate::say(&format!("{guest:?}, {}, {clients} clients, repetition {}", case.title(), round + 1));
                // Nobody is always behind the same one.
                let turn = usize::from(!hosts.is_empty());
                hosts.rotate_left(turn);
                for (contestant, host) in &hosts {
                    let run = || runtime.block_on(cell(host, guest, case, clients, plan));
                    let what = format!("{guest:?}, {}, {clients} clients", case.title());
                    if let Some(sample) = self.turn(&what, *contestant, run)? {
                        tell(*contestant, &sample);
                        self.samples.entry((guest, case, clients, *contestant)).or_default().push(sample);
                    }
                }
            }
        }
        for (contestant, host) in hosts {
            self.turn(&format!("{guest:?}, the end"), contestant, || {
                host.stop();
                Ok(())
            })?;
        }
        Ok(())
    }

    /// None where it fails, or has no turn any more.
    ///
    /// # Errors
    /// When the run was told to end.
    fn turn<T>(&mut self, what: &str, contestant: Contestant, run: impl FnOnce() -> Result<T>) -> Result<Option<T>> {
        ensure!(!ENDED.load(Ordering::Relaxed), "the run was told to end");
        if self.failed.contains(&contestant) {
            return Ok(None);
        }
        // What plays `spin up` is made for tests, which fail by panicking.
        let done = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err(anyhow!("it panicked; see above")));
        Ok(done.map_err(|error| self.fail(what, contestant, &error)).ok())
    }

    fn fail(&mut self, what: &str, contestant: Contestant, error: &anyhow::Error) {
        crate::say(&format!("    {} FAILED: {error:#}", contestant.title()));
        self.failures.push(format!("{}, {what}: {error:#}", contestant.title()));
        self.failed.insert(contestant);
    }
}

/// A server, and how many requests an instance answers where they share one.
fn start(runtime: &Runtime, guest: Guest, contestant: Contestant, plan: &Plan) -> Result<(Host, Option<u64>)> {
    // Larder's start blocks: nothing else is to be done meanwhile.
    runtime.block_on(async {
        let host = Host::start(contestant, guest, plan).await?;
        let reuse = if guest.is_reused() { Some(count(host.address()).await?) } else { None };
        Ok((host, reuse))
    })
}

/// The most requests that one instance says to have had.
async fn count(address: &str) -> Result<u64> {
    let mut asker = Asker::connect(address).await?;
    let mut most = 0_u64;
    for _ in 0..COUNTED {
        let answer = asker.get("/count").await?;
        let text = std::str::from_utf8(&answer)?;
        most = most.max(text.trim().parse().context("/count")?);
    }
    Ok(most)
}

async fn cell(host: &Host, guest: Guest, case: Case, clients: usize, plan: &Plan) -> Result<Sample> {
    tokio::time::sleep(REST).await;
    let log = format!("log-{clients}");
    let ask = Arc::new(case.ask(guest, &log));
    let done = load::run(host.address(), host.process(), &ask, clients, plan.warm, plan.measured).await?;
    let lost = if case == Case::Append {
        let log = Asker::connect(host.address()).await?.get(&case::log(guest, &log)).await?;
        let lines = case::lines(&log)?;
        ensure!(lines <= done.all, "the log has {lines} lines of {} requests", done.all);
        done.all - lines
    } else {
        0
    };
    let requests = done.latencies.len() as u64;
    let seconds = |latency: Option<Duration>| latency.unwrap_or_default().as_secs_f64();
    Ok(Sample {
        requests,
        rate: number(requests) / done.usage.seconds,
        p50: seconds(percentile(&done.latencies, 50)),
        p99: seconds(percentile(&done.latencies, 99)),
        longest: seconds(done.latencies.last().copied()),
        usage: done.usage,
        lost,
    })
}

fn tell(contestant: Contestant, sample: &Sample) {
    let lost = if sample.lost == 0 { String::new() } else { format!(", LOST {} lines", sample.lost) };
    crate::say(&format!(
        "    {:<15} {:>8.0}/s  p50 {:>7.3} ms  p99 {:>7.3} ms  server {:>6.1} µs{lost}",
        contestant.title(),
        sample.rate,
        sample.p50 * 1e3,
        sample.p99 * 1e3,
        sample.usage.server / number(sample.requests) * 1e6,
    ));
}

/// What runs ends in good order: its servers with it.
pub(crate) fn end() {
    ENDED.store(true, Ordering::Relaxed);
}
