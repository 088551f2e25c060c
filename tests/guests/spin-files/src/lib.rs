//! A spin-sdk 7 handler (`wasi:http` 0.3) over `std::fs` (WASI 0.2), for tests
//! and benchmarks of the Spin trigger:
//!
//! - `GET /read?path=`: a whole file
//! - `GET /list?path=`: the sorted names of a directory, one a line
//! - `PUT /write?path=`: the file is the body
//! - `POST /append?path=`: the body and a newline, in one append
//! - `POST /sync?path=`: `fsync`
//! - `GET /env?name=`: a variable of the environment
//! - `GET /headers`: the request's headers, `name: value`, one a line
//! - `GET /count`: how many requests to it this instance has had
//! - `GET /out?url=`: an outgoing request: its status, a newline, its body; 502
//!   with the error
//! - `GET /sleep?ms=`: an answer after some time, without a processor
//! - `GET /spin`: a loop without an end
//! - `GET /trap`: a trap
//!
//! An error of a file is 500 with the error's text, 404 where it is `NotFound`.
//! The paths begin where a wildcard of the route does (`spin-path-info`).

mod answer;
mod files;
mod instance;
mod outgoing;
mod query;

use spin_sdk::http::{IntoResponse, Method, Request};
use spin_sdk::http_service;

use answer::Answer;
use query::Query;

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    answer(request).await.unwrap_or_else(|error| Answer::of_error(&error)).into_response()
}

async fn answer(request: Request) -> std::io::Result<Answer> {
    // What a wildcard of the route matched; a route without one leaves it empty.
    let below = request.headers().get("spin-path-info").and_then(|info| info.to_str().ok());
    let path = below.filter(|path| !path.is_empty()).unwrap_or(request.uri().path()).to_owned();
    let query = Query::new(request.uri().query().unwrap_or_default());
    match (request.method(), path.as_str()) {
        (&Method::GET, "/read") => files::read(&query.path()?),
        (&Method::GET, "/list") => files::list(&query.path()?),
        (&Method::PUT, "/write") => files::write(&query.path()?, request.into_body()).await,
        (&Method::POST, "/append") => files::append(&query.path()?, request.into_body()).await,
        (&Method::POST, "/sync") => files::sync(&query.path()?),
        (&Method::GET, "/env") => Ok(instance::variable(&query.text("name")?)),
        (&Method::GET, "/headers") => Ok(instance::headers(request.headers())),
        (&Method::GET, "/count") => Ok(instance::count()),
        (&Method::GET, "/out") => Ok(outgoing::get(&query.text("url")?).await),
        (&Method::GET, "/sleep") => Ok(instance::sleep(query.number("ms")?).await),
        (&Method::GET, "/spin") => instance::spin(),
        (&Method::GET, "/trap") => instance::trap(),
        _ => Ok(Answer::text(404, "no such request\n")),
    }
}
