//! How a tree lies in a bucket. Pure: text and bytes in, text and bytes out.
//!
//! - A file is an object whose key is the prefix and the file's path; a
//!   directory may have a marker, whose key ends with `/` ([`KeySpace`]).
//! - Attributes are the object's metadata, under the names that s3fs-fuse and
//!   rclone use ([`ObjectMeta`]). A symbolic link is an object whose body is
//!   the target and whose mode says so.
//! - Attributes of directories lie in objects of Larder's own below
//!   `.larder/directories/`, as SeaweedFS drops those of markers
//!   ([`KeySpace::directory_attributes_key`]).
//! - A file with large holes is a sparse object ([`SparseMap`]); any other is
//!   the file's bytes.

mod directories;
mod fault;
mod identity;
mod keys;
mod metadata;
mod mode;
mod sparse;
mod sparse_header;
mod time_text;

pub use directories::directory_attributes_body;
pub use fault::{KeyError, KeyFault};
pub use identity::{LinkId, Token};
pub use keys::{KeySpace, LONGEST_COMPONENT, LONGEST_PREFIX, Parsed, RESERVED, key_length};
pub use metadata::ObjectMeta;
pub use sparse::{LARGEST_SIZE, LEAST_HOLE, MOST_RANGES, SparseMap};
pub use sparse_header::{SparseError, header_bytes};
