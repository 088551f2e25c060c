//! The exported functions: translate, ask the provider, translate.

use larder_protocol::messages::{Reply, Request};
use larder_protocol::{reply, request};
use larder_store_service::{NewNode, Opening, Removal};

use crate::Bridge;
use crate::bindings::exports::larder::fs::store as wit;
use crate::convert::{Given, code, with_change};
use crate::send::{ask, commit};

/// Asks and translates: what the exported functions return.
fn answer<T, W: From<Given<T>>>(
    request: &Request,
    read: impl Fn(Reply) -> Result<T, reply::Failure>,
) -> Result<W, wit::ErrorCode> {
    ask(request, read).map(|value| W::from(Given(value))).map_err(code)
}

fn done(request: &Request) -> Result<(), wit::ErrorCode> {
    ask(request, reply::done).map_err(code)
}

impl wit::Guest for Bridge {
    fn begin(version: u32) -> Result<wit::Session, wit::ErrorCode> {
        answer(&request::begin_brief(version, "wasmcloud"), |reply| reply::session(reply).map(|(welcome, _)| welcome))
    }

    /// A link grants one directory, which the component sees as its root.
    fn paths() -> Option<Vec<String>> {
        Some(vec!["/".to_owned()])
    }

    fn begin_open(version: u32, path: String, how: wit::Opening) -> Result<wit::Begun, wit::ErrorCode> {
        let how: Opening = Given(how).into();
        if how.changes() {
            return Err(wit::ErrorCode::Invalid);
        }
        let request = request::begin_open(version, "wasmcloud", &path, how);
        let (session, opened) = ask(&request, reply::session_and_opened).map_err(code)?;
        let opened = opened.map(|opened| Given(opened).into()).map_err(code);
        Ok(wit::Begun { session: Given(session).into(), opened })
    }

    fn open(call: wit::Call, at: wit::Place, how: wit::Opening) -> Result<wit::Opened, wit::ErrorCode> {
        answer(&request::open(&Given(call).into(), Given(&at).into(), Given(how).into()), reply::opened)
    }

    fn read(call: wit::Call, node: wit::Node, offset: u64, length: u32) -> Result<wit::Content, wit::ErrorCode> {
        answer(&request::read(&Given(call).into(), Given(node).into(), offset, length), reply::content)
    }

    fn commit(call: wit::Call, change: wit::Change) -> Result<wit::Attributes, wit::ErrorCode> {
        let answer = with_change(&change, |change| commit(request::commit(&Given(call).into(), change), change));
        answer.map(|attributes| Given(attributes).into()).map_err(code)
    }

    fn stat(call: wit::Call, node: wit::Node) -> Result<wit::Attributes, wit::ErrorCode> {
        answer(&request::stat(&Given(call).into(), Given(node).into()), reply::attributes)
    }

    fn stat_at(call: wit::Call, at: wit::Place, follow: bool) -> Result<wit::Attributes, wit::ErrorCode> {
        answer(&request::stat_at(&Given(call).into(), Given(&at).into(), Given(follow).into()), reply::attributes)
    }

    fn set_times_at(
        call: wit::Call,
        at: wit::Place,
        follow: bool,
        accessed: wit::NewTime,
        modified: wit::NewTime,
    ) -> Result<(), wit::ErrorCode> {
        let (accessed, modified) = (Given(accessed).into(), Given(modified).into());
        done(&request::set_times_at(&Given(call).into(), Given(&at).into(), Given(follow).into(), accessed, modified))
    }

    fn list(call: wit::Call, directory: wit::Node, after: u64, most: u32) -> Result<Vec<wit::Entry>, wit::ErrorCode> {
        let entries = ask(&request::list(&Given(call).into(), Given(directory).into(), after, most), reply::entries);
        Ok(entries.map_err(code)?.into_iter().map(|entry| Given(entry).into()).collect())
    }

    fn make(call: wit::Call, at: wit::Place, what: wit::NewNode) -> Result<wit::Attributes, wit::ErrorCode> {
        let what = match &what {
            wit::NewNode::Directory => NewNode::Directory,
            wit::NewNode::SymbolicLink(target) => NewNode::SymbolicLink(target),
        };
        answer(&request::make(&Given(call).into(), Given(&at).into(), what), reply::attributes)
    }

    fn read_link(call: wit::Call, at: wit::Place) -> Result<String, wit::ErrorCode> {
        ask(&request::read_link(&Given(call).into(), Given(&at).into()), reply::target).map_err(code)
    }

    fn remove(call: wit::Call, at: wit::Place, what: wit::Removal) -> Result<(), wit::ErrorCode> {
        let what = match what {
            wit::Removal::File => Removal::File,
            wit::Removal::Directory => Removal::Directory,
        };
        done(&request::remove(&Given(call).into(), Given(&at).into(), what))
    }

    fn rename(call: wit::Call, old: wit::Place, new: wit::Place) -> Result<(), wit::ErrorCode> {
        done(&request::rename(&Given(call).into(), Given(&old).into(), Given(&new).into()))
    }

    fn link(call: wit::Call, old: wit::Place, follow: bool, new: wit::Place) -> Result<(), wit::ErrorCode> {
        done(&request::link(&Given(call).into(), Given(&old).into(), Given(follow).into(), Given(&new).into()))
    }

    fn settle(call: wit::Call, sync: bool) -> Result<(), wit::ErrorCode> {
        done(&request::settle(&Given(call).into(), sync))
    }

    fn lock(call: wit::Call, node: wit::Node, shared: bool) -> Result<u64, wit::ErrorCode> {
        ask(&request::lock(&Given(call).into(), Given(node).into(), shared), reply::token).map_err(code)
    }

    fn unlock(call: wit::Call, node: wit::Node) -> Result<(), wit::ErrorCode> {
        done(&request::unlock(&Given(call).into(), Given(node).into()))
    }
}
