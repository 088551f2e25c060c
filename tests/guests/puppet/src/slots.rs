//! What is open in the guest, by number. `puppet-p3` has this file, too.

use std::cell::RefCell;
use std::rc::Rc;

/// Resources by number; a number that became free is given again.
pub struct Slots<T>(RefCell<Vec<Option<Rc<T>>>>);

impl<T> Slots<T> {
    pub const fn new() -> Self {
        Self(RefCell::new(Vec::new()))
    }

    pub fn insert(&self, value: T) -> u32 {
        let mut slots = self.0.borrow_mut();
        let free = slots.iter().position(Option::is_none).unwrap_or(slots.len());
        if free == slots.len() {
            slots.push(None);
        }
        slots[free] = Some(Rc::new(value));
        free as u32
    }

    pub fn get(&self, slot: u32) -> Rc<T> {
        self.0.borrow()[slot as usize].clone().expect("nothing is open in the slot")
    }

    pub fn close(&self, slot: u32) {
        self.0.borrow_mut()[slot as usize].take().expect("nothing is open in the slot");
    }
}
