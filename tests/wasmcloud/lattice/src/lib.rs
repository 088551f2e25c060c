//! A wasmCloud v1 lattice of real parts: NATS with JetStream, hosts, the
//! provider from its archive, composed components.
//!
//! What lives here: starting, linking, ending. What does not: what is checked
//! (`tests/`). The parts come from scripts that the README names; where one is
//! missing the tests fail and say which.
#![forbid(unsafe_code)]

mod calls;
mod collector;
mod guarded;
mod secrets;

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use tempfile::TempDir;
use wasmcloud_control_interface::{Client, ClientBuilder, CtlResponse, HostInventory, Link};

pub use collector::Collector;
pub use guarded::Guarded;
pub use secrets::{SECRETS, Secrets};

/// Longest wait for anything that a test waits for.
pub const WAIT: Duration = Duration::from_secs(30);

/// Longest wait for an answer over HTTP: shorter than [`WAIT`], so that an
/// answer that was lost (the host's own transport loses some while a provider
/// is started anew) is asked for again.
const HTTP_WAIT: Duration = Duration::from_secs(10);

/// Longest wait until a host has compiled a component.
const COMPILING: Duration = Duration::from_secs(240);

/// Settings of a host that ends an instance after 3 seconds: an instance waits
/// so long for an answer that never comes, as the provider was killed or the
/// released transport has lost a message.
pub const PATIENCE: [(&str, &str); 1] = [("WASMCLOUD_MAX_EXECUTION_TIME_MS", "3000")];

/// The provider's id on the lattice.
pub const PROVIDER: &str = "larder";

/// The cache with the real parts.
#[must_use]
pub fn cache() -> PathBuf {
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache/larder");
    std::env::var_os("LARDER_CACHE").map_or_else(home, PathBuf::from)
}

/// A part that a script installs.
///
/// # Errors
/// When it is missing: which script brings it.
pub fn part(variable: &str, default: PathBuf, script: &str) -> Result<PathBuf> {
    let path = std::env::var_os(variable).map_or(default, PathBuf::from);
    ensure!(path.exists(), "{} is missing: run {script}", path.display());
    Ok(path)
}

/// Whether the tests run on the stock host, whose transport loses calls.
#[must_use]
pub fn on_stock_host() -> bool {
    std::env::var_os(HOST).is_some_and(|host| Path::new(&host).ends_with(STOCK_HOST))
}

/// A free TCP port; somebody else may take it before it is used.
///
/// # Errors
/// When there is none.
pub fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Tries until it works.
///
/// # Errors
/// The last failure, when it does not in time.
pub async fn eventually<T>(attempt: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    eventually_within(WAIT, attempt).await
}

