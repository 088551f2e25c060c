//! Bringing up what a group needs before it begins: parts of large objects,
//! copies of what it is about to change.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use larder_bucket::{BucketErrorKind, Condition, Etag, Metadata, Part, Upload};
use larder_core::NodeId;

use super::ahead::land::Landed;
use super::body::Body;
use super::parts;
use super::plan::{Action, Effect, Plan};
use super::step::{Do, Step};
use super::take::TakenFile;
use crate::engine::Engine;
use crate::error::S3Error;
use crate::layout::{ObjectMeta, SparseMap, Token};
use crate::options::S3Options;
use crate::place::Place;

/// The largest content that is written into the note of a group with several
/// steps. A larger one is an upload of its own, of which the note has the id.
const MOST_INLINE: u64 = 64 << 10;

/// Bytes of contents in one note. Guards memory, and the time in which a note
/// is written.
const MOST_INLINE_TOGETHER: u64 = 32 << 20;

/// Uploads of parts at a time, each of which has a part in memory.
pub(super) const PARTS_AT_A_TIME: usize = 4;

/// The largest object that one request copies: 1 GiB. S3 takes 5 GB; guards
/// against a server that needs longer for that than a request may take.
const LARGEST_COPY: u64 = 1 << 30;

/// What a step leaves in the catalogue when it is done.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// An object that stands for a directory.
    Directory { node: NodeId, is_attributes: bool },
    /// A file's or link's content. `version`: of a copy, the version that the
    /// volume knows it by.
    /// `is_torn`: parts of it are gone, and zeros.
    Content {
        file: Arc<TakenFile>,
        size: u64,
        sparse: Option<Arc<SparseMap>>,
        version: Option<Arc<str>>,
        is_torn: bool,
    },
    /// No object.
    Gone,
}

/// A step that can be carried out.
#[derive(Clone, Debug)]
pub(crate) struct Ready {
    pub(crate) step: Step,
    pub(crate) outcome: Outcome,
}

/// A group that can be carried out.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    pub(crate) steps: Vec<Ready>,
    /// Objects that are not needed after it.
    pub(crate) temporary: Vec<Arc<str>>,
    /// The same of files, unless they are read from there: something is in the
    /// way of their own.
    pub(crate) landed: Vec<(NodeId, Arc<str>)>,
}

/// Prepares a group.
///
/// # Errors
/// What the bucket answers. Trying again begins anew; uploads are aborted.
pub(crate) async fn prepare(engine: &Arc<Engine>, mut plan: Plan) -> Result<Prepared, S3Error> {
    let mut temporary = Vec::new();
    for staged in &plan.staged {
        if let Some(Effect { action: Action::Copy { from, .. }, .. }) = plan.effects.get_mut(staged.effect) {
            // What another client replaced is seen to when the copy fails.
            if let Some(place) = copy_aside(engine, from, &staged.key).await? {
                *from = place;
                temporary.push(Arc::clone(&staged.key));
            }
        }
    }
    let is_alone = plan.effects.len() == 1;
    let mut inline = 0;
    let work: Vec<_> = plan
        .effects
        .into_iter()
        .map(|effect| {
            let size = content_size(&effect.action);
            // All names of a file in the same way, so that they have one etag.
            let is_linked = matches!(&effect.action, Action::Content { file, .. } if file.attributes.link_count > 1);
            let in_note = size <= MOST_INLINE && (is_linked || inline + size <= MOST_INLINE_TOGETHER);
            if in_note {
                inline += size;
            }
            let whole = if is_alone { size <= S3Options::PART } else { in_note };
            (effect, whole)
        })
        .collect();
    let parallel = engine.shared.options.parallel.max(1);
    let work = stream::iter(work).map(|(effect, whole)| step(engine, effect, whole));
    let ready: Vec<Result<Ready, S3Error>> = work.buffered(parallel).collect().await;
    let (steps, failed): (Vec<_>, Vec<_>) = ready.into_iter().partition(Result::is_ok);
    let steps: Vec<Ready> = steps.into_iter().flatten().collect();
    if let Some(Err(error)) = failed.into_iter().next() {
        for ready in &steps {
            if let Do::Complete { upload, .. } = &ready.step.what {
                abort(engine, upload).await;
            }
        }
        return Err(error);
    }
    let files = steps.iter().filter_map(|ready| match &ready.outcome {
        Outcome::Content { file, .. } => Some((file.node, file.ahead.as_ref()?.temporary()?)),
        _ => None,
    });
    let mut landed: Vec<_> = files.collect();
    landed.sort();
    landed.dedup();
    Ok(Prepared { steps, temporary, landed })
}

