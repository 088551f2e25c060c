//! The memory of a module.
//!
//! Memory is taken in pages of 64 KiB, the chunk size of the store, and from
//! `memory.grow` alone: an image lies at the end of the initial memory. A page
//! holds equal blocks of one size class, or belongs to a run of pages. Pages
//! that become empty are used again before memory grows, since a fresh page
//! costs the host a page fault; neighbouring pages join without any work, so
//! that what small files used can hold a large one.
//!
//! [`heap`] is the allocator over any [`Memory`](heap::Memory), [`pages`] the
//! set of free pages; this file makes it the module's global allocator.

pub(crate) mod heap;
mod pages;

#[cfg(target_arch = "wasm32")]
mod global;
#[cfg(target_arch = "wasm32")]
pub use global::Allocator;
#[cfg(target_arch = "wasm32")]
pub(crate) use global::{Need, ensure};

/// Bytes in a page of WebAssembly memory: 64 KiB.
pub(crate) const PAGE: usize = 1 << 16;

/// Makes [`Allocator`] the allocator of a module.
#[macro_export]
macro_rules! install_allocator {
    () => {
        #[global_allocator]
        static ALLOCATOR: $crate::allocator::Allocator = $crate::allocator::Allocator;
    };
}
