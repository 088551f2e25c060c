//! Which operation of S3 a request is.

use hyper::http::request::Parts;

/// The operation that a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `GetObject`.
    Get,
    /// `HeadObject`.
    Head,
    /// `PutObject`.
    Put,
    /// `CopyObject`.
    Copy,
    /// `DeleteObject`.
    Delete,
    /// `DeleteObjects`.
    DeleteMany,
    /// `ListObjects`, of either version.
    List,
    /// `CreateMultipartUpload`.
    CreateMultipart,
    /// `UploadPart`.
    UploadPart,
    /// `UploadPartCopy`.
    UploadPartCopy,
    /// `CompleteMultipartUpload`.
    CompleteMultipart,
    /// `AbortMultipartUpload`.
    AbortMultipart,
    /// `ListMultipartUploads`, `ListParts`.
    ListMultipart,
    /// About a bucket, or about all.
    Bucket,
    /// None of these.
    Other,
}

impl Kind {
    pub(super) fn of(parts: &Parts) -> Self {
        let query = parts.uri.query().unwrap_or_default();
        let has = |name: &str| query.split('&').any(|pair| pair.split('=').next() == Some(name));
        let copies = parts.headers.contains_key("x-amz-copy-source");
        let path = parts.uri.path().trim_start_matches('/');
        let of_object = path.split_once('/').is_some_and(|(_, key)| !key.is_empty());
        match (parts.method.as_str(), of_object) {
            ("GET", _) if has("uploads") || has("uploadId") => Self::ListMultipart,
            ("GET", true) => Self::Get,
            ("HEAD", true) => Self::Head,
            ("PUT", true) if has("uploadId") && copies => Self::UploadPartCopy,
            ("PUT", true) if has("uploadId") => Self::UploadPart,
            ("PUT", true) if copies => Self::Copy,
            ("PUT", true) => Self::Put,
            ("DELETE", true) if has("uploadId") => Self::AbortMultipart,
            ("DELETE", true) => Self::Delete,
            ("POST", true) if has("uploads") => Self::CreateMultipart,
            ("POST", true) if has("uploadId") => Self::CompleteMultipart,
            ("POST", false) if has("delete") => Self::DeleteMany,
            ("GET", false) if has("list-type") || has("prefix") || has("delimiter") => Self::List,
            (_, false) => Self::Bucket,
            _ => Self::Other,
        }
    }
}
