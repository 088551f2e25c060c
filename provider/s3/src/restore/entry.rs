//! What an object is to a directory: an entry for the volume, and what is
//! noted of it when the volume has it.

use std::ops::Range;
use std::sync::Arc;

use larder_bucket::{BucketError, BucketErrorKind, Etag, Object};
use larder_core::{Adopted, AdoptedEntry, FileType, Timestamp};

use super::Restore;
use super::attributes::Described;
use super::requests::Urgency;
use crate::changes::DIRECTORY_MODE;
use crate::layout::{ObjectMeta, SparseMap, header_bytes};
use crate::place::Place;
use crate::shared::{Incoming, now};

/// Permission bits of a file whose object says nothing of them.
const FILE_MODE: u32 = 0o644;

/// The longest target of a symbolic link, in bytes. Guards memory against an
/// object that is none.
const LONGEST_TARGET: u64 = 64 << 10;

/// Bytes of a sparse object that say how long its header is.
const HEADER_BEGINNING: u64 = larder_core::PAGE_BYTES as u64;

/// How often an object is looked at that changes while it is looked at.
const MOST_LOOKS: u32 = 4;

/// What comes in under a name.
#[derive(Clone, Debug)]
pub(super) struct Arrival {
    pub(super) entry: AdoptedEntry,
    pub(super) incoming: Incoming,
}

/// A body that is not the file's bytes.
enum Body {
    Symlink(Arc<str>),
    Sparse(SparseMap),
    Plain,
}

impl Restore {
    /// What the object of a file is; `None`: there is none, or it cannot be
    /// asked for, which is reported.
    pub(super) async fn head(&self, key: &str, urgency: Urgency) -> Result<Option<Object>, BucketError> {
        match self.requests.run(urgency, self.shared.bucket.head(key)).await {
            // Objects with keys of their own (SSE-C), for example.
            Err(error) if error.kind() == BucketErrorKind::Invalid => {
                let report = format!("the key {key:?} is left out, as the server does not tell what it is: {error}");
                self.shared.counters.foreign_key(report);
                Ok(None)
            }
            head => head,
        }
    }

    /// What is under a file's key; `None`: nothing.
    pub(super) async fn file(
        &self,
        key: &Arc<str>,
        name: &Arc<str>,
        urgency: Urgency,
    ) -> Result<Option<Arrival>, BucketError> {
        match self.head(key, urgency).await? {
            Some(object) => self.file_of(key, name, object, urgency).await,
            None => Ok(None),
        }
    }

    /// What an object under a file's key is; `None`: it is gone.
    pub(super) async fn file_of(
        &self,
        key: &Arc<str>,
        name: &Arc<str>,
        mut object: Object,
        urgency: Urgency,
    ) -> Result<Option<Arrival>, BucketError> {
        for look in 1..=MOST_LOOKS {
            let meta = ObjectMeta::from_metadata(&object.metadata);
            match self.body(key, &object, &meta, urgency).await {
                Ok(body) => return Ok(Some(arrival(key, name, &object, &meta, body))),
                Err(error) => match error.kind() {
                    BucketErrorKind::Conflict | BucketErrorKind::NotFound if look < MOST_LOOKS => {}
                    _ => return Err(error),
                },
            }
            match self.head(key, urgency).await? {
                Some(newer) => object = newer,
                None => return Ok(None),
            }
        }
        Ok(None)
    }

    async fn body(&self, key: &str, object: &Object, meta: &ObjectMeta, urgency: Urgency) -> Result<Body, BucketError> {
        if meta.kind == FileType::SymbolicLink {
            return Ok(self.target(key, object, urgency).await?.map_or(Body::Plain, Body::Symlink));
        }
        let Some(size) = meta.sparse_size else { return Ok(Body::Plain) };
        let beginning = self.range(key, &object.etag, 0..object.size.min(HEADER_BEGINNING), urgency).await?;
        let Ok(length) = header_bytes(&beginning) else { return Ok(Body::Plain) };
        let whole = if length > beginning.len() as u64 && length <= object.size {
            self.range(key, &object.etag, 0..length, urgency).await?
        } else {
            beginning
        };
        let map = SparseMap::decode_header(&whole, size).ok().filter(|map| map.object_size() == object.size);
        Ok(map.map_or(Body::Plain, Body::Sparse))
    }

