//! The host form as forms of the suite: a guest (`tests/guests/puppet`,
//! `puppet-p3`) carries out each operation through its own imports.

mod bindings;
mod form;
mod host;

pub use form::{P2, P2Streams, P3};
