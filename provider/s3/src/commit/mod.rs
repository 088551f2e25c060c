//! How changes go to the bucket: in groups, each of which takes the bucket
//! from one place in the order of changes to a later one.
//!
//! What lives here: taking a group ([`take`]), what it changes ([`plan`]),
//! bringing contents up ([`prepare`]), in which parts ([`parts`]), and large ones
//! before it ([`ahead`]), what has no name any more ([`unnamed`]), the note that
//! makes a group of several objects one step ([`intent`]), carrying it out
//! ([`apply`]), and when all that happens ([`run`]). What does not: who asks for
//! it (`engine`).

pub(crate) mod ahead;
pub(crate) mod apply;
mod body;
pub(crate) mod conflict;
pub(crate) mod intent;
mod parts;
pub(crate) mod plan;
pub(crate) mod prepare;
pub(crate) mod run;
pub(crate) mod step;
pub(crate) mod take;
mod unnamed;
