//! A `wasi:http/incoming-handler` (WASI 0.2) which keeps files through `std::fs`:
//!
//! - `GET /path`: the file, or the sorted names of a directory, one a line,
//!   those of directories with a slash
//! - `PUT /path`: stores the body whole (a rename), with the directories it needs;
//!   with `?sync` it is as durable as the volume promises when the answer comes
//! - `POST /path`: appends the body in one write
//! - `DELETE /path`: removes the file or the empty directory
//!
//! `FILES_ROOT` names the guest directory that is served, `/` by default.

mod body;
mod files;

use wasip2::http::types::{IncomingRequest, Method, ResponseOutparam};

use body::Answer;

wasip2::http::proxy::export!(Files);

struct Files;

impl wasip2::exports::http::incoming_handler::Guest for Files {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let answer = answer(&request).unwrap_or_else(|error| Answer::of_error(&error));
        answer.send(out);
    }
}

fn answer(request: &IncomingRequest) -> std::io::Result<Answer> {
    let target = request.path_with_query().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let path = files::path(path)?;
    match request.method() {
        Method::Get => files::get(&path),
        Method::Put => files::put(&path, body::read(request)?, query == "sync"),
        Method::Post => files::append(&path, &body::read(request)?.collect()?),
        Method::Delete => files::delete(&path),
        _ => Ok(Answer::text(405, "GET, PUT, POST or DELETE\n")),
    }
}
