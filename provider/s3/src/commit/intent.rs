//! The note of a group with several steps, which makes it one: once the note
//! is in the bucket, whoever finds it finishes the group.
//!
//! An object `.larder/intents/TIME-TOKEN`: the length of a JSON document
//! (4 bytes, big-endian), the document ([`Note`]), and the bytes of small
//! objects one after another, in the order of the steps.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use super::prepare::Ready;
use super::step::{Do, Step};
use crate::error::S3Error;
use crate::layout::{KeySpace, Token};
use crate::session::Session;

/// The format that is written, and the only one that is read.
const VERSION: u32 = 1;

/// The largest note that is read: small contents, and 64 Ki steps of 4 KiB.
/// Guards memory against an object that is none of ours.
pub(crate) const LARGEST: u64 = 320 << 20;

#[derive(Serialize, Deserialize)]
pub(crate) struct Note {
    version: u32,
    /// Who wrote it, and which process of his.
    pub(crate) writer: u64,
    pub(crate) session: u64,
    pub(crate) steps: Vec<Step>,
}

/// Below this key are the notes. Ends with `/`.
pub(crate) fn folder(keys: &KeySpace) -> String {
    format!("{}intents/", keys.reserved())
}

/// A key for a new note: later ones are greater.
pub(crate) fn new_key(keys: &KeySpace) -> String {
    let now = crate::shared::now();
    format!("{}{:016x}{:08x}-{}", folder(keys), now.seconds, now.nanoseconds, Token(fastrand::u128(..)))
}

/// The note of a group.
///
/// # Errors
/// Only if a document cannot be written.
pub(crate) fn encode(session: &Session, steps: &[Ready]) -> Result<Bytes, S3Error> {
    let note = Note {
        version: VERSION,
        writer: session.writer,
        session: session.number,
        steps: steps.iter().map(|ready| ready.step.clone()).collect(),
    };
    let json = serde_json::to_vec(&note).map_err(|error| damaged(&error.to_string()))?;
    let length = u32::try_from(json.len()).map_err(|_| damaged("it is too long"))?;
    let mut out = BytesMut::with_capacity(json.len() + 4);
    out.put_u32(length);
    out.put_slice(&json);
    for ready in steps {
        if let Do::Put { body, .. } = &ready.step.what {
            out.put_slice(body);
        }
    }
    Ok(out.freeze())
}

/// A note.
///
/// # Errors
/// It is none, or of another version.
pub(crate) fn decode(mut bytes: Bytes) -> Result<Note, S3Error> {
    if bytes.len() < 4 {
        return Err(damaged("it is too short"));
    }
    let length = bytes.get_u32() as usize;
    if length > bytes.len() {
        return Err(damaged("it is too short"));
    }
    let json = bytes.split_to(length);
    let mut note: Note = serde_json::from_slice(&json).map_err(|error| damaged(&error.to_string()))?;
    if note.version != VERSION {
        return Err(damaged(&format!("it is of version {}, and this Larder knows {VERSION}", note.version)));
    }
    for step in &mut note.steps {
        if let Do::Put { body, length, .. } = &mut step.what {
            let length = usize::try_from(*length).unwrap_or(usize::MAX);
            if length > bytes.len() {
                return Err(damaged("it is too short"));
            }
            *body = bytes.split_to(length);
        }
    }
    Ok(note)
}

fn damaged(what: &str) -> S3Error {
    S3Error::new(larder_core::ErrorCode::Io, format!("a note of unfinished changes cannot be read: {what}"))
}

#[cfg(test)]
mod tests {
    use larder_bucket::{Condition, Metadata};

    use super::super::prepare::Outcome;
    use super::super::step::Phase;
    use super::*;

    #[test]
    fn notes_survive_and_damage_is_an_error() {
        let step = |key: &str, what| Ready {
            step: Step {
                key: key.into(),
                path: key.into(),
                phase: Phase::Put,
                condition: Condition::IfMatch("e".into()),
                token: "t".into(),
                what,
            },
            outcome: Outcome::Gone,
        };
        let put = |body: &'static [u8]| Do::Put {
            metadata: Metadata::from([("mode".into(), "1".into())]),
            body: Bytes::from_static(body),
            length: body.len() as u64,
        };
        let copy = Do::Copy { metadata: Metadata::new(), from: "x".into(), etag: "y".into() };
        let steps = [
            step("a", put(b"one")),
            step("b", Do::Delete),
            step("c", put(b"")),
            step("d", put(b"two")),
            step("e", copy),
        ];
        let session = Session::new(None, Some(7));
        let note = encode(&session, &steps).unwrap();
        let decoded = decode(note.clone()).unwrap();
        assert_eq!((decoded.writer, decoded.session), (7, 0));
        let read = decoded.steps;
        assert_eq!(format!("{read:?}"), format!("{:?}", steps.iter().map(|ready| &ready.step).collect::<Vec<_>>()));
        for length in 0..note.len() {
            assert!(decode(note.slice(..length)).is_err(), "{length}");
        }
    }
}
