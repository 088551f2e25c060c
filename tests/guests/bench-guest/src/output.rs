//! Standard output: what an app pays that only prints.
//!
//! The measured line of these cases goes to standard error, as
//! `report::tell` does for every case called `print-…`.

use std::io::{Write, stdout};
use std::time::Instant;

use crate::report::{Case, Measured, Outcome};

/// `println!` of lines of `size` bytes.
pub fn lines(case: &Case) -> Outcome {
    let line = "x".repeat(case.size.saturating_sub(1));
    let start = Instant::now();
    for _ in 0..case.count {
        println!("{line}");
    }
    Ok(Measured::since(start, case.count * case.size as u64, case.count))
}

/// Writes of `size` bytes.
pub fn blocks(case: &Case) -> Outcome {
    let block = vec![b'x'; case.size];
    let mut output = stdout().lock();
    let start = Instant::now();
    for _ in 0..case.count {
        output.write_all(&block)?;
    }
    output.flush()?;
    Ok(Measured::since(start, case.count * case.size as u64, case.count))
}
