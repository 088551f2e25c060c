//! Blocks that the host fills in our memory.

use core::alloc::Layout;
use std::alloc;

use crate::trap;

/// The canonical ABI's `realloc` for what host functions return.
#[unsafe(export_name = "cabi_realloc")]
extern "C" fn cabi_realloc(old: *mut u8, old_size: usize, align: usize, size: usize) -> *mut u8 {
    let Ok(layout) = Layout::from_size_align(old_size, align) else { trap() };
    if size == 0 {
        return core::ptr::without_provenance_mut(align);
    }
    // SAFETY: the canonical ABI passes a block that it got here, or none, with
    // its size; the new size is not 0.
    let block = unsafe {
        if old_size == 0 {
            alloc::alloc(Layout::from_size_align_unchecked(size, align))
        } else {
            alloc::realloc(old, layout, size)
        }
    };
    if block.is_null() {
        trap();
    }
    block
}

/// Takes bytes that the host has put into a block of [`cabi_realloc`]'s.
pub(crate) fn take(address: u32, length: u32) -> Vec<u8> {
    if length == 0 {
        return Vec::new();
    }
    let length = length as usize;
    // SAFETY: the host got the block from `cabi_realloc` for this list of
    // bytes, has written all of it, and gives it to us.
    unsafe { Vec::from_raw_parts(core::ptr::with_exposed_provenance_mut(address as usize), length, length) }
}

/// Takes a list of strings.
pub(crate) fn take_texts(address: u32, count: u32) -> Vec<Vec<u8>> {
    if count == 0 {
        return Vec::new();
    }
    let count = count as usize;
    // SAFETY: as for `take`; each string is its address and its length.
    let texts: Vec<[u32; 2]> =
        unsafe { Vec::from_raw_parts(core::ptr::with_exposed_provenance_mut(address as usize), count, count) };
    texts.into_iter().map(|[address, length]| take(address, length)).collect()
}
