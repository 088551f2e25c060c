//! The allocator: size classes in pages, runs of pages, and the reserve.
//!
//! Blocks up to [`LARGEST_BLOCK`] lie in pages of their size class. Whatever
//! is larger is a run of pages. What a page is used for stands beside the
//! pages, in [`Page`], so that blocks of a power of two fill theirs.
//!
//! # The reserve
//!
//! Besides content, an operation allocates nodes of trees, and tables that
//! double. [`Heap::ensure`] looks before the operation starts that there are
//! pages for them, or refuses. Content never takes the last [`SLACK`] pages;
//! the run for tables is held back from all other use.
#![allow(clippy::indexing_slicing, reason = "page numbers are 16 bits wide, classes below CLASSES")]
#![allow(clippy::cast_possible_truncation, reason = "sizes of blocks and numbers of pages are small constants")]

use super::PAGE;
use super::pages::{PAGES, PageSet};

/// Pages that memory grows by at least: 1 MiB, so that growing is rare.
const GROWTH: u32 = 16;

/// Pages that content leaves free: 1 MiB. An operation allocates blocks of
/// fewer than 16 size classes, each of which may need a new page, and less than
/// one page of each.
const SLACK: u32 = 16;

/// Tables that one operation can make grow: a shard of the inode table, a
/// directory's, a handle table's, and one to spare. Each doubles at most, from
/// one page or the largest table that there ever was.
const GROWING_TABLES: u32 = 4;

/// The last page stays unused: the end of a memory of 65,536 pages is 0 in 32
/// bits, which no length or comparison expects.
const MOST_PAGES: u32 = PAGES as u32 - 1;

/// Bytes of the largest block that shares a page with others.
const LARGEST_BLOCK: usize = PAGE / 2;

/// Blocks are multiples of this.
const GRAIN: usize = 16;

/// 16, 32 … 128 bytes, then four sizes for each doubling up to 32 KiB.
const CLASSES: usize = 8 + 4 * 8;

/// Where the pages come from, and the links of free blocks.
pub(crate) trait Memory {
    /// Adds pages; returns the number of the first.
    fn grow(&mut self, pages: u32) -> Option<u32>;

    /// The number that was stored at this address, which no block in use
    /// covers.
    fn link(&self, address: u32) -> u16;

    /// Stores a number at this address.
    fn set_link(&mut self, address: u32, link: u16);
}

/// What a page is used for.
#[derive(Clone, Copy)]
struct Page {
    usage: u8,
    /// Blocks in use; for a run's first page, its pages.
    used: u16,
    /// The first free block that was in use before: its offset in the page in
    /// grains, plus one. 0: none.
    free: u16,
    /// Blocks that were in use at some time: those behind them are free and
    /// have no link.
    fresh: u16,
    /// Neighbours in the list of the class's pages that have a free block. 0
    /// is none: page 0 is never the heap's.
    next: u16,
    previous: u16,
}

/// `usage` of a page that is free, or not the first of its run.
const UNUSED: u8 = 0;
/// `usage` of the first page of a run. Others are the class plus one.
const RUN: u8 = u8::MAX;

/// The allocator. All zeros but for `memory`, so that a static one takes no
/// room in the module.
pub(crate) struct Heap<M> {
    memory: M,
    free: PageSet,
    /// The run of pages for tables: the first, and how many there are.
    reserve: (u32, u32),
    /// Pages of the largest run that was ever in use: runs of several pages
    /// are tables, which double when they grow.
    largest: u32,
    pages: [Page; PAGES],
    /// For each class, a page with a free block.
    partial: [u16; CLASSES],
}

/// The class for so many bytes, which are at most [`LARGEST_BLOCK`].
const fn class_of(size: usize) -> usize {
    if size <= 128 {
        size.div_ceil(GRAIN) - 1
    } else {
        let last = size - 1;
        let log = last.ilog2() as usize;
        8 + (log - 7) * 4 + (last >> (log - 2) & 3)
    }
}

/// The bytes of a block of each class.
const BLOCKS: [u16; CLASSES] = {
    let mut sizes = [0; CLASSES];
    let mut class = 0;
    while class < CLASSES {
        let size = if class < 8 {
            (class + 1) * GRAIN
        } else {
            let log = 7 + (class - 8) / 4;
            (1 << log) + ((class - 8) % 4 + 1) * (1 << (log - 2))
        };
        sizes[class] = size as u16;
        class += 1;
    }
    sizes
};

