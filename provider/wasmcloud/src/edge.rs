//! The edge to components: the functions of `larder:remote/messages` as wRPC over
//! NATS has them on the wire (protocol `wrpc.0.0.1`), with messages of Larder's
//! own protocol as their parameter and result.
//!
//! It is read and written here and not by a library: the released one decodes
//! parameters inside its accept loop, where one lost message stops a function
//! for every caller. Here a call is one message. What does not fit into one is
//! answered with an end and no result.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::{BufMut, Bytes, BytesMut};
use futures::{StreamExt, stream};
use larder_nats_server::LocalServer;
use larder_protocol::messages::request::Operation;
use larder_protocol::messages::{Fault, Reply, Request};
use larder_protocol::packing::{pack, unpack};
use larder_protocol::reply::Failure;
use lattice_nats::{Client, Message};
use prost::Message as _;
use tokio::sync::Semaphore;
use tracing::{Instrument as _, Span, debug, warn};

use crate::links::{Caller, Grant, Links};
use crate::telemetry::{self, Calls};

/// The functions, as wRPC names them.
const FUNCTIONS: [(&str, Form); 2] = [
    ("wrpc.0.0.1.larder:remote/messages@0.1.0.call", Form::Packed),
    ("wrpc.0.0.1.larder:remote/messages@0.1.0.call-bytes", Form::Bytes),
];

/// What a message of Larder's protocol is in a parameter and a result.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    /// A string of seven bits in each character.
    Packed,
    /// A list of bytes.
    Bytes,
}

/// Most calls in progress; more are refused with `FAULT_OVERLOADED`. Guards
/// the memory of the provider.
const MOST_CALLS: usize = 1024;

/// Bytes of a message that its headers and subjects may take of what the
/// broker admits.
const ENVELOPE: usize = 4096;

/// Longest wait for a volume to answer. A change that saves a large volume
/// takes its time; a component's call may take the host's ten minutes.
const DEADLINE: Duration = Duration::from_secs(30);

/// Answers components until the subscription ends.
pub(crate) struct Edge {
    pub(crate) nats: Client,
    pub(crate) lattice: String,
    pub(crate) provider: String,
    pub(crate) links: Arc<Links>,
    /// The server of this process: what it serves is asked without NATS between.
    pub(crate) here: LocalServer,
    /// The connection to volumes that other processes serve.
    pub(crate) elsewhere: async_nats::Client,
    pub(crate) calls: Calls,
}

impl Edge {
    /// # Errors
    /// When the lattice cannot be subscribed to.
    pub(crate) async fn serve(self) -> anyhow::Result<()> {
        let prefix = format!("{}.{}", self.lattice, self.provider);
        let mut calls = stream::SelectAll::new();
        for (function, form) in FUNCTIONS {
            let subscribed = self.nats.queue_subscribe(format!("{prefix}.{function}"), prefix.clone()).await;
            let subscribed = subscribed.context("cannot subscribe to the calls of components")?;
            calls.push(subscribed.map(move |message| (form, message)));
        }
        let room = Arc::new(Semaphore::new(MOST_CALLS));
        let edge = Arc::new(self);
        while let Some((form, message)) = calls.next().await {
            let edge = Arc::clone(&edge);
            let admitted = Arc::clone(&room).try_acquire_owned();
            tokio::spawn(async move {
                let answer = match &admitted {
                    Ok(_) => edge.answer(form, &message).await,
                    Err(_) => Some(refused(Fault::Overloaded, "too many calls at once: try again")),
                };
                if let Err(error) = edge.reply(form, message, answer).await {
                    warn!(%error, "an answer was not sent");
                }
            });
        }
        Ok(())
    }

    /// The answer to a call; `None` if it is no call at all.
    async fn answer(&self, form: Form, message: &Message) -> Option<Bytes> {
        let caller = Caller { component: header(message, "source-id")?, link: link_name(message) };
        let span = telemetry::span(&caller, message.headers.as_ref());
        Some(self.answer_to(&caller, form, message).instrument(span).await)
    }

    async fn answer_to(&self, caller: &Caller, form: Form, message: &Message) -> Bytes {
        let Some(request) = form.parameter(&message.payload) else {
            return refused(Fault::BadRequest, "the parameter is no request in one message");
        };
        let Some(grant) = self.links.grant(caller).await else {
            debug!(component = caller.component, link = caller.link, "a caller without a link");
            return refused(Fault::NoSession, "the component is not linked to a volume of this provider");
        };
        Span::current().record("volume", &grant.volume);
        let begun = Instant::now();
        let answer = self.forward(caller, &grant, request).await.unwrap_or_else(|reply| encode(&reply));
        self.calls.answered(&grant, begun.elapsed());
        answer
    }

