//! A NATS server of the tests' own, and what they serve on it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use larder_nats_client::Address;
use larder_nats_server::{ServedVolume, Server, ServerOptions};
use larder_store_service::Clock;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// A NATS server. It ends when this is dropped, and when the test ends.
pub struct Nats {
    child: Child,
    port: u16,
    directory: TempDir,
}

/// What the servers of the tests run on.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap())
}

/// A volume's name that no other test uses.
pub fn unique(name: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("{name}-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

fn executable() -> PathBuf {
    let caches = std::env::var_os("LARDER_CACHE")
        .map_or_else(|| Path::new(&std::env::var_os("HOME").unwrap()).join(".cache/larder"), PathBuf::from);
    let installed = caches.join("tools/bin/nats-server");
    if installed.exists() { installed } else { "nats-server".into() }
}

impl Nats {
    /// The one that most tests of a process share.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Nats> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(""))
    }

    /// One with these lines of configuration.
    pub fn start(configuration: &str) -> Self {
        Self::start_at(-1, configuration)
    }

    /// One on this port; -1 is any.
    pub fn start_at(port: i32, configuration: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("nats.conf");
        std::fs::write(&file, format!("host: 127.0.0.1\nport: {port}\n{configuration}\n")).unwrap();
        // The shell ends it when the pipe is closed: also when the test ends
        // without dropping anything.
        let child = Command::new("sh")
            .args(["-c", "\"$0\" -c \"$1\" --ports_file_dir \"$2\" >\"$2/log\" 2>&1 & read -r _; kill -9 $!"])
            .arg(executable())
            .arg(&file)
            .arg(directory.path())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut nats = Self { child, port: 0, directory };
        let until = Instant::now() + Duration::from_secs(20);
        while nats.port == 0 {
            assert!(Instant::now() < until, "nats-server does not start: {:?}", nats.log());
            std::thread::sleep(Duration::from_millis(5));
            nats.port = nats.read_port().unwrap_or(0);
        }
        nats
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    fn read_port(&self) -> Option<u16> {
        let mut files = std::fs::read_dir(self.directory.path()).ok()?.flatten();
        let file = files.find(|file| file.path().extension().is_some_and(|extension| extension == "ports"))?;
        let text = std::fs::read_to_string(file.path()).ok()?;
        text.split("nats://127.0.0.1:").nth(1)?.split('"').next()?.parse().ok()
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn address(&self, path: &str) -> Address {
        format!("nats://127.0.0.1:{}/{path}", self.port).parse().unwrap()
    }

    /// Serves volumes.
    pub fn serve(&self, volumes: Vec<ServedVolume>, clock: Clock, lease: Duration) -> Server {
        self.serve_as(async_nats::ConnectOptions::new(), volumes, clock, lease)
    }

    /// The same with a login.
    pub fn serve_as(
        &self,
        login: async_nats::ConnectOptions,
        volumes: Vec<ServedVolume>,
        clock: Clock,
        lease: Duration,
    ) -> Server {
        let url = format!("nats://127.0.0.1:{}", self.port);
        runtime().block_on(async move {
            let connection = login.connect(url).await.unwrap();
            let options = ServerOptions { clock, lease, ..ServerOptions::default() };
            Server::start(connection, volumes, options).await.unwrap()
        })
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Ends a server as it ends by itself.
pub fn stop(server: Server) {
    runtime().block_on(server.shutdown());
}
