//! Served volumes, for the file commands: directories whose operations are
//! calls to the server, and copying trees out of them and into them.
//!
//! What lives here: one session with its calls, [`pull()`] and [`push()`]. What
//! does not: connections and repeating of calls, which are
//! larder-nats-client's, whatever they go over.

mod content;
mod directory;
mod pull;
mod push;
mod session;

pub(crate) use directory::RemoteDirectory;
pub(crate) use pull::pull;
pub(crate) use push::push;
