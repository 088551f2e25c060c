//! Composes the store into apps.
//!
//! - [`attach`]: puts the store's core module inside an app's component and
//!   answers its lowered imports: memory speed.
//! - [`inspect`]: what a component carries, imports and exports.
//! - [`plug`]: plugs an adapter component into an app, as `wac plug` does.
//! - [`pack`]: places an image into the store inside any component.
//! - [`image_data`]: places an image of files into a module of the store.
//!
//! Nothing here knows the command line, or reads or writes files: components
//! come and go as bytes. All input is untrusted.

pub mod attach;
mod composing;
pub mod contents;
pub mod error;
pub mod image_data;
pub mod inspect;
pub mod p1;
pub mod pack;
pub mod plug;
mod sections;

pub use composing::{ComposeOptions, Composed, Forward, Via, Way, compose};
pub use error::{ComposeError, ErrorKind};