const fn block(class: usize) -> u32 {
    BLOCKS[class] as u32
}

/// Blocks in a page of each class.
const CAPACITY: [u16; CLASSES] = {
    let mut blocks = [0; CLASSES];
    let mut class = 0;
    while class < CLASSES {
        blocks[class] = (PAGE / BLOCKS[class] as usize) as u16;
        class += 1;
    }
    blocks
};

/// Pages for so many bytes.
const fn pages_for(size: usize) -> u32 {
    size.div_ceil(PAGE) as u32
}

const fn short(page: u32) -> u16 {
    page as u16
}

impl<M: Memory> Heap<M> {
    pub(crate) const fn new(memory: M) -> Self {
        const PAGE: Page = Page { usage: UNUSED, used: 0, free: 0, fresh: 0, next: 0, previous: 0 };
        Self { memory, free: PageSet::new(), reserve: (0, 0), largest: 0, pages: [PAGE; PAGES], partial: [0; CLASSES] }
    }

    /// The address of a new block. `align` is a power of two.
    pub(crate) fn allocate(&mut self, size: usize, align: usize) -> Option<u32> {
        let size = if align > GRAIN { size.max(align).checked_next_power_of_two()? } else { size };
        if size > LARGEST_BLOCK {
            return if align > PAGE { None } else { self.allocate_run(pages_for(size)) };
        }
        let class = class_of(size);
        let number = match self.partial[class] {
            0 => self.new_page(class)?,
            number => number,
        };
        let page = &mut self.pages[number as usize];
        let base = u32::from(number) << 16;
        let address = match page.free {
            0 => {
                let address = base + u32::from(page.fresh) * block(class);
                page.fresh += 1;
                address
            }
            free => {
                let address = base + (u32::from(free) - 1) * GRAIN as u32;
                page.free = self.memory.link(address);
                address
            }
        };
        page.used += 1;
        if page.used == CAPACITY[class] {
            self.unlink(class, number);
        }
        Some(address)
    }

    /// Frees a block that [`allocate`](Self::allocate) gave.
    pub(crate) fn free(&mut self, address: u32) {
        let number = address >> 16;
        let page = &mut self.pages[number as usize];
        if page.usage == RUN {
            let pages = u32::from(page.used);
            page.usage = UNUSED;
            self.free.insert(number, pages);
            return;
        }
        let number = short(number);
        let class = usize::from(page.usage) - 1;
        self.memory.set_link(address, page.free);
        page.free = short((address & 0xffff) / GRAIN as u32 + 1);
        let was_full = page.used == CAPACITY[class];
        page.used -= 1;
        let is_empty = page.used == 0;
        if was_full {
            self.link(class, number);
        }
        // The last page of a class stays, so that a single block that comes
        // and goes does not take a new page each time.
        let page = &self.pages[number as usize];
        if is_empty && (page.next != 0 || page.previous != 0) {
            self.release(class, number);
        }
    }

    /// Changes the size of a block where it is; returns whether that was
    /// possible. Always is when it shrinks.
    pub(crate) fn resize(&mut self, address: u32, size: usize) -> bool {
        let number = address >> 16;
        let page = &mut self.pages[number as usize];
        if page.usage != RUN {
            return size <= BLOCKS[usize::from(page.usage) - 1] as usize;
        }
        let (before, after) = (u32::from(page.used), pages_for(size));
        if after < before {
            page.used = short(after);
            self.free.insert(number + after, before - after);
        } else if after > before {
            if after > MOST_PAGES || !self.free.take_at(number + before, after - before) {
                return false;
            }
            page.used = short(after);
            self.largest = self.largest.max(after);
        }
        true
    }

    /// Makes sure of `content` pages and some for small blocks; if `tables`,
    /// also of a run in which tables can double, with `run` pages more.
    pub(crate) fn ensure(&mut self, content: u32, tables: bool, run: u32) -> bool {
        if tables {
            let wanted = self.largest.max(1).saturating_mul(2 * GROWING_TABLES).saturating_add(run);
            if self.reserve.1 < wanted && !self.fill_reserve(wanted) {
                return false;
            }
        }
        let wanted = content.saturating_add(SLACK);
        if self.free.count() >= wanted || self.grow(wanted - self.free.count()) {
            return true;
        }
        self.release_empty();
        self.free.count() >= wanted || self.grow(wanted - self.free.count())
    }

