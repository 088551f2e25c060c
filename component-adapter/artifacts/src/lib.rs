//! The WebAssembly modules of the static form.
