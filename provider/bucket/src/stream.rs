//! A range of an object as it arrives.

use bytes::Bytes;

use crate::error::BucketError;

/// The answer of [`Bucket::get_stream`](crate::Bucket::get_stream).
pub struct GetStream {
    remaining: u64,
}

impl GetStream {
    /// The next bytes, in whatever pieces they arrive, never empty. `None`
    /// after exactly the range's length, and after an error.
    pub async fn next(&mut self) -> Option<Result<Bytes, BucketError>> {
        None
    }

    /// Bytes that are still to come.
    #[must_use]
    pub fn remaining(&self) -> u64 {
        self.remaining
    }
}
