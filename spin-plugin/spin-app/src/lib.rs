//! What a Spin app says, as data and rules: the base of the trigger plugin
//! `trigger-larder`.
//!
//! | Module | What it answers |
//! |---|---|
//! | [`launch`] | what `spin up` told this process, and where state and logs go |
//! | [`lock`] | what is in `spin.lock`, and whether it can be honoured |
//! | [`config`] | which volumes, triggers and mounts the manifest asks for |
//! | [`route`] | which trigger an HTTP path is for, and what the guest is told |
//! | [`variables`] | what a component's variables are |
//! | [`hosts`] | where a component may connect to |
//!
//! What does not live here: Wasmtime, the network, Larder's volumes, the
//! command line, and the process's environment, which callers hand in. Nothing
//! here reads a file or the clock.
//!
//! Everything that is read here was written by an app's author. Sizes are
//! bounded by named constants, and what is wrong is an error that says where it
//! is and what to do: an app that cannot be run as it asks must not start.

pub mod config;
pub mod hosts;
pub mod launch;
pub mod lock;
pub mod route;
mod suggest;
pub mod variables;

/// The type of the triggers that are Larder's: `[[trigger.larder]]`.
pub const TRIGGER_TYPE: &str = "larder";
