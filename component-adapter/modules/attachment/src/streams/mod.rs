//! `wasi:io/streams` on files, and between files and other streams.

mod input;
mod output;
mod splice;
