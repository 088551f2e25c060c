//! One client's connection: its requests one by one, and a connection to the
//! server that lasts as long.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self as client, SendRequest};
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1 as server;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use super::body::{Carried, Direction, Spoil};
use super::link::Link;
use super::plan::{End, Plan};
use super::rule::Answer;
use super::{Kind, Shared};

type Out = BoxBody<Bytes, io::Error>;

struct Connection {
    shared: Arc<Shared>,
    resets: Arc<AtomicBool>,
    server: Mutex<Option<SendRequest<Carried>>>,
}

/// Serves a client until it goes, or the connection is ended.
pub(super) async fn connection(shared: Arc<Shared>, stream: TcpStream, down: Arc<AtomicBool>) {
    let _ = stream.set_nodelay(true);
    let resets = Arc::new(AtomicBool::new(false));
    let link = Link { stream, resets: Arc::clone(&resets), down };
    let connection = Arc::new(Connection { shared, resets, server: Mutex::new(None) });
    let service = service_fn(move |request| {
        let connection = Arc::clone(&connection);
        async move { connection.carry(request).await }
    });
    let mut http = server::Builder::new();
    let _ = http.preserve_header_case(true).serve_connection(TokioIo::new(link), service).await;
}

impl Connection {
    async fn carry(&self, request: Request<Incoming>) -> Result<Response<Out>, io::Error> {
        let (parts, body) = request.into_parts();
        let plan = self.shared.plan(&parts, Kind::of(&parts));
        tokio::time::sleep(plan.latency).await;
        match plan.before {
            None => {}
            Some(End::Answer(answer)) => {
                let _ = body.collect().await;
                return Ok(answered(answer, &parts.method));
            }
            Some(End::Reset) => return Err(self.reset()),
            Some(End::Stall) => std::future::pending().await,
        }
        let method = parts.method.clone();
        let slow = Spoil { bandwidth: plan.bandwidth, ..Default::default() };
        let body = Carried::new(body, Direction::Sent, slow, &self.shared);
        let response = self.send(Request::from_parts(parts, body)).await;
        // The server is not there: the client sees a connection that ends.
        let response = response.inspect_err(|_| self.resets.store(true, Ordering::SeqCst))?;
        self.answer(response, &plan, &method).await
    }

    async fn answer(
        &self,
        response: Response<Incoming>,
        plan: &Plan,
        method: &Method,
    ) -> Result<Response<Out>, io::Error> {
        let (parts, body) = response.into_parts();
        if let Some(end) = plan.after {
            // All that the server does is done when its answer has ended.
            let _ = body.collect().await;
            return match end {
                End::Answer(answer) => Ok(answered(answer, method)),
                End::Reset => Err(self.reset()),
                End::Stall => std::future::pending().await,
            };
        }
        let body = Carried::new(body, Direction::Received, plan.spoil(), &self.shared);
        Ok(Response::from_parts(parts, body.boxed()))
    }

    async fn send(&self, request: Request<Carried>) -> Result<Response<Incoming>, io::Error> {
        let mut server = self.server.lock().await;
        let mut kept = server.take();
        // The server may have ended it in between.
        let alive = match &mut kept {
            Some(sender) => sender.ready().await.is_ok(),
            None => false,
        };
        let mut sender = match kept.filter(|_| alive) {
            Some(sender) => sender,
            None => self.connect().await?,
        };
        let response = sender.send_request(request).await.map_err(io::Error::other)?;
        *server = Some(sender);
        drop(server);
        Ok(response)
    }

    async fn connect(&self) -> Result<SendRequest<Carried>, io::Error> {
        let stream = TcpStream::connect(("127.0.0.1", self.shared.server)).await?;
        stream.set_nodelay(true)?;
        let mut http = client::Builder::new();
        let (sender, connection) =
            http.preserve_header_case(true).handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        tokio::spawn(connection);
        Ok(sender)
    }

    fn reset(&self) -> io::Error {
        self.resets.store(true, Ordering::SeqCst);
        io::Error::other("reset by a test")
    }
}

fn answered(answer: Answer, method: &Method) -> Response<Out> {
    let text = if method == Method::HEAD { String::new() } else { answer.body() };
    let body = Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed();
    let mut response = Response::new(body);
    *response.status_mut() = answer.status();
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("application/xml"));
    response
}
