//! The store: one session with a server, and its calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use larder_core::{ErrorCode, Follow, MetadataHash, SetTime};
use larder_protocol::messages::{self, Fault, Reply, Request};
use larder_protocol::reply::{self, Failure};
use larder_protocol::request;
use larder_store_service::{
    Answer, Attributes, Call, Change, Content, Entry, MAX_TRANSFER, NewNode, Node, Opened, Opening, Place, Removal,
    Store, Target, VERSION, Welcome,
};
use parking_lot::Mutex;
use prost::Message;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::address::{Address, hash};
use crate::ahead::{Ahead, LEAST_LENGTH, Readers};
use crate::changes::{self, Notices};
use crate::connection::{Connection, FIRST_PAUSE, LONGEST_PAUSE, Line, Options, Unanswered};
use crate::error::ConnectError;
use crate::later::Later;
use crate::nats;
use crate::transport::Transport;

pub use larder_protocol::messages::VolumeUsage;

/// How many times the session is heard of within its lease.
const KEPT_ALIVE: u32 = 3;

/// The least time between two of these: 100 ms. Guards the server against a
/// lease of nothing.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);

/// How long dropping a store waits at most for the session's end: 500 ms.
/// After that the lease ends it.
const END_WITHIN: Duration = Duration::from_millis(500);

/// A volume that is served, seen through a session.
///
/// Calls block, at most for [`Options::deadline`], and come from any thread,
/// also from one of an async runtime. A call that is not answered in time, or
/// whose session is not known to the server any more, is `io`.
///
/// There is one session at a time. [`connect`](Self::connect) begins it, the
/// first [`begin`](Store::begin) answers it, and a further one ends it and
/// begins a new one. Dropping the store ends it.
pub struct ServedStore {
    connection: Connection,
    /// Where changes are heard of; none where nobody tells of them.
    feed: Option<Feed>,
    called: Called,
    options: Options,
    session: Mutex<Option<Session>>,
    readers: Arc<Readers>,
    later: Later,
}

/// What a volume is called.
struct Called {
    /// As it is shown.
    address: Arc<str>,
    /// The directory that is the root of the session; empty for all of it.
    directory: String,
    /// Tells the volume from others that one program uses.
    key: u64,
}

/// Where NATS has the changes of a volume.
struct Feed {
    client: async_nats::Client,
    volume: String,
}

/// The session.
struct Session {
    id: u64,
    /// Until somebody takes it.
    welcome: Option<Welcome>,
    /// Does not know us any more; said once.
    lost: Arc<AtomicBool>,
    keep_alive: JoinHandle<()>,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.keep_alive.abort();
    }
}

impl std::fmt::Debug for ServedStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServedStore").field("address", &self.called.address).finish_non_exhaustive()
    }
}

/// A request that no answer to a call came of.
enum Unmet {
    Unanswered(Unanswered),
    Failed(Failure),
}

impl ServedStore {
    /// Connects over NATS and begins the session.
    ///
    /// # Errors
    /// [`ConnectError`], within the deadline.
    pub fn connect(address: &Address, options: Options) -> Result<Self, ConnectError> {
        let (server, wanted) = (address.clone(), options.clone());
        let connected = Connection::new(&options, |deadline| nats::connect(server, wanted, deadline))?;
        let Some((connection, client)) = connected else {
            return Err(ConnectError::Unreachable {
                server: address.server(),
                reason: "it does not answer".to_owned(),
            });
        };
        let feed = Some(Feed { client, volume: address.volume().to_owned() });
        let (shown, directory, key) = (address.to_string().into(), address.directory().to_owned(), address.key());
        Self::new(connection, feed, Called { address: shown, directory, key }, options)
    }

