//! A file that is larger than the memory that a volume may use. Larder does it
//! in a process of its own, whose memory is measured; a peer is one.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use larder_s3::WriteMode;
use larder_test_s3::Access;
use serde::{Deserialize, Serialize};

use super::Out;
use super::large::{self, Sync};
use crate::bound::Sample;
use crate::caches::drop_caches;
use crate::host::{self, Host, Larder, Place};
use crate::server::{Ground, Server};
use crate::sizes::Sizes;

const PATH: &str = "huge";

/// What a process of its own does.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Part {
    endpoint: String,
    access_key: String,
    secret_key: String,
    region: String,
    bucket: String,
    write: String,
    budget: u64,
    length: u64,
    is_write: bool,
    /// Seconds.
    bound: u64,
}

/// What it answers.
#[derive(Debug, Serialize, Deserialize)]
struct Done {
    sample: Sample,
    peak_memory: u64,
}

/// A process that is ended when nobody waits for it any more.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn larder(server: &Arc<Server>, mode: WriteMode, sizes: &Sizes, out: Out<'_>) -> Result<()> {
    let ground = Ground::new(server)?;
    let mut part = Part {
        endpoint: ground.access.endpoint.clone(),
        access_key: ground.access.access_key.clone(),
        secret_key: ground.access.secret_key.clone(),
        region: ground.access.region.clone(),
        bucket: ground.name.clone(),
        write: mode.to_string(),
        budget: sizes.budget,
        length: sizes.huge,
        is_write: true,
        bound: sizes.bound.as_secs(),
    };
    let written = ask(&part)?;
    out("huge-write-synced", written.sample);
    out("huge-write-memory", large::memory(written.peak_memory));
    drop_caches(sizes)?;
    part.is_write = false;
    part.length = written.sample.done;
    let read = ask(&part)?;
    out("huge-read-cold", read.sample);
    out("huge-read-memory", large::memory(read.peak_memory));
    Ok(())
}

fn ask(part: &Part) -> Result<Done> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("--part").arg(serde_json::to_string(part)?).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut process = Process(command.spawn().context("the part does not start")?);
    let output = process.0.stdout.take().context("no output")?;
    let answer = std::io::read_to_string(output)?;
    ensure!(process.0.wait()?.success(), "larder's process failed");
    serde_json::from_str(&answer).with_context(|| format!("larder's process answers {answer:?}"))
}

/// The process's part; answers what it prints.
pub(crate) fn part(text: &str) -> Result<String> {
    let part: Part = serde_json::from_str(text)?;
    let access = Access {
        endpoint: part.endpoint,
        access_key: part.access_key,
        secret_key: part.secret_key,
        region: part.region,
    };
    let write: WriteMode = part.write.parse().map_err(anyhow::Error::msg)?;
    let bound = std::time::Duration::from_secs(part.bound);
    let sizes = Sizes { bound, ..Sizes::FULL };
    let mut host = Larder::at(Place { access, bucket: part.bucket, write, memory: part.budget });
    host.start()?;
    let sample = match part.is_write {
        true => large::write(host.files()?, PATH, part.length, &sizes, Sync::AtTheEnd, |_| Ok(()))?,
        false => large::read(host.files()?, PATH, part.length, &sizes)?,
    };
    host.stop()?;
    let peak_memory = host::peak_memory(std::process::id()).context("this process's memory is not told")?;
    Ok(serde_json::to_string(&Done { sample, peak_memory })?)
}

pub(crate) fn peer(host: &mut dyn Host, sizes: &Sizes, out: Out<'_>) -> Result<()> {
    host.start()?;
    let done = |bytes| large::until(host, bytes);
    let written = large::write(host.files()?, PATH, sizes.huge, sizes, Sync::AtTheEnd, done)?;
    out("huge-write-synced", written);
    host.peak_memory().into_iter().for_each(|peak| out("huge-write-memory", large::memory(peak)));
    host.settle(1, written.done)?;
    host.stop()?;
    drop_caches(sizes)?;
    host.start()?;
    out("huge-read-cold", large::read(host.files()?, PATH, written.done, sizes)?);
    host.peak_memory().into_iter().for_each(|peak| out("huge-read-memory", large::memory(peak)));
    host.stop()
}
