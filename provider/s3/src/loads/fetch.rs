//! A download, as it runs on the runtime.

use std::collections::VecDeque;
use std::ops::Range;
use std::pin::pin;
use std::sync::Arc;

use bytes::{Buf, Bytes};
use larder_bucket::GetStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinHandle;

use super::Loads;
use super::assemble::Assembler;
use super::block::{Block, News, index_of};
use super::error::LoadError;
use super::flights::Takeoff;
use super::search::{Search, pieces};
use crate::place::Place;

/// Chunks in a row that the volume does not take: then a download that nobody
/// waits for ends. Guards against loading what was overwritten or removed.
const MOST_REFUSED: u32 = 16;

/// Ends a block however its task ends, also where the runtime drops it.
struct Landing {
    loads: Arc<Loads>,
    block: Arc<Block>,
    error: Option<LoadError>,
}

impl Landing {
    fn with(mut self, error: Option<LoadError>) {
        self.error = error;
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        self.loads.flights.landed(&self.block);
        self.block.end(self.error.take());
    }
}

impl Loads {
    /// Runs a download.
    pub(super) fn start(self: &Arc<Self>, takeoff: Takeoff) -> JoinHandle<()> {
        let Takeoff { block, streams } = takeoff;
        let landing = Landing { loads: self.clone(), block, error: Some(LoadError::Stopped) };
        self.runtime.spawn(async move {
            let (loads, block) = (landing.loads.clone(), landing.block.clone());
            let permits = loads.permits(&block, streams).await;
            let done = loads.download(&block).await;
            drop(permits);
            if let Err(error) = &done {
                tracing::debug!(node = ?block.node, version = &*block.version, %error, "a download ended early");
            }
            // Who waits for what did not come looks again.
            landing.with(done.err().filter(|error| !matches!(error, LoadError::Stopped) || loads.is_closed()));
        })
    }

    /// What allows a request: ahead of readers those of the file and of all
    /// files; one of those kept for readers as soon as one waits.
    async fn permits(
        &self,
        block: &Block,
        streams: Arc<tokio::sync::Semaphore>,
    ) -> (Option<OwnedSemaphorePermit>, Option<OwnedSemaphorePermit>) {
        let ahead = async {
            let of_file = streams.acquire_owned().await.ok();
            (of_file, self.ahead.clone().acquire_owned().await.ok())
        };
        let demanded = async {
            block.wanted.notified().await;
            (None, self.demanded.clone().acquire_owned().await.ok())
        };
        futures::future::select(pin!(demanded), pin!(ahead)).await.factor_first().0
    }

    async fn download(&self, block: &Block) -> Result<(), LoadError> {
        let mut search = Search::new(self, block.node, &block.version);
        let mut arrivals = Arrivals { loads: self, block, refused: 0 };
        loop {
            let place = search.place().await?;
            match arrivals.stream(&place).await {
                Ok(()) => return Ok(()),
                Err(error) => search.failed(error).await?,
            }
        }
    }

    /// The bytes of a range of a stored version, which are not put into the
    /// volume. Holes are zeros.
    ///
    /// # Errors
    /// [`LoadError::Gone`] where the file has another version by now, or ends
    /// before the range does; the bucket's.
    pub(crate) async fn bytes(
        &self,
        node: larder_core::NodeId,
        version: &str,
        range: Range<u64>,
    ) -> Result<Bytes, LoadError> {
        let _permit = self.demanded.acquire().await;
        let mut search = Search::new(self, node, version);
        loop {
            let place = search.place().await?;
            match self.range_of(&place, range.clone()).await {
                Ok(bytes) => return Ok(bytes),
                Err(error) => search.failed(error).await?,
            }
        }
    }

