//! Contents on real servers: what a guest reads is what the bucket has, within
//! the budget, with few requests.
#![allow(clippy::cast_possible_truncation, reason = "sizes in tests")]

mod budget;
mod hammer;
mod reading;
mod sparse;
mod speed;
mod support;
mod trouble;
