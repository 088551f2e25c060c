//! Components on several hosts keep each other apart by locks.

use anyhow::{Result, ensure};
use larder_lattice_tests::{Lattice, composed};

const COUNTER: &str = "larder:test/counter@0.1.0";

#[tokio::test(flavor = "multi_thread")]
async fn components_on_two_hosts_count_together() -> Result<()> {
    const EACH: usize = 25;
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
    // Each call is an instance of its own.
    let counting = components.iter().map(async |(component, _)| {
        let mut last = 0;
        for _ in 0..EACH {
            let (said,): (String,) = lattice.call(component, COUNTER, "add", ()).await?;
            let number: u64 = said.parse().map_err(|_| anyhow::anyhow!("{component}: {said}"))?;
            ensure!(number > last, "{component}: {number} after {last}");
            last = number;
        }
        Ok::<_, anyhow::Error>(())
    });
    futures::future::try_join_all(counting).await?;
    let (said,): (String,) = lattice.call("a", COUNTER, "try", ()).await?;
    ensure!(said == (components.len() * EACH + 1).to_string(), "a step was lost: {said}");
    Ok(())
}
