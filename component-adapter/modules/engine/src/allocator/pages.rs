//! The set of free pages, as a bitmap.
#![allow(clippy::indexing_slicing, reason = "page numbers are below PAGES, and the words cover all of them")]

/// Pages in the address space of a 32-bit memory.
pub(super) const PAGES: usize = 1 << 16;

const WORDS: usize = PAGES / 64;

/// A set of page numbers.
pub(super) struct PageSet {
    words: [u64; WORDS],
    count: u32,
    /// No word before this one has a page.
    lowest: usize,
}

impl PageSet {
    pub(super) const fn new() -> Self {
        Self { words: [0; WORDS], count: 0, lowest: 0 }
    }

    pub(super) const fn count(&self) -> u32 {
        self.count
    }

    /// Adds pages that are not in the set.
    pub(super) fn insert(&mut self, first: u32, pages: u32) {
        for page in first..first + pages {
            self.words[page as usize / 64] |= 1 << (page % 64);
        }
        self.count += pages;
        self.lowest = self.lowest.min(first as usize / 64);
    }

    /// Takes the lowest page.
    pub(super) fn take_one(&mut self) -> Option<u32> {
        if self.count == 0 {
            return None;
        }
        while self.words[self.lowest] == 0 {
            self.lowest += 1;
        }
        let word = &mut self.words[self.lowest];
        let bit = word.trailing_zeros();
        *word &= *word - 1;
        self.count -= 1;
        Some(number(self.lowest) * 64 + bit)
    }

    /// Takes the lowest run of so many pages.
    pub(super) fn take_run(&mut self, pages: u32) -> Option<u32> {
        if pages == 0 || self.count < pages {
            return None;
        }
        let mut run = 0;
        for (index, &word) in self.words.iter().enumerate().skip(self.lowest) {
            match word {
                0 => run = 0,
                u64::MAX if run + 64 < pages => run += 64,
                _ => {
                    for bit in 0..64 {
                        run = if word >> bit & 1 == 1 { run + 1 } else { 0 };
                        if run == pages {
                            let first = number(index) * 64 + bit + 1 - pages;
                            self.remove(first, pages);
                            return Some(first);
                        }
                    }
                }
            }
        }
        None
    }

    /// Takes exactly these pages, if all are in the set.
    pub(super) fn take_at(&mut self, first: u32, pages: u32) -> bool {
        let has = |page: u32| {
            let word = self.words.get(page as usize / 64);
            word.is_some_and(|word| word >> (page % 64) & 1 == 1)
        };
        let all = (first..first.saturating_add(pages)).all(has);
        if all {
            self.remove(first, pages);
        }
        all
    }

    fn remove(&mut self, first: u32, pages: u32) {
        for page in first..first + pages {
            self.words[page as usize / 64] &= !(1 << (page % 64));
        }
        self.count -= pages;
    }
}

#[allow(clippy::cast_possible_truncation, reason = "there are fewer than 2^16 words")]
const fn number(word: usize) -> u32 {
    word as u32
}
