//! The keys of an address.

use std::path::Path;
use std::time::Duration;

use larder_volume_file::parse_size;

use super::error::{self, S3AddressError};
use super::text::{shown_size, shown_time, time};
use crate::{JournalServer, S3Options};

/// The least size of a journal: 1 MiB, so that it holds a few operations.
const LEAST_JOURNAL: u64 = 1 << 20;

/// Most requests at a time: 256. Guards the host's sockets and the server.
const MOST_PARALLEL: usize = 256;

/// Most servers that keep a JetStream stream (NATS).
const MOST_REPLICAS: usize = 5;

/// Most changes that may wait: 10 million. Guards memory.
const MOST_PENDING: usize = 10_000_000;

/// What can be said of a volume in an address and in a configuration file.
pub(super) struct Key {
    pub(super) name: &'static str,
    /// What it is, behind "`NAME` is".
    pub(super) takes: &'static str,
    /// For the help text.
    pub(super) help: &'static str,
    /// None where the value is none.
    pub(super) set: fn(&mut S3Options, &str) -> Option<()>,
    pub(super) show: fn(&S3Options) -> Option<String>,
}

const SIZE: &str = "a size such as 256MiB, at least 64MiB";
const TIME: &str = "a time such as 500ms, 1s or 5m, at most 30d";
const TRUTH: &str = "`true` or `false`";

