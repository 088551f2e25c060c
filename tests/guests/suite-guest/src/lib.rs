//! The behavioural suite (`tests/suite`) as a guest: the cases call the
//! guest's own `wasi:filesystem` 0.2, so that every runtime that can run a
//! component can run the suite.
//!
//! What lives here: the form ([`Wasi02`]) and, for forms of other versions of
//! WASI too, the requests that a command or a server gets ([`answer`]) and the
//! hooks besides files ([`volumes`], [`clock`]). A case needs volumes that nobody used
//! before, so one instance runs one case, or is told of other volumes for the
//! next one (`larder_suite::begin_with_turn`). A case that fails panics, which
//! traps; the message is on standard error.
//!
//! The feature `host-clock` is for hosts whose clock cannot be set.

#[cfg(feature = "host-clock")]
#[path = "clock/host.rs"]
pub mod clock;
#[cfg(not(feature = "host-clock"))]
#[path = "clock/settable.rs"]
pub mod clock;
#[path = "../../puppet/src/content.rs"]
mod content;
mod convert;
mod form;
mod imports {
    #[cfg(not(feature = "host-clock"))]
    wit_bindgen::generate!({
        path: ["../../../wit/larder-fs/statistics.wit", "../clock/wit", "wit"],
        world: "larder:suite-guest/imports",
        generate_all,
    });
    #[cfg(feature = "host-clock")]
    wit_bindgen::generate!({
        path: ["../../../wit/larder-fs/statistics.wit", "../clock/wit", "wit"],
        world: "larder:suite-guest/imports-host-clock",
        generate_all,
    });
}
mod request;
pub mod volumes;

pub use form::Wasi02;
pub use request::answer;
