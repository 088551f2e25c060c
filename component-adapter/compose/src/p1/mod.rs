//! Composing a WASI 0.1 core module: it goes beside the store into one
//! component, and its imports are the store's functions.
//!
//! The *template* is the component that `wit-component` made of the store's
//! module for this purpose (`larder-attachment-p1`). What makes the composed
//! component of it is appended, so that nothing in it changes:
//!
//! ```text
//! ┌ composed component ───────────────────────────────────────────┐
//! │ imports: wasi:cli, io, clocks, random @0.2.0                  │
//! │                                                               │
//! │  ┌ $main, of the template ┐     ┌ $app ─────────────────────┐ │
//! │  │ WASI 0.1, larder-core  │◄────┤ the module; its code is   │ │
//! │  │ memory of its own,     │     │ unchanged; it imports     │ │
//! │  │ image of files         │     │   wasi_snapshot_preview1  │ │
//! │  └──▲──────────┬──────────┘     └──▲──────▲─────────────────┘ │
//! │     │          │ get, put          │      │                   │
//! │     │      ┌ $bridge ──────────────┴───┐  │ _start            │
//! │     │      │ copies between memories   │  │                   │
//! │     │      └───────────────────────────┘  │                   │
//! │  $connect tells $main where these are ────┘                   │
//! │                                                               │
//! │ exports: wasi:cli/run@0.2.0                                   │
//! └───────────────────────────────────────────────────────────────┘
//! ```
//!
//! What lives here: checking the module, and writing the component. What does
//! not: the template, and what an image holds.

mod app;
mod connect;
mod imports;
mod template;
mod write;

use std::borrow::Cow;

use wasmparser::Validator;

use crate::attach::Bridge;
use crate::error::{ComposeError, ErrorKind};
use crate::pack::component_with_image;

/// How to compose a core module.
#[derive(Debug, Clone, Default)]
pub struct P1Options<'o> {
    /// Which way bytes go between the app's memory and the store's.
    pub bridge: Bridge,
    /// Files and options that the component carries; without, it begins empty.
    pub image: Option<Cow<'o, [u8]>>,
}

/// Composes `app`, a command that imports WASI 0.1 alone.
///
/// # Errors
/// As [`compose_p1_with`].
pub fn compose_p1(app: &[u8], options: &P1Options<'_>) -> Result<Vec<u8>, ComposeError> {
    compose_p1_with(larder_artifacts::ATTACHMENT_P1, app, options)
}

/// As [`compose_p1`], with another `template` than the one of this build.
///
/// The same input always gives the same output.
///
/// # Errors
/// `Invalid` when `app` is no valid module; `Unsupported` when it imports
/// something else, has no memory of its own or is no command; `Module` when
/// `template` is not the one that this crate expects; those of
/// [`component_with_image`].
pub fn compose_p1_with(template: &[u8], app: &[u8], options: &P1Options<'_>) -> Result<Vec<u8>, ComposeError> {
    let with_image = options.image.as_deref().map(|image| component_with_image(template, image)).transpose()?;
    let template = template::Template::read(with_image.as_deref().unwrap_or(template))?;
    let app = app::App::read(app, &template)?;
    let component = write::component(&template, &app, options.bridge);
    let defect = |error: wasmparser::Error| {
        ComposeError::new(ErrorKind::Defect, format!("the composed component is not valid: {error}"))
    };
    Validator::new().validate_all(&component).map_err(defect)?;
    Ok(component)
}
