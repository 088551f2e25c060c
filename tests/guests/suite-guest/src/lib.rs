//! The behavioural suite (`tests/suite`) as a guest: the cases call the
//! guest's own `wasi:filesystem` 0.2, so that every runtime that can run a
//! component can run the suite.
//!
//! What lives here: the form ([`Wasi02`]) and, for forms of other versions of
//! WASI too, the requests that a command or a server gets ([`answer`]) and the
//! hooks besides files ([`volumes`]). A case needs volumes that nobody used before, so
//! one instance runs one case. A case that fails panics, which traps; the
//! message is on standard error.

#[path = "../../puppet/src/content.rs"]
mod content;
mod convert;
mod form;
mod imports {
    wit_bindgen::generate!({
        path: ["../../../wit/larder-fs/statistics.wit", "../clock/wit", "wit"],
        world: "larder:suite-guest/imports",
        generate_all,
    });
}
mod request;
pub mod volumes;

pub use form::Wasi02;
pub use request::answer;
