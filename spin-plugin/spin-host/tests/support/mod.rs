//! A host of HTTP components with variables and key-value stores.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::{Request, Response};
use larder_core::{Limits, Rights, Timestamp, View, Volume, VolumeOptions};
use larder_spin_app::lock::Values;
use larder_spin_app::variables::Variables;
use larder_spin_host::{
    ComponentVariables, KeyValueStore, KeyValueStores, SpinCtx, SpinCtxView, SpinView, add_to_linker,
};
use tokio::sync::oneshot;
use wasmtime::component::{Accessor, Component, InstancePre, Linker, ResourceTable};
use wasmtime::{Config, Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView, p2, p3};

/// The stores and variables that the guests expect.
#[derive(Clone)]
pub(crate) struct Stores {
    pub(crate) default: Arc<KeyValueStore>,
    view: View,
    stores: KeyValueStores,
    variables: Arc<ComponentVariables>,
}

impl Stores {
    pub(crate) fn new() -> Self {
        let volume = |limits| Volume::new(VolumeOptions { limits, ..VolumeOptions::default() });
        let store = |view| Arc::new(KeyValueStore::new(view, Arc::new(|| Timestamp::UNIX_EPOCH)));
        let view = |volume: &Arc<Volume>, rights| View::new(volume, rights).unwrap();
        let whole = view(&volume(Limits::default()), Rights::READ_WRITE);
        let default = store(whole.clone());
        let given = volume(Limits::default());
        store(view(&given, Rights::READ_WRITE)).set("given", b"value").unwrap();
        let full = volume(Limits { bytes: 64 << 10, ..Limits::default() });
        let stores = KeyValueStores::default()
            .with("default", Arc::clone(&default))
            .with("read-only", store(view(&given, Rights::READ_ONLY)))
            .with("full", store(view(&full, Rights::READ_WRITE)))
            .without("missing");
        let texts = [("greeting", "hello"), ("empty", "")].map(|(name, text)| (name.to_owned(), text.to_owned()));
        let app = Variables::resolve(&BTreeMap::new(), &BTreeMap::new(), |_| None).unwrap();
        let variables = Arc::new(app.of_component("api", &Values(texts.into())).unwrap());
        Self { default, view: whole, stores, variables }
    }

    pub(crate) fn context(&self) -> SpinCtx {
        SpinCtx::new(Arc::clone(&self.variables), self.stores.clone())
    }

    /// What is in the directory of the store `default`.
    pub(crate) fn left_over(&self) -> Vec<String> {
        let entries = self.view.root().unwrap().read_directory(0, 10).unwrap();
        entries.iter().map(|entry| entry.name.to_string()).collect()
    }
}

/// Answers every outgoing request with `HTTP-request-denied`.
struct NoOutgoingRequests;

type Outgoing =
    wasmtime_wasi_http::Result<(Response<WasiBody>, Box<dyn Future<Output = wasmtime_wasi_http::Result<()>> + Send>)>;

impl WasiHttpHooks for NoOutgoingRequests {
    fn send_request(
        &mut self,
        _: Request<WasiBody>,
        _: Option<RequestOptions>,
        _: Box<dyn Future<Output = wasmtime_wasi_http::Result<()>> + Send>,
    ) -> Box<dyn Future<Output = Outgoing> + Send> {
        Box::new(async { Err(wasmtime_wasi_http::Error::HttpRequestDenied) })
    }
}

pub(crate) struct Host {
    spin: SpinCtx,
    table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    hooks: NoOutgoingRequests,
}

impl SpinView for Host {
    fn spin(&mut self) -> SpinCtxView<'_> {
        SpinCtxView { ctx: &mut self.spin, table: &mut self.table }
    }
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Host {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.hooks }
    }
}

/// A component, ready to be instantiated.
pub(crate) struct App {
    engine: Engine,
    pre: InstancePre<Host>,
    is_p3: bool,
}

