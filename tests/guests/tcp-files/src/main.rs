//! Files, TCP connections, standard input and output, and clocks, all in use
//! at once: what goes through the same streams and pollables for files and for
//! everything else.
//!
//! `tcp-files DIR COUNT`: serves COUNT connections on a port of loopback that
//! it prints, each of which sends one line (`NAME LENGTH`) and as many bytes.
//! The bytes go to the file `DIR/NAME`, are read back from there, and are sent
//! back. Between two connections it copies a line of standard input to
//! `DIR/log`. At last it prints the log, and how long everything took.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

/// The most that one connection may send.
const MOST_BYTES: u64 = 64 << 20;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let (directory, count) = match arguments.as_slice() {
        [directory, count] => (directory, count.parse()),
        _ => {
            eprintln!("usage: tcp-files DIR COUNT");
            return ExitCode::FAILURE;
        }
    };
    let served = count.map_err(io::Error::other).and_then(|count| serve(Path::new(directory), count));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tcp-files: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(directory: &Path, count: u32) -> io::Result<()> {
    let (began, date) = (Instant::now(), SystemTime::now());
    fs::create_dir_all(directory)?;
    let log = directory.join("log");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    println!("listening on {}", listener.local_addr()?);
    io::stdout().flush()?;
    let mut lines = io::stdin().lock().lines();
    let mut bytes = 0;
    for _ in 0..count {
        let (connection, _) = listener.accept()?;
        bytes += answer(connection, directory)?;
        if let Some(line) = lines.next().transpose()? {
            let mut log = OpenOptions::new().append(true).create(true).open(&log)?;
            writeln!(log, "{line}")?;
        }
        // A timer beside the streams.
        std::thread::sleep(Duration::from_millis(1));
    }
    print!("{}", fs::read_to_string(&log).unwrap_or_default());
    check(fs::metadata(directory)?.modified()? + Duration::from_secs(1) >= date, "a file is older than the program")?;
    check(began.elapsed() >= Duration::from_millis(count.into()), "the timers were too fast")?;
    println!("tcp-files: ok, {count} connections, {bytes} bytes");
    Ok(())
}

/// Takes one file, and gives it back from the disk.
fn answer(connection: TcpStream, directory: &Path) -> io::Result<u64> {
    let mut input = BufReader::new(&connection);
    let mut head = String::new();
    input.read_line(&mut head)?;
    let (name, length) = head.trim_end().split_once(' ').ok_or_else(|| io::Error::other("a head without a length"))?;
    let length = length.parse().map_err(io::Error::other)?;
    check(length <= MOST_BYTES && !name.contains('/'), "a head that asks too much")?;
    let path = directory.join(name);
    let mut file = File::create(&path)?;
    check(io::copy(&mut input.take(length), &mut file)? == length, "the connection ended early")?;
    drop(file);
    let mut file = File::open(&path)?;
    let mut output = &connection;
    check(io::copy(&mut file, &mut output)? == length, "the file has another length")?;
    output.flush()?;
    Ok(length)
}

fn check(condition: bool, what: &str) -> io::Result<()> {
    if condition { Ok(()) } else { Err(io::Error::other(what)) }
}