    /// Exchanges the reserve for one of so many pages; keeps it where there
    /// are none.
    fn fill_reserve(&mut self, wanted: u32) -> bool {
        let (first, pages) = core::mem::take(&mut self.reserve);
        self.free.insert(first, pages);
        match self.find_run(wanted) {
            Some(first) => self.reserve = (first, wanted),
            None if self.free.take_at(first, pages) => self.reserve = (first, pages),
            None => {}
        }
        self.reserve.1 >= wanted
    }

    fn allocate_run(&mut self, pages: u32) -> Option<u32> {
        let first = match pages {
            1 => self.take_page(),
            _ => self.take_reserved(pages).or_else(|| self.find_run(pages)),
        }?;
        if pages > 1 {
            self.largest = self.largest.max(pages);
        }
        let page = &mut self.pages[first as usize];
        page.usage = RUN;
        page.used = short(pages);
        Some(first << 16)
    }

    fn take_page(&mut self) -> Option<u32> {
        if let Some(page) = self.free.take_one() {
            return Some(page);
        }
        if !self.grow(1) {
            self.release_empty();
        }
        self.free.take_one().or_else(|| self.take_reserved(1))
    }

    fn find_run(&mut self, pages: u32) -> Option<u32> {
        if let Some(first) = self.free.take_run(pages) {
            return Some(first);
        }
        if !self.grow(pages) {
            self.release_empty();
        }
        self.free.take_run(pages)
    }

    fn take_reserved(&mut self, pages: u32) -> Option<u32> {
        let (first, left) = self.reserve;
        let left = left.checked_sub(pages)?;
        self.reserve = (first + pages, left);
        Some(first)
    }

    /// Adds at least so many free pages, if the host and the address space
    /// allow it.
    fn grow(&mut self, pages: u32) -> bool {
        for pages in [pages.max(GROWTH), pages] {
            let Some(first) = self.memory.grow(pages) else { continue };
            let usable = MOST_PAGES.saturating_sub(first).min(pages);
            self.free.insert(first, usable);
            if usable == pages {
                return true;
            }
        }
        false
    }

    fn new_page(&mut self, class: usize) -> Option<u16> {
        let number = short(self.take_page()?);
        let usage = class as u8 + 1;
        self.pages[number as usize] = Page { usage, used: 0, free: 0, fresh: 0, next: 0, previous: 0 };
        self.link(class, number);
        Some(number)
    }

    fn link(&mut self, class: usize, number: u16) {
        let next = self.partial[class];
        if next != 0 {
            self.pages[next as usize].previous = number;
        }
        let page = &mut self.pages[number as usize];
        page.next = next;
        page.previous = 0;
        self.partial[class] = number;
    }

    fn unlink(&mut self, class: usize, number: u16) {
        let page = &mut self.pages[number as usize];
        let (next, previous) = (page.next, page.previous);
        page.next = 0;
        page.previous = 0;
        if next != 0 {
            self.pages[next as usize].previous = previous;
        }
        if previous == 0 {
            self.partial[class] = next;
        } else {
            self.pages[previous as usize].next = next;
        }
    }

    /// Takes an empty page from its class.
    fn release(&mut self, class: usize, number: u16) {
        self.unlink(class, number);
        self.pages[number as usize].usage = UNUSED;
        self.free.insert(number.into(), 1);
    }

