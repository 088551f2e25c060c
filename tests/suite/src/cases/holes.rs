//! Sparse files: what is charged for content, and what is given back.

use super::*;
use crate::{Form, Guest};

/// The unit in which content is charged.
const PAGE: u64 = larder_core::PAGE_BYTES as u64;

/// The unit in which holes are free.
const CHUNK: u64 = larder_core::CHUNK_BYTES as u64;

pub(crate) fn a_hole_costs_nothing<F: Form>() {
    let guest = Guest::<F>::new();
    let file = guest.root().make_file("f", b"");
    let before = guest.bytes();
    file.set_size(1 << 39).unwrap();
    assert_eq!(guest.bytes(), before);
    file.write((1 << 39) - 1, b"x").unwrap();
    assert_eq!(guest.bytes(), before + PAGE);
    file.write(10 * CHUNK, b"x").unwrap();
    assert_eq!(guest.bytes(), before + 2 * PAGE);
    assert_eq!(file.stat().size, 1 << 39);
}

pub(crate) fn a_hole_reads_as_zeros<F: Form>() {
    let guest = Guest::<F>::new();
    let file = guest.root().make_file("f", b"");
    file.set_size(1 << 39).unwrap();
    file.write(1 << 38, b"x").unwrap();
    for offset in [0, CHUNK - 10, (1 << 38) - 20, (1 << 38) + 1, (1 << 39) - 20] {
        assert_eq!(file.read(offset, 20).unwrap(), [0; 20], "at {offset}");
    }
    assert_eq!(file.read((1 << 38) - 1, 3).unwrap(), b"\0x\0");
    assert_eq!(file.read((1 << 39) - 5, 20).unwrap(), [0; 5]);
}

pub(crate) fn content_is_charged_by_pages<F: Form>() {
    let guest = Guest::<F>::new();
    let file = guest.root().make_file("f", b"");
    let before = guest.bytes();
    for (length, pages) in [(1, 1), (4096, 1), (4097, 2), (100_000, 25)] {
        file.set_size(0).unwrap();
        assert_eq!(guest.bytes(), before, "after everything was cut off");
        file.write(0, &pattern(length)).unwrap();
        assert_eq!(guest.bytes(), before + pages * PAGE, "for {length} bytes");
    }
}

pub(crate) fn overwriting_is_not_charged_again<F: Form>() {
    let guest = Guest::<F>::new();
    let file = guest.root().make_file("f", &pattern(200_000));
    let before = guest.bytes();
    for offset in [0, 1, 4095, 65_535, 150_000] {
        file.write(offset, &[7; 50_000]).unwrap();
    }
    assert_eq!(guest.bytes(), before);
}

pub(crate) fn many_small_appends_cost_what_one_large_does<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    let small = root.make_file("small", b"");
    let before = guest.bytes();
    for _ in 0..2_000 {
        small.append(&[1; 50]).unwrap();
    }
    let cost = guest.bytes() - before;
    assert_eq!(cost, 100_000_u64.next_multiple_of(PAGE));
}

pub(crate) fn cutting_refunds_pages<F: Form>() {
    let guest = Guest::<F>::new();
    let file = guest.root().make_file("f", b"");
    let before = guest.bytes();
    file.write(0, &pattern(200_000)).unwrap();
    for (size, pages) in [(150_000, 37), (131_072, 32), (65_537, 17), (65_536, 16), (4_097, 2), (4_096, 1), (1, 1)] {
        file.set_size(size).unwrap();
        assert_eq!(guest.bytes(), before + pages * PAGE, "with {size} bytes");
    }
    file.set_size(1 << 30).unwrap();
    assert_eq!(guest.bytes(), before + PAGE, "growing costs nothing");
    file.set_size(0).unwrap();
    assert_eq!(guest.bytes(), before);
}
