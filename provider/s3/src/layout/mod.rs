//! How a tree lies in a bucket.
