//! Requests to JetStream.

use async_nats::Client;
use async_nats::jetstream::context::{GetStreamErrorKind, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{Config, DiscardPolicy, Info, RetentionPolicy, StorageType, Stream};
use async_nats::jetstream::{Context, ContextBuilder, ErrorCode};
use bytes::Bytes;
use futures::future::join_all;

use super::NatsOptions;
use super::line::Line;
use crate::{Error, Result};

/// Besides what the journal may hold: markers, headings, what is purged late.
/// One eighth of that, and this.
const SPARE_BYTES: u64 = 16 << 20;

/// Messages that are asked for at once; a window of reading holds 1 MiB each
/// at most, as the largest message is that.
pub(super) const WINDOW: u64 = 32;

/// The stream. Cloning names the same.
#[derive(Clone, Debug)]
pub(super) struct Journal {
    context: Context,
    stream: Stream,
    subject: String,
    place: String,
}

/// How publishing a message failed.
#[derive(Debug)]
pub(super) enum Unpublished {
    /// It was not next.
    NotNext,
    /// There is no place for it.
    Full,
    /// It may have been stored, or not.
    Unknown(String),
}

/// A message of the stream.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) number: u64,
    pub(super) payload: Bytes,
}

impl Journal {
    /// The stream, made where it does not exist.
    pub(super) async fn open(client: Client, options: Wanted, line_deadline: std::time::Duration) -> Result<Self> {
        // A call waits for one repetition at least.
        let context = ContextBuilder::new().timeout(line_deadline / 3).build(client);
        let Wanted { config, place } = options;
        let failed = |operation, reason: String| Error::Server { operation, place: place.clone(), reason };
        let stream = match context.get_stream(&config.name).await {
            Ok(stream) => stream,
            Err(error) => match error.kind() {
                GetStreamErrorKind::JetStream(error) if error.error_code() == ErrorCode::STREAM_NOT_FOUND => context
                    .get_or_create_stream(config.clone())
                    .await
                    .map_err(|error| failed("make", error.to_string()))?,
                _ => return Err(failed("open", described(&error))),
            },
        };
        let is = &stream.cached_info().config;
        if is.description != config.description {
            return Err(Error::Identity {
                place,
                expected: config.description.unwrap_or_default(),
                found: is.description.clone().unwrap_or_else(|| "something else".to_owned()),
            });
        }
        let kept = is.discard == config.discard
            && is.retention == config.retention
            && is.storage == config.storage
            && is.subjects == config.subjects
            && is.max_age.is_zero()
            && is.max_messages <= 0
            && is.max_messages_per_subject <= 0;
        if !kept {
            return Err(failed(
                "use",
                "its configuration is not that of a journal, which must lose nothing".to_owned(),
            ));
        }
        if is.max_bytes != config.max_bytes || is.num_replicas != config.num_replicas {
            let changed = Config { max_bytes: config.max_bytes, num_replicas: config.num_replicas, ..is.clone() };
            context.update_stream(&changed).await.map_err(|error| failed("configure", error.to_string()))?;
        }
        let subject = config.subjects.into_iter().next().unwrap_or_default();
        Ok(Self { context, stream, subject, place })
    }

    fn failed(&self, operation: &'static str, reason: &dyn std::error::Error) -> Error {
        Error::Server { operation, place: self.place.clone(), reason: described(reason) }
    }

    /// Tells it from a stream of the same name at another time: when it was
    /// made, in nanoseconds.
    pub(super) fn id(&self) -> u64 {
        let nanoseconds = self.stream.cached_info().created.unix_timestamp_nanos();
        u64::try_from(nanoseconds).unwrap_or_default()
    }

    /// What the server says about it now.
    pub(super) async fn info(&self) -> Result<Info> {
        self.stream.get_info().await.map_err(|error| self.failed("look at", &error))
    }