fn content_size(action: &Action) -> u64 {
    match action {
        Action::Content { file, map: None, .. } => file.frozen.as_ref().map_or(0, larder_core::FrozenContent::len),
        Action::Content { map: Some(map), .. } => map.object_size(),
        Action::Directory { .. } | Action::Copy { .. } | Action::Delete => 0,
    }
}

async fn step(engine: &Arc<Engine>, effect: Effect, whole: bool) -> Result<Ready, S3Error> {
    let token = Token::new(fastrand::u32(..), engine.shared.session.writer, &effect.key);
    let (what, outcome) = match effect.action {
        Action::Delete => (Do::Delete, Outcome::Gone),
        Action::Directory { node, meta, body, is_attributes } => {
            let what = put(metadata(meta, token), body);
            (what, Outcome::Directory { node, is_attributes })
        }
        Action::Content { file, meta, map, old } => {
            let metadata = metadata(meta, token);
            let Brought { what, version, is_torn } =
                content(engine, &effect.key, &file, map.as_ref(), old.as_ref(), metadata, whole).await?;
            if is_torn {
                engine.shared.counters.conflict(format!(
                    "another client replaced or removed {:?} while it was changed here: what was not in memory of our version is gone, and zeros",
                    effect.path
                ));
            }
            let size = file.attributes.size;
            (what, Outcome::Content { file, size, sparse: map.map(Arc::new), version, is_torn })
        }
        Action::Copy { file, meta, from } => {
            let mut metadata = metadata(meta, token);
            metadata.extend(from.foreign.iter().flat_map(|foreign| Metadata::clone(foreign)));
            let what = copy(engine, &effect.key, &from, metadata).await?;
            let version = Some(from.version);
            (what, Outcome::Content { file, size: from.size, sparse: from.sparse, version, is_torn: false })
        }
    };
    let token = if matches!(what, Do::Delete) { String::new() } else { token.to_string() };
    let step = Step {
        key: effect.key.to_string(),
        path: effect.path,
        phase: effect.phase,
        condition: effect.condition,
        token,
        what,
    };
    Ok(Ready { step, outcome })
}

fn metadata(meta: ObjectMeta, token: Token) -> Metadata {
    ObjectMeta { token: Some(token), ..meta }.to_metadata()
}

fn put(metadata: Metadata, body: Bytes) -> Do {
    Do::Put { metadata, length: body.len() as u64, body }
}

/// A file's content, brought up as far as it can be before a group begins.
pub(super) struct Brought {
    /// One request, or an upload that needs only to be completed.
    pub(super) what: Do,
    /// The version that the volume was told of already, of what went ahead.
    pub(super) version: Option<Arc<str>>,
    /// Parts of it are zeros, as another client replaced the object that has
    /// them, or ended the upload.
    pub(super) is_torn: bool,
}

/// Brings a file's content up.
pub(super) async fn content(
    engine: &Arc<Engine>,
    key: &str,
    file: &TakenFile,
    map: Option<&SparseMap>,
    old: Option<&Place>,
    metadata: Metadata,
    whole: bool,
) -> Result<Brought, S3Error> {
    let landed = match &file.ahead {
        Some(ahead) => ahead.land(engine, file, map, old).await?,
        None => Landed::Nothing,
    };
    if let Landed::Whole(place) = &landed {
        let what = copy(engine, key, place, metadata).await?;
        return Ok(Brought { what, version: Some(Arc::clone(&place.version)), is_torn: false });
    }
    let is_lost = matches!(landed, Landed::Lost);
    let error = match bring(engine, key, file, map, (old, false), &landed, metadata.clone(), whole).await {
        Ok(what) => return Ok(Brought { what, version: None, is_torn: is_lost }),
        Err(error) => error,
    };
    let beginning = match &landed {
        Landed::Beginning { key, etag } => Some((&**key, etag)),
        _ => None,
    };
    let old_is_gone = is_replaced(engine, old.map(|old| (&*old.key, &old.etag))).await?;
    let beginning_is_gone = is_replaced(engine, beginning).await?;
    if !old_is_gone && !beginning_is_gone {
        return Err(error);
    }
    let landed = if beginning_is_gone { Landed::Lost } else { landed };
    let what = bring(engine, key, file, map, (old, old_is_gone), &landed, metadata, whole).await?;
    Ok(Brought { what, version: None, is_torn: true })
}

