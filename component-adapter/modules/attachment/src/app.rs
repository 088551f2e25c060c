//! The app: its memory, and what it gives and takes there.

use core::cell::Cell;
use core::ops::Range;

use larder_core::{Error, ErrorCode, Result, Source};
use larder_engine::headroom;
use larder_engine::limits::MAX_PATH;

use crate::trap;

mod bridge {
    #[link(wasm_import_module = "bridge")]
    unsafe extern "C" {
        /// Copies `n` bytes of the app's memory to ours; traps out of bounds.
        pub(super) fn get(context: u32, to_store: *mut u8, from_app: u32, n: usize);
        /// Copies `n` bytes of our memory to the app's; traps out of bounds.
        pub(super) fn put(context: u32, to_app: u32, from_store: *const u8, n: usize);
        /// The app's `realloc` for a new block. Runs code of the app.
        pub(super) fn alloc(context: u32, align: u32, n: usize) -> u32;
    }
}

thread_local! {
    /// The app's `realloc` is running.
    static ALLOCATING: Cell<bool> = const { Cell::new(false) };
}

/// The caller of one export.
#[derive(Clone, Copy)]
pub(crate) struct App {
    context: u32,
}

/// Bytes in the app's memory.
#[derive(Clone, Copy)]
pub(crate) struct Lent {
    app: App,
    address: u32,
    length: u32,
}

impl App {
    /// Every export starts with this. A call that comes while the app's
    /// `realloc` runs traps, as a component may not be entered again.
    #[inline]
    pub(crate) fn enter(context: u32) -> Self {
        if ALLOCATING.get() {
            trap();
        }
        Self { context }
    }

    pub(crate) const fn lent(self, address: u32, length: u32) -> Lent {
        Lent { app: self, address, length }
    }

    /// A new block in the app's memory. Nothing may be borrowed meanwhile.
    #[inline]
    pub(crate) fn allocate(self, align: u32, length: usize) -> u32 {
        ALLOCATING.set(true);
        // SAFETY: takes and gives numbers.
        let address = unsafe { bridge::alloc(self.context, align, length) };
        ALLOCATING.set(false);
        if !address.is_multiple_of(align) {
            trap();
        }
        address
    }

    /// Writes to the app's memory.
    #[inline]
    pub(crate) fn put(self, address: u32, bytes: &[u8]) {
        // SAFETY: the bytes are ours to read, and the bridge checks the app's
        // side.
        unsafe { bridge::put(self.context, address, bytes.as_ptr(), bytes.len()) }
    }

    /// Reads from the app's memory.
    #[inline]
    pub(crate) fn get(self, address: u32, out: &mut [u8]) {
        // SAFETY: the bytes are ours to write, and the bridge checks the app's
        // side.
        unsafe { bridge::get(self.context, out.as_mut_ptr(), address, out.len()) }
    }

    /// A copy in the app's memory: address and length, as a list is returned.
    pub(crate) fn give(self, bytes: &[u8]) -> (u32, u32) {
        let address = self.allocate(1, bytes.len());
        self.put(address, bytes);
        (address, length(bytes.len()))
    }
}

/// A length in 32 bits.
#[allow(clippy::cast_possible_truncation, reason = "usize has 32 bits here")]
pub(crate) const fn length(length: usize) -> u32 {
    length as u32
}

impl Source for Lent {
    fn len(&self) -> usize {
        self.length as usize
    }

    #[inline]
    fn copy_to(&self, from: usize, out: &mut [u8]) {
        self.app.get(self.at(from), out);
    }

    #[inline]
    fn append_to(&self, range: Range<usize>, out: &mut Vec<u8>) {
        let room = out.spare_capacity_mut();
        if room.len() < range.len() {
            trap();
        }
        // SAFETY: there is room for so many bytes, as was just checked; the
        // bridge writes all of them or traps.
        unsafe {
            bridge::get(self.app.context, room.as_mut_ptr().cast(), self.at(range.start), range.len());
            out.set_len(out.len() + range.len());
        }
    }
}

impl Lent {
    /// The address of one of the bytes. What does not fit in 32 bits is in no
    /// memory.
    #[inline]
    fn at(&self, from: usize) -> u32 {
        match self.address.checked_add(length(from)) {
            Some(address) => address,
            None => trap(),
        }
    }

    /// Calls with a path: text of the app's, as far as it is one.
    #[inline]
    pub(crate) fn with_path<R>(self, call: impl FnOnce(&str) -> Result<R>) -> Result<R> {
        if self.length as usize <= SHORT {
            self.with_text(&mut [0; SHORT], call)
        } else if self.length as usize <= MAX_PATH {
            headroom::for_little(OPERATION)?;
            self.with_text(&mut vec![0; MAX_PATH], call)
        } else {
            Err(Error::new(ErrorCode::NameTooLong, OPERATION))
        }
    }

    #[inline]
    fn with_text<R>(self, buffer: &mut [u8], call: impl FnOnce(&str) -> Result<R>) -> Result<R> {
        let Some(text) = buffer.get_mut(..self.length as usize) else { trap() };
        self.app.get(self.address, text);
        match core::str::from_utf8(text) {
            Ok(text) => call(text),
            Err(_) => Err(Error::new(ErrorCode::IllegalByteSequence, OPERATION)),
        }
    }
}

/// Bytes of a path that lie on the stack.
const SHORT: usize = 256;

const OPERATION: &str = "path";
