//! The peer: requests and replies of the same sizes, without files.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bytes::Bytes;
use futures::StreamExt;

use crate::cases::{Case, MESSAGE};
use crate::responder::RAW;
use larder_test_nats::Nats;

/// One client's requests until the time is over, whole rounds for those that
/// count bytes: how many were answered, or how many bytes, and in which time.
pub(crate) fn client(nats: &Nats, case: &Case, time: Duration) -> Result<(f64, Duration)> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let client = async_nats::connect(nats.url()).await?;
        let mut request = vec![0; case.request.max(4)];
        let length = u32::try_from(case.reply).context("too large an answer")?;
        if let Some(head) = request.first_chunk_mut::<4>() {
            *head = length.to_le_bytes();
        }
        let request = Bytes::from(request);
        let per_round = if case.bytes == 0 { 1 } else { case.bytes / MESSAGE };
        let began = Instant::now();
        let mut done = 0.0;
        while began.elapsed() < time {
            let mut answers = futures::stream::iter(0..per_round)
                .map(|_| client.request(RAW, request.clone()))
                .buffered(case.in_flight);
            while let Some(answer) = answers.next().await {
                answer?;
            }
            done += if case.bytes == 0 { 1.0 } else { crate::run::count(case.bytes) };
        }
        Ok((done, began.elapsed()))
    })
}
