//! The client's side: the answer that a reply has.

use std::time::Duration;

use larder_core::ErrorCode;
use larder_store_service::{Attributes, Content, Entry, Opened, Welcome};

use crate::codes;
use crate::convert::{self, Malformed};
use crate::messages::reply::Result as Outcome;
use crate::messages::session::Open as Opening;
use crate::messages::{Refusal, Reply, Session, VolumeUsage};

/// Why a reply has no answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// The call failed with this code.
    Code(ErrorCode),
    /// The request was not carried out.
    Refused(Refusal),
    /// The reply is none to this request, or breaks the protocol.
    Malformed,
}

impl From<Malformed> for Failure {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

type Answer<T> = Result<T, Failure>;

fn outcome(reply: Reply) -> Answer<Outcome> {
    match reply.result {
        Some(Outcome::Error(number)) => Err(Failure::Code(codes::code(number))),
        Some(Outcome::Refusal(refusal)) => Err(Failure::Refused(refusal)),
        Some(outcome) => Ok(outcome),
        None => Err(Failure::Malformed),
    }
}

macro_rules! answers {
    ($($(#[$doc:meta])* $name:ident $variant:ident $type:ty: $convert:expr;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// The failure of the call, or that the reply is another.
        pub fn $name(reply: Reply) -> Answer<$type> {
            match outcome(reply)? {
                Outcome::$variant(value) => $convert(value),
                _ => Err(Failure::Malformed),
            }
        }
    )*};
}

answers! {
    /// What `open` answers.
    opened Opened Opened: |opened| Ok(convert::from_opened(opened)?);
    /// What `read` answers.
    content Content Content: |content| Ok(convert::from_content(content));
    /// What `commit`, `stat`, `stat_at` and `make` answer.
    attributes Attributes Attributes: |attributes| Ok(convert::from_attributes(Some(&attributes))?);
    /// What `read_link` answers.
    target Target String: Ok;
    /// What calls answer that have nothing to tell.
    done Done (): |_| Ok(());
    /// What `lock` answers: the fencing token.
    token Locked u64: |locked: crate::messages::Locked| Ok(locked.token);
    /// What `usage` answers.
    usage Usage VolumeUsage: Ok;
}

/// What `list` answers.
///
/// # Errors
/// The failure of the call, or that the reply is another.
pub fn entries(reply: Reply) -> Answer<Vec<Entry>> {
    match outcome(reply)? {
        Outcome::Entries(entries) => entries.entries.into_iter().map(|entry| Ok(convert::from_entry(entry)?)).collect(),
        _ => Err(Failure::Malformed),
    }
}

/// What `begin` answers, and the lease.
///
/// # Errors
/// The failure of the call, or that the reply is another.
pub fn session(reply: Reply) -> Answer<(Welcome, Duration)> {
    let session = begun(reply)?;
    let lease = Duration::from_millis(session.lease_milliseconds.into());
    Ok((convert::from_session(session)?, lease))
}

/// What `begin` answers that opens as well.
///
/// # Errors
/// The failure of beginning, or that the reply is another.
pub fn session_and_opened(reply: Reply) -> Answer<(Welcome, Result<Opened, ErrorCode>)> {
    let mut session = begun(reply)?;
    let opened = match session.open.take() {
        Some(Opening::Opened(opened)) => Ok(convert::from_opened(opened)?),
        Some(Opening::Error(number)) => Err(codes::code(number)),
        None => return Err(Failure::Malformed),
    };
    Ok((convert::from_session(session)?, opened))
}

fn begun(reply: Reply) -> Answer<Session> {
    match outcome(reply)? {
        Outcome::Session(session) => Ok(session),
        _ => Err(Failure::Malformed),
    }
}
