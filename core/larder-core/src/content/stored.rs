//! The bytes of a chunk: the store's own, or part of somebody else's.

use std::ops::Deref;
use std::sync::Arc;

use bytes::Bytes;

/// Bytes that are shared by all who hold them, and copied before a write.
#[derive(Clone, Debug)]
pub(super) enum Stored {
    Owned(Arc<Vec<u8>>),
    /// Part of a larger whole, such as a packed tree, that it keeps alive.
    Shared(Bytes),
}

impl Default for Stored {
    fn default() -> Self {
        Self::Shared(Bytes::new())
    }
}

impl From<Vec<u8>> for Stored {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Owned(Arc::new(bytes))
    }
}

impl Deref for Stored {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            Self::Owned(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }
}

/// Lets a reader's [`Bytes`] keep a chunk's allocation alive.
struct Held(Arc<Vec<u8>>);

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Stored {
    /// The bytes for a reader who may keep them.
    pub(super) fn share(&self) -> Bytes {
        match self {
            Self::Owned(bytes) => Bytes::from_owner(Held(bytes.clone())),
            Self::Shared(bytes) => bytes.clone(),
        }
    }

    /// Whether both are the same bytes in memory.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Owned(one), Self::Owned(other)) => Arc::ptr_eq(one, other),
            (Self::Shared(one), Self::Shared(other)) => one.as_ptr() == other.as_ptr() && one.len() == other.len(),
            _ => false,
        }
    }

    /// The bytes for writing, if nobody else has them.
    pub(super) fn unshared(&mut self) -> Option<&mut Vec<u8>> {
        match self {
            Self::Owned(bytes) => Arc::get_mut(bytes),
            Self::Shared(_) => None,
        }
    }

    /// The bytes for writing; where somebody else has them, a copy in an
    /// allocation of `capacity()` bytes.
    pub(super) fn make_unshared(&mut self, capacity: impl FnOnce() -> usize) -> &mut Vec<u8> {
        if self.unshared().is_none() {
            let mut copy = Vec::with_capacity(capacity());
            copy.extend_from_slice(self);
            *self = copy.into();
        }
        match self {
            Self::Owned(bytes) => Arc::make_mut(bytes),
            Self::Shared(_) => unreachable!("replaced above"),
        }
    }
}
