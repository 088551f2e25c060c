//! Files and directories.

use std::fs::{self, File, OpenOptions};
use std::io::{Error, Write};
use std::path::Path;

use http_body_util::BodyExt;
use spin_sdk::http::body::IncomingBodyExt;
use spin_sdk::wasip3::http_compat::IncomingRequestBody;

use crate::answer::Answer;

pub fn read(path: &Path) -> std::io::Result<Answer> {
    Ok(Answer::bytes(200, fs::read(path)?.into()))
}

pub fn list(path: &Path) -> std::io::Result<Answer> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        names.push(format!("{}\n", entry?.file_name().display()));
    }
    names.sort_unstable();
    Ok(Answer::text(200, names.concat()))
}

pub async fn write(path: &Path, mut body: IncomingRequestBody) -> std::io::Result<Answer> {
    let mut file = File::create(path)?;
    while let Some(frame) = body.frame().await {
        if let Ok(piece) = frame.map_err(Error::other)?.into_data() {
            file.write_all(&piece)?;
        }
    }
    Ok(Answer::text(204, ""))
}

pub async fn append(path: &Path, body: IncomingRequestBody) -> std::io::Result<Answer> {
    let mut line = body.bytes().await.map_err(Error::other)?.to_vec();
    line.push(b'\n');
    // One write, so that lines of requests at the same time do not mix.
    OpenOptions::new().append(true).create(true).open(path)?.write_all(&line)?;
    Ok(Answer::text(204, ""))
}

pub fn sync(path: &Path) -> std::io::Result<Answer> {
    File::open(path)?.sync_all()?;
    Ok(Answer::text(204, ""))
}
