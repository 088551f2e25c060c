//! What `spin new -t http-rust-p2` gives: the demo component of spin-sdk 5,
//! which exports `wasi:http/incoming-handler` 0.2.

use spin_sdk::http::{IntoResponse, Request, Response};
use spin_sdk::http_component;

/// A simple Spin HTTP component.
#[http_component]
fn handle_hello(req: Request) -> anyhow::Result<impl IntoResponse> {
    println!("Handling request to {:?}", req.header("spin-full-url"));
    Ok(Response::builder().status(200).header("content-type", "text/plain").body("Hello World!").build())
}
