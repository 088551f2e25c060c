//! The servers: a component, and the files that it has.

mod larder;
mod wasmtime;

use anyhow::Result;

use crate::contestant::Contestant;
use crate::guest::Guest;
use crate::plan::Plan;

/// A server that answers, and has its files. It ends when it is dropped.
pub(crate) enum Host {
    Larder(larder::Larder),
    Wasmtime(wasmtime::Wasmtime),
}

impl Host {
    /// Starts a contestant.
    ///
    /// # Errors
    /// When it does not answer.
    ///
    /// # Panics
    /// When the trigger does not start, or something is not built.
    pub(crate) async fn start(contestant: Contestant, guest: Guest, plan: &Plan) -> Result<Self> {
        Ok(match contestant {
            Contestant::LarderFile => Self::Larder(larder::Larder::start(guest, false, plan).await?),
            Contestant::LarderMemory => Self::Larder(larder::Larder::start(guest, true, plan).await?),
            Contestant::WasmtimeTmpfs => Self::Wasmtime(wasmtime::Wasmtime::start(guest, Some(&plan.tmpfs), plan)?),
            Contestant::WasmtimeDisk => Self::Wasmtime(wasmtime::Wasmtime::start(guest, None, plan)?),
        })
    }

    /// `HOST:PORT`.
    pub(crate) fn address(&self) -> &str {
        match self {
            Self::Larder(larder) => larder.address(),
            Self::Wasmtime(wasmtime) => wasmtime.address(),
        }
    }

    /// The number of its process.
    pub(crate) fn process(&self) -> u32 {
        match self {
            Self::Larder(larder) => larder.process(),
            Self::Wasmtime(wasmtime) => wasmtime.process(),
        }
    }

    /// Ends it in good order.
    ///
    /// # Panics
    /// When Larder does not save its volume.
    pub(crate) fn stop(self) {
        if let Self::Larder(larder) = self {
            larder.stop();
        }
    }
}

/// Options of the same name in both.
fn reuse(plan: &Plan) -> Vec<String> {
    let option = |name: &str, count: Option<usize>| count.map(|count| [name.to_owned(), count.to_string()]);
    [option("--max-instance-reuse-count", plan.reuse), option("--max-instance-concurrent-reuse-count", plan.concurrent)]
        .into_iter()
        .flatten()
        .flatten()
        .collect()
}
