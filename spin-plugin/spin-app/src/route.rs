//! HTTP routes: Spin's syntax and precedence, and what a guest is told of the
//! request's path.
//!
//! The syntax ([`Pattern`]): names between slashes; `:NAME` for one whole name
//! of a path, or for what stands before a dot (`/:page.html`); `/...` at the
//! end, or `/*`, for any further path, also none. Slashes at both ends of a
//! route and of a path do not count. Paths are compared as they were sent,
//! without percent-decoding.
//!
//! The precedence ([`Router`]), from left to right: a plain name before a
//! parameter, a parameter before `/...`, and the end of the route before
//! `/...`. So an exact route comes before a wildcard, and of wildcards the one
//! with the longest match.
//!
//! Where this differs from Spin 4: a parameter is never empty; a plain name
//! comes before `:NAME.html` as well, which Spin's library orders otherwise in
//! some sets of routes; two routes that match the same paths are an error (of
//! two that are written alike, Spin drops the first); and so are parameters
//! that no header can be named after (Spin fails each request) and wildcards in
//! the middle.
//!
//! What does not live here: which component a route belongs to
//! ([`config`](crate::config)), and HTTP itself.

mod headers;
mod pattern;
mod router;

pub use headers::{Request, is_spin_header, request_headers};
pub use pattern::{MOST_ROUTE_BYTES, Pattern, PatternError};
pub use router::{Match, Router, SameRoute};

/// Below it are the paths that the trigger itself answers: `health` and
/// `info`. No route gets them.
pub const WELL_KNOWN: &str = "/.well-known/spin/";
