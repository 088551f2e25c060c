//! Apps: reading, compiling, and telling commands from servers.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use larder_compose::{ComposeOptions, ErrorKind, Forward, Via, compose};
use larder_spin_host::unserved;
use wasmtime::Module;
use wasmtime::component::{Component, InstancePre};

use super::componentize::componentize;
use super::engine::Runtime;
use super::host::Host;
use super::p1::CoreHost;

/// The largest app that is read, in bytes. Wasm binaries beyond it do not
/// exist; a mistaken path (a disk image, a device) does.
const MAX_APP_BYTES: u64 = 1 << 30;

/// How a WebAssembly binary begins: the magic, then version and layer.
const MAGIC: &[u8] = b"\0asm";
const MODULE: [u8; 4] = [1, 0, 0, 0];
const COMPONENT: [u8; 4] = [0x0d, 0, 1, 0];

/// What a command exports in WASI 0.1.
pub(super) const START: &str = "_start";

/// The binary of an app.
pub(crate) struct AppBytes {
    path: PathBuf,
    bytes: Vec<u8>,
    layer: Layer,
}

/// The two kinds of WebAssembly binaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layer {
    Module,
    Component,
}

impl AppBytes {
    /// Reads `path`.
    ///
    /// # Errors
    /// When it cannot be read or is not WebAssembly.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let name = path.display();
        let size =
            std::fs::metadata(path).with_context(|| format!("cannot read the app {name}: check the path"))?.len();
        if size > MAX_APP_BYTES {
            bail!("the app {name} has {size} bytes, more than the {MAX_APP_BYTES} that larder reads");
        }
        let bytes = std::fs::read(path).with_context(|| format!("cannot read the app {name}"))?;
        let layer = match (bytes.get(..4), bytes.get(4..8)) {
            (Some(MAGIC), Some(layer)) if layer == COMPONENT => Layer::Component,
            (Some(MAGIC), Some(layer)) if layer == MODULE => Layer::Module,
            (Some(MAGIC), _) => bail!(
                "{name} is WebAssembly of a version that larder does not know: build it as a component (wasm32-wasip2) or a core module (wasm32-wasip1)"
            ),
            _ => bail!("{name} is not a WebAssembly binary: give a component or a core module (.wasm)"),
        };
        Ok(Self { path: path.to_owned(), bytes, layer })
    }

    /// The app with its files elsewhere: it imports `larder:fs/store` in the
    /// place of `wasi:filesystem`. One that imports no filesystem stays as it
    /// is.
    ///
    /// # Errors
    /// When it cannot be composed so: what is wrong, and what to do.
    pub(crate) fn forwarding(self) -> Result<Self> {
        let name = self.path.display();
        if self.layer == Layer::Module {
            bail!(
                "{name} is a core module, and only components can use remote volumes: build it for wasm32-wasip2, or copy what it needs into a volume file"
            );
        }
        let options = ComposeOptions { via: Via::Attach, forward: Some(Forward::Store), ..ComposeOptions::default() };
        let bytes = match compose(&self.bytes, &options) {
            Ok(composed) => composed.component,
            Err(error) if error.kind() == ErrorKind::NothingToAttach => self.bytes,
            Err(error) => {
                return Err(error).with_context(|| format!("{name} cannot be made to use remote volumes"));
            }
        };
        Ok(Self { bytes, ..self })
    }

    /// The app as a component, where it is a core module.
    ///
    /// # Errors
    /// When no component can be made of it.
    pub(crate) fn componentized(self) -> Result<Self> {
        if self.layer == Layer::Component {
            return Ok(self);
        }
        let bytes = componentize(&self.bytes).with_context(|| {
            format!("no component can be made of the core module {}: build it for wasm32-wasip2", self.path.display())
        })?;
        Ok(Self { bytes, layer: Layer::Component, path: self.path })
    }

    /// Whether the app may import WASI 0.3: whether the version occurs in it.
    ///
    /// Names of imports are plain text in a component. Should the text occur
    /// elsewhere, the app runs as well, only with somewhat slower host calls.
    pub(crate) fn may_need_p3(&self) -> bool {
        const VERSION: &[u8] = b"@0.3.";
        self.layer == Layer::Component && self.bytes.windows(VERSION.len()).any(|window| window == VERSION)
    }

    /// The file's name, which the guest sees as its first argument.
    pub(crate) fn program_name(&self) -> String {
        self.path.file_name().map_or(Cow::Borrowed("app"), |name| name.to_string_lossy()).into_owned()
    }
}

/// A compiled app, ready to be instantiated.
#[derive(Clone)]
pub(crate) struct App {
    path: PathBuf,
    code: Code,
    exports: Vec<String>,
}

/// Compiled and linked code.
#[derive(Clone)]
enum Code {
    Module(wasmtime::InstancePre<CoreHost>),
    Component(InstancePre<Host>),
}

