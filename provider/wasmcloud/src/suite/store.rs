//! A volume as a linked component has it: the functions of
//! `larder:remote/messages`, called as a host calls them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use larder_core::{ErrorCode, Follow, SetTime};
use larder_protocol::messages::{Reply, Request};
use larder_protocol::packing::{pack, unpack};
use larder_protocol::reply::{self, Failure};
use larder_protocol::request;
use larder_store_service::{
    Answer, Attributes, Call, Change, Content, Entry, NewNode, Node, Opened, Opening, Place, Removal, Store, Welcome,
};
use lattice_nats::HeaderMap;
use prost::Message as _;
use tokio::time::timeout;
use wrpc_transport::InvokeExt as _;
use wrpc_transport_nats::Client;

use super::{nats, runtime};
use crate::edge::Form;

/// How long an answer may take: the released wRPC loses one now and then, and
/// the request is repeated, as the bridge does.
const DEADLINE: Duration = Duration::from_secs(5);

/// How often it is asked.
const ATTEMPTS: usize = 4;

const INTERFACE: &str = "larder:remote/messages@0.1.0";

/// Nothing of a call is asynchronous.
const NO_PATHS: [&[Option<usize>]; 0] = [];

pub(super) struct EdgeStore {
    host: Client,
    headers: HeaderMap,
    mount_path: String,
    form: Form,
    session: AtomicU64,
}

impl EdgeStore {
    pub(super) fn new(lattice: &str, component: String, mount_path: &str, form: Form) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert("source-id", component);
        headers.insert("link-name", "default");
        let host = runtime().block_on(async {
            let connection = lattice_nats::connect(nats().url()).await.unwrap();
            Client::new(connection, format!("{lattice}.larder"), None).await.unwrap()
        });
        Self { host, headers, mount_path: mount_path.to_owned(), form, session: AtomicU64::new(0) }
    }

    /// Calls the function of the form.
    async fn call(&self, request: Bytes) -> Option<Bytes> {
        let (host, headers) = (&self.host, Some(self.headers.clone()));
        match self.form {
            Form::Packed => {
                let parameters = (pack(&request),);
                let asked = host.invoke_values_blocking(headers, INTERFACE, "call", parameters, NO_PATHS);
                let (answer,): (String,) = timeout(DEADLINE, asked).await.ok()?.ok()?;
                Some(unpack(&answer).unwrap().into())
            }
            Form::Bytes => {
                let asked = host.invoke_values_blocking(headers, INTERFACE, "call-bytes", (request,), NO_PATHS);
                let (answer,): (Bytes,) = timeout(DEADLINE, asked).await.ok()?.ok()?;
                Some(answer)
            }
        }
    }

    fn ask<T>(&self, request: &Request, read: impl Fn(Reply) -> Result<T, Failure>) -> Answer<T> {
        let request = Bytes::from(request.encode_to_vec());
        for _ in 0..ATTEMPTS {
            let Some(answer) = runtime().block_on(self.call(request.clone())) else { continue };
            let reply = Reply::decode(answer).unwrap();
            return read(reply).map_err(|failure| match failure {
                Failure::Code(code) => code,
                _ => ErrorCode::Io,
            });
        }
        Err(ErrorCode::Io)
    }
}

/// Of a component's instance nobody hears when it ends, and its session lives as
/// long as its lease. The suite looks at what is left at once.
impl Drop for EdgeStore {
    fn drop(&mut self) {
        let call = Call { session: *self.session.get_mut(), operation: 0, notes: Vec::new() };
        let _ = self.ask(&request::end(&call), reply::done);
    }
}

impl Store for EdgeStore {
    fn begin(&self, version: u32) -> Answer<Welcome> {
        let (welcome, _) = self.ask(&request::begin(version, "", &self.mount_path, "suite"), reply::session)?;
        self.session.store(welcome.session, Ordering::Relaxed);
        Ok(welcome)
    }

    fn open(&self, call: &Call, at: Place<'_>, how: Opening) -> Answer<Opened> {
        self.ask(&request::open(call, at, how), reply::opened)
    }

    fn read(&self, call: &Call, node: Node, offset: u64, length: u32) -> Answer<Content> {
        self.ask(&request::read(call, node, offset, length), reply::content)
    }

    fn commit(&self, call: &Call, change: &Change<'_>) -> Answer<Attributes> {
        self.ask(&request::commit(call, change), reply::attributes)
    }

    fn stat(&self, call: &Call, node: Node) -> Answer<Attributes> {
        self.ask(&request::stat(call, node), reply::attributes)
    }

    fn stat_at(&self, call: &Call, at: Place<'_>, follow: Follow) -> Answer<Attributes> {
        self.ask(&request::stat_at(call, at, follow), reply::attributes)
    }

    fn set_times_at(
        &self,
        call: &Call,
        at: Place<'_>,
        follow: Follow,
        accessed: SetTime,
        modified: SetTime,
    ) -> Answer<()> {
        self.ask(&request::set_times_at(call, at, follow, accessed, modified), reply::done)
    }

    fn list(&self, call: &Call, directory: Node, after: u64, most: u32) -> Answer<Vec<Entry>> {
        self.ask(&request::list(call, directory, after, most), reply::entries)
    }

    fn make(&self, call: &Call, at: Place<'_>, what: NewNode<'_>) -> Answer<Attributes> {
        self.ask(&request::make(call, at, what), reply::attributes)
    }

    fn read_link(&self, call: &Call, at: Place<'_>) -> Answer<String> {
        self.ask(&request::read_link(call, at), reply::target)
    }

    fn remove(&self, call: &Call, at: Place<'_>, what: Removal) -> Answer<()> {
        self.ask(&request::remove(call, at, what), reply::done)
    }

    fn rename(&self, call: &Call, old: Place<'_>, new: Place<'_>) -> Answer<()> {
        self.ask(&request::rename(call, old, new), reply::done)
    }

    fn link(&self, call: &Call, old: Place<'_>, follow: Follow, new: Place<'_>) -> Answer<()> {
        self.ask(&request::link(call, old, follow, new), reply::done)
    }

    fn settle(&self, call: &Call, sync: bool) -> Answer<()> {
        self.ask(&request::settle(call, sync), reply::done)
    }

    fn lock(&self, call: &Call, node: Node, shared: bool) -> Answer<u64> {
        self.ask(&request::lock(call, node, shared), reply::token)
    }

    fn unlock(&self, call: &Call, node: Node) -> Answer<()> {
        self.ask(&request::unlock(call, node), reply::done)
    }
}
