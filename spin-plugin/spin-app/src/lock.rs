//! `spin.lock`, versions 0 and 1: what `spin up` made of the manifest.
//!
//! Members that are not known are ignored, as Spin adds optional ones between
//! releases. What says of itself that it must be understood, and is not, is
//! refused ([`LockedApp::parse`], [`LockedApp::check_requirements`]).
//!
//! What does not live here: the meaning of Larder's own settings
//! ([`config`](crate::config)), of templates ([`variables`](crate::variables))
//! and of allowed hosts ([`hosts`](crate::hosts)).

mod app;
mod component;
mod file_url;
mod requirements;

use thiserror::Error;

pub use app::{AppMetadata, LockedApp, LockedTrigger, Variable};
pub use component::{
    Component, ComponentMetadata, Content, ContentError, Dependency, FileMount, Inherit, Source, Values,
};
pub use file_url::{FileUrlError, file_path};
pub use requirements::{MIDDLEWARE, Requirement, SERVICE_CHAINING, Unserved};

/// Most bytes of a lock file: 16 MiB. Guards memory; a large app's has some
/// tens of kilobytes.
pub const MOST_LOCK_BYTES: usize = 16 << 20;

/// Most components, triggers and variables each. Guards the time of what looks
/// at all pairs of them, and the length of messages.
pub const MOST_ITEMS: usize = 4096;

/// Most bytes of a component's or a trigger's name. Guards the lengths of file
/// names, as a component's log is called after it, and of messages.
pub const MOST_ID_BYTES: usize = 128;

/// Why a lock file cannot be used.
#[derive(Debug, Error)]
pub enum LockError {
    /// It is larger than [`MOST_LOCK_BYTES`].
    #[error("spin.lock has {0} bytes, and at most {MOST_LOCK_BYTES} are read")]
    TooLarge(usize),
    /// It is no JSON, or not of the form of versions 0 and 1.
    #[error(
        "spin.lock is not of a form that this version of Larder reads: {0}; run the `spin up` of Spin 4, or a newer Larder"
    )]
    Form(#[from] serde_json::Error),
    /// Its version is not known.
    #[error(
        "spin.lock has the version {0}, and this version of Larder reads 0 and 1: use a newer Larder, or an older Spin"
    )]
    Version(String),
    /// It demands that a member is understood that is not known.
    #[error(
        "spin.lock demands that `{0}` is understood, which this version of Larder does not know: use a newer Larder"
    )]
    MustUnderstand(String),
    /// A name is none.
    #[error("`{id}` is not the name of a {what}: {why}")]
    Name {
        /// What it would name.
        what: &'static str,
        /// As written, cut.
        id: String,
        /// The rule.
        why: &'static str,
    },
    /// Two have one name.
    #[error("two {what}s are called `{id}`")]
    Twice {
        /// What they are.
        what: &'static str,
        /// Their name.
        id: String,
    },
    /// There are more than [`MOST_ITEMS`].
    #[error("spin.lock has {count} {what}s, and at most {MOST_ITEMS} are read")]
    TooMany {
        /// What there are.
        what: &'static str,
        /// How many.
        count: usize,
    },
}
