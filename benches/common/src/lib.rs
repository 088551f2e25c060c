//! What the benchmarks have in common: where a run took place, what processes
//! spent, where results go, and what a signal does.
//!
//! What does not live here: cases, contestants and targets, which each benchmark
//! has of its own.

mod machine;
mod results;
mod signals;
mod spent;

pub use machine::{Machine, Program};
pub use results::Results;
pub use signals::on_signals;

pub use spent::{TICKS, process_ticks};
