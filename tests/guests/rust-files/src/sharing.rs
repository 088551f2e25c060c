//! Two apps over one volume: one appends numbered lines, the other reads them
//! as they come.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::tree::at;

/// How long `follow` waits for the next line: `FOLLOW_SECONDS`, else 30.
fn patience() -> Duration {
    let seconds = std::env::var("FOLLOW_SECONDS").ok();
    Duration::from_secs(seconds.and_then(|text| text.parse().ok()).unwrap_or(30))
}

/// Pauses `PAUSE_MS` milliseconds (default 1) between lines, so that a reader
/// sees the file grow.
pub fn write_loop(path: &Path, lines: u32) -> Outcome {
    let pause = std::env::var("PAUSE_MS").ok();
    let pause = Duration::from_millis(pause.and_then(|text| text.parse().ok()).unwrap_or(1));
    let mut options = OpenOptions::new();
    let mut file = at("open", path, options.append(true).create(true).open(path))?;
    for number in 1..=lines {
        at("append to", path, file.write_all(format!("line {number}\n").as_bytes()))?;
        sleep(pause);
    }
    println!("rust-files: wrote {lines} lines");
    Ok(())
}

/// Fails when a line is torn, missing or out of order, and when nothing comes.
pub fn follow(path: &Path, lines: u32) -> Outcome {
    let mut last_progress = Instant::now();
    let mut seen = 0;
    let mut polls = 0;
    let mut unread = String::new();
    let mut file: Option<File> = None;
    while seen < lines {
        match &mut file {
            None => file = File::open(path).ok(),
            Some(file) => {
                at("read", path, file.read_to_string(&mut unread))?;
            }
        }
        let before = seen;
        while let Some(end) = unread.find('\n') {
            seen += 1;
            let line: String = unread.drain(..=end).collect();
            if line.trim_end() != format!("line {seen}") {
                return Err(format!("line {seen} reads {line:?}"));
            }
        }
        if seen > before {
            last_progress = Instant::now();
        } else if last_progress.elapsed() > patience() {
            return Err(format!("only {seen} of {lines} lines came"));
        }
        polls += 1;
        sleep(Duration::from_millis(2));
    }
    println!("rust-files: saw {seen} lines in {polls} polls");
    Ok(())
}
