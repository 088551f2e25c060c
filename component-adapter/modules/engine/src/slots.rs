//! Handles that a module gives out itself: checked, and never pointers.
//!
//! A handle is [`TAG`], a generation of 10 bits, and a slot of 20 bits. The
//! generation tells apart two users of one slot; it comes again after 1024 of
//! them. Handles of a runtime are below 2^28, so that none of them is ours.

/// The bit that a handle of ours has, and no handle of a runtime.
pub const TAG: u32 = 1 << 30;

const SLOT_BITS: u32 = 20;
const MAX_SLOTS: usize = 1 << SLOT_BITS;
const GENERATIONS: u32 = 1 << 10;

/// Whether the bits of a handle are those of ours.
#[must_use]
pub const fn is_ours(handle: u32) -> bool {
    handle >> 30 == 1
}

enum Slot<T> {
    Used(T),
    /// The next free slot, [`MAX_SLOTS`] at the end of the list.
    Free(usize),
}

/// What handles stand for.
pub struct Slots<T> {
    slots: Vec<(u32, Slot<T>)>,
    free: usize,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Slots<T> {
    /// No handles.
    #[must_use]
    pub const fn new() -> Self {
        Self { slots: Vec::new(), free: MAX_SLOTS }
    }

    /// A new handle; gives the value back where all 2^20 slots are in use, or
    /// there is no memory for more.
    ///
    /// # Errors
    /// The value.
    pub fn insert(&mut self, value: T) -> Result<u32, T> {
        if let Some((generation, slot)) = self.slots.get_mut(self.free) {
            let index = self.free;
            if let Slot::Free(next) = *slot {
                self.free = next;
            }
            *slot = Slot::Used(value);
            return Ok(handle(*generation, index));
        }
        if self.slots.len() == MAX_SLOTS || self.slots.try_reserve(1).is_err() {
            return Err(value);
        }
        self.slots.push((0, Slot::Used(value)));
        Ok(handle(0, self.slots.len() - 1))
    }

    /// What a handle stands for; `None` where it is not ours or stale.
    #[must_use]
    #[inline]
    pub fn get(&self, handle: u32) -> Option<&T> {
        let (index, generation) = parts(handle)?;
        match self.slots.get(index)? {
            (current, Slot::Used(value)) if *current == generation => Some(value),
            _ => None,
        }
    }

    /// Ends a handle, and returns what it stood for.
    pub fn remove(&mut self, handle: u32) -> Option<T> {
        let (index, generation) = parts(handle)?;
        let (current, slot) = self.slots.get_mut(index)?;
        if *current != generation || matches!(slot, Slot::Free(_)) {
            return None;
        }
        *current = (generation + 1) % GENERATIONS;
        match core::mem::replace(slot, Slot::Free(self.free)) {
            Slot::Used(value) => {
                self.free = index;
                Some(value)
            }
            Slot::Free(_) => None,
        }
    }
}

#[allow(clippy::cast_possible_truncation, reason = "slots are below 2^20")]
const fn handle(generation: u32, slot: usize) -> u32 {
    TAG | generation << SLOT_BITS | slot as u32
}

const fn parts(handle: u32) -> Option<(usize, u32)> {
    if !is_ours(handle) {
        return None;
    }
    let slot = handle & ((1 << SLOT_BITS) - 1);
    Some((slot as usize, handle >> SLOT_BITS & (GENERATIONS - 1)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failing test may panic")]
    use super::*;

    #[test]
    fn a_handle_names_its_value_until_it_is_removed() {
        let mut slots = Slots::new();
        let one = slots.insert("one").unwrap();
        let two = slots.insert("two").unwrap();
        assert!(is_ours(one) && is_ours(two) && one != two);
        assert_eq!(slots.get(one), Some(&"one"));
        assert_eq!(slots.remove(one), Some("one"));
        assert_eq!(slots.get(one), None);
        assert_eq!(slots.remove(one), None);
        let three = slots.insert("three").unwrap();
        assert_ne!(one, three, "the slot is used again under another generation");
        assert_eq!((slots.get(one), slots.get(two), slots.get(three)), (None, Some(&"two"), Some(&"three")));
    }

    #[test]
    fn foreign_handles_are_none_of_ours() {
        let mut slots = Slots::new();
        let ours = slots.insert(()).unwrap();
        for other in [0, 1, ours & !TAG, ours | 1 << 31, ours | 1 << 28, ours + 1, u32::MAX] {
            assert_eq!(slots.get(other), None, "{other:#x}");
        }
    }

    #[test]
    fn there_are_a_million_slots() {
        let mut slots = Slots::new();
        let handles: Vec<u32> = std::iter::from_fn(|| slots.insert(()).ok()).collect();
        assert_eq!(handles.len(), MAX_SLOTS);
        assert!(handles.iter().all(|handle| is_ours(*handle)));
        slots.remove(handles[17]);
        assert!(slots.insert(()).is_ok());
    }
}
