//! Unchanged programs, whole: the host calls their `wasi:cli/run`.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use larder_lattice_tests::{Lattice, composed};

/// Programs that need no arguments, with the version of `wasi:cli` that their
/// languages' tools give them.
const PROGRAMS: [(&str, &str); 1] = [("js-files", "0.2.12")];

#[tokio::test(flavor = "multi_thread")]
async fn programs_find_their_files_as_they_left_them() -> Result<()> {
    let lattice = Lattice::start().await?;
    let host = lattice.host("one", "").await?;
    lattice.provider(&host, &[("volumes.data.memory", "true"), ("volumes.data.writable", "true")]).await?;
    for (program, version) in PROGRAMS {
        let app = lattice.path(&format!("{program}.wasm"));
        composed(&format!("{program}.wasm"), &app)?;
        lattice.link(program, &[("volume", "data")]).await?;
        lattice.component(&host, program, &app).await?;
        let began = Instant::now();
        let interface = format!("wasi:cli/run@{version}");
        let (ended,): (Result<(), ()>,) = lattice.call(program, &interface, "run", ()).await.context(program)?;
        let log = std::fs::read_to_string(lattice.path("one.log"))?;
        ensure!(ended == Ok(()), "{program} failed: {log}");
        println!("{program}: {:?}", began.elapsed());
    }
    Ok(())
}
