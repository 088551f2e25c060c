//! The suite behind `wasi:http/incoming-handler` (WASI 0.2), for hosts that
//! run servers alone: `GET /run/files::a_new_file_is_empty…` answers 200 and
//! `ok …`; a case that fails traps, and its message is on standard error.

use std::io::Write;

use wasip2::http::types::{Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam};

wasip2::http::proxy::export!(Suite);

struct Suite;

impl wasip2::exports::http::incoming_handler::Guest for Suite {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        let words: Vec<_> = path.split('/').filter(|word| !word.is_empty()).collect();
        match suite_guest::answer::<suite_guest::Wasi02>(&words) {
            Ok(text) => send(out, 200, &text),
            Err(error) => send(out, 404, &error),
        }
    }
}

/// A client that went away is the only error, and nobody wants to know it.
fn send(out: ResponseOutparam, status: u16, text: &str) {
    let response = OutgoingResponse::new(Fields::new());
    let _ = response.set_status_code(status);
    let Ok(body) = response.body() else { return };
    ResponseOutparam::set(out, Ok(response));
    if let Ok(mut stream) = body.write()
        && stream.write_all(text.as_bytes()).and_then(|()| Write::flush(&mut stream)).is_ok()
    {
        drop(stream);
        let _ = OutgoingBody::finish(body, None);
    }
}
