//! The suite behind `wasi:http/handler` (WASI 0.3), for hosts that reuse
//! instances: `GET /ANYTHING/run/CASE?turn=N` runs a case over the volumes of
//! that turn, and answers `ok CASE` and how many requests this instance has
//! had. `run` and `run-streams` are by WASI 0.2, which Rust's std has also in
//! apps of 0.3; `run-p3` is by WASI 0.3. A case that fails traps, and its
//! message is on standard error.
//!
//! The clock is the host's (`suite-guest` with `host-clock`).

#[path = "../../puppet-p3/src/code.rs"]
mod code;
#[path = "../../puppet-p3/src/content.rs"]
mod content;
#[path = "../../suite-guest-p3/src/convert.rs"]
mod convert;
#[path = "../../suite-guest-p3/src/form.rs"]
mod form;
#[path = "../../puppet-p3/src/listing.rs"]
mod listing;

use std::cell::Cell;

use larder_suite::begin_with_turn;
use suite_guest::{Wasi02, answer};
use wasip3::http::types::{ErrorCode, Fields, Request, Response};
use wasip3::{wit_future, wit_stream};

wasip3::http::service::export!(Suite);

struct Suite;

thread_local! {
    /// Requests of this instance so far.
    static REQUESTS: Cell<u32> = const { Cell::new(0) };
}

impl wasip3::exports::http::handler::Guest for Suite {
    /// The task is of an `async` function, so that the cases, which are not,
    /// may wait for theirs.
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        REQUESTS.set(REQUESTS.get() + 1);
        let target = request.get_path_with_query().unwrap_or_default();
        let (status, text) = match run(&target) {
            Ok(text) => (200, format!("{text}request {}\n", REQUESTS.get())),
            Err(error) => (404, error),
        };
        respond(status, text)
    }
}

/// Runs what the last words of a path ask for.
fn run(target: &str) -> Result<String, String> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let turn = query.strip_prefix("turn=").ok_or("turn=N is missing")?;
    begin_with_turn(turn.parse().map_err(|error| format!("turn={turn}: {error}"))?);
    let words: Vec<_> = path.split('/').filter(|word| !word.is_empty()).collect();
    match words.as_slice() {
        [.., "run-p3", case] => answer::<form::Wasi03>(&["run", case]),
        [.., how, case] => answer::<Wasi02>(&[how, case]),
        _ => Err("/ANYTHING/run/CASE?turn=N".to_owned()),
    }
}

fn respond(status: u16, text: String) -> Result<Response, ErrorCode> {
    let (mut body, stream) = wit_stream::new();
    let (trailers, none) = wit_future::new(|| Ok(None));
    drop(trailers);
    let (response, _) = Response::new(Fields::new(), Some(stream), none);
    response.set_status_code(status).map_err(|()| ErrorCode::InternalError(None))?;
    wasip3::spawn_local(async move {
        // A client that went away takes less, and nobody wants to know it.
        let _ = body.write_all(text.into_bytes()).await;
    });
    Ok(response)
}
