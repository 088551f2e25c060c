//! Components on several hosts keep each other apart by locks.

use anyhow::{Result, ensure};
use larder_lattice_tests::{Lattice, composed};

const COUNTER: &str = "larder:test/counter@0.1.0";

#[tokio::test(flavor = "multi_thread")]
async fn components_on_two_hosts_count_together() -> Result<()> {
    const EACH: u32 = 25;
    let lattice = Lattice::start().await?;
    let (one, two) = (lattice.host("one", "").await?, lattice.host("two", "").await?);
    lattice.provider(&one, &[("volumes.data.memory", "true"), ("volumes.data.writable", "true")]).await?;
    let app = lattice.path("app.wasm");
    composed("counter.wasm", &app)?;
    let components = [("a", &one), ("b", &one), ("c", &two)];
    for (component, host) in components {
        lattice.link(component, &[("volume", "data")]).await?;
        lattice.component(host, component, &app).await?;
    }
    let counting = components.iter().map(async |(component, _)| {
        let (said,): (String,) = lattice.call(component, COUNTER, "add", (EACH,)).await?;
        ensure!(said.parse::<u32>().is_ok_and(|number| number >= EACH), "{component}: {said}");
        Ok::<_, anyhow::Error>(())
    });
    futures::future::try_join_all(counting).await?;
    let (said,): (String,) = lattice.call("a", COUNTER, "add", (1_u32,)).await?;
    ensure!(said == (3 * EACH + 1).to_string(), "a step was lost: {said}");
    Ok(())
}