    /// Begins the session over another transport, of which `address` is the
    /// volume's name: it is shown, and tells this volume from others. `begin`
    /// makes the transport, on the Tokio runtime that it is used on.
    ///
    /// # Errors
    /// [`ConnectError`], within the deadline; [`ConnectError::Setup`] for one of
    /// `begin`, and where the options ask to listen to changes.
    pub fn over(
        address: &str,
        options: Options,
        begin: impl FnOnce() -> std::io::Result<Arc<dyn Transport>> + Send + 'static,
    ) -> Result<Self, ConnectError> {
        // Nobody refuses by permissions there.
        let (_, refused) = tokio::sync::watch::channel(String::new());
        let begin = async move {
            let failed = |error| ConnectError::Setup(format!("cannot use the connection: {error}"));
            Ok((Line::new(begin().map_err(failed)?, refused), ()))
        };
        let silent = || ConnectError::Silent { address: address.to_owned() };
        let (connection, ()) = Connection::new(&options, |_| begin)?.ok_or_else(silent)?;
        let called = Called { address: address.into(), directory: String::new(), key: hash(address) };
        Self::new(connection, None, called, options)
    }

    fn new(connection: Connection, feed: Option<Feed>, called: Called, options: Options) -> Result<Self, ConnectError> {
        let store = Self {
            connection,
            feed,
            called,
            options,
            session: Mutex::new(None),
            readers: Arc::default(),
            later: Later::default(),
        };
        let session = store.new_session().map_err(|unmet| store.refused(unmet))?;
        *store.session.lock() = Some(session);
        if store.options.listens {
            let subscriber = store.subscribe()?;
            store.connection.spawn(changes::keep_honest(subscriber, Arc::clone(&store.readers)));
        }
        Ok(store)
    }

    fn subscribe(&self) -> Result<async_nats::Subscriber, ConnectError> {
        let cannot = |reason: String| {
            let address = &self.called.address;
            ConnectError::Setup(format!("cannot listen to what changes on {address}: {reason}"))
        };
        let Some(Feed { client, volume }) = &self.feed else {
            return Err(cannot("only NATS tells of changes".to_owned()));
        };
        let (client, volume) = (client.clone(), volume.clone());
        let subscribed = self.connection.run(async move { changes::subscribe(&client, &volume).await });
        subscribed.unwrap_or_else(|| Err("NATS does not answer".to_owned())).map_err(cannot)
    }

    /// What changes on the volume from now on, whoever does it. Takes the NATS
    /// permission to subscribe to the volume's `changes` subject; without it
    /// nothing is heard, and NATS's refusal is logged.
    ///
    /// # Errors
    /// When NATS is away, or the volume is not served over NATS.
    pub fn notices(&self) -> Result<Notices, ConnectError> {
        Ok(changes::deliver(self.subscribe()?, |task| self.connection.spawn(task)))
    }