    /// Publishes messages that come behind the one of the number `last`.
    /// Answers with how many of them, from the first on, are stored for sure,
    /// and why the next one is not.
    pub(super) async fn publish(&self, last: u64, messages: Vec<Bytes>) -> (usize, Option<Unpublished>) {
        let mut waiting = Vec::new();
        let mut unsent = None;
        for (last, payload) in (last..).zip(messages) {
            let message = PublishMessage::build().payload(payload).expected_last_sequence(last);
            match self.context.send_publish(self.subject.clone(), message).await {
                Ok(acknowledgement) => waiting.push(acknowledgement.into_future()),
                Err(error) => {
                    unsent = Some(unpublished(&error));
                    break;
                }
            }
        }
        let answers = join_all(waiting).await;
        let stored = answers.iter().take_while(|answer| answer.is_ok()).count();
        let failed = answers.iter().find_map(|answer| answer.as_ref().err()).map(unpublished);
        (stored, failed.or(unsent))
    }

    /// Publishes a message behind whatever is there.
    pub(super) async fn fence(&self, payload: Bytes) -> Result<()> {
        let published = async { self.context.publish(self.subject.clone(), payload).await?.await };
        published.await.map(drop).map_err(|error| self.failed("publish to", &error))
    }

    /// One message, from the leader.
    pub(super) async fn read_one(&self, number: u64) -> Result<Stored> {
        let read = self.stream.get_raw_message(number).await;
        read.map(|message| Stored { number, payload: message.payload }).map_err(|error| self.failed("read", &error))
    }

    /// The messages `from..=to`, [`WINDOW`] at most.
    pub(super) async fn read(&self, from: u64, to: u64) -> Result<Vec<Stored>> {
        let read = async |number| match self.stream.direct_get(number).await {
            Ok(message) => Ok(Stored { number, payload: message.payload }),
            // A replica may not have it yet.
            Err(_) => self.read_one(number).await,
        };
        join_all((from..=to.min(from.saturating_add(WINDOW - 1))).map(read)).await.into_iter().collect()
    }

    /// Removes the messages before this one.
    pub(super) async fn purge(&self, before: u64) -> Result<()> {
        let purged = self.stream.purge().sequence(before).await;
        purged.map(drop).map_err(|error| self.failed("purge", &error))
    }
}

/// With what is behind it, which says more.
fn described(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

fn unpublished(error: &async_nats::jetstream::context::PublishError) -> Unpublished {
    let code = std::error::Error::source(error)
        .and_then(|source| source.downcast_ref::<async_nats::jetstream::Error>())
        .map(async_nats::jetstream::Error::error_code);
    let full = [
        ErrorCode::STREAM_STORE_FAILED,
        ErrorCode::INSUFFICIENT_RESOURCES,
        ErrorCode::STORAGE_RESOURCES_EXCEEDED,
        ErrorCode::ACCOUNT_RESOURCES_EXCEEDED,
    ];
    match error.kind() {
        PublishErrorKind::WrongLastSequence => Unpublished::NotNext,
        _ if code.is_some_and(|code| full.contains(&code)) => Unpublished::Full,
        _ => Unpublished::Unknown(described(error)),
    }
}

/// The stream that is wanted.
#[derive(Debug)]
pub(super) struct Wanted {
    config: Config,
    place: String,
}

impl Wanted {
    pub(super) fn new(options: &NatsOptions, line: &Line) -> Self {
        let capacity = options.bounds.capacity;
        let bytes = capacity.saturating_add(capacity / 8).saturating_add(SPARE_BYTES);
        let config = Config {
            name: options.stream.clone(),
            description: Some(options.identity.clone()),
            subjects: vec![format!("larder.journal.{}", options.stream)],
            retention: RetentionPolicy::Limits,
            discard: DiscardPolicy::New,
            storage: StorageType::File,
            max_bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
            num_replicas: options.replicas,
            deny_delete: true,
            allow_direct: true,
            ..Config::default()
        };
        Self { config, place: line.place().to_owned() }
    }
}
