//! What one attempt's failure means.

use std::error::Error;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use crate::error::BucketErrorKind::{self, *};

/// The longest text of a server or of the network that goes into a message:
/// 300 characters. Guards logs against a server that answers with a page.
const LONGEST_TEXT: usize = 300;

/// Why an attempt failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: BucketErrorKind,
    pub(crate) text: String,
    pub(crate) status: Option<u16>,
    pub(crate) code: Option<String>,
    /// Whether the same request may succeed a moment later.
    pub(crate) again: bool,
    /// Whether the server may have done what was asked.
    pub(crate) perhaps_done: bool,
    /// How long the server asks to wait.
    pub(crate) retry_after: Option<Duration>,
}

impl Failure {
    /// The answer is not what was asked for; another may be.
    pub(crate) fn corrupt(text: String) -> Self {
        Self::plain(Corrupt, text, true, true)
    }

    /// The answer broke off.
    pub(crate) fn broken(text: String) -> Self {
        Self::plain(Unavailable, text, true, true)
    }

    /// It makes no sense to try again.
    pub(crate) fn invalid(text: String) -> Self {
        Self::plain(Invalid, text, false, false)
    }

    /// The object is not the version that was asked for.
    pub(crate) fn changed(text: String) -> Self {
        Self::plain(Conflict, text, false, false)
    }

    fn plain(kind: BucketErrorKind, text: String, again: bool, perhaps_done: bool) -> Self {
        Self { kind, text, status: None, code: None, again, perhaps_done, retry_after: None }
    }

    /// Whether it says that there is no such object; not: no such bucket.
    pub(crate) fn no_object(&self) -> bool {
        self.kind == NotFound && self.code.as_deref() != Some("NoSuchBucket")
    }

    /// Whether it says that there is no such upload.
    pub(crate) fn no_upload(&self) -> bool {
        self.kind == NoSuchUpload
    }

    /// The failure of reading an answer's body.
    pub(crate) fn of_body(error: &(dyn Error + 'static)) -> Self {
        let text = told(error);
        match find::<aws_smithy_checksums::body::validate::Error>(error) {
            Some(mismatch) => Self::corrupt(mismatch.to_string()),
            None => Self::broken(format!("the answer broke off: {text}")),
        }
    }
}

impl<E> From<SdkError<E, HttpResponse>> for Failure
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    fn from(error: SdkError<E, HttpResponse>) -> Self {
        let response = error.raw_response();
        let status = response.map(|response| response.status().as_u16());
        let retry_after = response.and_then(|response| {
            let seconds = response.headers().get("retry-after")?.trim().parse().ok()?;
            Some(Duration::from_secs(seconds))
        });
        if let Some(service) = error.as_service_error() {
            let code = service.code().filter(|code| !code.is_empty());
            let (kind, again, perhaps_done) = meaning(status.unwrap_or_default(), code);
            let text = service.message().map(shortened).unwrap_or_default();
            let code = code.map(str::to_owned);
            return Self { kind, text, status, code, again, perhaps_done, retry_after };
        }
        let text = told(&error);
        if find::<CredentialsError>(&error).is_some() {
            return Self::plain(Denied, format!("no credentials: {text}"), false, false);
        }
        let failure = match &error {
            SdkError::ConstructionFailure(_) => Self::invalid(text),
            SdkError::DispatchFailure(failure) if failure.is_user() => Self::invalid(text),
            SdkError::DispatchFailure(_) => Self::broken(format!("no answer: {text}")),
            _ => Self::broken(text),
        };
        Self { status, retry_after, ..failure }
    }
}

/// The kind of an answer, whether to ask again, and whether it may have been
/// done all the same. S3's codes: [`Error responses`].
///
/// [`Error responses`]: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
fn meaning(status: u16, code: Option<&str>) -> (BucketErrorKind, bool, bool) {
    match code.unwrap_or_default() {
        "NoSuchUpload" => (NoSuchUpload, false, false),
        "NoSuchKey" | "NoSuchBucket" | "NotFound" => (NotFound, false, false),
        "PreconditionFailed" => (Conflict, false, false),
        // Two conditional requests at once: neither was decided.
        "ConditionalRequestConflict" | "OperationAborted" => (Conflict, true, false),
        "SlowDown"
        | "SlowDownRead"
        | "SlowDownWrite"
        | "Throttling"
        | "ThrottlingException"
        | "TooManyRequests"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "RequestThrottled"
        | "RequestThrottledException" => (Throttled, true, false),
        // MinIO, Ceph, Backblaze.
        "QuotaExceeded"
        | "InsufficientStorage"
        | "InsufficientCapacity"
        | "XMinioStorageFull"
        | "XMinioAdminBucketQuotaExceeded"
        | "storage_cap_exceeded" => (OutOfSpace, false, false),
        "BadDigest" | "XAmzContentSHA256Mismatch" | "XAmzContentChecksumMismatch" => (Corrupt, true, false),
        "IncompleteBody" | "RequestTimeout" => (Unavailable, true, false),
        "ExpiredToken"
        | "InvalidToken"
        | "TokenRefreshRequired"
        | "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "RequestTimeTooSkewed"
        | "AccessDenied" => (Denied, false, false),
        _ => match status {
            401 | 403 => (Denied, false, false),
            404 => (NotFound, false, false),
            409 | 412 => (Conflict, false, false),
            408 => (Unavailable, true, true),
            429 => (Throttled, true, false),
            501 => (Invalid, false, false),
            507 => (OutOfSpace, false, false),
            // 200: an error that was told in the body of a long answer.
            500.. | 200..300 => (Unavailable, true, true),
            _ => (Invalid, false, false),
        },
    }
}

/// What to do about it, for whoever configured the bucket.
pub(crate) fn advice(failure: &Failure) -> &'static str {
    match (failure.kind, failure.code.as_deref().unwrap_or_default()) {
        (_, "NoSuchBucket") => "create the bucket, or correct its name",
        (_, "SignatureDoesNotMatch") => "check the secret key and the region",
        (_, "InvalidAccessKeyId") => "check the access key's id and the endpoint",
        (_, "RequestTimeTooSkewed") => "set this machine's clock",
        (_, "ExpiredToken" | "TokenRefreshRequired") => "renew the credentials",
        (_, "PermanentRedirect" | "AuthorizationHeaderMalformed" | "TemporaryRedirect") => "set the bucket's region",
        (Denied, _) => "check the credentials and what they may do",
        (Throttled, _) => "the server wants fewer requests; try later",
        (Unavailable, _) => "check the endpoint and the network, or try later",
        (OutOfSpace, _) => "make room, or raise the quota",
        _ => "",
    }
}

/// The first error of type `T` among the causes of `error`.
fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

/// An error and its causes, without what one repeats of the next.
fn told(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    shortened(&text)
}

fn shortened(text: &str) -> String {
    text.chars().take(LONGEST_TEXT).collect()
}
