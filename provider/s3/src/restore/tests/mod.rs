//! What the bucket has comes into the volume: on both servers, with objects
//! that another client wrote.
#![allow(clippy::cast_possible_truncation, reason = "tests")]

mod failures;
mod listing;
mod opening;
mod polling;
mod support;
