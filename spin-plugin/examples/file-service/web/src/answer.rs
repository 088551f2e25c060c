//! Answers.

use bytes::Bytes;
use spin_sdk::http::{BoxBody, FullBody, HeaderValue, Response, box_body};

use crate::failure::Failure;

pub type Answer = Response<BoxBody>;

/// An answer with content of this type.
pub fn content(status: u16, kind: &'static str, content: impl Into<Bytes>) -> Answer {
    let content = content.into();
    let length = content.len();
    let mut answer = Answer::new(box_body(FullBody::new(content)));
    *answer.status_mut() = status.try_into().unwrap_or_default();
    set(&mut answer, "content-type", kind);
    // A browser must not guess another type, such as a page's.
    set(&mut answer, "x-content-type-options", "nosniff");
    set(&mut answer, "cache-control", "no-cache");
    answer.headers_mut().insert("content-length", HeaderValue::from(length));
    answer
}

/// An answer that says only that it is done.
pub fn done(status: u16) -> Answer {
    content(status, "text/plain; charset=utf-8", "done\n")
}

pub fn failed(failure: &Failure) -> Answer {
    content(failure.status, "text/plain; charset=utf-8", format!("{}\n", failure.text))
}

pub fn set(answer: &mut Answer, name: &'static str, value: &'static str) {
    answer.headers_mut().insert(name, HeaderValue::from_static(value));
}
