//! A `list<u8>` that lies in several pieces on the host and is lowered into
//! guest memory without being put together first.
//!
//! Wasmtime has no such type, and its `Lower` is an unsafe trait whose methods
//! are hidden from the documentation: this is the crate's only unsafe code,
//! and the reason why the Wasmtime version is pinned.
#![allow(unsafe_code, reason = "ComponentType and Lower are unsafe traits; the reasons are at the impls")]

use std::mem::MaybeUninit;

use bytes::Bytes;
use larder_core::Chunks;
use wasmtime::ValRaw;
use wasmtime::component::__internal::{CanonicalAbiInfo, InstanceType, InterfaceType, LowerContext};
use wasmtime::component::{ComponentType, Lower};

/// Bytes on their way into a guest.
#[derive(Debug)]
pub(crate) enum Gather {
    /// From the store, shared with it.
    Chunks(Chunks),
    /// From a stream that is not Larder's.
    Bytes(Bytes),
}

impl Gather {
    fn len(&self) -> usize {
        match self {
            Self::Chunks(chunks) => chunks.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }

    fn pieces(&self) -> &[Bytes] {
        match self {
            Self::Chunks(chunks) => chunks.iter().as_slice(),
            Self::Bytes(bytes) => std::slice::from_ref(bytes),
        }
    }

    /// Allocates a list in the guest and copies the pieces into it; returns
    /// its address and length.
    fn store<T: 'static>(&self, cx: &mut LowerContext<'_, T>) -> wasmtime::Result<(u32, u32)> {
        let len = self.len();
        let address = cx.realloc(0, 0, 1, len)?;
        let mut rest = cx
            .as_slice_mut()
            .get_mut(address..)
            .and_then(|memory| memory.get_mut(..len))
            .ok_or_else(|| wasmtime::Error::msg("the guest's realloc returned an address outside of its memory"))?;
        for piece in self.pieces() {
            let (head, tail) = rest
                .split_at_mut_checked(piece.len())
                .ok_or_else(|| wasmtime::Error::msg("pieces of a read are longer than their sum"))?;
            head.copy_from_slice(piece);
            rest = tail;
        }
        if !rest.is_empty() {
            return Err(wasmtime::Error::msg("pieces of a read are shorter than their sum"));
        }
        Ok((u32::try_from(address)?, u32::try_from(len)?))
    }
}

// SAFETY: everything that describes the type is `[u8]`'s own: it is accepted
// where a `list<u8>` is expected and nowhere else.
unsafe impl ComponentType for Gather {
    type Lower = <[u8] as ComponentType>::Lower;
    const ABI: CanonicalAbiInfo = <[u8] as ComponentType>::ABI;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> wasmtime::Result<()> {
        <[u8] as ComponentType>::typecheck(ty, types)
    }
}

// SAFETY: a list is lowered as its address and length, in this order. `store`
// returns those of an allocation that the guest made for this list with the
// alignment of `u8`, lies inside the guest's memory and is wholly written.
// Both methods initialise all of their destination: two core values, or the
// eight bytes that `ABI` says.
unsafe impl Lower for Gather {
    fn linear_lower_to_flat<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        _: InterfaceType,
        dst: &mut MaybeUninit<Self::Lower>,
    ) -> wasmtime::Result<()> {
        let (address, len) = self.store(cx)?;
        dst.write([ValRaw::i64(address.into()), ValRaw::i64(len.into())]);
        Ok(())
    }

    fn linear_lower_to_memory<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        _: InterfaceType,
        offset: usize,
    ) -> wasmtime::Result<()> {
        let (address, len) = self.store(cx)?;
        *cx.get(offset) = address.to_le_bytes();
        *cx.get(offset + 4) = len.to_le_bytes();
        Ok(())
    }
}
