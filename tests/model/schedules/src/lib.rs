//! Explores schedules of larder-core's locks: each scenario is a small volume,
//! a few threads, and what must hold when they are done. shuttle runs it again
//! and again, switching threads at locks and atomics, and finds deadlocks by
//! itself.

mod scenario;
mod tree;

pub use scenario::{Scenario, explore, iterations};
pub use tree::check_tree;
