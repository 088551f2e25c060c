//! A second server, independent of SeaweedFS: s3s speaks S3 and s3s-fs keeps
//! the contents, in files.
//!
//! What s3s-fs lacks is added here, as Amazon documents it:
//!
//! - Names. s3s-fs makes a path of a key: `a` beside `a/b`, `a//b`, `.`, keys
//!   longer than a file system's names and markers (`a/`) with metadata are
//!   impossible, and lists lack ETags and markers. Here a table in memory holds
//!   the names, every write has a file of its own, and a change of the table is
//!   what publishes it. Readers that have begun keep what they read.
//! - Conditions. Of those, s3s-fs has them for PUT and
//!   `CompleteMultipartUpload` alone, and not atomically.
//! - The check of the parts' ETags when an upload is completed.
//! - The codes of errors: `NoSuchUpload`, `BucketNotEmpty`,
//!   `BucketAlreadyOwnedByYou`.
//!
//! What it does not do: versions, `ListObjects` of version 1 (an error),
//! checksums of parts (it ignores them), part numbers with gaps (an error), and
//! keeping the table when it ends.

mod conditions;
mod listing;
mod names;
mod service;
mod uploads;

use std::net::Ipv4Addr;

use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::access::{ACCESS_KEY, Access, SECRET_KEY};
use crate::store::Store;

/// The server, on threads of this process. It ends when this is dropped.
#[derive(Debug)]
pub struct S3sFs {
    runtime: Option<Runtime>,
    port: u16,
    _store: Store,
}

impl S3sFs {
    /// One without buckets.
    ///
    /// # Panics
    /// Where no port or no directory can be had.
    #[must_use]
    pub fn start() -> Self {
        let store = Store::new();
        let service = {
            let mut builder = S3ServiceBuilder::new(service::Service::new(store.path()));
            builder.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
            builder.build()
        };
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listener = {
            let _in_runtime = runtime.enter();
            TcpListener::from_std(listener).unwrap()
        };
        runtime.spawn(serve(listener, service));
        Self { runtime: Some(runtime), port, _store: store }
    }

    /// How to reach it.
    #[must_use]
    pub fn access(&self) -> Access {
        Access::local(self.port)
    }
}

impl Drop for S3sFs {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // A test may drop it in async code, which must not wait.
            runtime.shutdown_background();
        }
    }
}

async fn serve(listener: TcpListener, service: S3Service) {
    while let Ok((connection, _)) = listener.accept().await {
        let _ = connection.set_nodelay(true);
        let service = service.clone();
        tokio::spawn(async move {
            // A request that has arrived is carried out, also where its client is
            // gone by then, as by a server in a process of its own: s3s-fs leaves
            // half of it undone where its future is dropped.
            let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                let service = service.clone();
                async move { tokio::spawn(async move { Service::call(&service, request).await }).await.unwrap() }
            });
            let mut http = http1::Builder::new();
            let _ = http.timer(TokioTimer::new()).serve_connection(TokioIo::new(connection), service).await;
        });
    }
}
