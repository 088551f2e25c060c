//! An S3 bucket.
