//! The yardstick: what the guest's own memory can do.

use std::hint::black_box;
use std::time::Instant;

use crate::large::Offsets;
use crate::report::{Case, Measured, Outcome};

/// Copies a buffer as large as the large file region by region, as a program
/// does that reads a file into one buffer of `size` bytes.
pub fn copy(case: &Case) -> Outcome {
    let length = (case.file_bytes() as usize).max(case.size);
    // Not zero, and written once, so that every page is there.
    let source: Vec<u8> = (0..length).map(|index| index as u8).collect();
    let mut target = vec![0_u8; case.size];
    let mut offset = 0;
    let start = Instant::now();
    for _ in 0..case.count {
        if offset + case.size > length {
            offset = 0;
        }
        // The optimiser must take the copy for one that somebody looks at.
        let region = black_box(&source[offset..offset + case.size]);
        black_box(&mut target[..]).copy_from_slice(region);
        black_box(&target);
        offset += case.size;
    }
    Ok(Measured::since(start, case.count * case.size as u64, case.count))
}

/// The other way: one buffer into region by region, as a program writes.
pub fn copy_out(case: &Case) -> Outcome {
    let length = (case.file_bytes() as usize).max(case.size);
    let mut target: Vec<u8> = (0..length).map(|index| index as u8).collect();
    let source = vec![0x5a_u8; case.size];
    let mut offset = 0;
    let start = Instant::now();
    for _ in 0..case.count {
        if offset + case.size > length {
            offset = 0;
        }
        let region = black_box(&mut target[offset..offset + case.size]);
        region.copy_from_slice(black_box(&source[..]));
        black_box(&target);
        offset += case.size;
    }
    Ok(Measured::since(start, case.count * case.size as u64, case.count))
}

/// As `copy`, from places in no order.
pub fn copy_random(case: &Case) -> Outcome {
    let length = (case.file_bytes() as usize).max(case.size);
    let source: Vec<u8> = (0..length).map(|index| index as u8).collect();
    let mut target = vec![0_u8; case.size];
    let mut offsets = Offsets::of(case);
    let start = Instant::now();
    for _ in 0..case.count {
        let offset = offsets.next() as usize;
        let region = black_box(&source[offset..offset + case.size]);
        black_box(&mut target[..]).copy_from_slice(region);
        black_box(&target);
    }
    Ok(Measured::since(start, case.count * case.size as u64, case.count))
}
