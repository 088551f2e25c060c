//! The connection with the app, which is instantiated after this module.

use core::cell::Cell;
use core::mem::transmute;

use larder_p1::{Memory, OutOfBounds};

/// `copy(to, from, n)` from one memory to the other. Traps when a range is out
/// of its memory, also an empty one.
type Copy = extern "C" fn(usize, usize, usize);

extern "C" fn no_start() {
    core::arch::wasm32::unreachable()
}

extern "C" fn no_copy(_: usize, _: usize, _: usize) {
    core::arch::wasm32::unreachable()
}

/// What is called in the app. Before [`connect`] each call traps.
struct Connection {
    start: Cell<extern "C" fn()>,
    get: Cell<Copy>,
    put: Cell<Copy>,
}

// SAFETY: a module has one thread.
unsafe impl Sync for Connection {}

static CONNECTION: Connection =
    Connection { start: Cell::new(no_start), get: Cell::new(no_copy), put: Cell::new(no_copy) };

/// Called once, by the composed component when the app is there: places in
/// this module's function table of the app's `_start`, and of the copies from
/// and to its memory.
///
/// # Safety
/// The places must hold functions of those types. (A wrong type traps when it
/// is called.)
#[unsafe(export_name = "larder#connect")]
unsafe extern "C" fn connect(start: usize, get: usize, put: usize) {
    // SAFETY: on this target a function pointer is its place in the table, and
    // the caller promises what is there.
    unsafe {
        CONNECTION.start.set(transmute::<usize, extern "C" fn()>(start));
        CONNECTION.get.set(transmute::<usize, Copy>(get));
        CONNECTION.put.set(transmute::<usize, Copy>(put));
    }
}

/// Runs the app.
pub(crate) fn start() {
    (CONNECTION.start.get())();
}

/// The app's memory.
pub(crate) struct AppMemory;

fn end(address: u32, length: usize) -> Result<usize, OutOfBounds> {
    (address as usize).checked_add(length).ok_or(OutOfBounds { address, length })
}

// What leaves the app's memory traps in the copies themselves; the trap is the
// app's, as the interface asks.
impl Memory for AppMemory {
    fn check(&self, address: u32, length: u32) -> Result<(), OutOfBounds> {
        // Copies nothing, and still traps behind the end of the memory.
        (CONNECTION.get.get())(0, end(address, length as usize)?, 0);
        Ok(())
    }

    fn read(&self, address: u32, out: &mut [u8]) -> Result<(), OutOfBounds> {
        (CONNECTION.get.get())(out.as_mut_ptr().expose_provenance(), address as usize, out.len());
        Ok(())
    }

    fn append_to(&self, address: u32, length: u32, out: &mut Vec<u8>) -> Result<(), OutOfBounds> {
        let length = length as usize;
        out.reserve(length);
        let room = out.spare_capacity_mut().as_mut_ptr().expose_provenance();
        (CONNECTION.get.get())(room, address as usize, length);
        // SAFETY: `length` bytes behind the old end were reserved, and the copy
        // has written them all.
        unsafe { out.set_len(out.len() + length) };
        Ok(())
    }

    fn write(&mut self, address: u32, bytes: &[u8]) -> Result<(), OutOfBounds> {
        (CONNECTION.put.get())(address as usize, bytes.as_ptr().expose_provenance(), bytes.len());
        Ok(())
    }
}
