//! Answers: a status and bytes.

use std::io::{Error, ErrorKind};

use bytes::Bytes;
use http_body_util::Full;
use spin_sdk::http::{IntoResponse, Response};

pub struct Answer {
    status: u16,
    content: Bytes,
}

impl Answer {
    pub fn text(status: u16, text: impl Into<String>) -> Self {
        Self::bytes(status, text.into().into())
    }

    pub fn bytes(status: u16, content: Bytes) -> Self {
        Self { status, content }
    }

    pub fn of_error(error: &Error) -> Self {
        let status = match error.kind() {
            ErrorKind::NotFound => 404,
            ErrorKind::InvalidInput => 400,
            _ => 500,
        };
        Self::text(status, format!("{error}\n"))
    }

    pub fn into_response(self) -> impl IntoResponse {
        let response = Response::builder().status(self.status);
        // 204 has no body, and must not speak of one.
        let response = match self.status {
            204 => response,
            _ => response.header("content-length", self.content.len()),
        };
        response.body(Full::new(self.content))
    }
}
