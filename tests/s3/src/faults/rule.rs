//! What is done to which requests.

use std::time::Duration;

use hyper::StatusCode;
use hyper::http::request::Parts;

use super::Kind;

/// An answer that the server did not give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    pub(super) status: u16,
    pub(super) code: &'static str,
}

impl Answer {
    /// 500.
    pub const INTERNAL_ERROR: Self = Self::new(500, "InternalError");
    /// 503, as of a server that wants fewer requests.
    pub const SLOW_DOWN: Self = Self::new(503, "SlowDown");
    /// 503, as of a server that starts.
    pub const UNAVAILABLE: Self = Self::new(503, "ServiceUnavailable");
    /// 403.
    pub const ACCESS_DENIED: Self = Self::new(403, "AccessDenied");
    /// 403, as of credentials that have been taken away.
    pub const INVALID_KEY: Self = Self::new(403, "InvalidAccessKeyId");
    /// 404, as of a bucket that has been removed.
    pub const NO_BUCKET: Self = Self::new(404, "NoSuchBucket");
    /// 409, as of another writer at the same moment.
    pub const CONFLICT: Self = Self::new(409, "ConditionalRequestConflict");
    /// 412, as of a condition that does not hold.
    pub const PRECONDITION_FAILED: Self = Self::new(412, "PreconditionFailed");
    /// 507, as of a full disk.
    pub const FULL: Self = Self::new(507, "XMinioStorageFull");
    /// 200 with an error in the body, as Amazon's for a copy or a completed
    /// upload that failed late.
    pub const LATE_ERROR: Self = Self::new(200, "InternalError");

    /// Any other.
    #[must_use]
    pub const fn new(status: u16, code: &'static str) -> Self {
        Self { status, code }
    }

    pub(super) fn status(self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap()
    }

    pub(super) fn body(self) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{}</Code><Message>Spoiled by a test.</Message>\
             <RequestId>larder-test-s3</RequestId></Error>",
            self.code
        )
    }
}

/// What a test can do to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It waits before it goes to the server.
    Latency(Duration),
    /// Both bodies are carried with so many bytes a second. Each request has
    /// them for itself.
    Bandwidth(u64),
    /// It is answered, once its body has come, and never reaches the server.
    Answer(Answer),
    /// The connection is reset, and the request never reaches the server.
    ResetBefore,
    /// The server carries it out; its answer is lost with the connection.
    ResetAfter,
    /// The server carries it out, and something else is answered.
    AnswerAfter(Answer),
    /// The answer's body ends, with the connection, after so many bytes.
    Truncate(u64),
    /// The byte of the answer's body at this offset is another.
    Corrupt(u64),
    /// It never reaches the server, and the connection stays without answer.
    Stall,
    /// The server carries it out, and the connection stays without answer.
    StallAfter,
}

impl Fault {
    pub(super) const fn spoils(self) -> bool {
        !matches!(self, Self::Latency(_) | Self::Bandwidth(_))
    }
}

/// A fault and the requests that have it: all, as [`new`](Self::new) makes it,
/// and each further call leaves fewer.
#[derive(Clone, Debug)]
pub struct Rule {
    pub(super) fault: Fault,
    method: Option<&'static str>,
    kind: Option<Kind>,
    path: Option<String>,
    header: Option<String>,
    skips: u64,
    times: u64,
    chance: Option<(f64, fastrand::Rng)>,
}

impl Rule {
    /// For all requests, until it is [cleared](super::Faults::clear).
    #[must_use]
    pub const fn new(fault: Fault) -> Self {
        let (method, kind, path, header, chance) = (None, None, None, None, None);
        Self { fault, method, kind, path, header, skips: 0, times: u64::MAX, chance }
    }

    /// Only those with this method, in capitals.
    #[must_use]
    pub const fn method(mut self, method: &'static str) -> Self {
        self.method = Some(method);
        self
    }

    /// Only those of this kind.
    #[must_use]
    pub const fn kind(mut self, kind: Kind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Only those whose path and query, as they are sent, contain this.
    #[must_use]
    pub fn path(mut self, part: &str) -> Self {
        self.path = Some(part.to_owned());
        self
    }

    /// Only those with this header.
    #[must_use]
    pub fn header(mut self, name: &str) -> Self {
        self.header = Some(name.to_owned());
        self
    }

    /// Not the first of those.
    #[must_use]
    pub const fn skip(mut self, count: u64) -> Self {
        self.skips = count;
        self
    }

    /// So many of them, and no more.
    #[must_use]
    pub const fn times(mut self, count: u64) -> Self {
        self.times = count;
        self
    }

    /// Each with this probability, from 0 to 1. The same seed chooses the same.
    #[must_use]
    pub fn chance(mut self, probability: f64, seed: u64) -> Self {
        self.chance = Some((probability, fastrand::Rng::with_seed(seed)));
        self
    }

    /// Whether it is for this request, which is counted if so.
    pub(super) fn takes(&mut self, parts: &Parts, kind: Kind) -> bool {
        let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
        let matches = self.method.is_none_or(|method| parts.method == method)
            && self.kind.is_none_or(|wanted| wanted == kind)
            && self.path.as_ref().is_none_or(|part| target.contains(part))
            && self.header.as_ref().is_none_or(|name| parts.headers.contains_key(name));
        if !matches {
            return false;
        }
        if self.skips > 0 {
            self.skips -= 1;
            return false;
        }
        let chosen = self.chance.as_mut().is_none_or(|(probability, random)| random.f64() < *probability);
        if self.times == 0 || !chosen {
            return false;
        }
        self.times -= 1;
        true
    }
}
