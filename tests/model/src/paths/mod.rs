//! Paths, views and descriptors, on the model: a resolver that splices
//! symbolic links into a list of components, and on it what each call of
//! `larder_core::Descriptor` must do.

mod act;
mod calls;
mod content;
mod descriptor;
mod resolve;

pub use self::act::{Act, Opens, World, act, path};
pub use self::descriptor::{ModelDescriptor, ModelView};
pub use self::resolve::{Found, resolve};
