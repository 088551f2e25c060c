//! The server's side: a request carried out on a store.

use larder_store_service::{Answer, NewNode, Removal, Store};

use crate::convert::{self, Malformed, Result};
use crate::messages::reply::Result as Outcome;
use crate::messages::request::Operation;
use crate::messages::{self, Done, Fault, Reply, Request};
use crate::{error, refusal};

/// Carries out a request, and makes the reply. `Begin`, `Usage` and the end of a
/// session are whoever keeps the sessions' business: here the first ones are
/// refused, and `end` does nothing more.
pub fn carry_out(store: &impl Store, request: &Request) -> Reply {
    match outcome(store, request) {
        Ok(Ok(result)) => Reply { result: Some(result) },
        Ok(Err(code)) => error(code),
        Err(Malformed(what)) => refusal(Fault::BadRequest, what),
    }
}

fn outcome(store: &impl Store, request: &Request) -> Result<Answer<Outcome>> {
    let call = &convert::from_call(request.call.as_ref())?;
    let attributes = |answer: Answer<larder_store_service::Attributes>| {
        answer.map(|attributes| Outcome::Attributes(convert::attributes(&attributes)))
    };
    let done = |answer: Answer<()>| answer.map(|()| Outcome::Done(Done {}));
    Ok(match &request.operation {
        Some(Operation::Open(open)) => {
            let how = convert::from_opening(open)?;
            let opened = store.open(call, convert::from_place(open.at.as_ref())?, how);
            opened.map(|opened| Outcome::Opened(convert::opened(opened)))
        }
        Some(Operation::Read(read)) => {
            let content = store.read(call, convert::from_node(read.node.as_ref())?, read.offset, read.length);
            content.map(|content| Outcome::Content(convert::content(content)))
        }
        Some(Operation::Commit(commit)) => attributes(store.commit(call, &convert::from_commit(commit)?)),
        Some(Operation::Stat(stat)) => attributes(store.stat(call, convert::from_node(stat.node.as_ref())?)),
        Some(Operation::StatAt(stat)) => {
            let at = convert::from_place(stat.at.as_ref())?;
            attributes(store.stat_at(call, at, convert::from_follow(stat.follow)))
        }
        Some(Operation::SetTimesAt(set)) => {
            let at = convert::from_place(set.at.as_ref())?;
            let accessed = convert::from_new_time(set.accessed.as_ref())?;
            let modified = convert::from_new_time(set.modified.as_ref())?;
            done(store.set_times_at(call, at, convert::from_follow(set.follow), accessed, modified))
        }
        Some(Operation::List(list)) => {
            let directory = convert::from_node(list.directory.as_ref())?;
            let entries = store.list(call, directory, list.after, list.most);
            entries.map(|entries| {
                let entries = entries.into_iter().map(convert::entry).collect();
                Outcome::Entries(messages::Entries { entries })
            })
        }
        Some(Operation::Make(make)) => {
            let what = make.link_target.as_deref().map_or(NewNode::Directory, NewNode::SymbolicLink);
            attributes(store.make(call, convert::from_place(make.at.as_ref())?, what))
        }
        Some(Operation::ReadLink(read)) => {
            store.read_link(call, convert::from_place(read.at.as_ref())?).map(Outcome::Target)
        }
        Some(Operation::Remove(remove)) => {
            let what = if remove.directory { Removal::Directory } else { Removal::File };
            done(store.remove(call, convert::from_place(remove.at.as_ref())?, what))
        }
        Some(Operation::Rename(rename)) => {
            let (old, new) = (convert::from_place(rename.old.as_ref())?, convert::from_place(rename.new.as_ref())?);
            done(store.rename(call, old, new))
        }
        Some(Operation::Link(link)) => {
            let (old, new) = (convert::from_place(link.old.as_ref())?, convert::from_place(link.new.as_ref())?);
            done(store.link(call, old, convert::from_follow(link.follow), new))
        }
        Some(Operation::Settle(settle)) => done(store.settle(call, settle.sync)),
        Some(Operation::Lock(lock)) => {
            let token = store.lock(call, convert::from_node(lock.node.as_ref())?, lock.shared);
            token.map(|token| Outcome::Locked(messages::Locked { token }))
        }
        Some(Operation::Unlock(unlock)) => done(store.unlock(call, convert::from_node(unlock.node.as_ref())?)),
        Some(Operation::Begin(_) | Operation::Usage(_)) | None => {
            return Ok(Ok(Outcome::Refusal(messages::Refusal {
                fault: Fault::Unsupported.into(),
                message: "the operation is not known here".to_owned(),
            })));
        }
    })
}
