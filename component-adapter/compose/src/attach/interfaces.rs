//! The interfaces that the store answers in place of the host, and the
//! functions of the host that it calls itself.

use wasm_encoder::ValType::{self, I32, I64};

use super::glue::Signature;

/// An interface of WASI 0.2 that attaching has to do with, without its
/// version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Interface {
    FilesystemTypes,
    FilesystemPreopens,
    Streams,
    Poll,
    Error,
    WallClock,
    Environment,
    HttpTypes,
    SocketsNetwork,
    /// What a volume holds: an extension of Larder's.
    Statistics,
    /// Advisory locks: an extension of Larder's.
    Locks,
    /// Versions of files: an extension of Larder's.
    Changes,
    /// The end of the app, which the forwarding variant has to know.
    Exit,
}

impl Interface {
    const ALL: [Interface; 13] = [
        Interface::FilesystemTypes,
        Interface::FilesystemPreopens,
        Interface::Streams,
        Interface::Poll,
        Interface::Error,
        Interface::WallClock,
        Interface::Environment,
        Interface::HttpTypes,
        Interface::SocketsNetwork,
        Interface::Statistics,
        Interface::Locks,
        Interface::Changes,
        Interface::Exit,
    ];

    /// The name without a version, as in the exports of the store's module.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Interface::FilesystemTypes => "wasi:filesystem/types",
            Interface::FilesystemPreopens => "wasi:filesystem/preopens",
            Interface::Streams => "wasi:io/streams",
            Interface::Poll => "wasi:io/poll",
            Interface::Error => "wasi:io/error",
            Interface::WallClock => "wasi:clocks/wall-clock",
            Interface::Environment => "wasi:cli/environment",
            Interface::HttpTypes => "wasi:http/types",
            Interface::SocketsNetwork => "wasi:sockets/network",
            Interface::Statistics => "larder:fs/statistics",
            Interface::Locks => "larder:fs/locks",
            Interface::Changes => "larder:fs/changes",
            Interface::Exit => "wasi:cli/exit",
        }
    }

    /// The interface that an import named `import` is, if it is a version
    /// that attaching knows: 0.2 of WASI, any of Larder's own.
    pub(crate) fn parse(import: &str) -> Option<Interface> {
        let (name, version) = import.split_once('@').unwrap_or((import, ""));
        let interface = Interface::ALL.into_iter().find(|interface| interface.name() == name)?;
        (interface.is_extension() || version.starts_with("0.2.") && !version.contains('-')).then_some(interface)
    }

    /// Whether the store is all there is of it: the import goes away.
    pub(crate) fn is_replaced(self) -> bool {
        matches!(self, Interface::FilesystemTypes | Interface::FilesystemPreopens) || self.is_extension()
    }

    /// Whether it is one of Larder's own.
    fn is_extension(self) -> bool {
        matches!(self, Interface::Statistics | Interface::Locks | Interface::Changes)
    }

    /// The resources that the interface defines and of which the store has
    /// some.
    pub(crate) fn resources(self) -> &'static [&'static str] {
        match self {
            Interface::FilesystemTypes => &["descriptor", "directory-entry-stream"],
            Interface::Streams => &["input-stream", "output-stream"],
            Interface::Poll => &["pollable"],
            Interface::Error => &["error"],
            _ => &[],
        }
    }
}

/// Who answers a call of an intercepted function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dispatch {
    /// The store, always.
    Store,
    /// The store when the first argument is a handle of its own, else the
    /// host.
    ByHandle,
    /// The store when one of the first two arguments is a handle of its own.
    ByEitherHandle,
    /// The store when there is a handle of its own in the list, as it says
    /// itself by its result.
    Poll,
    /// For an error of the store its answer is `none`, the host's otherwise.
    NoErrorCode,
    /// For an error of the store its own answer, `none` otherwise.
    FilesystemErrorCode,
    /// The host, after the store has ended the app's turn.
    Settle,
}

/// How the function `name` of `interface` is answered; `None` when the store
/// has nothing to do with it.
pub(crate) fn dispatch(interface: Interface, name: &str, environment: bool) -> Option<Dispatch> {
    match (interface, name) {
        (Interface::FilesystemTypes, "filesystem-error-code") => Some(Dispatch::FilesystemErrorCode),
        (Interface::FilesystemTypes | Interface::FilesystemPreopens, _) => Some(Dispatch::Store),
        (extension, _) if extension.is_extension() => Some(Dispatch::Store),
        (Interface::Streams, "[method]output-stream.splice" | "[method]output-stream.blocking-splice") => {
            Some(Dispatch::ByEitherHandle)
        }
        (Interface::Poll, "poll") => Some(Dispatch::Poll),
        (Interface::Streams | Interface::Poll | Interface::Error, _) => Some(Dispatch::ByHandle),
        (Interface::HttpTypes, "http-error-code") | (Interface::SocketsNetwork, "network-error-code") => {
            Some(Dispatch::NoErrorCode)
        }
        (Interface::Environment, _) if environment => Some(Dispatch::Store),
        _ => None,
    }
}