/// In the order in which an address is shown.
pub(super) const KEYS: &[Key] = &[
    Key {
        name: "read",
        takes: "`cached` or `through`",
        help: "cached (the tree is in memory, kept up to date by polling) or\nthrough (each opening asks the bucket) [cached]",
        set: |options, text| put(&mut options.read, text.strip_prefix("read-").unwrap_or(text).parse().ok()),
        show: |options| Some(options.read.to_string()),
    },
    Key {
        name: "write",
        takes: "`through` or `async`",
        help: "through (a change returns when the bucket has it) or\nasync (when the journal on this host has it) [through]",
        set: |options, text| put(&mut options.write, text.strip_prefix("write-").unwrap_or(text).parse().ok()),
        show: |options| Some(options.write.to_string()),
    },
    Key {
        name: "conflict",
        takes: "`bucket-wins`, `ours-wins` or `fail`",
        help: "where another client changed the same: bucket-wins (ours is\nkept beside it), ours-wins or fail [bucket-wins]",
        set: |options, text| put(&mut options.conflict, text.parse().ok()),
        show: |options| Some(options.conflict.to_string()),
    },
    Key {
        name: "memory",
        takes: SIZE,
        help: "contents in memory; what the bucket has is dropped beyond it [256MiB]",
        set: |options, text| {
            put(&mut options.memory, parse_size(text).ok().filter(|size| *size >= S3Options::LEAST_MEMORY))
        },
        show: |options| Some(shown_size(options.memory)),
    },
    Key {
        name: "pending",
        takes: "a number of changes from 1 to 10000000",
        help: "changes that may wait for the bucket [100000]",
        set: |options, text| put(&mut options.pending_changes, number(text, MOST_PENDING)),
        show: |options| Some(options.pending_changes.to_string()),
    },
    Key {
        name: "age",
        takes: TIME,
        help: "with write=async: how long a change waits at most [1s]",
        set: |options, text| put(&mut options.age, time(text)),
        show: |options| Some(shown_time(options.age)),
    },
    Key {
        name: "patience",
        takes: TIME,
        help: "how long an operation waits for a bucket in trouble before it fails [30s]",
        set: |options, text| put(&mut options.patience, time(text)),
        show: |options| Some(shown_time(options.patience)),
    },
    Key {
        name: "poll",
        takes: "`never` or a time such as 30s or 5m, at most 30d",
        help: "how often the bucket is looked through for changes of others; or never [30s]",
        set: |options, text| put(&mut options.poll, if text == "never" { Some(None) } else { time(text).map(Some) }),
        show: |options| Some(options.poll.map_or_else(|| "never".to_owned(), |poll: Duration| shown_time(poll))),
    },
    Key {
        name: "preload",
        takes: TRUTH,
        help: "true: contents are loaded at the start too, as far as the\nmemory reaches [false]",
        set: |options, text| put(&mut options.preload, truth(text)),
        show: |options| Some(options.preload.to_string()),
    },
    Key {
        name: "parallel",
        takes: "a number of requests from 1 to 256",
        help: "requests under way at a time [16]",
        set: |options, text| put(&mut options.parallel, number(text, MOST_PARALLEL)),
        show: |options| Some(options.parallel.to_string()),
    },
    Key {
        name: "state",
        takes: "a directory",
        help: "the directory of the journal and the status [$XDG_STATE_HOME/larder/s3/…]",
        set: |options, text| put(&mut options.state, Some(Some(text.into()))),
        show: |options| options.state.as_deref().map(shown_path),
    },
    Key {
        name: "journal",
        takes: "a size such as 1GiB, at least 1MiB",
        help: "bytes of the journal [1GiB]",
        set: |options, text| {
            put(&mut options.journal_bytes, parse_size(text).ok().filter(|size| *size >= LEAST_JOURNAL))
        },
        show: |options| Some(shown_size(options.journal_bytes)),
    },
    Key {
        name: "journal-server",
        takes: "a NATS server's URL, nats://HOST[:PORT] or tls://HOST[:PORT], without a user",
        help: "a NATS server: the journal is a JetStream stream there,\nnot a file of this host",
        set: |options, text| {
            let known = text.starts_with("nats://") || text.starts_with("tls://");
            put(&mut journal(options).url, (known && !text.contains(['@', '?', '#', ' '])).then(|| text.to_owned()))
        },
        show: |options| options.journal_server.as_ref().map(|server| server.url.clone()),
    },
    Key {
        name: "journal-creds",
        takes: "a credentials file of NATS",
        help: "with journal-server: a credentials file",
        set: |options, text| put(&mut journal(options).credentials, Some(Some(text.into()))),
        show: |options| options.journal_server.as_ref()?.credentials.as_deref().map(shown_path),
    },
    Key {
        name: "journal-ca",
        takes: "a PEM file",
        help: "with journal-server: a PEM file of authorities, besides the\nsystem's, that sign its certificate",
        set: |options, text| put(&mut journal(options).ca, Some(Some(text.into()))),
        show: |options| options.journal_server.as_ref()?.ca.as_deref().map(shown_path),
    },
    Key {
        name: "journal-replicas",
        takes: "a number of servers from 1 to 5",
        help: "with journal-server: servers of its cluster that keep the journal [1]",
        set: |options, text| put(&mut journal(options).replicas, number(text, MOST_REPLICAS)),
        show: |options| {
            let replicas = options.journal_server.as_ref()?.replicas;
            (replicas != JournalServer::default().replicas).then(|| replicas.to_string())
        },
    },
    Key {
        name: "endpoint",
        takes: "the server's URL, http://HOST[:PORT] or https://HOST[:PORT], without a user",
        help: "the server's URL [AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, the profile's, Amazon]",
        set: |options, text| {
            let known = text.starts_with("http://") || text.starts_with("https://");
            let url = known && !text.contains(['@', '?', '#', ' ']);
            put(&mut options.bucket.endpoint, url.then(|| Some(text.trim_end_matches('/').to_owned())))
        },
        show: |options| options.bucket.endpoint.clone(),
    },
    Key {
        name: "region",
        takes: "a region's name such as eu-central-1",
        help: "the region [AWS_REGION, the profile's, us-east-1]",
        set: |options, text| put(&mut options.bucket.region, Some(Some(text.to_owned()))),
        show: |options| options.bucket.region.clone(),
    },
    Key {
        name: "path-style",
        takes: TRUTH,
        help: "true: the bucket is in the URL's path, not in the host's name\n[true with an endpoint]",
        set: |options, text| put(&mut options.bucket.path_style, truth(text).map(Some)),
        show: |options| options.bucket.path_style.map(|style| style.to_string()),
    },
    Key {
        name: "profile",
        takes: "the name of a profile of ~/.aws/config",
        help: "a profile of ~/.aws/config and ~/.aws/credentials [AWS_PROFILE]",
        set: |options, text| put(&mut options.bucket.profile, Some(Some(text.to_owned()))),
        show: |options| options.bucket.profile.clone(),
    },
    Key {
        name: "ca",
        takes: "a PEM file",
        help: "a PEM file of authorities, besides the system's, that sign\nthe server's certificate [AWS_CA_BUNDLE]",
        set: |options, text| put(&mut options.bucket.ca_bundle, Some(Some(text.into()))),
        show: |options| options.bucket.ca_bundle.as_deref().map(shown_path),
    },
    Key {
        name: "sign",
        takes: TRUTH,
        help: "true: signatures cover what is uploaded [true over plain HTTP]",
        set: |options, text| put(&mut options.bucket.sign_payloads, truth(text).map(Some)),
        show: |options| options.bucket.sign_payloads.map(|sign| sign.to_string()),
    },
];

/// The key of this name.
///
/// # Errors
/// There is none; the message has all of them.
pub(super) fn find(name: &str) -> Result<&'static Key, S3AddressError> {
    if let Some(key) = KEYS.iter().find(|key| key.name == name) {
        return Ok(key);
    }
    let plain = name.to_ascii_lowercase().replace(['-', '_'], "");
    if ["accesskey", "secret", "password", "token", "credential"].iter().any(|secret| plain.contains(secret)) {
        return Err(error::credentials("credentials"));
    }
    let names: Vec<_> = KEYS.iter().map(|key| key.name).collect();
    Err(S3AddressError::new(format!("`{name}` is not known; the keys are {}", names.join(", "))))
}

fn journal(options: &mut S3Options) -> &mut JournalServer {
    options.journal_server.get_or_insert_default()
}

fn put<T>(place: &mut T, value: Option<T>) -> Option<()> {
    *place = value?;
    Some(())
}

fn number(text: &str, most: usize) -> Option<usize> {
    text.parse().ok().filter(|number| (1..=most).contains(number))
}

fn truth(text: &str) -> Option<bool> {
    text.parse().ok()
}

fn shown_path(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