impl App {
    /// A guest of `tests/guests/build`.
    pub(crate) fn load(guest: &str, with_async: bool) -> Self {
        let file = guests().join(format!("{guest}.wasm"));
        assert!(file.exists(), "{} is missing: run tests/guests/build", file.display());
        let mut config = Config::new();
        config.concurrency_support(with_async);
        if with_async {
            config.wasm_component_model_async(true);
        }
        let engine = Engine::new(&config).unwrap();
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).unwrap();
        p2::add_only_http_to_linker_async(&mut linker).unwrap();
        if with_async {
            wasmtime_wasi::p3::add_to_linker(&mut linker).unwrap();
            p3::add_to_linker(&mut linker).unwrap();
        }
        add_to_linker(&mut linker, with_async).unwrap();
        let component = Component::from_file(&engine, file).unwrap();
        let is_p3 = component.component_type().exports(&engine).any(|(name, _)| name.starts_with("wasi:http/handler@"));
        let pre = linker.instantiate_pre(&component).unwrap();
        Self { engine, pre, is_p3 }
    }

    /// What a new instance answers to `GET /test`.
    pub(crate) async fn get(&self, stores: &Stores, test: &str) -> String {
        let host = Host {
            spin: stores.context(),
            table: ResourceTable::new(),
            wasi: WasiCtx::builder().inherit_stderr().build(),
            http: WasiHttpCtx::new(),
            hooks: NoOutgoingRequests,
        };
        let mut store = Store::new(&self.engine, host);
        let body = Empty::<Bytes>::new().map_err(|never| -> wasmtime_wasi_http::Error { match never {} });
        let request = Request::get(format!("http://localhost/{test}")).body(body).unwrap();
        if self.is_p3 { self.get_p3(&mut store, request).await } else { self.get_p2(&mut store, request).await }
    }

    async fn get_p2<B>(&self, store: &mut Store<Host>, request: Request<B>) -> String
    where
        B: hyper::body::Body<Data = Bytes, Error = wasmtime_wasi_http::Error> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let mut http = store.data_mut().http();
        let request = http.new_incoming_request(p2::bindings::http::types::Scheme::Http, request).unwrap();
        let out = http.new_response_outparam(sender).unwrap();
        let proxy = p2::bindings::ProxyPre::new(self.pre.clone()).unwrap();
        let proxy = proxy.instantiate_async(&mut *store).await.unwrap();
        let called = proxy.wasi_http_incoming_handler().call_handle(store, request, out);
        let (called, answered) = tokio::join!(called, async { text(receiver.await.unwrap().unwrap()).await });
        called.unwrap();
        answered
    }

    async fn get_p3<B>(&self, store: &mut Store<Host>, request: Request<B>) -> String
    where
        B: hyper::body::Body<Data = Bytes, Error = wasmtime_wasi_http::Error> + Send + 'static,
    {
        let service = p3::bindings::ServicePre::new(self.pre.clone()).unwrap();
        let service = service.instantiate_async(&mut *store).await.unwrap();
        let (request, received) = p3::Request::from_http(store.data_mut().http().hooks, request);
        let answered = store
            .run_concurrent(async move |accessor: &Accessor<Host>| {
                let response = service.handle(accessor, request).await.unwrap().unwrap();
                text(accessor.with(|mut access| response.into_http(&mut access, received)).unwrap()).await
            })
            .await;
        answered.unwrap()
    }
}

async fn text<B>(response: Response<B>) -> String
where
    B: hyper::body::Body<Data = Bytes>,
    B::Error: std::fmt::Debug,
{
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

fn guests() -> PathBuf {
    let cache = || std::env::var_os("LARDER_CACHE").map(PathBuf::from);
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache/larder");
    let guests = std::env::var_os("LARDER_GUESTS").map(PathBuf::from);
    guests.unwrap_or_else(|| cache().unwrap_or_else(home).join("guests"))
}
