//! The adapter component for WASI 0.2.