    /// Takes the empty pages that classes keep.
    fn release_empty(&mut self) {
        for class in 0..CLASSES {
            let number = self.partial[class];
            if number != 0 && self.pages[number as usize].used == 0 {
                self.release(class, number);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failing test may panic")]
    use std::collections::{BTreeMap, HashMap};

    use super::*;

    /// A memory of some size whose bytes are not there, but for the links.
    struct Pretended {
        pages: u32,
        most: u32,
        links: HashMap<u32, u16>,
    }

    impl Memory for Pretended {
        fn grow(&mut self, pages: u32) -> Option<u32> {
            let first = self.pages;
            let after = first.checked_add(pages).filter(|after| *after <= self.most)?;
            self.pages = after;
            Some(first)
        }

        fn link(&self, address: u32) -> u16 {
            self.links[&address]
        }

        fn set_link(&mut self, address: u32, link: u16) {
            self.links.insert(address, link);
        }
    }

    fn heap(most: u32) -> Box<Heap<Pretended>> {
        Box::new(Heap::new(Pretended { pages: 3, most, links: HashMap::new() }))
    }

    #[test]
    fn a_class_holds_what_it_is_for() {
        for size in 1..=LARGEST_BLOCK {
            let class = class_of(size);
            assert!(BLOCKS[class] as usize >= size, "{size}");
            assert!(class == 0 || (BLOCKS[class - 1] as usize) < size, "{size}");
        }
    }

    #[test]
    fn blocks_in_use_never_overlap_and_are_aligned() {
        let mut heap = heap(2000);
        let mut used: BTreeMap<u32, (u32, usize)> = BTreeMap::new();
        let mut seed = 1_u64;
        let mut random = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        for _ in 0..30_000 {
            if random(100) < 52 {
                let log = random(18);
                let size = (1 + random(1 << log)) as usize;
                let align = 1_usize << random(8);
                let Some(address) = heap.allocate(size, align) else { continue };
                assert_eq!(address as usize % align, 0);
                assert!(address >= 3 << 16);
                let end = address + size as u32;
                assert!(used.range(..end).next_back().is_none_or(|(_, (other, _))| *other <= address));
                used.insert(address, (end, size));
            } else if let Some(&address) = used.keys().nth(random(used.len().max(1) as u64) as usize) {
                heap.free(address);
                used.remove(&address);
            }
        }
        for address in used.into_keys() {
            heap.free(address);
        }
        heap.release_empty();
        assert_eq!(heap.free.count() + heap.reserve.1, heap.memory.pages - 3, "every page is free again");
    }

    #[test]
    fn what_small_blocks_used_holds_a_large_one() {
        let mut heap = heap(40);
        let blocks: Vec<_> = std::iter::from_fn(|| heap.allocate(4096, 8)).collect();
        assert!(heap.allocate(20 * PAGE, 8).is_none());
        for block in blocks {
            heap.free(block);
        }
        assert!(heap.allocate(30 * PAGE, 8).is_some());
    }

    #[test]
    fn a_run_grows_where_it_is_if_the_pages_behind_it_are_free() {
        let mut heap = heap(100);
        let run = heap.allocate(2 * PAGE, 8).unwrap();
        assert!(heap.resize(run, 5 * PAGE));
        assert!(heap.resize(run, PAGE));
        let behind = heap.allocate(PAGE, 8).unwrap();
        assert_eq!(behind, run + PAGE as u32);
        assert!(!heap.resize(run, 2 * PAGE));
        heap.free(behind);
        assert!(heap.resize(run, 2 * PAGE));
    }

    #[test]
    fn the_last_page_stays_unused() {
        let mut heap = heap(PAGES as u32);
        let mut last = 0;
        while let Some(address) = heap.allocate(PAGE, 8) {
            last = last.max(address);
        }
        assert_eq!(last >> 16, PAGES as u32 - 2);
    }

    #[test]
    fn content_never_takes_what_other_blocks_need() {
        let mut heap = heap(103);
        let mut blocks = Vec::new();
        while heap.ensure(1, true, 0) {
            blocks.push(heap.allocate(PAGE, 8).unwrap());
        }
        assert_eq!(blocks.len(), 100 - (SLACK + 2 * GROWING_TABLES) as usize);
        assert!(!heap.ensure(1, false, 0));
        assert!(heap.ensure(0, true, 0), "operations without content go on");
        assert!(heap.allocate(100, 8).is_some(), "and have memory");
        heap.free(blocks.pop().unwrap());
        heap.free(blocks.pop().unwrap());
        assert!(heap.ensure(1, true, 0), "what is freed can be used again");
    }

    #[test]
    fn tables_get_a_run_in_which_they_can_double() {
        let mut heap = heap(103);
        let table = heap.allocate(4 * PAGE, 8).unwrap();
        assert!(heap.ensure(0, true, 0));
        while heap.ensure(1, false, 0) {
            heap.allocate(PAGE, 8).unwrap();
        }
        for _ in 0..GROWING_TABLES {
            heap.allocate(8 * PAGE, 8).unwrap();
        }
        heap.free(table);
        assert!(!heap.ensure(0, true, 0), "the next doubling has no room");
        assert!(heap.ensure(0, false, 0), "what needs no table goes on");
    }
}
