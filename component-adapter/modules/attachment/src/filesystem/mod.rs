//! `wasi:filesystem`: `content` and `attributes` of open files, `paths`,
//! `directories`.

mod attributes;
mod content;
mod directories;
mod paths;
