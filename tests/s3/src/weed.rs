//! A real SeaweedFS: its master, volume server, filer and S3 gateway in one
//! process.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::access::{ACCESS_KEY, Access, SECRET_KEY};
use crate::ports::Pair;

/// Longest wait for the server to answer. It takes 3.5 s alone.
const PATIENCE: Duration = Duration::from_secs(60);

/// One volume for a bucket at first, not seven, and more as it fills. Volumes
/// are files that grow, so what is not used takes no space.
const OPTIONS: &[&str] = &[
    "-logtostderr",
    "server",
    "-ip=127.0.0.1",
    "-ip.bind=127.0.0.1",
    "-dir=.",
    "-master.telemetry=false",
    "-master.electionTimeout=500ms",
    "-master.heartbeatInterval=50ms",
    "-master.volumeSizeLimitMB=256",
    "-idleTimeout=600",
    "-s3.idleTimeout=600",
    "-volume.max=2000",
    "-volume.minFreeSpace=1GiB",
    "-volume.preStopSeconds=0",
    "-filer.localSocket=filer.sock",
    "-s3",
    "-s3.config=s3.json",
    "-s3.localSocket=s3.sock",
    "-s3.iam=false",
    "-s3.autoCreateBucket=false",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
];

/// What the disk must have free: SeaweedFS refuses every write where less than
/// `minFreeSpace` is, with a 500 that does not say why.
const NEEDED_SPACE: u64 = 3 << 30;

/// A SeaweedFS with an empty store. It ends when this is dropped, and when the
/// process ends that started it; its store goes with it.
#[derive(Debug)]
pub struct Weed {
    child: Child,
    /// Of the master, the volume server, the filer and S3.
    ports: [Pair; 4],
    directory: TempDir,
}

/// The server that `tests/tools` installed: `LARDER_WEED`, or the one in the
/// cache.
fn program() -> PathBuf {
    let cache = || {
        std::env::var_os("LARDER_CACHE")
            .map_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache/larder"), PathBuf::from)
    };
    let path = std::env::var_os("LARDER_WEED").map_or_else(|| cache().join("tools/bin/weed"), PathBuf::from);
    assert!(path.exists(), "{} is not there; run tests/tools", path.display());
    path
}

impl Weed {
    /// One for this test alone. It takes 3.5 s; [`shared`](Self::shared) takes
    /// them once.
    ///
    /// # Panics
    /// Where it is not installed, or does not answer in time.
    #[must_use]
    pub fn start() -> Self {
        let directory = TempDir::new().unwrap();
        demand_space(directory.path());
        std::fs::write(directory.path().join("s3.json"), identity()).unwrap();
        let ports = std::array::from_fn(|_| Pair::take());
        let child = spawn(directory.path(), &ports);
        let mut weed = Self { child, ports, directory };
        weed.wait_for_answer();
        weed
    }

    /// The one that all tests of this process use that neither end nor pause
    /// it; each makes a bucket of its own.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    #[must_use]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Weed> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// How to reach it.
    #[must_use]
    pub fn access(&self) -> Access {
        Access::local(self.port())
    }

    /// A path in its directory; `log` is what it logs.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The bytes that its store takes on the disk.
    #[must_use]
    pub fn disk_usage(&self) -> u64 {
        let entries = std::fs::read_dir(self.directory.path()).into_iter().flatten().flatten();
        entries
            .filter_map(|entry| entry.metadata().ok())
            .filter(std::fs::Metadata::is_file)
            .map(|file| file.len())
            .sum()
    }

    /// It keeps its connections and answers nothing.
    ///
    /// # Panics
    /// Where it does not run.
    pub fn pause(&self) {
        self.signal("STOP");
    }

    /// After [`pause`](Self::pause).
    ///
    /// # Panics
    /// Where it does not run.
    pub fn resume(&self) {
        self.signal("CONT");
    }

    /// Ends it as a crash would; its store stays. In good order it takes from 15
    /// seconds to more than a minute.
    pub fn kill(&mut self) {
        self.end(KEEP);
    }

