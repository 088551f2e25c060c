//! Bodies in and out of `wasi:http`.

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Write};

use wasip2::http::types::{Fields, IncomingBody, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam};
use wasip2::io::streams::{InputStream, StreamError};

const PIECE: usize = 64 << 10;

/// The body of a request, piece by piece. The order of the fields matters: the
/// stream is the body's child and has to go first.
pub struct Pieces {
    stream: InputStream,
    _body: IncomingBody,
}

pub fn read(request: &IncomingRequest) -> std::io::Result<Pieces> {
    let taken = || Error::other("the body was taken before");
    let body = request.consume().map_err(|()| taken())?;
    let stream = body.stream().map_err(|()| taken())?;
    Ok(Pieces { stream, _body: body })
}

impl Pieces {
    pub fn next(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        match self.stream.blocking_read(PIECE as u64) {
            Ok(piece) => Ok(Some(piece)),
            Err(StreamError::Closed) => Ok(None),
            Err(error) => Err(Error::new(ErrorKind::ConnectionAborted, error.to_string())),
        }
    }

    pub fn collect(mut self) -> std::io::Result<Vec<u8>> {
        let mut all = Vec::new();
        while let Some(piece) = self.next()? {
            all.extend(piece);
        }
        Ok(all)
    }
}

pub enum Content {
    Text(String),
    File(File, u64),
}

pub struct Answer {
    status: u16,
    content: Content,
}

impl Answer {
    pub fn text(status: u16, text: impl Into<String>) -> Self {
        Self { status, content: Content::Text(text.into()) }
    }

    pub fn file(file: File, length: u64) -> Self {
        Self { status: 200, content: Content::File(file, length) }
    }

    pub fn of_error(error: &Error) -> Self {
        let status = match error.kind() {
            ErrorKind::NotFound => 404,
            ErrorKind::PermissionDenied => 403,
            ErrorKind::ReadOnlyFilesystem => 403,
            ErrorKind::InvalidInput | ErrorKind::InvalidFilename => 400,
            ErrorKind::AlreadyExists | ErrorKind::NotADirectory | ErrorKind::IsADirectory => 409,
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => 507,
            // std 1.95 has no kind for these error numbers of WASI.
            _ => match error.raw_os_error() {
                Some(20 | 31 | 54 | 55) => 409,
                Some(19 | 22 | 51) => 507,
                Some(2 | 63 | 69) => 403,
                _ => 500,
            },
        };
        Self::text(status, format!("{error}\n"))
    }

    pub fn send(self, out: ResponseOutparam) {
        let length = match &self.content {
            Content::Text(text) => text.len() as u64,
            Content::File(_, length) => *length,
        };
        let headers = Fields::new();
        // 204 has no body, and must not speak of one.
        if self.status != 204 {
            let _ = headers.append("content-length", length.to_string().as_bytes());
        }
        let response = OutgoingResponse::new(headers);
        let _ = response.set_status_code(self.status);
        let Ok(body) = response.body() else { return };
        ResponseOutparam::set(out, Ok(response));
        if self.write(&body).is_ok() {
            let _ = OutgoingBody::finish(body, None);
        }
    }

    /// A client that went away ends this with an error which nobody wants.
    fn write(self, body: &OutgoingBody) -> std::io::Result<()> {
        let mut stream = body.write().map_err(|()| Error::other("the body was taken before"))?;
        match self.content {
            Content::Text(text) => stream.write_all(text.as_bytes())?,
            Content::File(file, length) => {
                // The length was promised: a file that grows meanwhile is cut.
                let mut rest = file.take(length);
                let mut buffer = vec![0; PIECE];
                loop {
                    match rest.read(&mut buffer)? {
                        0 => break,
                        read => stream.write_all(&buffer[..read])?,
                    }
                }
            }
        }
        Write::flush(&mut stream)
    }
}