    /// As [`lock`](Store::lock), but waits for other sessions' locks to end, at
    /// most so long. Each attempt is a call of its own: `call` makes them.
    ///
    /// # Errors
    /// As [`lock`](Store::lock).
    pub fn lock_within(&self, call: impl Fn() -> Call, node: Node, shared: bool, within: Duration) -> Answer<u64> {
        let until = std::time::Instant::now() + within;
        let mut pause = FIRST_PAUSE;
        loop {
            match self.lock(&call(), node, shared) {
                Err(ErrorCode::WouldBlock) if std::time::Instant::now() + pause < until => {
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                answer => return answer,
            }
        }
    }

    /// What the volume holds, and what it may hold, as far as the session's
    /// access shows it.
    ///
    /// # Errors
    /// `io` where the server is away.
    pub fn usage(&self) -> Answer<VolumeUsage> {
        let session = self.session.lock().as_ref().map_or(0, |session| session.id);
        let call = Call { session, operation: 0, notes: Vec::new() };
        let operation = messages::request::Operation::Usage(messages::Usage {});
        self.ask(&call, bare(session, operation), reply::usage)
    }

    fn refused(&self, unmet: Unmet) -> ConnectError {
        let address = self.called.address.to_string();
        match unmet {
            Unmet::Unanswered(Unanswered::Nobody) => ConnectError::NotServed { address },
            Unmet::Unanswered(Unanswered::Silence) => ConnectError::Silent { address },
            Unmet::Unanswered(Unanswered::NotPermitted(reason)) => ConnectError::NotPermitted { address, reason },
            Unmet::Unanswered(Unanswered::Overloaded) => {
                ConnectError::Declined { address, reason: "it has too much to do".to_owned() }
            }
            Unmet::Unanswered(Unanswered::Unsendable(reason)) => ConnectError::Declined { address, reason },
            Unmet::Failed(Failure::Code(code)) => ConnectError::Directory { address, code },
            Unmet::Failed(Failure::Refused(refusal)) => {
                let reason =
                    if refusal.message.is_empty() { refusal.fault().as_str_name().to_owned() } else { refusal.message };
                ConnectError::Declined { address, reason }
            }
            Unmet::Failed(Failure::Malformed) => {
                ConnectError::Declined { address, reason: "its answer is none of this protocol".to_owned() }
            }
        }
    }

    fn new_session(&self) -> Result<Session, Unmet> {
        let begin =
            request::begin(VERSION, &self.called.directory, &self.options.mount_path, &self.options.client_name);
        let payload = encode(&begin);
        // Of two sessions that were begun, one is not used: its lease ends it.
        let deadline = self.connection.deadline();
        let reply = loop {
            let reply = self.connection.ask(payload.clone(), deadline).map_err(Unmet::Unanswered)?;
            // Another server may be about to follow the one that ends.
            if !is_fault(&reply, Fault::Ending) || Instant::now() + SHORTEST_INTERVAL >= deadline {
                break reply;
            }
            std::thread::sleep(SHORTEST_INTERVAL);
        };
        let (mut welcome, lease) = reply::session(reply).map_err(Unmet::Failed)?;
        if welcome.mounts.len() != 1 {
            return Err(Unmet::Failed(Failure::Malformed));
        }
        for mount in &mut welcome.mounts {
            self.identify(&mut mount.root);
        }
        let lost = Arc::new(AtomicBool::new(false));
        let keep_alive =
            keep_alive(self.connection.line().clone(), welcome.session, lease, Arc::clone(&lost), self.address());
        let keep_alive = self.connection.spawn(keep_alive);
        Ok(Session { id: welcome.session, welcome: Some(welcome), lost, keep_alive })
    }

    /// Whether a session was lost, for a call of it; `io` for another one's.
    fn check(&self, call: &Call) -> Answer<Arc<AtomicBool>> {
        let session = self.session.lock();
        let lost = session.as_ref().filter(|session| session.id == call.session).map(|session| &session.lost);
        let lost = lost.filter(|lost| !lost.load(Ordering::Relaxed)).ok_or(ErrorCode::Io)?;
        Ok(Arc::clone(lost))
    }

    /// One call.
    fn ask<T>(&self, call: &Call, request: Request, answer: impl FnOnce(Reply) -> Result<T, Failure>) -> Answer<T> {
        self.ask_until(call, request, self.connection.deadline(), answer)
    }

    fn ask_until<T>(
        &self,
        call: &Call,
        request: Request,
        deadline: Instant,
        answer: impl FnOnce(Reply) -> Result<T, Failure>,
    ) -> Answer<T> {
        // A call is carried out behind all that came before it.
        self.later.wait(deadline);
        let lost = self.check(call)?;
        for note in call.notes.iter().filter(|note| note.closed) {
            self.readers.forget(note.node);
        }
        let reply = self.connection.ask(encode(&request), deadline);
        answered(reply, answer, &lost, &self.called.address)
    }

    /// A change whose answer comes later.
    fn commit_later(&self, call: &Call, node: Node, change: &Change<'_>) -> Answer<()> {
        let lost = self.check(call)?;
        let (line, address) = (self.connection.line().clone(), self.address());
        let deadline = self.connection.deadline();
        self.later.push(node, call.operation, deadline, |after| {
            let mut request = request::commit(call, change);
            if let Some(call) = &mut request.call {
                call.after = after;
            }
            let request = encode(&request);
            let (sender, receiver) = std::sync::mpsc::sync_channel(1);
            self.connection.spawn(async move {
                let reply = line.ask(&request, deadline).await;
                let _ = sender.send(answered(reply, reply::attributes, &lost, &address).map(drop));
            });
            receiver
        });
        Ok(())
    }

    /// Identities are the server process's: those of other servers may be the
    /// same. Each step is a bijection of `lower`, so that no two inodes of one
    /// volume share it.
    fn identify(&self, attributes: &mut Attributes) {
        let key = self.called.key;
        let mix = |value: u64| {
            let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            value ^ (value >> 31)
        };
        let MetadataHash { lower, upper } = attributes.identity;
        attributes.identity = MetadataHash { lower: mix(lower ^ key), upper: mix(upper ^ key.rotate_left(32)) };
    }

    fn identified(&self, mut attributes: Attributes) -> Attributes {
        self.identify(&mut attributes);
        attributes
    }

    /// Sends a read before it is wanted.
    fn read_ahead(&self, call: &Call, node: Node, offset: u64, length: u32) -> Ahead {
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        let request = encode(&request::read(call, node, offset, length));
        let (line, deadline) = (self.connection.line().clone(), self.connection.deadline());
        let task = self.connection.spawn(async move {
            // Without an answer it is read again, when it is wanted.
            if let Ok(reply) = line.ask(&request, deadline).await
                && let Ok(content) = reply::content(reply)
            {
                let _ = sender.send(content);
            }
        });
        Ahead::new(receiver, task, offset)
    }

    fn address(&self) -> Arc<str> {
        Arc::clone(&self.called.address)
    }

    fn ended(session: u64) -> Bytes {
        let end = messages::Settle { sync: false, end: true };
        encode(&bare(session, messages::request::Operation::Settle(end)))
    }
}

impl Drop for ServedStore {
    fn drop(&mut self) {
        let Some(session) = self.session.lock().take() else { return };
        self.later.wait(self.connection.deadline());
        self.readers.forget_all();
        if !session.lost.load(Ordering::Relaxed) {
            let _ = self.connection.ask(Self::ended(session.id), Instant::now() + END_WITHIN);
        }
    }
}

/// A request without an operation number.
fn bare(session: u64, operation: messages::request::Operation) -> Request {
    let call = messages::Call { session, operation: 0, ..messages::Call::default() };
    Request { call: Some(call), operation: Some(operation) }
}

/// What is sent, and sent again as it is: it is carried out once.
fn encode(request: &Request) -> Bytes {
    request.encode_to_vec().into()
}

/// What a reply means for the guest. Says what is worth saying.
fn answered<T>(
    reply: Result<Reply, Unanswered>,
    answer: impl FnOnce(Reply) -> Result<T, Failure>,
    lost: &AtomicBool,
    address: &str,
) -> Answer<T> {
    let failure = match reply.map(answer) {
        Ok(Ok(answer)) => return Ok(answer),
        Ok(Err(Failure::Code(code))) => return Err(code),
        Ok(Err(failure)) => failure,
        Err(unanswered) => {
            tracing::warn!(%address, "a call to the volume was not answered: {unanswered:?}");
            return Err(ErrorCode::Io);
        }
    };
    match failure {
        Failure::Refused(refusal) => match refusal.fault() {
            Fault::NoSession => say_lost(lost, address),
            Fault::Unsupported => return Err(ErrorCode::Unsupported),
            fault => {
                let fault = fault.as_str_name();
                tracing::warn!(%address, fault, "a call was refused: {}", refusal.message);
            }
        },
        _ => tracing::warn!(%address, "an answer is none of this protocol"),
    }
    Err(ErrorCode::Io)
}

fn is_fault(reply: &Reply, fault: Fault) -> bool {
    matches!(&reply.result, Some(messages::reply::Result::Refusal(refusal)) if refusal.fault() == fault)
}

fn say_lost(lost: &AtomicBool, address: &str) {
    if !lost.swap(true, Ordering::Relaxed) {
        tracing::error!(
            %address,
            "the session with the volume is lost: its server was started anew, or was not heard of for too long. \
             What is open there fails from now on"
        );
    }
}

/// Is heard of, before the lease runs out.
async fn keep_alive(line: Line, session: u64, lease: Duration, lost: Arc<AtomicBool>, address: Arc<str>) {
    let interval = (lease / KEPT_ALIVE).max(SHORTEST_INTERVAL);
    let settle = messages::Settle { sync: false, end: false };
    let request = encode(&bare(session, messages::request::Operation::Settle(settle)));
    loop {
        tokio::time::sleep(interval).await;
        match line.ask(&request, Instant::now() + interval).await {
            Ok(reply) if is_fault(&reply, Fault::NoSession) => {
                say_lost(&lost, &address);
                return;
            }
            Ok(_) => {}
            Err(unanswered) => tracing::debug!(%address, "the session is not kept alive: {unanswered:?}"),
        }
    }
}

impl Store for ServedStore {
    fn begin(&self, version: u32) -> Answer<Welcome> {
        if version != VERSION {
            return Err(ErrorCode::Unsupported);
        }
        let mut current = self.session.lock();
        if let Some(session) = current.as_mut().filter(|session| !session.lost.load(Ordering::Relaxed))
            && let Some(welcome) = session.welcome.take()
        {
            return Ok(welcome);
        }
        self.readers.forget_all();
        self.later.wait(self.connection.deadline());
        self.later.forget();
        if let Some(old) = current.take().filter(|old| !old.lost.load(Ordering::Relaxed)) {
            let (line, request) = (self.connection.line().clone(), Self::ended(old.id));
            self.connection.spawn(async move { line.ask(&request, Instant::now() + END_WITHIN).await });
        }
        let mut session = self.new_session().map_err(|unmet| match unmet {
            Unmet::Failed(Failure::Code(code)) => code,
            unmet => {
                tracing::warn!("no new session: {}", self.refused(unmet));
                ErrorCode::Io
            }
        })?;
        let welcome = session.welcome.take().ok_or(ErrorCode::Io)?;
        *current = Some(session);
        Ok(welcome)
    }

