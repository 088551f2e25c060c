//! Uploads: streamed into a file of another name, and put in place when whole.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use http_body_util::BodyExt;
use spin_sdk::http::HeaderMap;
use spin_sdk::wasip3::http_compat::IncomingRequestBody;
use spin_sdk::wasip3::random::random::get_random_u64;

use crate::answer::{self, Answer};
use crate::failure::Failure;
use crate::place::{Place, ROOT};

/// Most bytes of an upload. Guards the volume: one request cannot fill it.
const MOST_BYTES: u64 = 256 << 20;

pub async fn put(place: &Place, headers: &HeaderMap, mut body: IncomingRequestBody) -> Result<Answer, Failure> {
    let target = place.entry()?;
    let length = headers.get("content-length").and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let only_new = headers.get("if-none-match").is_some_and(|value| value == "*");
    // Told before the content comes, where it is known.
    if length.is_some_and(|length| length > MOST_BYTES) {
        return Err(too_large());
    }
    let existed = fs::symlink_metadata(&target).is_ok();
    if only_new && existed {
        return Err(exists());
    }
    let mut draft = Draft::create()?;
    while let Some(frame) = body.frame().await {
        // The client has gone away.
        let frame = frame.map_err(|error| Failure::new(400, format!("the upload ended early: {error}")))?;
        if let Ok(piece) = frame.into_data() {
            draft.write(&piece)?;
        }
    }
    if length.is_some_and(|length| length != draft.bytes) {
        return Err(Failure::new(400, "the upload ended early"));
    }
    draft.publish(&target, only_new)?;
    Ok(answer::done(if existed { 200 } else { 201 }))
}

fn too_large() -> Failure {
    Failure::new(413, format!("an upload has at most {MOST_BYTES} bytes"))
}

fn exists() -> Failure {
    Failure::new(412, "there is something of that name already")
}

/// An upload under way. When it is dropped, for whatever reason, its name is
/// gone; what a kill leaves behind the indexer removes.
struct Draft {
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl Draft {
    fn create() -> Result<Self, Failure> {
        let path = Path::new(ROOT).join(format!(".upload-{:016x}", get_random_u64()));
        let file = File::create_new(&path)?;
        Ok(Self { path, file, bytes: 0 })
    }

    fn write(&mut self, piece: &[u8]) -> Result<(), Failure> {
        self.bytes += piece.len() as u64;
        if self.bytes > MOST_BYTES {
            return Err(too_large());
        }
        Ok(self.file.write_all(piece)?)
    }

    /// Gives it its name, in one step: nobody sees a part of it.
    fn publish(self, target: &Path, only_new: bool) -> Result<(), Failure> {
        if !only_new {
            return Ok(fs::rename(&self.path, target)?);
        }
        // A link is never made over something, unlike a rename.
        fs::hard_link(&self.path, target).map_err(|error| match Failure::from(error) {
            Failure { status: 409, .. } => exists(),
            other => other,
        })
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Not there when it was renamed.
        let _ = fs::remove_file(&self.path);
    }
}