    /// After [`kill`](Self::kill), on the same port and store.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub fn start_again(&mut self) {
        self.child = spawn(self.directory.path(), &self.ports);
        self.wait_for_answer();
    }

    fn end(&mut self, word: &str) {
        if let Some(mut input) = self.child.stdin.take() {
            let _ = input.write_all(word.as_bytes());
        }
        let _ = self.child.wait();
    }

    const fn port(&self) -> u16 {
        let [_, _, _, s3] = &self.ports;
        s3.port()
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([format!("-{signal}"), self.process()]).status().unwrap();
        assert!(status.success(), "SeaweedFS does not run");
    }

    fn process(&self) -> String {
        std::fs::read_to_string(self.path("pid")).unwrap().trim().to_owned()
    }

    /// S3 answers before its master knows the volume server: a bucket may be
    /// made that nothing can be put in.
    fn wait_for_answer(&mut self) {
        let [master, _, filer, s3] = &self.ports;
        let (master, filer, s3) = (master.port(), filer.port(), s3.port());
        let begun = Instant::now();
        loop {
            let ready = answer(s3, "/").is_some_and(|answer| answer.starts_with("HTTP/1.1 403"))
                && answer(filer, "/").is_some()
                && answer(master, "/dir/status").is_some_and(|status| status.contains("\"Url\":\"127.0.0.1:"));
            if ready {
                return;
            }
            let ended = self.child.try_wait().unwrap();
            if begun.elapsed() > PATIENCE || ended.is_some() {
                let log = std::fs::read_to_string(self.path("log")).unwrap_or_default();
                panic!("SeaweedFS does not answer: {log}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Weed {
    fn drop(&mut self) {
        self.end("");
    }
}

fn demand_space(directory: &Path) {
    let free = rustix::fs::statvfs(directory).map(|space| space.f_bavail * space.f_frsize).unwrap();
    assert!(
        free >= NEEDED_SPACE,
        "{} has {} MiB free, and SeaweedFS takes no writes below 1 GiB: make room, or set TMPDIR to where some is",
        directory.display(),
        free >> 20
    );
}

fn identity() -> String {
    format!(
        r#"{{"identities":[{{"name":"larder","credentials":[{{"accessKey":"{ACCESS_KEY}","secretKey":"{SECRET_KEY}"}}],"actions":["Admin","Read","Write","List","Tagging"]}}]}}"#
    )
}

/// What is answered to an unsigned GET.
fn answer(port: u16, path: &str) -> Option<String> {
    let mut connection = TcpStream::connect(("127.0.0.1", port)).ok()?;
    connection.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).ok()?;
    (!answer.is_empty()).then(|| String::from_utf8_lossy(&answer).into_owned())
}

/// A line to the shell: the store is to stay.
const KEEP: &str = "keep\n";

/// The shell ends the server when its standard input ends: also when a test is
/// killed, or leaves it in a static, which nothing drops. It then removes the
/// store, unless it was told to keep it, and the sockets that SeaweedFS makes in
/// /tmp and leaves there. A signal to the test's group is not for it.
fn spawn(directory: &Path, ports: &[Pair; 4]) -> Child {
    const SCRIPT: &str = "weed=$1; shift; \"$weed\" \"$@\" >>log 2>&1 & echo $! >pid; \
                          read -r word; kill -9 $!; wait $!; rm -f $0; [ \"$word\" ] || rm -rf \"$PWD\"";
    let _ = std::fs::remove_file(directory.join("pid"));
    let [master, volume, filer, s3] = ports.each_ref().map(Pair::port);
    let sockets = [("master", master), ("volume", volume), ("filer", filer), ("s3", s3)]
        .map(|(name, port)| format!("/tmp/seaweedfs-{name}-grpc-{}.sock", port + 10_000));
    let child = Command::new("sh")
        .args(["-c", SCRIPT])
        .arg(sockets.join(" "))
        .arg(program())
        .args(OPTIONS)
        .args([format!("-master.port={master}"), format!("-volume.port={volume}")])
        .args([format!("-filer.port={filer}"), format!("-s3.port={s3}")])
        .env("WEED_MASTER_VOLUME_GROWTH_COPY_1", "1")
        .current_dir(directory)
        .process_group(0)
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while !std::fs::read_to_string(directory.join("pid")).is_ok_and(|text| text.ends_with('\n')) {
        std::thread::sleep(Duration::from_millis(1));
    }
    child
}