    fn open(&self, call: &Call, at: Place<'_>, how: Opening) -> Answer<Opened> {
        let opened = self.ask(call, request::open(call, at, how), reply::opened);
        match opened {
            // From now on it is to be seen as it is.
            Ok(mut opened) => {
                self.readers.forget(opened.attributes.node);
                self.identify(&mut opened.attributes);
                Ok(opened)
            }
            Err(code) => {
                if how.changes() {
                    self.readers.forget_all();
                }
                Err(code)
            }
        }
    }

    fn read(&self, call: &Call, node: Node, offset: u64, length: u32) -> Answer<Content> {
        let deadline = self.connection.deadline();
        let length = length.min(u32::try_from(MAX_TRANSFER).unwrap_or(u32::MAX));
        // Notes have to be told, and in their order.
        let ahead = self.options.read_ahead > 0 && length >= LEAST_LENGTH && call.notes.is_empty();
        if !ahead {
            return self.ask_until(call, request::read(call, node, offset, length), deadline, reply::content);
        }
        self.later.wait(deadline);
        self.check(call)?;
        let read_ahead = |offset| self.read_ahead(call, node, offset, length);
        let sent = self.readers.next(node, offset, length, self.options.read_ahead, read_ahead);
        let left = |deadline: Instant| deadline.saturating_duration_since(Instant::now());
        let content = match sent.and_then(|sent| sent.wait(left(deadline))) {
            Some(content) => content,
            None => self.ask_until(call, request::read(call, node, offset, length), deadline, reply::content)?,
        };
        self.readers.answered(node, offset, &content);
        Ok(content)
    }