    async fn range_of(&self, place: &Place, range: Range<u64>) -> Result<Bytes, LoadError> {
        let pieces = pieces(place, range.clone()).ok_or(LoadError::Gone)?;
        let object = spanned(&pieces);
        let bytes = self.bucket.get(&place.key, &place.etag, object).await?;
        self.budget.add_downloaded(bytes.len() as u64);
        if place.sparse.is_none() {
            return Ok(bytes);
        }
        let mut done = Vec::new();
        let mut assembler = Assembler::new(VecDeque::from([range]));
        let mut pieces = pieces.into();
        place_bytes(&mut pieces, bytes, |offset, part| assembler.put(offset, part, &mut done));
        assembler.finish(&mut done);
        Ok(done.pop().unwrap_or_default().into())
    }
}

/// The part of the object that pieces take, which follow each other there.
fn spanned(pieces: &[(u64, Range<u64>)]) -> Range<u64> {
    match (pieces.first(), pieces.last()) {
        (Some((_, first)), Some((_, last))) => first.start..last.end,
        _ => 0..0,
    }
}

/// Hands out bytes of the object with their offset in the file, and takes what
/// they fill off the pieces.
fn place_bytes(pieces: &mut VecDeque<(u64, Range<u64>)>, mut bytes: Bytes, mut put: impl FnMut(u64, &[u8])) {
    while let Some((offset, object)) = pieces.front_mut() {
        let left = object.end.saturating_sub(object.start);
        let length = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        put(*offset, bytes.get(..length).unwrap_or_default());
        bytes.advance(length);
        *offset = offset.saturating_add(length as u64);
        object.start = object.start.saturating_add(length as u64);
        if !object.is_empty() {
            return;
        }
        pieces.pop_front();
    }
}

/// What becomes of a block's chunks as they arrive.
struct Arrivals<'b> {
    loads: &'b Loads,
    block: &'b Block,
    refused: u32,
}

impl Arrivals<'_> {
    /// Loads what is still missing.
    async fn stream(&mut self, place: &Place) -> Result<(), LoadError> {
        let rest = self.block.rest();
        let (Some(first), Some(last)) = (rest.first(), rest.last()) else { return Ok(()) };
        let pieces = pieces(place, first.start..last.end).ok_or(LoadError::Gone)?;
        let object = spanned(&pieces);
        let mut assembler = Assembler::new(rest.iter().cloned().collect());
        let mut done = Vec::new();
        if !object.is_empty() {
            let mut stream: GetStream = self.loads.bucket.get_stream(&place.key, &place.etag, object).await?;
            let mut pieces = pieces.into();
            while let Some(bytes) = stream.next().await {
                let bytes = bytes?;
                self.loads.budget.add_downloaded(bytes.len() as u64);
                place_bytes(&mut pieces, bytes, |offset, part| assembler.put(offset, part, &mut done));
                self.take(&mut done)?;
            }
        }
        assembler.finish(&mut done);
        self.take(&mut done)
    }

    /// Brings what arrived to the volume, all of it, and then to those who wait:
    /// they read on without waiting for each.
    fn take(&mut self, done: &mut Vec<Vec<u8>>) -> Result<(), LoadError> {
        let news: Result<Vec<_>, LoadError> = done.drain(..).map(|bytes| self.arrived(bytes)).collect();
        news?.into_iter().flatten().for_each(News::tell);
        if self.refused >= MOST_REFUSED && !self.block.is_wanted() {
            return Err(LoadError::Stopped);
        }
        Ok(())
    }

    fn arrived(&mut self, bytes: Vec<u8>) -> Result<Option<News>, LoadError> {
        let volume = self.loads.volume.upgrade().ok_or(LoadError::Stopped)?;
        let (node, version) = (self.block.node, &self.block.version);
        let Some((range, is_wanted)) = self.block.next() else { return Ok(None) };
        let index = index_of(range.start);
        let bytes = self.loads.clock.hold((node, index), version, range, bytes);
        // Before the volume has it: it does not fall to itself.
        self.loads.make_room(&volume);
        if is_wanted || !self.loads.patterns.lock().keep_marker(node, index, &bytes) {
            let is_filled = volume.fill_chunk(node, index, version, bytes.clone()).unwrap_or(false);
            self.refused = if is_filled { 0 } else { self.refused.saturating_add(1) };
        }
        Ok(self.block.arrived(bytes))
    }
}
