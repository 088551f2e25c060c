//! Downloads: whole files and ranges of them, piece by piece.

use std::fs::{File, Metadata};
use std::io::{Read, Seek, SeekFrom};
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use futures::stream::{Stream, try_unfold};
use http_body::Frame;
use http_body_util::StreamBody;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use spin_sdk::http::{HeaderMap, HeaderValue, box_body};

use crate::answer::{self, Answer};
use crate::failure::Failure;
use crate::media;
use crate::place::Place;
use crate::range::{self, Wanted};

/// Bytes that are read at once: what a download holds in memory.
const PIECE: u64 = 64 << 10;

/// What somebody has uploaded must not act as a page of this service.
const POLICY: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src 'self'";

pub fn get(place: &Place, headers: &HeaderMap, save: bool) -> Result<Answer, Failure> {
    let mut file = File::open(place.path())?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(Failure::new(409, "it is a directory"));
    }
    let tag = tag(&metadata);
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if text("if-none-match").is_some_and(|tags| tags.split(',').any(|known| known.trim() == tag)) {
        return finish(answer::content(304, media::of(""), ""), &tag);
    }
    let wanted = match text("range") {
        // A range of what the client has another version of would not fit.
        Some(range) if text("if-range").is_none_or(|known| known == tag) => range::parse(range, metadata.len()),
        _ => Wanted::All,
    };
    let (status, start, length) = match wanted {
        Wanted::All => (200, 0, metadata.len()),
        Wanted::Part { start, length } => (206, start, length),
        Wanted::Beyond => {
            let mut answer = answer::failed(&Failure::new(416, "the range is beyond the end"));
            insert(&mut answer, "content-range", format!("bytes */{}", metadata.len()))?;
            return Ok(answer);
        }
    };
    file.seek(SeekFrom::Start(start))?;
    let name = place.name().unwrap_or_default();
    let mut answer = answer::content(status, media::of(name), "");
    *answer.body_mut() = box_body(StreamBody::new(pieces(file, length)));
    answer.headers_mut().insert("content-length", HeaderValue::from(length));
    answer::set(&mut answer, "accept-ranges", "bytes");
    answer::set(&mut answer, "content-security-policy", POLICY);
    if status == 206 {
        insert(&mut answer, "content-range", format!("bytes {start}-{}/{}", start + length - 1, metadata.len()))?;
    }
    if save {
        let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
        insert(&mut answer, "content-disposition", format!("attachment; filename*=UTF-8''{name}"))?;
    }
    finish(answer, &tag)
}

/// The file's version: it changes with the size and the time of the last write.
fn tag(metadata: &Metadata) -> String {
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    format!("\"{:x}-{:x}\"", metadata.len(), modified.unwrap_or_default().as_nanos())
}

fn finish(mut answer: Answer, tag: &str) -> Result<Answer, Failure> {
    if answer.status() == 304 {
        answer.headers_mut().remove("content-length");
        answer.headers_mut().remove("content-type");
    }
    insert(&mut answer, "etag", tag.to_owned())?;
    Ok(answer)
}

fn insert(answer: &mut Answer, name: &'static str, value: String) -> Result<(), Failure> {
    let value = HeaderValue::try_from(value).map_err(|error| Failure::new(500, error.to_string()))?;
    answer.headers_mut().insert(name, value);
    Ok(())
}

/// The next `length` bytes. The length was promised: a file that grows
/// meanwhile is cut, one that shrinks is an error.
fn pieces(file: File, length: u64) -> impl Stream<Item = anyhow::Result<Frame<Bytes>>> {
    try_unfold((file, length), |(mut file, rest)| async move {
        let mut piece = vec![0; rest.min(PIECE) as usize];
        let read = file.read(&mut piece)?;
        if read == 0 {
            anyhow::ensure!(rest == 0, "the file has become shorter");
            return Ok(None);
        }
        piece.truncate(read);
        Ok(Some((Frame::data(piece.into()), (file, rest - read as u64))))
    })
}