/// How to run an app as a command.
pub(super) enum Command {
    /// `_start` of WASI 0.1.
    P1(wasmtime::InstancePre<CoreHost>),
    /// `wasi:cli/run@0.2`.
    P2(InstancePre<Host>),
    /// `wasi:cli/run@0.3`.
    P3(InstancePre<Host>),
}

/// How to serve HTTP with an app.
pub(super) enum Http {
    /// `wasi:http/incoming-handler@0.2`.
    P2(InstancePre<Host>),
    /// `wasi:http/handler@0.3`.
    P3(InstancePre<Host>),
}

impl App {
    /// Compiles and links.
    ///
    /// # Errors
    /// When the binary is invalid or imports what larder does not have.
    pub(crate) fn compile(runtime: &Runtime, app: &AppBytes) -> Result<Self> {
        let name = app.path.display();
        let invalid = |error: wasmtime::Error| anyhow!("cannot compile {name}: {error:#}");
        let (code, exports) = match app.layer {
            Layer::Module => {
                let module = Module::new(&runtime.engine, &app.bytes).map_err(invalid)?;
                let exports = module.exports().map(|export| export.name().to_owned()).collect();
                let pre = runtime.core_linker.instantiate_pre(&module).map_err(|error| {
                    anyhow!("{name} imports something else than WASI 0.1 (wasi_snapshot_preview1), which larder does not offer to core modules: {error:#}")
                })?;
                (Code::Module(pre), exports)
            }
            Layer::Component => {
                let component = Component::new(&runtime.engine, &app.bytes).map_err(invalid)?;
                let exports =
                    component.component_type().exports(&runtime.engine).map(|(name, _)| name.to_owned()).collect();
                let pre = runtime.linker.instantiate_pre(&component).map_err(|error| {
                    let imports = component.component_type();
                    let unserved = unserved(imports.imports(&runtime.engine).map(|(name, _)| name));
                    if unserved.is_empty() {
                        return anyhow!("{name} imports an interface that larder does not offer (it has WASI 0.2 and 0.3 and wasi:http): {error:#}");
                    }
                    let all: String =
                        unserved.iter().map(|one| format!("\n  {}: {}", one.import, one.help)).collect();
                    anyhow!("{name} imports what larder does not serve:{all}")
                })?;
                (Code::Component(pre), exports)
            }
        };
        Ok(Self { path: app.path.clone(), code, exports })
    }

    fn has_export(&self, prefix: &str) -> bool {
        self.exports.iter().any(|export| export.starts_with(prefix))
    }

    fn command(&self) -> Option<Command> {
        match &self.code {
            Code::Module(pre) if self.exports.iter().any(|export| export == START) => Some(Command::P1(pre.clone())),
            Code::Component(pre) if self.has_export("wasi:cli/run@0.2") => Some(Command::P2(pre.clone())),
            Code::Component(pre) if self.has_export("wasi:cli/run@0.3") => Some(Command::P3(pre.clone())),
            Code::Module(_) | Code::Component(_) => None,
        }
    }

    fn http(&self) -> Option<Http> {
        match &self.code {
            Code::Component(pre) if self.has_export("wasi:http/incoming-handler@0.2") => Some(Http::P2(pre.clone())),
            Code::Component(pre) if self.has_export("wasi:http/handler@0.3") => Some(Http::P3(pre.clone())),
            Code::Module(_) | Code::Component(_) => None,
        }
    }

    /// Fails unless the app is a command.
    ///
    /// # Errors
    /// What it is instead.
    pub(crate) fn check_command(&self) -> Result<()> {
        self.as_command().map(drop)
    }

    /// Whether the app serves HTTP.
    pub(crate) fn serves_http(&self) -> bool {
        self.http().is_some()
    }

    /// How to run the app as a command.
    ///
    /// # Errors
    /// When it is none, saying what it is instead.
    pub(super) fn as_command(&self) -> Result<Command> {
        let name = self.path.display();
        self.command().with_context(|| match (&self.code, self.http()) {
            (_, Some(_)) => format!("{name} serves HTTP and is no command: run it with `larder serve {name}`"),
            (Code::Module(_), None) => {
                format!(
                    "{name} is a core module without `_start`, so there is nothing to run; {}",
                    self.described_exports()
                )
            }
            (Code::Component(_), None) => format!(
                "{name} is a component without `wasi:cli/run`, so there is nothing to run; {}",
                self.described_exports()
            ),
        })
    }

    /// How to serve HTTP with the app.
    ///
    /// # Errors
    /// When it does not, saying what it is instead.
    pub(super) fn as_http(&self) -> Result<Http> {
        let name = self.path.display();
        self.http().with_context(|| match self.command() {
            Some(_) => format!("{name} is a command and serves no HTTP: run it with `larder run {name}`"),
            None => format!(
                "{name} exports neither `wasi:http/incoming-handler` (0.2) nor `wasi:http/handler` (0.3), so it cannot serve; {}",
                self.described_exports()
            ),
        })
    }

    fn described_exports(&self) -> String {
        if self.exports.is_empty() {
            "it exports nothing".to_owned()
        } else {
            format!("it exports {}", self.exports.join(", "))
        }
    }
}
