//! What composing refuses, and why.

use std::fmt;

/// Why composing failed. Callers may act on the kind: `plug` instead of
/// attaching, or tell the user to leave the component as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The input is no valid WebAssembly.
    Invalid,
    /// The input is a core module, and a component is needed.
    NotAComponent,
    /// The component imports no `wasi:filesystem`.
    NothingToAttach,
    /// The component imports `wasi:filesystem@0.3`, which is plugged.
    Version03,
    /// Several components inside this one use the filesystem, and they would
    /// each have a store of their own.
    SeveralConsumers,
    /// A file, a stream or a pollable of the store would leave the component
    /// that the store is attached to, which only `plug` can serve.
    Escapes,
    /// The component uses something that attaching does not know.
    Unsupported,
    /// A bound was exceeded that protects the one who composes.
    Limit,
    /// The module of the store is not what this crate expects.
    Module,
    /// The result failed its own checks. Nothing was written; this is a
    /// defect of Larder.
    Defect,
}

/// What was wrong, where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComposeError {
    kind: ErrorKind,
    message: String,
    place: Option<String>,
}

impl ComposeError {
    /// An error of `kind`. `message` says what was wrong and what to do.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        ComposeError { kind, message: message.into(), place: None }
    }

    /// Names the part of the component that the error is about, unless it is
    /// named already.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.place.get_or_insert_with(|| place.into());
        self
    }

    /// What kind of error it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The part of the component that it is about, as a path from the
    /// outermost component.
    pub fn place(&self) -> Option<&str> {
        self.place.as_deref()
    }
}

impl fmt::Display for ComposeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for ComposeError {}

impl From<wasmparser::Error> for ComposeError {
    fn from(error: wasmparser::Error) -> Self {
        ComposeError::new(ErrorKind::Invalid, format!("not valid WebAssembly: {error}"))
    }
}