async fn eventually_within<T>(wait: Duration, mut attempt: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    let end = Instant::now() + wait;
    loop {
        match attempt().await {
            Ok(value) => return Ok(value),
            Err(error) if Instant::now() > end => return Err(error.context("not in time")),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// A process that ends with its owner.
pub struct Process(Child);

impl Process {
    fn start(command: &mut Command) -> Result<Self> {
        let child = command.stdin(Stdio::null()).spawn();
        Ok(Self(child.with_context(|| format!("cannot start {}", command.get_program().display()))?))
    }

    /// Ends it as a crash would.
    pub fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A host that is killed leaves its providers behind; asked to end it
        // ends them.
        let asked = Command::new("kill").arg(self.0.id().to_string()).stderr(Stdio::null()).status();
        let end = Instant::now() + Duration::from_secs(5);
        while asked.is_ok() && Instant::now() < end {
            if matches!(self.0.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.kill();
    }
}

/// A host of the lattice.
pub struct Host {
    /// Its process.
    pub process: Process,
    /// Its id.
    pub id: String,
}

/// The lattice.
pub struct Lattice {
    /// Everything that the parts write.
    pub directory: TempDir,
    /// NATS.
    pub nats: Process,
    /// The port of NATS.
    pub port: u16,
    /// The control interface.
    pub control: Client,
}

/// The variable that names another host for all tests.
const HOST: &str = "LARDER_WASMCLOUD_HOST";

/// The file of the host on the crates as they were released.
const STOCK_HOST: &str = "larder-test-host-stock";

/// The lattice's name. Each test has a broker of its own.
const LATTICE: &str = "test";

fn accepted<T>(response: Result<CtlResponse<T>, Box<dyn std::error::Error + Send + Sync>>, what: &str) -> Result<()> {
    let response = response.map_err(|error| anyhow!("{what}: {error}"))?;
    ensure!(response.succeeded(), "{what}: {}", response.message());
    Ok(())
}

fn texts(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

impl Lattice {
    /// NATS with JetStream, and nothing on it.
    ///
    /// # Errors
    /// When a part is missing or does not start.
    pub async fn start() -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let port = free_port()?;
        let nats = Self::nats(directory.path(), port)?;
        let client = eventually(async || Ok(async_nats::connect(format!("127.0.0.1:{port}")).await?)).await?;
        let control = ClientBuilder::new(client)
            .lattice(LATTICE)
            .timeout(WAIT)
            .auction_timeout(Duration::from_millis(500))
            .build();
        Ok(Self { directory, nats, port, control })
    }

    fn nats(directory: &Path, port: u16) -> Result<Process> {
        let program = part("LARDER_NATS_SERVER", cache().join("tools/bin/nats-server"), "tests/tools")?;
        let mut command = Command::new(program);
        command.args(["-a", "127.0.0.1", "-p", &port.to_string(), "-js", "-sd"]).arg(directory.join("jetstream"));
        Process::start(command.stderr(File::create(directory.join("nats.log"))?))
    }

    /// A host. `features` such as `builtin-http-server`.
    ///
    /// # Errors
    /// When it is missing or does not serve in time.
    pub async fn host(&self, name: &str, features: &str) -> Result<Host> {
        self.host_with(name, features, &[]).await
    }

    /// A host with settings as `wash up` hands them over: in the environment.
    ///
    /// # Errors
    /// As [`host`](Self::host).
    pub async fn host_with(&self, name: &str, features: &str, settings: &[(&str, &str)]) -> Result<Host> {
        let default = cache().join("wasmcloud/larder-test-host");
        let program = part(HOST, default, "tests/wasmcloud/make-host")?;
        self.host_of(&program, name, features, settings).await
    }

    /// A host on wasmCloud's crates as they were released, whose transport
    /// loses calls.
    ///
    /// # Errors
    /// As [`host`](Self::host).
    pub async fn stock_host(&self, name: &str, features: &str, settings: &[(&str, &str)]) -> Result<Host> {
        let default = cache().join("wasmcloud").join(STOCK_HOST);
        let program = part("LARDER_WASMCLOUD_STOCK_HOST", default, "tests/wasmcloud/make-host stock")?;
        self.host_of(&program, name, features, settings).await
    }

    async fn host_of(&self, program: &Path, name: &str, features: &str, settings: &[(&str, &str)]) -> Result<Host> {
        let (ready, temporary) = (self.path(&format!("{name}.ready")), self.path(name));
        std::fs::create_dir_all(&temporary)?;
        let known = self.host_ids().await?;
        let mut command = Command::new(program);
        command.args(["--nats-port", &self.port.to_string(), "-x", LATTICE, "--feature", features, "--ready-file"]);
        command.arg(&ready).env("TMPDIR", &temporary).env("RUST_LOG", "warn,larder=debug");
        command.envs(settings.iter().copied());
        let log = File::create(self.path(&format!("{name}.log")))?;
        let process = Process::start(command.stdout(log.try_clone()?).stderr(log))?;
        eventually(async || {
            ensure!(ready.exists(), "the host {name} does not serve");
            Ok(())
        })
        .await?;
        let id = eventually(async || {
            let ids = self.host_ids().await?;
            ids.into_iter().find(|id| !known.contains(id)).context("the host is not on the lattice")
        })
        .await?;
        Ok(Host { process, id })
    }

    async fn host_ids(&self) -> Result<Vec<String>> {
        let hosts = self.control.get_hosts().await.map_err(|error| anyhow!("{error}"))?;
        Ok(hosts.iter().filter_map(CtlResponse::data).map(|host| host.id().to_owned()).collect())
    }

    /// A path in the lattice's own directory.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Starts the provider with this configuration, and waits until it serves
    /// on the lattice's NATS.
    ///
    /// # Errors
    /// When its archive is missing, or it does not start in time.
    pub async fn provider(&self, host: &Host, configuration: &[(&str, &str)]) -> Result<()> {
        self.begin_provider(host, configuration, &[]).await?;
        self.serving().await
    }

    /// Has the provider started with this configuration and these secrets, which
    /// a backend has.
    ///
    /// # Errors
    /// When its archive is missing, or the lattice refuses it.
    pub async fn begin_provider(&self, host: &Host, configuration: &[(&str, &str)], secrets: &[&str]) -> Result<()> {
        let archive = part("LARDER_PAR", cache().join("wasmcloud/larder.par.gz"), "provider/wasmcloud/make")?;
        let put = self.control.put_config("larder", texts(configuration)).await;
        accepted(put, "put the provider's configuration")?;
        let mut names = vec!["larder".to_owned()];
        for secret in secrets {
            names.push(self.put_secret(secret).await?);
        }
        let reference = format!("file://{}", archive.display());
        let started = self.control.start_provider(&host.id, &reference, PROVIDER, None, names);
        accepted(started.await, "start the provider")
    }

    /// Refers to a secret, by a configuration of the name that is answered.
    async fn put_secret(&self, secret: &str) -> Result<String> {
        let (name, reference) = secrets::reference(secret)?;
        accepted(self.control.put_config(&name, reference).await, "put the secret's reference")?;
        Ok(name)
    }

    /// Waits until a provider answers over Larder's own protocol: NATS
    /// Services know it.
    ///
    /// # Errors
    /// When none does in time.
    pub async fn serving(&self) -> Result<()> {
        let nats = self.control.nats_client();
        eventually(async || {
            let answer = nats.request("$SRV.PING.larder", "".into());
            tokio::time::timeout(Duration::from_secs(1), answer).await??;
            Ok(())
        })
        .await
    }

    /// Starts a component and waits until the host has it.
    ///
    /// # Errors
    /// When it does not start in time.
    pub async fn component(&self, host: &Host, id: &str, file: &Path) -> Result<()> {
        let reference = format!("file://{}", file.display());
        let scaled = self.control.scale_component(&host.id, &reference, id, 64, None, Vec::new(), false);
        accepted(scaled.await, "start the component")?;
        eventually_within(COMPILING, async || {
            let inventory = self.inventory(host).await?;
            ensure!(inventory.components().iter().any(|component| component.id() == id), "{id} does not run");
            Ok(())
        })
        .await
    }

    /// What a host runs.
    async fn inventory(&self, host: &Host) -> Result<HostInventory> {
        let inventory = self.control.get_host_inventory(&host.id).await.map_err(|error| anyhow!("{error}"))?;
        inventory.into_data().context("no inventory")
    }

    /// Links a component to a volume. A component may be linked once.
    ///
    /// # Errors
    /// When the lattice refuses it.
    pub async fn link(&self, component: &str, grant: &[(&str, &str)]) -> Result<()> {
        self.link_to(component, PROVIDER, ["larder", "remote", "messages"], grant).await
    }

    /// Links a component to a volume, with a secret beside the configuration.
    ///
    /// # Errors
    /// When the lattice refuses it.
    pub async fn link_with_secret(&self, component: &str, grant: &[(&str, &str)], secret: &str) -> Result<()> {
        let name = format!("{component}-{PROVIDER}");
        accepted(self.control.put_config(&name, texts(grant)).await, "put the link's configuration")?;
        let names = vec![name, self.put_secret(secret).await?];
        self.put_link(component, PROVIDER, ["larder", "remote", "messages"], names).await
    }

    /// Links a component to whoever serves an interface: its namespace,
    /// package and name.
    ///
    /// # Errors
    /// When the lattice refuses it.
    pub async fn link_to(
        &self,
        component: &str,
        target: &str,
        interface: [&str; 3],
        settings: &[(&str, &str)],
    ) -> Result<()> {
        let name = format!("{component}-{target}");
        accepted(self.control.put_config(&name, texts(settings)).await, "put the link's configuration")?;
        self.put_link(component, target, interface, vec![name]).await
    }

    async fn put_link(
        &self,
        component: &str,
        target: &str,
        [namespace, package, interface]: [&str; 3],
        configurations: Vec<String>,
    ) -> Result<()> {
        let link = Link::builder()
            .source_id(component)
            .target(target)
            .name("default")
            .wit_namespace(namespace)
            .wit_package(package)
            .interfaces(vec![interface.to_owned()])
            .target_config(configurations)
            .build()
            .map_err(|error| anyhow!("{error}"))?;
        accepted(self.control.put_link(link).await, "link")
    }

    /// The prefix of the subjects on which a component or provider is called.
    #[must_use]
    pub fn subjects(&self, id: &str) -> String {
        format!("{LATTICE}.{id}")
    }

    /// Takes the link away.
    ///
    /// # Errors
    /// When the lattice refuses it.
    pub async fn unlink(&self, component: &str) -> Result<()> {
        accepted(self.control.delete_link(component, "default", "larder", "remote").await, "delete the link")
    }

    /// Serves a component's `wasi:http` at a port of this machine, by the
    /// host's own server.
    ///
    /// # Errors
    /// When the lattice refuses it.
    pub async fn http(&self, host: &Host, component: &str) -> Result<Site> {
        let port = free_port()?;
        let (server, settings) = (format!("http-{component}"), format!("http-{component}-link"));
        let reference = "wasmcloud+builtin://http-server";
        let started = self.control.start_provider(&host.id, reference, &server, None, Vec::new());
        accepted(started.await, "start the HTTP server")?;
        // A link that is put while it starts may not come to it.
        eventually(async || {
            let inventory = self.inventory(host).await?;
            ensure!(inventory.providers().iter().any(|provider| provider.id() == server), "{server} does not run");
            Ok(())
        })
        .await?;
        let address = format!("127.0.0.1:{port}");
        accepted(self.control.put_config(&settings, texts(&[("address", &address)])).await, "put its address")?;
        let link = Link::builder()
            .source_id(&server)
            .target(component)
            .name("default")
            .wit_namespace("wasi")
            .wit_package("http")
            .interfaces(vec!["incoming-handler".to_owned()])
            .source_config(vec![settings])
            .build()
            .map_err(|error| anyhow!("{error}"))?;
        accepted(self.control.put_link(link).await, "link the HTTP server")?;
        let site = Site { address, wait: HTTP_WAIT };
        eventually(async || site.get("/").await.map(drop)).await?;
        Ok(site)
    }

    /// The processes of the provider, however many there are.
    #[must_use]
    pub fn provider_processes(&self) -> Vec<u32> {
        let ours = self.directory.path().to_string_lossy().into_owned();
        let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        ids.filter(|id| {
            let program = std::fs::read_link(format!("/proc/{id}/exe")).unwrap_or_default();
            program.to_string_lossy().starts_with(&ours)
        })
        .collect()
    }
}

/// A component that answers HTTP.
pub struct Site {
    address: String,
    wait: Duration,
}

impl Site {
    /// Waits so long for each answer, where it may take longer than elsewhere.
    #[must_use]
    pub fn waiting(self, wait: Duration) -> Self {
        Self { wait, ..self }
    }

    /// # Errors
    /// When nobody answers.
    pub async fn get(&self, path: &str) -> Result<(i32, Vec<u8>)> {
        self.ask(minreq::Method::Get, path, &[]).await
    }

    /// # Errors
    /// When nobody answers, or not with success.
    pub async fn put(&self, path: &str, body: &[u8]) -> Result<()> {
        self.change(minreq::Method::Put, path, body).await
    }

    /// Appends to a file.
    ///
    /// # Errors
    /// When nobody answers, or not with success.
    pub async fn append(&self, path: &str, body: &[u8]) -> Result<()> {
        self.change(minreq::Method::Post, path, body).await
    }

    async fn change(&self, method: minreq::Method, path: &str, body: &[u8]) -> Result<()> {
        let (status, answer) = self.ask(method, path, body).await?;
        if !(200..300).contains(&status) {
            bail!("{path}: {status} {}", String::from_utf8_lossy(&answer));
        }
        Ok(())
    }

    async fn ask(&self, method: minreq::Method, path: &str, body: &[u8]) -> Result<(i32, Vec<u8>)> {
        let request = minreq::Request::new(method, format!("http://{}{path}", self.address))
            .with_timeout(self.wait.as_secs())
            .with_body(body);
        let response = tokio::task::spawn_blocking(move || request.send()).await??;
        Ok((response.status_code, response.into_bytes()))
    }
}

/// Sends a signal to a process: `STOP`, `KILL` and so on.
///
/// # Errors
/// When the process is not there.
pub fn signal(process: u32, name: &str) -> Result<()> {
    let sent = Command::new("kill").args([&format!("-{name}"), &process.to_string()]).status()?;
    ensure!(sent.success(), "no signal {name} for {process}");
    Ok(())
}

/// The `larder` command.
///
/// # Errors
/// When it is missing.
pub fn larder() -> Result<PathBuf> {
    part("LARDER_BIN", cache().join("target/release/larder"), "tests/run heavy")
}

/// Composes one of the test guests for the lattice.
///
/// # Errors
/// When it or the command is missing.
pub fn composed(guest: &str, into: &Path) -> Result<()> {
    composed_for(guest, "wasmcloud", into)
}

/// Composes one of the test guests, with this `--forward`.
///
/// # Errors
/// When it or the command is missing.
pub fn composed_for(guest: &str, forward: &str, into: &Path) -> Result<()> {
    let guests = std::env::var_os("LARDER_GUESTS").map_or_else(|| cache().join("guests"), PathBuf::from);
    let app = guests.join(guest);
    ensure!(app.exists(), "{} is missing: run tests/guests/build", app.display());
    let status = Command::new(larder()?)
        .arg("compose")
        .arg(app)
        .arg(format!("--forward={forward}"))
        .arg("-o")
        .arg(into)
        .status()?;
    ensure!(status.success(), "larder compose failed");
    Ok(())
}
