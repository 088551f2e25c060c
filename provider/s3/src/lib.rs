//! Volumes in S3.
