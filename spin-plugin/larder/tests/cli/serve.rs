//! `larder serve`.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use larder_test_spin::Site;

use crate::support::{Place, Running, guest};

/// The port in `… http://127.0.0.1:PORT/`.
pub(crate) fn port_of(line: &str) -> u16 {
    line.rsplit_once(':').unwrap().1.trim_end_matches('/').parse().unwrap()
}

/// One request on a connection of its own: the status and the body.
pub(crate) fn request(port: u16, method: &str, path: &str, body: &[u8]) -> (u16, String) {
    let answer = Site::at(&format!("127.0.0.1:{port}")).request(method, path, &[], body);
    (answer.status, answer.text())
}

pub(crate) fn get(port: u16, path: &str) -> (u16, String) {
    request(port, "GET", path, b"")
}

fn serve(place: &Place, arguments: &[&str]) -> (Running, u16) {
    let app = guest("http-files");
    let all: Vec<&str> = ["serve", app.as_str(), "--listen", "127.0.0.1:0"].iter().chain(arguments).copied().collect();
    let mut running = place.start(&all);
    let port = port_of(&running.wait_for("Serving http://127.0.0.1:"));
    (running, port)
}

#[test]
fn many_requests_at_once_over_one_volume() {
    let place = Place::new();
    let (running, port) = serve(&place, &["-v", "data.larder::/", "--max-requests", "8"]);
    std::thread::scope(|scope| {
        for client in 0..32 {
            scope.spawn(move || {
                for round in 0..5 {
                    let (path, body) = (format!("/file-{client}-{round}"), format!("content {client} {round}"));
                    let (status, answer) = request(port, "PUT", &path, body.as_bytes());
                    assert!((200..300).contains(&status), "PUT {path}: {status} {answer}");
                    assert_eq!(get(port, &path), (200, body));
                }
            });
        }
    });
    running.signal("TERM");
    let (code, output) = running.end();
    assert_eq!(code, 0, "{output}");
    assert_eq!(place.ok(&["ls", "data.larder"]).out.lines().count(), 32 * 5);
}

#[test]
fn what_is_missing_has_a_status() {
    let place = Place::new();
    let (_running, port) = serve(&place, &[]);
    assert_eq!(get(port, "/none").0, 404);
    // No host: refused before any instance is made.
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.0 400"), "{answer}");
}

#[test]
fn an_idle_connection_does_not_hold_the_server_up() {
    let place = Place::new();
    let (running, port) = serve(&place, &["-v", "data.larder::/"]);
    assert!((200..300).contains(&request(port, "PUT", "/x", b"x").0));
    let _idle = TcpStream::connect(("127.0.0.1", port)).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    running.signal("INT");
    assert_eq!(running.end().0, 0);
    assert_eq!(place.ok(&["cat", "data.larder:/x"]).out, "x");
}

#[test]
fn an_address_that_is_taken_is_named() {
    let place = Place::new();
    let (_running, port) = serve(&place, &[]);
    let listen = format!("127.0.0.1:{port}");
    place.fails(&["serve", &guest("http-files"), "--listen", &listen], 1, &[&listen]);
}