    /// What a symbolic link holds; `None`, reported, where it can hold no such
    /// thing.
    async fn target(&self, key: &str, object: &Object, urgency: Urgency) -> Result<Option<Arc<str>>, BucketError> {
        let report = |what: &str| {
            let report = format!(
                "the key {key:?} is shown as a file: its metadata `mode` says that it is a symbolic link, and {what}"
            );
            self.shared.counters.foreign_key(report);
            Ok(None)
        };
        match object.size {
            0 => return report("it is empty"),
            1..=LONGEST_TARGET => {}
            _ => return report("it is too long for one"),
        }
        let body = self.range(key, &object.etag, 0..object.size, urgency).await?;
        match str::from_utf8(&body) {
            Ok(target) if !target.contains('\0') => Ok(Some(target.into())),
            _ => report("it is no text"),
        }
    }

    async fn range(
        &self,
        key: &str,
        etag: &Etag,
        range: Range<u64>,
        urgency: Urgency,
    ) -> Result<bytes::Bytes, BucketError> {
        self.requests.run(urgency, self.shared.bucket.get(key, etag, range)).await
    }
}

fn arrival(key: &Arc<str>, name: &Arc<str>, object: &Object, meta: &ObjectMeta, body: Body) -> Arrival {
    let written = Timestamp { seconds: object.modified.0, nanoseconds: object.modified.1 };
    let modified = meta.modified.unwrap_or(written);
    let version = Arc::clone(&object.etag);
    let (what, size, sparse) = match body {
        Body::Symlink(target) => (Adopted::Symlink { target }, object.size, None),
        Body::Sparse(map) => {
            let (size, ranges) = (map.size(), map.ranges().collect());
            (Adopted::File { size, version, ranges }, size, Some(Arc::new(map)))
        }
        Body::Plain => {
            let ranges = (object.size > 0).then_some(0..object.size).into_iter().collect();
            (Adopted::File { size: object.size, version, ranges }, object.size, None)
        }
    };
    let foreign = ObjectMeta::foreign_fields(&object.metadata);
    let place = Place {
        key: Arc::clone(key),
        etag: Arc::clone(&object.etag),
        version: Arc::clone(&object.etag),
        size,
        sparse,
        foreign: (!foreign.is_empty()).then(|| Arc::new(foreign)),
    };
    Arrival {
        entry: AdoptedEntry {
            name: Arc::clone(name),
            what,
            mode: meta.mode.unwrap_or(FILE_MODE),
            accessed: meta.accessed.unwrap_or(modified),
            modified,
            changed: meta.changed.unwrap_or(written),
        },
        incoming: Incoming {
            is_directory: false,
            keys: vec![(Arc::clone(key), Arc::clone(&object.etag))],
            place: Some(place),
            link: meta.link,
            is_described: false,
            expected: None,
        },
    }
}

/// A directory, with its marker where that is known. What nobody wrote times
/// for has the present one.
pub(super) fn directory(name: &Arc<str>, marker: Option<(Arc<str>, Etag)>, described: Option<Described>) -> Arrival {
    let is_described = described.is_some();
    let mut keys: Vec<_> = marker.into_iter().collect();
    let meta = match described {
        Some(Described { meta, key, etag }) => {
            keys.push((key, etag));
            meta
        }
        None => ObjectMeta::of_kind(FileType::Directory),
    };
    let modified = meta.modified.unwrap_or_else(now);
    Arrival {
        entry: AdoptedEntry {
            name: Arc::clone(name),
            what: Adopted::Directory,
            mode: meta.mode.unwrap_or(DIRECTORY_MODE),
            accessed: meta.accessed.unwrap_or(modified),
            modified,
            changed: meta.changed.unwrap_or(modified),
        },
        incoming: Incoming { is_directory: true, keys, place: None, link: None, is_described, expected: None },
    }
}
