//! The content of an answer, counted.

use aws_sdk_s3::primitives::ByteStream;
use bytes::{Bytes, BytesMut};

use crate::client::Bucket;
use crate::failure::Failure;

/// A body of a known length.
pub(crate) struct Body {
    bucket: Bucket,
    stream: ByteStream,
    remaining: u64,
}

impl Body {
    pub(crate) fn new(bucket: &Bucket, stream: ByteStream, length: u64) -> Self {
        Self { bucket: bucket.clone(), stream, remaining: length }
    }

    /// The next bytes, not empty; an error at the end, when there are fewer or
    /// more than there should be. Nothing is lost when this is dropped.
    pub(crate) async fn next(&mut self) -> Result<Bytes, Failure> {
        loop {
            let bytes = match self.stream.next().await {
                Some(Ok(bytes)) if bytes.is_empty() => continue,
                Some(Ok(bytes)) => bytes,
                Some(Err(error)) => return Err(Failure::of_body(&error)),
                None => {
                    let text = format!("the answer ended {} bytes early", self.remaining);
                    return Err(Failure::broken(text));
                }
            };
            let length = as_u64(bytes.len());
            self.bucket.0.counters.received(length);
            let longer = || Failure::corrupt("the answer is too long".to_owned());
            self.remaining = self.remaining.checked_sub(length).ok_or_else(longer)?;
            return Ok(bytes);
        }
    }

    /// All of it, and the checksum's judgement, which comes after the last
    /// byte.
    pub(crate) async fn collect(mut self) -> Result<Bytes, Failure> {
        let mut all = BytesMut::new();
        let mut first = Bytes::new();
        while self.remaining > 0 {
            let bytes = self.next().await?;
            if first.is_empty() {
                first = bytes;
                continue;
            }
            if all.is_empty() {
                let length = self.remaining.saturating_add(as_u64(first.len() + bytes.len()));
                all.reserve(usize::try_from(length).unwrap_or(usize::MAX));
                all.extend_from_slice(&first);
            }
            all.extend_from_slice(&bytes);
        }
        match self.stream.next().await {
            None => {}
            Some(Ok(bytes)) if bytes.is_empty() => {}
            Some(Ok(_)) => return Err(Failure::corrupt("the answer is too long".to_owned())),
            Some(Err(error)) => return Err(Failure::of_body(&error)),
        }
        Ok(if all.is_empty() { first } else { all.freeze() })
    }
}

fn as_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