/// Where the store's module gets one of its `host` imports from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HostSource {
    Function(Interface, &'static str),
    Drop(Interface, &'static str),
}

/// Bits of what `features` answers.
pub(crate) mod feature {
    pub(crate) const NOW: u32 = 1;
    pub(crate) const POLLABLE: u32 = 2;
    pub(crate) const SPLICE: u32 = 4;
    pub(crate) const ENVIRONMENT: u32 = 8;
    /// The end of each of the app's turns is told.
    pub(crate) const SETTLES: u32 = 16;
}

/// One `host` import of the store's module.
#[derive(Debug)]
pub(crate) struct HostFunction {
    pub(crate) name: &'static str,
    pub(crate) params: &'static [ValType],
    pub(crate) results: &'static [ValType],
    pub(crate) source: HostSource,
    /// The bit of `features` that promises it.
    pub(crate) feature: u32,
    /// Without it the bit may still be set: the store asks only for what the
    /// app asks.
    pub(crate) optional: bool,
    /// Whether it reads or writes the caller's memory.
    pub(crate) memory: bool,
}

impl HostFunction {
    pub(crate) fn signature(&self) -> Signature {
        Signature { params: self.params.to_vec(), results: self.results.to_vec() }
    }
}

/// All functions that the store may ask of the host, in the order of their
/// places in the table.
pub(crate) const HOST_FUNCTIONS: &[HostFunction] = &[
    host("now", &[I32], &[], function(Interface::WallClock, "now"), feature::NOW),
    host("pollable-ready", &[I32], &[I32], function(Interface::Poll, "[method]pollable.ready"), feature::POLLABLE),
    host("pollable-block", &[I32], &[], function(Interface::Poll, "[method]pollable.block"), feature::POLLABLE),
    host("pollable-drop", &[I32], &[], HostSource::Drop(Interface::Poll, "pollable"), feature::POLLABLE),
    host(
        "input-read",
        &[I32, I64, I32],
        &[],
        function(Interface::Streams, "[method]input-stream.read"),
        feature::SPLICE,
    ),
    host(
        "input-blocking-read",
        &[I32, I64, I32],
        &[],
        function(Interface::Streams, "[method]input-stream.blocking-read"),
        feature::SPLICE,
    ),
    host(
        "output-check-write",
        &[I32, I32],
        &[],
        function(Interface::Streams, "[method]output-stream.check-write"),
        feature::SPLICE,
    ),
    host(
        "output-write",
        &[I32, I32, I32, I32],
        &[],
        function(Interface::Streams, "[method]output-stream.write"),
        feature::SPLICE,
    ),
    host(
        "output-flush",
        &[I32, I32],
        &[],
        function(Interface::Streams, "[method]output-stream.flush"),
        feature::SPLICE,
    ),
    host(
        "output-blocking-flush",
        &[I32, I32],
        &[],
        function(Interface::Streams, "[method]output-stream.blocking-flush"),
        feature::SPLICE,
    ),
    host(
        "output-subscribe",
        &[I32],
        &[I32],
        function(Interface::Streams, "[method]output-stream.subscribe"),
        feature::SPLICE,
    ),
    optional("get-environment", function(Interface::Environment, "get-environment")),
    optional("get-arguments", function(Interface::Environment, "get-arguments")),
    optional("initial-cwd", function(Interface::Environment, "initial-cwd")),
];

const fn function(interface: Interface, name: &'static str) -> HostSource {
    HostSource::Function(interface, name)
}

const fn host(
    name: &'static str,
    params: &'static [ValType],
    results: &'static [ValType],
    source: HostSource,
    feature: u32,
) -> HostFunction {
    // What answers by value alone, or nothing, needs no memory.
    let memory = params.len() > 1 || feature == feature::NOW;
    HostFunction { name, params, results, source, feature, optional: false, memory }
}

const fn optional(name: &'static str, source: HostSource) -> HostFunction {
    HostFunction {
        name,
        params: &[I32],
        results: &[],
        source,
        feature: feature::ENVIRONMENT,
        optional: true,
        memory: true,
    }
}
