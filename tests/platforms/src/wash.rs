//! wasmCloud's `wash dev`: a server, a request each.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::built::{tool, work};
use crate::{Answer, Composed};

/// Until the server listens, and for one answer: a busy machine is slow.
const PATIENCE: Duration = Duration::from_secs(60);

/// Serves the component with `wash dev`, and requests each path.
///
/// # Panics
/// Where it does not serve.
#[must_use]
pub fn wash(composed: &Composed, requests: &[String]) -> Vec<Answer> {
    let server = Server::start(composed);
    requests.iter().map(|request| server.answer(request)).collect()
}

struct Server {
    process: Child,
    address: String,
    log: Arc<Mutex<String>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    fn start(composed: &Composed) -> Self {
        let project = work("wash").join(&composed.name);
        let address = free_address();
        fs::create_dir_all(project.join(".wash")).expect("the cache can be written");
        // Nothing is built: the component is there.
        let config = format!(
            "build:\n  command: \"true\"\n  component_path: {}\ndev:\n  command: \"true\"\n  address: {address}\n",
            composed.path.display()
        );
        fs::write(project.join(".wash/config.yaml"), config).expect("the cache can be written");
        let mut process = Command::new(tool("LARDER_WASH"))
            .args(["--non-interactive", "dev"])
            .current_dir(&project)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("wash runs");
        let log = Arc::new(Mutex::new(String::new()));
        let (stderr, kept) = (process.stderr.take().expect("it is piped"), log.clone());
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut log = kept.lock().expect("nobody panics with it");
                log.push_str(&line);
                log.push('\n');
            }
        });
        let server = Self { process, address, log };
        let began = Instant::now();
        while server.get("list").is_err() {
            assert!(began.elapsed() < PATIENCE, "wash dev does not serve {}:\n{}", composed.name, server.take_log());
            thread::sleep(Duration::from_millis(100));
        }
        server.take_log();
        server
    }

    fn take_log(&self) -> String {
        std::mem::take(&mut self.log.lock().expect("nobody panics with it"))
    }

    fn answer(&self, request: &str) -> Answer {
        let result = self.get(request);
        Answer { request: request.to_owned(), result: result.map_err(|error| format!("{error}\n{}", self.take_log())) }
    }

    /// The body of a 200.
    fn get(&self, request: &str) -> Result<String, String> {
        let path = request.replace(' ', "/");
        let exchange = || {
            let mut connection = TcpStream::connect(&self.address)?;
            connection.set_read_timeout(Some(PATIENCE))?;
            write!(connection, "GET /{path} HTTP/1.0\r\nHost: {}\r\n\r\n", self.address)?;
            let mut answer = Vec::new();
            connection.read_to_end(&mut answer).map(|_| String::from_utf8_lossy(&answer).into_owned())
        };
        let answer = exchange().map_err(|error: std::io::Error| error.to_string())?;
        let (head, body) = answer.split_once("\r\n\r\n").ok_or("no answer")?;
        let status = head.lines().next().unwrap_or_default();
        if status.contains(" 200") { Ok(body.to_owned()) } else { Err(format!("{status}\n{body}")) }
    }
}

/// A port of loopback that was free a moment ago.
fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    listener.local_addr().expect("it is bound").to_string()
}
