//! Who answers: a process of its own with the volume's server and, beside it,
//! one that answers raw requests.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use futures::StreamExt;
use larder_core::{Limits, Volume, VolumeOptions};
use larder_nats_server::{ServedVolume, Server, ServerOptions};

use crate::cases::MESSAGE;
use larder_test_nats::Nats;

/// The volume of the cases.
pub(crate) const VOLUME: &str = "bench";
/// Where raw requests go: the first 4 bytes are the length of the answer.
pub(crate) const RAW: &str = "bench.raw";

pub(crate) struct Responder(Child);

impl Responder {
    pub(crate) fn start(nats: &Nats) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--respond", &nats.url()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the responder")?;
        let mut ready = [0; 6];
        if let Some(out) = child.stdout.as_mut() {
            out.read_exact(&mut ready).context("the responder did not start")?;
        }
        Ok(Self(child))
    }

    /// Its process's number.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// The other half: answers until standard input ends.
pub(crate) fn respond(url: &str) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let limits = Limits { bytes: 8 << 30, ..Limits::default() };
        let volume = Volume::new(VolumeOptions { name: VOLUME.into(), limits, ..VolumeOptions::default() });
        let served = ServedVolume { name: VOLUME.into(), volume, writable: true };
        let server = Server::start(async_nats::connect(url).await?, vec![served], ServerOptions::default()).await?;
        let nats = async_nats::connect(url).await?;
        let mut requests = nats.subscribe(RAW).await?;
        nats.flush().await?;
        let answer = Bytes::from(vec![7; MESSAGE]);
        tokio::spawn(async move {
            while let Some(request) = requests.next().await {
                let length = request.payload.first_chunk::<4>().map_or(0, |length| u32::from_le_bytes(*length));
                let answer = answer.slice(..(length as usize).min(MESSAGE));
                if let Some(reply) = request.reply {
                    // A caller that is gone needs no answer.
                    let _ = nats.publish(reply, answer).await;
                }
            }
        });
        std::io::stdout().write_all(b"ready\n")?;
        std::io::stdout().flush()?;
        let read = tokio::task::spawn_blocking(|| std::io::stdin().read(&mut [0; 1])).await??;
        ensure!(read == 0, "standard input is not for data");
        server.shutdown().await;
        Ok(())
    })
}

/// Shared by what asks: bytes to write.
pub(crate) fn content(length: usize) -> Arc<[u8]> {
    vec![5; length].into()
}
