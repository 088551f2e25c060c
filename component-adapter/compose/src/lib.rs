//! Composes the store into apps.
//!
//! - [`attach`]: puts the store's core module inside an app's component and
//!   answers its lowered imports: memory speed.
//! - [`inspect`]: what a component carries, imports and exports.
//! - [`image_data`]: places an image of files into a module of the store.
//!
//! Nothing here knows the command line, or reads or writes files: components
//! come and go as bytes. All input is untrusted.

pub mod attach;
pub mod contents;
pub mod error;
pub mod image_data;
pub mod inspect;

pub use error::{ComposeError, ErrorKind};
