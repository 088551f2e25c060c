//! What calls with content cost on a real wasmCloud host: through Larder (a
//! file of `std::fs` in a volume of the provider), by a typed import and by the
//! host's invoker, and through a typed interface of `list<u8>`, in turns within
//! one run. Prints a table in Markdown, with how many times faster each is than
//! the interface.
//!
//! `cargo bench --bench edge [-- ROUNDS]`: in each round each case is measured
//! once, with a number of calls that fits it.
#![forbid(unsafe_code)]

mod typed;

use std::process::Command;

use anyhow::{Context, Result, anyhow, ensure};
use bytes::Bytes;
use larder_lattice_tests::{Lattice, composed_for, larder};

const INTERFACE: &str = "larder:test/edge-bench@0.1.0";

/// The guest as a component, composed with this `--forward`.
const COMPONENTS: [(&str, &str); 2] = [("bench", "wasmcloud"), ("bench-rpc", "wasmcloud-rpc")];

/// Bytes of the file: far more than the client keeps.
const CONTENT: u64 = 64 << 20;

/// Bytes of a call, how they are called, and calls in a round.
/// One byte shows what a call costs by itself.
const SIZES: [(u32, &str, u32); 3] = [(1, "1 B", 40), (64 << 10, "64 KiB", 40), (1 << 20, "1 MiB", 10)];

const DEFAULT_ROUNDS: usize = 5;

/// As the guest's interface numbers it.
#[derive(Clone, Copy)]
enum Way {
    File = 0,
    Typed = 1,
}

/// What is measured: its column, the component and its way. The first one is
/// what the others are compared with.
const CASES: [(&str, &str, Way); 3] = [
    ("`list<u8>`", "bench", Way::Typed),
    ("`--forward=wasmcloud`", "bench", Way::File),
    ("`--forward=wasmcloud-rpc`", "bench-rpc", Way::File),
];

#[tokio::main]
async fn main() -> Result<()> {
    // Without one, wRPC prepares log lines with whole payloads for nobody.
    tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::WARN).init();
    let rounds = std::env::args().skip(1).find(|argument| argument != "--bench");
    let rounds: usize = rounds.map_or(Ok(DEFAULT_ROUNDS), |text| text.parse()).context("ROUNDS")?;
    let lattice = Lattice::start().await?;
    let host = lattice.host("one", "rpc-interface").await?;
    let settings = [("volumes.data.memory", "true"), ("volumes.data.writable", "true")];
    lattice.provider(&host, &settings).await?;
    let content = Bytes::from(vec![7; usize::try_from(CONTENT)?]);
    let typed = typed::serve(&lattice, content).await?;
    for (component, forward) in COMPONENTS {
        let app = lattice.path(&format!("{component}.wasm"));
        composed_for("edge-bench.wasm", forward, &app)?;
        lattice.link(component, &[("volume", "data"), ("directory", component)]).await?;
        lattice.link_to(component, typed::ID, ["larder", "test", "typed"], &[]).await?;
        make_directory(&lattice, component)?;
        lattice.component(&host, component, &app).await?;
        let (prepared,): (Result<(), String>,) = lattice.call(component, INTERFACE, "prepare", (CONTENT,)).await?;
        prepared.map_err(|error| anyhow!("prepare {component}: {error}"))?;
    }

    let columns = CASES.map(|(column, ..)| column).join(" | ");
    println!("| | {columns} |\n| --- | --- | --- | --- |");
    for (size, name, count) in SIZES {
        for (direction, verb) in ["read", "write and sync"].into_iter().enumerate() {
            let mut measured = CASES.map(|_| Vec::new());
            for _ in 0..rounds {
                for ((_, component, way), all) in CASES.into_iter().zip(&mut measured) {
                    all.extend(measure(&lattice, component, way, direction, size, count).await?);
                }
            }
            let medians = measured.map(median);
            let [typed, ..] = medians;
            let cells = medians.map(|median| shown(median, size, typed / median)).join(" | ");
            println!("| {verb} {name} | {cells} |");
        }
    }
    for task in typed {
        task.abort();
    }
    Ok(())
}

/// Makes a directory of the volume.
fn make_directory(lattice: &Lattice, name: &str) -> Result<()> {
    let address = format!("nats://127.0.0.1:{}/data/{name}", lattice.port);
    let made = Command::new(larder()?).args(["mkdir", &address]).status()?;
    ensure!(made.success(), "larder mkdir {address} failed");
    Ok(())
}

/// Nanoseconds of each call.
async fn measure(
    lattice: &Lattice,
    component: &str,
    way: Way,
    direction: usize,
    size: u32,
    count: u32,
) -> Result<Vec<u64>> {
    let parameters = (way as u8, u8::try_from(direction)?, size, count);
    let (measured,): (Result<Vec<u64>, String>,) = lattice.call(component, INTERFACE, "measure", parameters).await?;
    measured.map_err(|error| anyhow!("measure {component}: {error}"))
}

fn median(mut all: Vec<u64>) -> f64 {
    all.sort_unstable();
    all.get(all.len() / 2).map_or(0.0, |middle| *middle as f64)
}

fn shown(nanoseconds: f64, size: u32, times: f64) -> String {
    let throughput = f64::from(size) / f64::from(1 << 20) / (nanoseconds / 1e9);
    format!("{:.2} ms, {throughput:.0} MiB/s, {times:.1}", nanoseconds / 1e6)
}
