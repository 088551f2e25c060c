//! Answers: carrying out what a session asks, and bringing the reply into the
//! bounds of a message.

use bytes::Bytes;
use larder_core::ErrorCode;
use larder_protocol::messages::request::Operation;
use larder_protocol::messages::{Call, Fault, Reply, Request, VolumeUsage, reply};
use prost::Message;
use tokio::sync::OwnedSemaphorePermit;

use crate::asker::Asker;
use crate::feed;
use crate::sessions::ServedSession;

/// A request that waits for its session.
pub(crate) struct Job {
    pub(crate) asked: Asker,
    pub(crate) request: Request,
    /// Its share of what a server does at a time: given back when it is
    /// answered.
    pub(crate) _permits: Permits,
}

/// A place among the requests in progress, and room for the bytes.
pub(crate) struct Permits {
    pub(crate) _place: OwnedSemaphorePermit,
    pub(crate) _bytes: OwnedSemaphorePermit,
}

/// Carries out a request of a session. Ends the session where that is asked.
pub(crate) fn carry_out(session: &ServedSession, mut request: Request) -> Reply {
    if session.queue.has_ended() {
        return no_session();
    }
    if let Some(call) = &mut request.call {
        call.session = session.inner_id;
    }
    let served = &session.served;
    match &request.operation {
        Some(Operation::Usage(_)) => {
            let (usage, limits) = (served.volume.usage(), served.volume.limits());
            // 0 stands for no bound.
            let bound = |limit| if limit == u64::MAX { 0 } else { limit };
            let usage = VolumeUsage {
                bytes: usage.bytes,
                inodes: usage.inodes,
                bytes_limit: bound(limits.bytes),
                inodes_limit: bound(limits.inodes),
            };
            Reply { result: Some(reply::Result::Usage(usage)) }
        }
        Some(operation) => {
            let ends = matches!(operation, Operation::Settle(settle) if settle.end);
            let changes = may_change(operation);
            let reply = match session.held.lock().as_ref() {
                Some((held, _)) if is_out_of_order(request.call.as_ref(), held.last_change()) => {
                    return larder_protocol::refusal(Fault::OutOfOrder, "the change before it was not carried out yet");
                }
                Some((held, _)) => larder_protocol::carry_out(held, &request),
                None => no_session(),
            };
            if changes {
                served.count_change();
                served.feed.add(feed::changed_by(operation, &reply));
            }
            if ends {
                session.end();
            }
            reply
        }
        None => larder_protocol::refusal(Fault::Unsupported, "the operation is not known here"),
    }
}

/// Most bytes that a quick call moves: 64 KiB.
const QUICK_BYTES: usize = 64 << 10;

/// Whether the call takes some microseconds: other sessions' requests wait for
/// so long.
pub(crate) fn is_quick(request: &Request) -> bool {
    let little = |bytes: u32| bytes as usize <= QUICK_BYTES;
    match &request.operation {
        _ if blocks(request) || request.call.as_ref().is_some_and(|call| call.notes.len() > MOST_QUICK_NOTES) => false,
        Some(Operation::List(list)) => list.most <= MOST_QUICK_ENTRIES,
        Some(Operation::Read(read)) => little(read.length),
        Some(Operation::Open(open)) => little(open.want),
        Some(Operation::Commit(commit)) => {
            commit.writes.iter().map(|write| write.bytes.len()).sum::<usize>() <= QUICK_BYTES
        }
        _ => true,
    }
}

/// Most notes, and entries of a listing, of a quick call.
const MOST_QUICK_NOTES: usize = 64;
const MOST_QUICK_ENTRIES: u32 = 16;

/// Whether the call may write a file, or let go of many nodes.
pub(crate) const fn blocks(request: &Request) -> bool {
    match &request.operation {
        Some(Operation::Settle(settle)) => settle.sync || settle.end,
        Some(Operation::Commit(commit)) => commit.sync,
        _ => false,
    }
}

/// Whether the operation may change what a save would write.
const fn may_change(operation: &Operation) -> bool {
    match operation {
        Operation::Open(open) => open.flags != 0,
        Operation::Commit(_)
        | Operation::SetTimesAt(_)
        | Operation::Make(_)
        | Operation::Remove(_)
        | Operation::Rename(_)
        | Operation::Link(_) => true,
        _ => false,
    }
}

/// Whether a new change waits for one that did not come yet.
fn is_out_of_order(call: Option<&Call>, last: u64) -> bool {
    call.is_some_and(|call| call.after != 0 && call.operation > last && call.after != last)
}

pub(crate) fn no_session() -> Reply {
    larder_protocol::refusal(
        Fault::NoSession,
        "the session is not known here: it ended, its lease ran out, or it began on another subject",
    )
}

/// The reply as a message of at most `most` bytes. A listing is cut, which
/// only means that the caller asks once more; anything else is `overflow`.
pub(crate) fn encode(mut reply: Reply, most: usize) -> Bytes {
    while reply.encoded_len() > most {
        match &mut reply.result {
            Some(reply::Result::Entries(entries)) if entries.entries.len() > 1 => {
                entries.entries.truncate(entries.entries.len() / 2);
            }
            _ => reply = larder_protocol::error(ErrorCode::Overflow),
        }
    }
    reply.encode_to_vec().into()
}
