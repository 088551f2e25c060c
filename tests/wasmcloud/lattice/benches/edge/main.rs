//! What calls with content cost on a real wasmCloud host: through Larder (a
//! file of `std::fs` in a volume of the provider) and through a typed interface
//! of `list<u8>`, in turns within one run. Prints a table in Markdown.
//!
//! `cargo bench --bench edge [-- ROUNDS]`: in each round each case is measured
//! once, with a number of calls that fits it.
#![forbid(unsafe_code)]

mod typed;

use anyhow::{Context, Result, anyhow};
use bytes::Bytes;
use larder_lattice_tests::{Lattice, PROVIDER, composed};

const INTERFACE: &str = "larder:test/edge-bench@0.1.0";
const COMPONENT: &str = "bench";

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

#[tokio::main]
async fn main() -> Result<()> {
    // Without one, wRPC prepares log lines with whole payloads for nobody.
    tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::WARN).init();
    let rounds = std::env::args().skip(1).find(|argument| argument != "--bench");
    let rounds: usize = rounds.map_or(Ok(DEFAULT_ROUNDS), |text| text.parse()).context("ROUNDS")?;
    let lattice = Lattice::start().await?;
    let host = lattice.host("one", "").await?;
    let settings = [("volumes.data.memory", "true"), ("volumes.data.writable", "true")];
    lattice.provider(&host, &settings).await?;
    let app = lattice.path("bench.wasm");
    composed("edge-bench.wasm", &app)?;
    lattice.link(COMPONENT, &[("volume", "data")]).await?;
    let content = Bytes::from(vec![7; usize::try_from(CONTENT)?]);
    let typed = typed::serve(&lattice, content).await?;
    lattice.link_to(COMPONENT, typed::ID, ["larder", "test", "typed"], &[]).await?;
    lattice.component(&host, COMPONENT, &app).await?;
    let (prepared,): (Result<(), String>,) = lattice.call(COMPONENT, INTERFACE, "prepare", (CONTENT,)).await?;
    prepared.map_err(|error| anyhow!("prepare: {error}"))?;

    println!("| | through `{PROVIDER}` | `list<u8>` | ratio |\n| --- | --- | --- | --- |");
    for (size, name, count) in SIZES {
        for (direction, verb) in ["read", "write and sync"].into_iter().enumerate() {
            let (mut file, mut bytes) = (Vec::new(), Vec::new());
            for _ in 0..rounds {
                file.extend(measure(&lattice, Way::File, direction, size, count).await?);
                bytes.extend(measure(&lattice, Way::Typed, direction, size, count).await?);
            }
            let (file, bytes) = (median(file), median(bytes));
            let ratio = bytes / file;
            println!("| {verb} {name} | {} | {} | {ratio:.1} |", shown(file, size), shown(bytes, size));
        }
    }
    for task in typed {
        task.abort();
    }
    Ok(())
}

/// Nanoseconds of each call.
async fn measure(lattice: &Lattice, way: Way, direction: usize, size: u32, count: u32) -> Result<Vec<u64>> {
    let parameters = (way as u8, u8::try_from(direction)?, size, count);
    let (measured,): (Result<Vec<u64>, String>,) = lattice.call(COMPONENT, INTERFACE, "measure", parameters).await?;
    measured.map_err(|error| anyhow!("measure: {error}"))
}

fn median(mut all: Vec<u64>) -> f64 {
    all.sort_unstable();
    all.get(all.len() / 2).map_or(0.0, |middle| *middle as f64)
}

fn shown(nanoseconds: f64, size: u32) -> String {
    let throughput = f64::from(size) / f64::from(1 << 20) / (nanoseconds / 1e9);
    format!("{:.2} ms, {throughput:.0} MiB/s", nanoseconds / 1e6)
}