    fn commit(&self, call: &Call, change: &Change<'_>) -> Answer<Attributes> {
        if let Target::Node(node) = change.target
            && change.later
            && !change.sync
        {
            self.readers.forget(node);
            self.commit_later(call, node, change)?;
            return Ok(Attributes::unknown(node));
        }
        let attributes = self.ask(call, request::commit(call, change), reply::attributes);
        let attributes = match change.target {
            Target::Node(node) => self.later.failure(node).and(attributes),
            Target::File(_) => attributes,
        };
        match (&attributes, change.target) {
            (Ok(attributes), _) => self.readers.forget(attributes.node),
            (Err(_), Target::Node(node)) => self.readers.forget(node),
            (Err(_), Target::File(_)) => self.readers.forget_all(),
        }
        attributes.map(|attributes| self.identified(attributes))
    }

    fn stat(&self, call: &Call, node: Node) -> Answer<Attributes> {
        let attributes = self.ask(call, request::stat(call, node), reply::attributes)?;
        // Whoever knows the new size expects the content that goes with it.
        self.readers.forget(node);
        Ok(self.identified(attributes))
    }

    fn stat_at(&self, call: &Call, at: Place<'_>, follow: Follow) -> Answer<Attributes> {
        let attributes = self.ask(call, request::stat_at(call, at, follow), reply::attributes)?;
        self.readers.forget(attributes.node);
        Ok(self.identified(attributes))
    }