    /// Brings a request to the volume of the link, as what the link allows.
    ///
    /// # Errors
    /// The refusal to answer with.
    async fn forward(&self, caller: &Caller, grant: &Grant, request: Bytes) -> Result<Bytes, Reply> {
        let subject = larder_protocol::subject(&grant.volume, grant.access);
        let mut begins = false;
        let request = match larder_protocol::decode_request(&request) {
            Ok(Request { operation: Some(Operation::Begin(mut begin)), call }) => {
                begins = true;
                if !begin.directory.is_empty() {
                    let message = "a component sees the directory of its link, and chooses none itself";
                    return Err(larder_protocol::refusal(Fault::BadRequest, message));
                }
                begin.directory.clone_from(&grant.directory);
                begin.client = format!("{}/{}", caller.component, caller.link);
                Request { call, operation: Some(Operation::Begin(begin)) }.encode_to_vec().into()
            }
            Ok(_) => request,
            Err(refusal) => return Err(larder_protocol::refusal(refusal.fault(), refusal.message)),
        };
        if let Some(volume) = self.here.volume(&grant.volume, grant.access) {
            return match tokio::time::timeout(DEADLINE, volume.ask(request)).await {
                Ok(Some(answer)) if begins => Ok(begun(caller, grant, answer)),
                Ok(Some(answer)) => Ok(answer),
                Ok(None) | Err(_) => {
                    warn!(volume = grant.volume, "a volume did not answer");
                    Err(larder_protocol::refusal(Fault::Overloaded, "the volume does not answer: try again"))
                }
            };
        }
        let asked = async_nats::Request::new().payload(request).timeout(Some(DEADLINE));
        match self.elsewhere.send_request(subject, asked).await {
            Ok(answer) if begins => Ok(begun(caller, grant, answer.payload)),
            Ok(answer) => Ok(answer.payload),
            Err(error) => {
                warn!(%error, volume = grant.volume, "a volume did not answer");
                Err(larder_protocol::refusal(Fault::Overloaded, "the volume does not answer: try again"))
            }
        }
    }

    async fn reply(&self, form: Form, message: Message, answer: Option<Bytes>) -> anyhow::Result<()> {
        let Some(caller) = message.reply else { return Ok(()) };
        // The caller sends the rest of its parameters there, which nobody needs.
        self.nats.publish_with_reply(caller.clone(), self.nats.new_inbox(), Bytes::new()).await?;
        let results = format!("{caller}.results");
        if let Some(answer) = answer {
            let most = self.nats.server_info().max_payload.saturating_sub(ENVELOPE).max(ENVELOPE);
            let mut rest = form.result(&answer);
            while !rest.is_empty() {
                let piece = rest.split_to(most.min(rest.len()));
                self.nats.publish(results.clone(), piece).await?;
            }
        }
        self.nats.publish(results, Bytes::new()).await?;
        Ok(())
    }
}

/// Passes on that a session begins. Why none does is for the operator to see: it
/// is the link that is wrong, and a component has no error for it.
fn begun(caller: &Caller, grant: &Grant, answer: Bytes) -> Bytes {
    match Reply::decode(answer.clone()).map(larder_protocol::reply::session) {
        Ok(Err(Failure::Code(code))) => {
            let (component, link) = (&caller.component, &caller.link);
            let Grant { volume, directory, access } = grant;
            let code = code.wasi_name();
            warn!(component, link, volume, directory, ?access, code, "what the link names can't be opened");
            refused(Fault::BadRequest, "what the link names can't be opened")
        }
        _ => answer,
    }
}

fn refused(fault: Fault, message: &str) -> Bytes {
    encode(&larder_protocol::refusal(fault, message))
}

fn encode(reply: &Reply) -> Bytes {
    reply.encode_to_vec().into()
}

fn header(message: &Message, name: &str) -> Option<String> {
    message.headers.as_ref()?.get(name).map(|value| value.as_str().to_owned())
}

fn link_name(message: &Message) -> String {
    header(message, "link-name").unwrap_or_else(|| "default".to_owned())
}

impl Form {
    /// The request in the one parameter, if it is whole.
    fn parameter(self, payload: &Bytes) -> Option<Bytes> {
        let mut rest = payload.clone();
        let length = prost::decode_length_delimiter(&mut rest).ok()?;
        if rest.len() != length {
            return None;
        }
        match self {
            Self::Packed => unpack(std::str::from_utf8(&rest).ok()?).map(Bytes::from),
            Self::Bytes => Some(rest),
        }
    }

    /// An answer as a result.
    fn result(self, answer: &[u8]) -> Bytes {
        match self {
            Self::Packed => counted(pack(answer).as_bytes()),
            Self::Bytes => counted(answer),
        }
    }
}

/// A string, or a list of bytes: their number in LEB128, then they.
fn counted(bytes: &[u8]) -> Bytes {
    let mut wire = BytesMut::with_capacity(bytes.len() + prost::length_delimiter_len(bytes.len()));
    // The buffer has room for it.
    let _ = prost::encode_length_delimiter(bytes.len(), &mut wire);
    wire.put_slice(bytes);
    wire.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_whole_or_none() {
        for length in [0, 1, 127, 128, 300, 70_000] {
            let request = vec![0x5a; length];
            for form in [Form::Packed, Form::Bytes] {
                let wire = form.result(&request);
                assert_eq!(form.parameter(&wire).as_deref(), Some(request.as_slice()), "{form:?} {length}");
                assert_eq!(form.parameter(&wire.slice(..wire.len() - 1)), None, "{form:?} {length}");
            }
        }
        for wrong in [&[][..], &[0x80; 10], &[0xff; 11], &[2, b'a'], &[1, b'a', b'b']] {
            for form in [Form::Packed, Form::Bytes] {
                assert_eq!(form.parameter(&Bytes::from_static(wrong)), None, "{form:?} {wrong:?}");
            }
        }
        assert_eq!(Form::Packed.parameter(&Bytes::from_static(&[1, 0xff])), None);
    }
}
