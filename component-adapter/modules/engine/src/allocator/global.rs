//! The heap as the module's global allocator.

use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32::memory_grow;
use core::cell::UnsafeCell;

use super::PAGE;
use super::heap::{Heap, Memory};

/// Linear memory.
struct Linear;

impl Memory for Linear {
    fn grow(&mut self, pages: u32) -> Option<u32> {
        let first = memory_grow::<0>(pages as usize);
        (first != usize::MAX).then_some(u32(first))
    }

    fn link(&self, address: u32) -> u16 {
        // SAFETY: the heap asks for the links of free blocks that it has
        // written: inside of memory, aligned to 16 bytes, nobody else's.
        unsafe { core::ptr::with_exposed_provenance::<u16>(address as usize).read() }
    }

    fn set_link(&mut self, address: u32, link: u16) {
        // SAFETY: as for `link`; the block has just been given back.
        unsafe { core::ptr::with_exposed_provenance_mut::<u16>(address as usize).write(link) }
    }
}

#[allow(clippy::cast_possible_truncation, reason = "usize has 32 bits here")]
const fn u32(value: usize) -> u32 {
    value as u32
}

struct Shared(UnsafeCell<Heap<Linear>>);

// SAFETY: a module has one thread. The heap calls nothing that comes back.
unsafe impl Sync for Shared {}

static HEAP: Shared = Shared(UnsafeCell::new(Heap::new(Linear)));

fn with_heap<R>(call: impl FnOnce(&mut Heap<Linear>) -> R) -> R {
    // SAFETY: one thread, and `call` is a method of the heap, which does not
    // come back: this is the only reference.
    call(unsafe { &mut *HEAP.0.get() })
}

/// The module's allocator; see [`install_allocator!`](crate::install_allocator).
pub struct Allocator;

// SAFETY: the heap gives out blocks of the size and alignment asked for, that
// lie in grown memory and overlap with no other block in use (its tests check
// both), and keeps them until they are freed.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        match with_heap(|heap| heap.allocate(layout.size(), layout.align())) {
            Some(address) => core::ptr::with_exposed_provenance_mut(address as usize),
            None => core::ptr::null_mut(),
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, _: Layout) {
        with_heap(|heap| heap.free(u32(block.expose_provenance())));
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if with_heap(|heap| heap.resize(u32(block.expose_provenance()), size)) {
            return block;
        }
        // SAFETY: the caller promises that `size`, rounded up to the
        // alignment, is no overflow.
        let moved = unsafe { self.alloc(Layout::from_size_align_unchecked(size, layout.align())) };
        if !moved.is_null() {
            // SAFETY: both blocks have at least the smaller of the two sizes,
            // and they do not overlap.
            unsafe { core::ptr::copy_nonoverlapping(block, moved, layout.size().min(size)) };
            // SAFETY: the caller's promise.
            unsafe { self.dealloc(block, layout) };
        }
        moved
    }
}

/// What an operation may allocate.
pub(crate) struct Need {
    /// Bytes in blocks of a page at most.
    pub(crate) content: usize,
    /// Whether tables may have to double.
    pub(crate) tables: bool,
    /// Bytes in one block besides.
    pub(crate) run: usize,
}

/// Makes sure that it is there; `false` where it is not.
#[inline]
pub(crate) fn ensure(need: &Need) -> bool {
    let pages = |bytes: usize| u32(bytes.div_ceil(PAGE));
    with_heap(|heap| heap.ensure(pages(need.content), need.tables, pages(need.run)))
}
