//! The web component: a page and an API over the files in `/data`.
//!
//! | Request | What it does |
//! |---|---|
//! | `GET /` | the page |
//! | `GET /files/PATH` | a file; ranges, `ETag`; `?download` to save it |
//! | `PUT /files/PATH` | stores the body whole; with `If-None-Match: *` only where nothing is |
//! | `DELETE /files/PATH` | removes a file or an empty directory |
//! | `PUT /directories/PATH` | makes a directory |
//! | `POST /move/PATH?to=PATH` | moves or renames; never over something else |
//! | `GET /list/PATH` | the entries of a directory, as JSON |
//! | `GET /changes/PATH` | what changes in a directory, as Server-Sent Events |
//!
//! Errors are a status and a line of text. What does not live here: the summary
//! of all files, which the indexer writes.

mod answer;
mod changes;
mod download;
mod edit;
mod failure;
mod listing;
mod media;
mod page;
mod place;
mod range;
mod upload;

use spin_sdk::http::{HeaderMap, IntoResponse, Method, Request};
use spin_sdk::http_service;

use answer::Answer;
use failure::Failure;
use place::Place;

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    answer(request).await.unwrap_or_else(|failure| answer::failed(&failure))
}

async fn answer(request: Request) -> Result<Answer, Failure> {
    let (parts, body) = request.into_parts();
    let (method, headers, query) = (&parts.method, &parts.headers, parts.uri.query().unwrap_or_default());
    if !matches!(*method, Method::GET | Method::HEAD) {
        refuse_other_sites(headers)?;
    }
    let target = parts.uri.path().trim_start_matches('/');
    let Some((what, path)) = target.split_once('/') else {
        let part = page::get(target).filter(|_| matches!(*method, Method::GET | Method::HEAD));
        return part.ok_or_else(|| Failure::new(404, "there is no such page"));
    };
    let place = Place::parse(path)?;
    match (method, what) {
        (&Method::GET | &Method::HEAD, "files") => download::get(&place, headers, query == "download"),
        (&Method::PUT, "files") => upload::put(&place, headers, body).await,
        (&Method::DELETE, "files") => edit::remove(&place),
        (&Method::PUT, "directories") => edit::make_directory(&place),
        (&Method::POST, "move") => edit::rename(&place, query),
        (&Method::GET, "list") => listing::get(&place),
        (&Method::GET, "changes") => changes::get(place),
        (_, "files" | "directories" | "move" | "list" | "changes") => Err(Failure::new(405, "not with this method")),
        _ => Err(Failure::new(404, "there is no such page")),
    }
}

/// Browsers say where a request comes from; a page of another site must not
/// change files.
fn refuse_other_sites(headers: &HeaderMap) -> Result<(), Failure> {
    match headers.get("sec-fetch-site").map(|site| site.as_bytes()) {
        None | Some(b"same-origin" | b"none") => Ok(()),
        Some(_) => Err(Failure::new(403, "a page of another site asked for it")),
    }
}