/// Whether somebody else replaced or removed an object.
pub(super) async fn is_replaced(engine: &Engine, object: Option<(&str, &Etag)>) -> Result<bool, S3Error> {
    let Some((key, etag)) = object else { return Ok(false) };
    let found = engine.shared.bucket.head(key).await?;
    Ok(found.is_none_or(|found| found.etag != *etag))
}

/// `old`: where the content was, and whether that is gone.
#[expect(clippy::too_many_arguments, reason = "as `content`, and what became of that")]
async fn bring(
    engine: &Arc<Engine>,
    key: &str,
    file: &TakenFile,
    map: Option<&SparseMap>,
    old: (Option<&Place>, bool),
    landed: &Landed,
    metadata: Metadata,
    whole: bool,
) -> Result<Do, S3Error> {
    let Some(frozen) = &file.frozen else {
        let target = file.target.as_deref().unwrap_or_default();
        return Ok(put(metadata, Bytes::copy_from_slice(target.as_bytes())));
    };
    let (old, is_gone) = old;
    let body = Body::new(file, frozen, map, old, is_gone, landed);
    let size = body.len();
    if whole || size == 0 {
        let bytes = body.bytes(engine, 0..size).await?;
        return Ok(put(metadata, bytes));
    }
    let upload = engine.shared.bucket.start_upload(key, &metadata).await?;
    let planned = parts::around(size, body.unchanged());
    let sent = planned.into_iter().map(|(number, range)| part(engine, &body, &upload, number, range));
    let mut sent = stream::iter(sent).buffered(PARTS_AT_A_TIME);
    let mut done = Vec::new();
    while let Some(part) = sent.next().await {
        match part {
            Ok(part) => done.push(part),
            Err(error) => {
                drop(sent);
                abort(engine, &upload).await;
                return Err(error);
            }
        }
    }
    drop(sent);
    Ok(Do::Complete { metadata, upload, parts: done })
}

pub(super) async fn part(
    engine: &Arc<Engine>,
    body: &Body<'_>,
    upload: &Upload,
    number: u32,
    range: Range<u64>,
) -> Result<Part, S3Error> {
    let bucket = &engine.shared.bucket;
    let part = match body.copyable(&range) {
        Some(old) => bucket.copy_part(upload, number, &old.key, &old.etag, range).await?,
        None => {
            let bytes = body.bytes(engine, range).await?;
            engine.uploaded(bytes.len() as u64);
            bucket.upload_part(upload, number, bytes).await?
        }
    };
    engine.progress.advance();
    Ok(part)
}

/// An upload that nobody will complete. If this fails, it is found and aborted
/// when the volume is opened again.
pub(super) async fn abort(engine: &Engine, upload: &Upload) {
    if let Err(error) = engine.shared.bucket.abort_upload(upload).await {
        tracing::warn!(key = upload.key, %error, "an upload could not be aborted");
    }
}

async fn copy(engine: &Arc<Engine>, key: &str, from: &Place, metadata: Metadata) -> Result<Do, S3Error> {
    let object = from.sparse.as_ref().map_or(from.size, |map| map.object_size());
    if object <= LARGEST_COPY {
        return Ok(Do::Copy { metadata, from: from.key.to_string(), etag: from.etag.clone() });
    }
    let bucket = &engine.shared.bucket;
    let upload = bucket.start_upload(key, &metadata).await?;
    let copies = parts::copied(object).into_iter().map(|(number, range)| {
        let upload = &upload;
        async move {
            let part = bucket.copy_part(upload, number, &from.key, &from.etag, range).await?;
            engine.progress.advance();
            Ok::<Part, S3Error>(part)
        }
    });
    let parts: Result<Vec<Part>, S3Error> = stream::iter(copies).buffered(PARTS_AT_A_TIME).try_collect().await;
    match parts {
        Ok(parts) => Ok(Do::Complete { metadata, upload, parts }),
        Err(error) => {
            abort(engine, &upload).await;
            Err(error)
        }
    }
}

/// Copies an object to a key of our own, from which the group reads it; `None`
/// where another client replaced or removed it.
async fn copy_aside(engine: &Engine, from: &Place, key: &Arc<str>) -> Result<Option<Place>, S3Error> {
    let bucket = &engine.shared.bucket;
    let metadata = Metadata::new();
    match bucket.copy(&from.key, &from.etag, key, &metadata, &Condition::Always).await {
        Ok(etag) => Ok(Some(Place { key: Arc::clone(key), etag, ..from.clone() })),
        Err(error) if matches!(error.kind(), BucketErrorKind::NotFound | BucketErrorKind::Conflict) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
