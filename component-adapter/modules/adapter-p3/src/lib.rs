//! The front of the adapter for WASI 0.3: begins the store's pump when the app
//! asks for its directories.
//!
//! A component can't call itself, and only an `async` function of the store
//! may wait. So this one stands before the store and calls it: first `start`,
//! which returns at once and leaves a task behind, then the store's own
//! `get-directories`, whose answer it hands on. Everything else goes from the
//! app to the store directly.
//!
//! What lives here: that one function, by hand. What does not: the store
//! (`adapter`, feature `p3`), and the wiring of the two (`artifacts`).
#![no_std]
#![cfg(target_arch = "wasm32")]

use core::arch::wasm32::{memory_grow, memory_size, unreachable};
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

#[link(wasm_import_module = "larder:adapter-p3/pump")]
unsafe extern "C" {
    /// Returns once `start` has; the task behind it goes on.
    #[link_name = "[async-lower]start"]
    fn start() -> u32;
}

#[link(wasm_import_module = "wasi:filesystem/preopens@0.3.0")]
unsafe extern "C" {
    /// Writes the address and length of a list, in memory of [`realloc`].
    #[link_name = "get-directories"]
    fn get_directories_of_store(answer: *mut [usize; 2]);
}

static STARTED: AtomicBool = AtomicBool::new(false);

static mut ANSWER: [usize; 2] = [0; 2];

/// The app's `get-directories`. Handles in the list become the app's when the
/// runtime takes them out of it.
#[unsafe(export_name = "wasi:filesystem/preopens@0.3.0#get-directories")]
extern "C" fn get_directories() -> *const [usize; 2] {
    // The list of the call before has been taken out long ago.
    USED.store(0, Ordering::Relaxed);
    // SAFETY: one thread; the answer is read before the next call.
    unsafe {
        if !STARTED.swap(true, Ordering::Relaxed) {
            start();
        }
        get_directories_of_store(&raw mut ANSWER);
    }
    &raw const ANSWER
}

const PAGE: usize = 1 << 16;

/// Where memory of [`realloc`] begins: behind all that the linker placed.
static BEGIN: AtomicUsize = AtomicUsize::new(0);

/// Bytes of it in use.
static USED: AtomicUsize = AtomicUsize::new(0);

/// Memory for one answer; nothing is freed before the next.
#[unsafe(export_name = "cabi_realloc")]
extern "C" fn realloc(old: usize, old_size: usize, align: usize, size: usize) -> usize {
    if old_size != 0 || old != 0 {
        // The runtime grows nothing but strings in other encodings.
        unreachable()
    }
    if BEGIN.load(Ordering::Relaxed) == 0 {
        BEGIN.store(memory_size(0) * PAGE, Ordering::Relaxed);
    }
    let start = (BEGIN.load(Ordering::Relaxed) + USED.load(Ordering::Relaxed)).next_multiple_of(align);
    let Some(end) = start.checked_add(size) else { unreachable() };
    let missing = end.saturating_sub(memory_size(0) * PAGE).div_ceil(PAGE);
    if missing > 0 && memory_grow(0, missing) == usize::MAX {
        unreachable()
    }
    USED.store(end - BEGIN.load(Ordering::Relaxed), Ordering::Relaxed);
    start
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    unreachable()
}
