//! The bytes of an object that holds a file's content, as an upload needs them:
//! from memory, from the object that has them already, or zeros.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use larder_core::{ChunkState, FrozenContent, NodeId};

use super::ahead::land::Landed;
use super::take::TakenFile;
use crate::engine::Engine;
use crate::error::S3Error;
use crate::layout::SparseMap;
use crate::place::Place;

/// The object of a file's content.
pub(super) struct Body<'a> {
    node: NodeId,
    frozen: &'a FrozenContent,
    map: Option<&'a SparseMap>,
    header: Vec<u8>,
    old: Option<&'a Place>,
    /// What became of what went ahead.
    landed: &'a Landed,
    /// Ranges of the file that are not in memory, ascending: in `old`, or in
    /// `landed`.
    away: Vec<(Range<u64>, Away)>,
    /// Ranges of the file that are in `old` as they are, in memory or not.
    unchanged: Vec<Range<u64>>,
    /// `old` is not in the bucket any more: these are zeros.
    is_gone: bool,
}

impl<'a> Body<'a> {
    pub(super) fn new(
        file: &TakenFile,
        frozen: &'a FrozenContent,
        map: Option<&'a SparseMap>,
        old: Option<&'a Place>,
        is_gone: bool,
        landed: &'a Landed,
    ) -> Self {
        let header = map.map(SparseMap::encode_header).unwrap_or_default();
        let is_old = |version: &Arc<str>| old.is_some_and(|old| *version == old.version);
        let (mut away, mut unchanged) = (Vec::new(), Vec::<Range<u64>>::new());
        for stretch in frozen.stretches() {
            match &stretch.state {
                ChunkState::Absent(version) if is_old(version) => away.push((stretch.range.clone(), Away::Old)),
                ChunkState::Clean(version) if is_old(version) => {}
                ChunkState::Parked(_) => {
                    away.push((stretch.range, Away::Parked));
                    continue;
                }
                _ => continue,
            }
            let range = stretch.range.start..stretch.range.end.min(old.map_or(0, |old| old.size));
            match unchanged.last_mut() {
                Some(last) if last.end == range.start => last.end = range.end,
                _ if range.is_empty() => {}
                _ => unchanged.push(range),
            }
        }
        Self { node: file.node, frozen, map, header, old, landed, away, unchanged, is_gone }
    }

    /// The object's length in bytes.
    pub(super) fn len(&self) -> u64 {
        self.map.map_or_else(|| self.frozen.len(), SparseMap::object_size)
    }

    /// Ranges of the object that are in the old object as they are, ascending and
    /// apart.
    pub(super) fn unchanged(&self) -> &[Range<u64>] {
        if self.source().is_some() { &self.unchanged } else { &[] }
    }

    /// The old object, if its bytes stand where those of the new one do.
    fn source(&self) -> Option<&'a Place> {
        self.old.filter(|old| !self.is_gone && old.sparse.is_none() && self.map.is_none())
    }

    /// Where a range of the object is in the old object, if all of it is there
    /// as it is.
    pub(super) fn copyable(&self, range: &Range<u64>) -> Option<&Place> {
        let old = self.source()?;
        let holds = |stored: &Range<u64>| stored.start <= range.start && range.end <= stored.end;
        self.unchanged.iter().any(holds).then_some(old)
    }

    /// The bytes of a range of the object.
    pub(super) async fn bytes(&self, engine: &Engine, range: Range<u64>) -> Result<Bytes, S3Error> {
        let Some(map) = self.map else { return self.file_bytes(engine, range).await };
        let mut out = BytesMut::with_capacity(to_usize(range.end - range.start));
        let header = self.header.len() as u64;
        if range.start < header {
            let part = self.header.get(to_usize(range.start)..to_usize(range.end.min(header)));
            out.extend_from_slice(part.unwrap_or_default());
        }
        let mut at = header;
        for extent in map.ranges() {
            let length = extent.end - extent.start;
            let (from, to) = (range.start.max(at), range.end.min(at + length));
            if from < to {
                let within = extent.start + (from - at)..extent.start + (to - at);
                out.extend_from_slice(&self.file_bytes(engine, within).await?);
            }
            at += length;
        }
        Ok(out.freeze())
    }

    /// The bytes of a range of the file.
    async fn file_bytes(&self, engine: &Engine, range: Range<u64>) -> Result<Bytes, S3Error> {
        let length = to_usize(range.end - range.start);
        if let Some(bytes) = self.frozen.bytes(range.start, length) {
            return Ok(bytes);
        }
        let mut out = BytesMut::with_capacity(length);
        let mut at = range.start;
        let within = |stored: &Range<u64>| stored.start.max(range.start)..stored.end.min(range.end);
        let missing = self.away.iter().map(|(away, from)| (within(away), *from));
        for (part, from) in missing.filter(|(part, _)| part.start < part.end) {
            self.in_memory(&mut out, at..part.start)?;
            match (from, self.landed) {
                (Away::Old, _) if !self.is_gone => {
                    let version = self.old.map(|old| Arc::clone(&old.version)).unwrap_or_else(|| "".into());
                    out.extend_from_slice(&engine.loads.bytes(self.node, &version, part.clone()).await?);
                }
                (Away::Parked, Landed::Beginning { key, etag }) => {
                    out.extend_from_slice(&engine.shared.bucket.get(key, etag, part.clone()).await?);
                }
                _ => out.resize(out.len() + to_usize(part.end - part.start), 0),
            }
            at = part.end;
        }
        self.in_memory(&mut out, at..range.end)?;
        Ok(out.freeze())
    }

    fn in_memory(&self, out: &mut BytesMut, range: Range<u64>) -> Result<(), S3Error> {
        if range.is_empty() {
            return Ok(());
        }
        let bytes = self.frozen.bytes(range.start, to_usize(range.end - range.start)).ok_or_else(|| {
            let what =
                format!("bytes {}..{} of a file are neither in memory nor in the bucket", range.start, range.end);
            S3Error::new(larder_core::ErrorCode::Io, what)
        })?;
        out.extend_from_slice(&bytes);
        Ok(())
    }
}

/// Where bytes are that are not in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Away {
    Old,
    Parked,
}

/// Lengths of parts are far below any `usize`.
fn to_usize(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}
