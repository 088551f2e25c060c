//! WASI 0.1 (`wasi_snapshot_preview1`) over descriptors.
