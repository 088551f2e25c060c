//! The image: what a composed component carries, options and file trees, as
//! one string of bytes. docs/image-format.md describes it.
//!
//! [`ImageBuilder`] writes one; [`Image`] reads it where it lies, without a
//! copy of names or content, and makes volumes of its trees. Placing an image
//! in a Wasm module is `larder-compose`'s, walking a host's directory or an
//! archive `larder-transfer`'s.
#![forbid(unsafe_code)]

mod builder;
mod checksum;
mod error;
mod image;
mod layout;
mod options;
mod read;
mod tree;

pub use builder::{ImageBuilder, Meta, TreeBuilder};
pub use error::ImageError;
pub use image::{Image, OpenMount};
pub use options::{Arguments, Environment, Inherit, Mount, Options, VolumeSpec};
pub use tree::{Entry, PackedTree};
