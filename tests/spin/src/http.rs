//! A client of HTTP/1.1 that shows everything: of its own, since libraries hide
//! or mend what a test wants to see or to send.

use std::fmt;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::PATIENCE;

/// A response.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// Its status.
    pub status: u16,
    /// Its headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Its body, without the transfer's encoding.
    pub body: Vec<u8>,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} {:?}", self.status, self.headers, self.text())
    }
}

impl Response {
    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The value of a header, by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body, of a response that must be a success.
    ///
    /// # Panics
    /// Where it is none.
    pub fn ok(&self) -> String {
        assert!((200..300).contains(&self.status), "{self:?}");
        self.text()
    }
}

/// A server's address. Each request has a connection of its own.
#[derive(Clone, Debug)]
pub struct Site {
    address: String,
    patience: Duration,
}

impl Site {
    /// Of `HOST:PORT`.
    #[must_use]
    pub fn at(address: &str) -> Self {
        Self { address: address.to_owned(), patience: PATIENCE }
    }

    /// Waits so long for each piece of a response, instead of [`PATIENCE`].
    #[must_use]
    pub const fn patient(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The port.
    ///
    /// # Panics
    /// Where the address has none.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.rsplit_once(':').unwrap().1.parse().unwrap()
    }

    /// A connection for several requests.
    ///
    /// # Errors
    /// When there is none.
    pub fn connect(&self) -> io::Result<Connection> {
        let stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(self.patience))?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream: BufReader::new(stream), host: self.address.clone() })
    }

    /// Sends a request.
    ///
    /// # Errors
    /// When there is no whole response.
    pub fn try_request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Response> {
        let headers: Vec<_> = headers.iter().copied().chain([("connection", "close")]).collect();
        self.connect()?.request(method, path, &headers, body)
    }

    /// Sends a request.
    ///
    /// # Panics
    /// Where there is no whole response.
    #[must_use]
    pub fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        self.try_request(method, path, headers, body).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// `GET`.
    ///
    /// # Panics
    /// Where there is no whole response.
    #[must_use]
    pub fn get(&self, path: &str) -> Response {
        self.request("GET", path, &[], b"")
    }

    /// `PUT`.
    ///
    /// # Panics
    /// Where there is no whole response.
    #[must_use]
    pub fn put(&self, path: &str, body: impl AsRef<[u8]>) -> Response {
        self.request("PUT", path, &[], body.as_ref())
    }

    /// `POST`.
    ///
    /// # Panics
    /// Where there is no whole response.
    #[must_use]
    pub fn post(&self, path: &str, body: impl AsRef<[u8]>) -> Response {
        self.request("POST", path, &[], body.as_ref())
    }
}

/// A connection.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<TcpStream>,
    host: String,
}

impl Connection {
    /// Sends a request and waits for its response.
    ///
    /// # Errors
    /// When there is no whole response.
    pub fn request(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> io::Result<Response> {
        let mut head = format!("{method} {path} HTTP/1.1\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            head.push_str(&format!("host: {}\r\n", self.host));
        }
        head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
        let stream = self.stream.get_mut();
        stream.write_all(head.as_bytes())?;
        // A server that has enough of a body closes: what it answered counts.
        match stream.write_all(body) {
            Err(error) if !matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {
                return Err(error);
            }
            _ => {}
        }
        self.response(method == "HEAD")
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// When the server is gone.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Reads a response.
    ///
    /// # Errors
    /// When there is no whole one.
    pub fn response(&mut self, without_body: bool) -> io::Result<Response> {
        let line = self.line()?;
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(|| broken(&line))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').ok_or_else(|| broken(&line))?;
            headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut response = Response { status, headers, body: Vec::new() };
        if !without_body && status != 204 && status != 304 {
            response.body = self.body(&response)?;
        }
        Ok(response)
    }

    fn body(&mut self, head: &Response) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        if head.header("transfer-encoding").is_some_and(|encoding| encoding.eq_ignore_ascii_case("chunked")) {
            loop {
                let line = self.line()?;
                let size = line.split(';').next().unwrap_or_default();
                let size = u64::from_str_radix(size.trim(), 16).map_err(|_| broken(&line))?;
                if size == 0 {
                    // Behind trailers, of which nobody here has any.
                    while !self.line()?.is_empty() {}
                    return Ok(body);
                }
                self.exactly(size, &mut body)?;
                let _ = self.line()?;
            }
        }
        match head.header("content-length") {
            Some(length) => self.exactly(length.parse().map_err(|_| broken(length))?, &mut body)?,
            None => {
                self.stream.read_to_end(&mut body)?;
            }
        }
        Ok(body)
    }

    fn exactly(&mut self, size: u64, into: &mut Vec<u8>) -> io::Result<()> {
        let read = self.stream.by_ref().take(size).read_to_end(into)?;
        if read as u64 == size { Ok(()) } else { Err(ErrorKind::UnexpectedEof.into()) }
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        if self.stream.read_until(b'\n', &mut line)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }
}

fn broken(line: &str) -> io::Error {
    io::Error::other(format!("no HTTP: {line:?}"))
}
