//! A body on its way, slowed down and spoiled.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::Sleep;

use super::Shared;

/// Bytes that a slow body has at a time.
const PIECE: u64 = 16 << 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Sent,
    Received,
}

/// What is done to a body.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spoil {
    /// Bytes a second.
    pub(super) bandwidth: Option<u64>,
    /// Ends after so many bytes.
    pub(super) truncate: Option<u64>,
    /// The byte that is changed.
    pub(super) corrupt: Option<u64>,
}

pub(super) struct Carried {
    inner: Incoming,
    direction: Direction,
    spoil: Spoil,
    shared: Arc<Shared>,
    passed: u64,
    /// What has come and waits for its turn.
    rest: Bytes,
    waits: Option<Pin<Box<Sleep>>>,
}

impl Carried {
    pub(super) fn new(inner: Incoming, direction: Direction, spoil: Spoil, shared: &Arc<Shared>) -> Self {
        let shared = Arc::clone(shared);
        Self { inner, direction, spoil, shared, passed: 0, rest: Bytes::new(), waits: None }
    }

    /// The next piece of what waits.
    fn piece(&mut self) -> Bytes {
        let mut length = self.rest.len() as u64;
        if let Some(bandwidth) = self.spoil.bandwidth {
            length = length.min(PIECE);
            let time = Duration::from_secs_f64(length as f64 / bandwidth.max(1) as f64);
            self.waits = Some(Box::pin(tokio::time::sleep(time)));
        }
        if let Some(end) = self.spoil.truncate {
            length = length.min(end - self.passed);
        }
        let mut piece = self.rest.split_to(usize::try_from(length).unwrap());
        let offset = self.spoil.corrupt.and_then(|offset| offset.checked_sub(self.passed));
        if let Some(offset) = offset.filter(|offset| *offset < length) {
            let mut changed = piece.to_vec();
            changed[usize::try_from(offset).unwrap()] ^= 0x20;
            piece = changed.into();
        }
        self.passed += length;
        self.shared.carried(self.direction, length);
        piece
    }
}

impl Body for Carried {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        loop {
            if let Some(waits) = &mut self.waits {
                ready!(waits.as_mut().poll(context));
                self.waits = None;
            }
            if self.spoil.truncate.is_some_and(|end| self.passed >= end) {
                return Poll::Ready(Some(Err(io::Error::other("truncated by a test"))));
            }
            if !self.rest.is_empty() {
                let piece = self.piece();
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
            match ready!(Pin::new(&mut self.inner).poll_frame(context)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(io::Error::other(error)))),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = self.inner.size_hint();
        if let Some(length) = hint.exact() {
            hint.set_exact(length + self.rest.len() as u64);
        }
        hint
    }
}
