//! Taking turns: each repetition runs files and raw requests one after the
//! other, so that whatever else the machine does hits both.

use std::time::Duration;

use anyhow::{Result, anyhow};

use crate::cases::Case;
use crate::processor::{Processes, Spent};
use crate::{larder, raw};
use larder_test_nats::Nats;

/// The head of the table.
pub(crate) const HEAD: &str = "| Case | clients | Larder | raw NATS | ratio | spread | processor, µs | raw | target |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n";

/// A count as a number to divide; none here comes near 2^52.
#[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
pub(crate) const fn count(number: usize) -> f64 {
    number as f64
}

/// Measures one case: the row as Markdown.
pub(crate) fn row(nats: &Nats, processes: Processes, case: &Case, clients: usize, quick: bool) -> Result<String> {
    let (repetitions, time) = if quick { (3, Duration::from_millis(300)) } else { (7, Duration::from_secs(1)) };
    for number in 0..clients {
        larder::prepare(nats, case, number)?;
    }
    let mut rates = Vec::new();
    let (mut files_cost, mut requests_cost) = (Cost::default(), Cost::default());
    // The first round warms up.
    for round in 0..=repetitions {
        let files =
            files_cost.of(processes, || together(clients, |number| larder::client(nats, case, number, time)))?;
        let requests = requests_cost.of(processes, || together(clients, |_| raw::client(nats, case, time)))?;
        if round > 0 {
            rates.push((files, requests));
        }
    }
    let mut ratios: Vec<f64> = rates.iter().map(|(files, requests)| files / requests).collect();
    let ratio = median(&mut ratios);
    let spread = ratios.first().copied().unwrap_or_default()..=ratios.last().copied().unwrap_or_default();
    let files = median(&mut rates.iter().map(|(files, _)| *files).collect::<Vec<_>>());
    let requests = median(&mut rates.iter().map(|(_, requests)| *requests).collect::<Vec<_>>());
    let target = case
        .target
        .map_or_else(String::new, |target| format!("{target} {}", if ratio >= target { "met" } else { "missed" }));
    Ok(format!(
        "| {} | {clients} | {} | {} | {ratio:.2} | {:.2}–{:.2} | {} | {} | {target} |\n",
        case.name,
        speed(case, files),
        speed(case, requests),
        spread.start(),
        spread.end(),
        files_cost.each(case),
        requests_cost.each(case),
    ))
}

/// What a number of operations, or of bytes, cost.
#[derive(Default)]
struct Cost {
    spent: Spent,
    done: f64,
}

impl Cost {
    /// Runs something and adds what it cost; answers its rate.
    fn of(&mut self, processes: Processes, run: impl FnOnce() -> Result<Done>) -> Result<f64> {
        let before = processes.spent();
        let Done { amount, rate } = run()?;
        self.spent += processes.spent() - before;
        self.done += amount;
        Ok(rate)
    }

    /// Microseconds for an operation, or for a megabyte.
    fn each(&self, case: &Case) -> Spent {
        self.spent.each(if case.bytes == 0 { self.done } else { self.done / 1e6 })
    }
}

/// What all clients did, and at which rate per second.
struct Done {
    amount: f64,
    rate: f64,
}

/// All clients at the same time.
fn together(clients: usize, one: impl Fn(usize) -> Result<(f64, Duration)> + Sync) -> Result<Done> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..clients)
            .map(|number| {
                scope.spawn({
                    let one = &one;
                    move || one(number)
                })
            })
            .collect();
        let mut all = Done { amount: 0.0, rate: 0.0 };
        for thread in threads {
            let (done, took) = thread.join().map_err(|_| anyhow!("a client panicked"))??;
            all.amount += done;
            all.rate += done / took.as_secs_f64();
        }
        Ok(all)
    })
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn speed(case: &Case, rate: f64) -> String {
    if case.bytes == 0 { format!("{rate:.0}/s") } else { format!("{:.0} MB/s", rate / 1e6) }
}
