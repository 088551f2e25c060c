//! What the handles of the app stand for. A handle that is not ours, is stale
//! or of another kind traps.

use core::cell::{Cell, RefCell};

use larder_core::{Error, ErrorCode};
use larder_engine::file::{Listing, OpenFile, Reader, Writer};
use larder_engine::limits::{MAX_DESCRIPTORS, MAX_ERRORS, MAX_POLLABLES};
use larder_engine::slots::Slots;

use crate::trap;

/// A resource.
enum Object {
    Descriptor(OpenFile),
    Listing(Box<Listing>),
    Input(Reader),
    Output(Writer),
    Error(Box<Error>),
    /// Of a file's stream, and so always ready.
    Pollable,
}

thread_local! {
    static SLOTS: RefCell<Slots<Object>> = const { RefCell::new(Slots::new()) };
    static DESCRIPTORS: Cell<u32> = const { Cell::new(0) };
    static LISTINGS: Cell<u32> = const { Cell::new(0) };
    static ERRORS: Cell<u32> = const { Cell::new(0) };
    static POLLABLES: Cell<u32> = const { Cell::new(0) };
}

type Count = std::thread::LocalKey<Cell<u32>>;

fn insert(object: Object) -> Option<u32> {
    SLOTS.with_borrow_mut(|slots| slots.insert(object)).ok()
}

fn insert_counted(object: Object, count: &'static Count, most: u32) -> Option<u32> {
    if count.get() >= most {
        return None;
    }
    let handle = insert(object)?;
    count.set(count.get() + 1);
    Some(handle)
}

fn remove(handle: u32) -> Object {
    let removed = SLOTS.with_borrow_mut(|slots| slots.remove(handle));
    removed.unwrap_or_else(|| trap())
}

macro_rules! kind {
    ($with:ident, $variant:ident, $type:ty) => {
        /// Calls with what a handle stands for.
        #[inline]
        pub(crate) fn $with<R>(handle: u32, call: impl FnOnce(&$type) -> R) -> R {
            SLOTS.with_borrow(|slots| match slots.get(handle) {
                Some(Object::$variant(object)) => call(object),
                _ => trap(),
            })
        }
    };
}

kind!(with_descriptor, Descriptor, OpenFile);
kind!(with_listing, Listing, Listing);
kind!(with_input, Input, Reader);
kind!(with_output, Output, Writer);
kind!(with_error, Error, Error);

/// Calls with what two handles stand for.
#[inline]
pub(crate) fn with_descriptors<R>(one: u32, other: u32, call: impl FnOnce(&OpenFile, &OpenFile) -> R) -> R {
    with_descriptor(one, |one| with_descriptor(other, |other| call(one, other)))
}

pub(crate) fn insert_descriptor(file: OpenFile) -> Result<u32, ErrorCode> {
    insert_counted(Object::Descriptor(file), &DESCRIPTORS, MAX_DESCRIPTORS).ok_or(ErrorCode::Quota)
}

pub(crate) fn insert_listing(listing: Listing) -> Result<u32, ErrorCode> {
    insert_counted(Object::Listing(Box::new(listing)), &LISTINGS, MAX_DESCRIPTORS).ok_or(ErrorCode::Quota)
}

pub(crate) fn insert_input(reader: Reader) -> Result<u32, ErrorCode> {
    insert(Object::Input(reader)).ok_or(ErrorCode::Quota)
}

pub(crate) fn insert_output(writer: Writer) -> Result<u32, ErrorCode> {
    insert(Object::Output(writer)).ok_or(ErrorCode::Quota)
}

/// `None` where there are too many.
pub(crate) fn insert_error(error: Error) -> Option<u32> {
    insert_counted(Object::Error(Box::new(error)), &ERRORS, MAX_ERRORS)
}

pub(crate) fn insert_pollable() -> u32 {
    insert_counted(Object::Pollable, &POLLABLES, MAX_POLLABLES).unwrap_or_else(|| trap())
}

/// Traps where a handle is no pollable of ours.
pub(crate) fn check_pollable(handle: u32) {
    let is_one = SLOTS.with_borrow(|slots| matches!(slots.get(handle), Some(Object::Pollable)));
    if !is_one {
        trap();
    }
}

fn uncount(count: &'static Count) {
    count.set(count.get().saturating_sub(1));
}

/// Which resource a `resource.drop` is of.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Descriptor,
    Listing,
    Input,
    Output,
    Error,
    Pollable,
}

/// Ends a handle.
#[inline]
pub(crate) fn end(handle: u32, kind: Kind) {
    match (remove(handle), kind) {
        (Object::Descriptor(_), Kind::Descriptor) => uncount(&DESCRIPTORS),
        (Object::Listing(_), Kind::Listing) => uncount(&LISTINGS),
        (Object::Input(_), Kind::Input) | (Object::Output(_), Kind::Output) => {}
        (Object::Error(_), Kind::Error) => uncount(&ERRORS),
        (Object::Pollable, Kind::Pollable) => uncount(&POLLABLES),
        _ => trap(),
    }
}
