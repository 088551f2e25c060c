//! The store as the main module of a component around a WASI 0.1 module.
