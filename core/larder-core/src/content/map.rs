//! The chunks of a file by their index. Most files have one: it lies in the
//! inode, without an allocation of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::chunk::Chunk;

/// Cloning is cheap and shares all bytes.
#[derive(Clone, Debug, Default)]
pub(super) enum ChunkMap {
    #[default]
    Empty,
    One(u64, Chunk),
    Many(Arc<BTreeMap<u64, Chunk>>),
}

impl ChunkMap {
    pub(super) fn get(&self, index: u64) -> Option<&Chunk> {
        match self {
            Self::Empty => None,
            Self::One(at, chunk) => (*at == index).then_some(chunk),
            Self::Many(chunks) => chunks.get(&index),
        }
    }

    pub(super) fn get_mut(&mut self, index: u64) -> Option<&mut Chunk> {
        match self {
            Self::Empty => None,
            Self::One(at, chunk) => (*at == index).then_some(chunk),
            Self::Many(chunks) => Arc::make_mut(chunks).get_mut(&index),
        }
    }

    pub(super) fn last(&self) -> Option<(u64, &Chunk)> {
        match self {
            Self::Empty => None,
            Self::One(at, chunk) => Some((*at, chunk)),
            Self::Many(chunks) => chunks.last_key_value().map(|(at, chunk)| (*at, chunk)),
        }
    }

    pub(super) fn insert(&mut self, index: u64, chunk: Chunk) {
        *self = match std::mem::take(self) {
            Self::Many(mut chunks) => {
                Arc::make_mut(&mut chunks).insert(index, chunk);
                Self::Many(chunks)
            }
            Self::One(at, before) if at != index => {
                Self::Many(Arc::new(BTreeMap::from([(at, before), (index, chunk)])))
            }
            _ => Self::One(index, chunk),
        };
    }

    pub(super) fn remove(&mut self, index: u64) {
        match self {
            Self::One(at, _) if *at == index => *self = Self::Empty,
            Self::Many(chunks) => drop(Arc::make_mut(chunks).remove(&index)),
            _ => {}
        }
    }

    /// Removes the chunks from `index` on.
    pub(super) fn cut(&mut self, index: u64) {
        match self {
            Self::One(at, _) if *at >= index => *self = Self::Empty,
            Self::Many(chunks) if chunks.last_key_value().is_some_and(|(last, _)| *last >= index) => {
                drop(Arc::make_mut(chunks).split_off(&index));
            }
            _ => {}
        }
    }

    /// The first chunk from `index` on that is parked.
    pub(super) fn parked_from(&self, index: u64) -> Option<(u64, &Chunk)> {
        self.from(index).find(|(_, chunk)| chunk.is_parked())
    }

    /// The chunks from `index` on, in ascending order.
    pub(super) fn from(&self, index: u64) -> impl Iterator<Item = (u64, &Chunk)> {
        let (one, many) = match self {
            Self::Empty => (None, None),
            Self::One(at, chunk) => (Some((*at, chunk)).filter(|(at, _)| *at >= index), None),
            Self::Many(chunks) => (None, Some(chunks)),
        };
        one.into_iter()
            .chain(many.into_iter().flat_map(move |chunks| chunks.range(index..)).map(|(at, chunk)| (*at, chunk)))
    }

    /// What has not changed since `frozen` is as in `version` now.
    pub(super) fn rebase(&mut self, frozen: &Self, version: &Arc<str>) {
        match self {
            Self::Empty => {}
            Self::One(at, chunk) => chunk.rebase(frozen.get(*at), version),
            Self::Many(chunks) => {
                for (at, chunk) in Arc::make_mut(chunks) {
                    chunk.rebase(frozen.get(*at), version);
                }
            }
        }
    }

    /// All chunks, in ascending order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &Chunk)> {
        self.from(0)
    }
}
