//! `If-Match` and `If-None-Match`, as Amazon documents them.

use hyper::HeaderMap;
use hyper::header::{HeaderName, IF_MATCH, IF_NONE_MATCH};
use s3s::dto::{ETag, ETagCondition};
use s3s::{S3Result, s3_error};

/// What a write asks of the object that it replaces or removes.
#[derive(Clone, Debug, Default)]
pub(super) struct Conditions {
    pub(super) matches: Option<ETagCondition>,
    pub(super) none_matches: Option<ETagCondition>,
}

impl Conditions {
    /// For `CopyObject`, where s3s does not know them.
    pub(super) fn of_headers(headers: &HeaderMap) -> S3Result<Self> {
        Ok(Self { matches: header(headers, &IF_MATCH)?, none_matches: header(headers, &IF_NONE_MATCH)? })
    }

    /// Against the object that is there.
    pub(super) fn check_write(&self, there: Option<&ETag>) -> S3Result<()> {
        match (&self.matches, there) {
            (Some(_), None) => return Err(s3_error!(NoSuchKey)),
            (Some(condition), Some(etag)) if !holds(condition, etag) => return Err(s3_error!(PreconditionFailed)),
            _ => {}
        }
        match (&self.none_matches, there) {
            (Some(ETagCondition::ETag(_)), _) => {
                Err(s3_error!(NotImplemented, "A write's If-None-Match takes * alone."))
            }
            (Some(ETagCondition::Any), Some(_)) => Err(s3_error!(PreconditionFailed)),
            _ => Ok(()),
        }
    }

    /// For GET, HEAD.
    pub(super) fn check_read(&self, etag: &ETag) -> S3Result<()> {
        if self.matches.as_ref().is_some_and(|condition| !holds(condition, etag)) {
            return Err(s3_error!(PreconditionFailed));
        }
        if self.none_matches.as_ref().is_some_and(|condition| holds(condition, etag)) {
            return Err(s3_error!(NotModified));
        }
        Ok(())
    }

    /// For the source of a copy.
    pub(super) fn check_source(&self, etag: &ETag) -> S3Result<()> {
        let unwanted = self.none_matches.as_ref().is_some_and(|condition| holds(condition, etag));
        if unwanted || self.matches.as_ref().is_some_and(|condition| !holds(condition, etag)) {
            return Err(s3_error!(PreconditionFailed));
        }
        Ok(())
    }
}

fn holds(condition: &ETagCondition, etag: &ETag) -> bool {
    condition.as_etag().is_none_or(|wanted| wanted.strong_cmp(etag))
}

fn header(headers: &HeaderMap, name: &HeaderName) -> S3Result<Option<ETagCondition>> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let condition = ETagCondition::parse_http_header(value.as_bytes());
    condition.map(Some).map_err(|_| s3_error!(InvalidArgument, "{name}"))
}