    fn set_times_at(
        &self,
        call: &Call,
        at: Place<'_>,
        follow: Follow,
        accessed: SetTime,
        modified: SetTime,
    ) -> Answer<()> {
        self.ask(call, request::set_times_at(call, at, follow, accessed, modified), reply::done)
    }

    fn list(&self, call: &Call, directory: Node, after: u64, most: u32) -> Answer<Vec<Entry>> {
        let mut entries = self.ask(call, request::list(call, directory, after, most), reply::entries)?;
        for entry in &mut entries {
            self.identify(&mut entry.attributes);
        }
        Ok(entries)
    }

    fn make(&self, call: &Call, at: Place<'_>, what: NewNode<'_>) -> Answer<Attributes> {
        let attributes = self.ask(call, request::make(call, at, what), reply::attributes)?;
        Ok(self.identified(attributes))
    }

    fn read_link(&self, call: &Call, at: Place<'_>) -> Answer<String> {
        self.ask(call, request::read_link(call, at), reply::target)
    }

    fn remove(&self, call: &Call, at: Place<'_>, what: Removal) -> Answer<()> {
        self.ask(call, request::remove(call, at, what), reply::done)
    }

    fn rename(&self, call: &Call, old: Place<'_>, new: Place<'_>) -> Answer<()> {
        self.ask(call, request::rename(call, old, new), reply::done)
    }

    fn link(&self, call: &Call, old: Place<'_>, follow: Follow, new: Place<'_>) -> Answer<()> {
        self.ask(call, request::link(call, old, follow, new), reply::done)
    }

    fn settle(&self, call: &Call, sync: bool) -> Answer<()> {
        self.ask(call, request::settle(call, sync), reply::done)
    }

    fn lock(&self, call: &Call, node: Node, shared: bool) -> Answer<u64> {
        let token = self.ask(call, request::lock(call, node, shared), reply::token)?;
        // What others wrote before is to be seen.
        self.readers.forget_all();
        Ok(token)
    }

    fn unlock(&self, call: &Call, node: Node) -> Answer<()> {
        self.ask(call, request::unlock(call, node), reply::done)
    }
}
