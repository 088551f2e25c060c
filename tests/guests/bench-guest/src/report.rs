//! What is asked of a case, and the JSON line which tells what was measured.

use std::time::Instant;

pub type Outcome = Result<Measured, Box<dyn std::error::Error>>;

pub struct Case {
    pub name: String,
    pub size: usize,
    pub count: u64,
    pub directory: String,
    pub file: String,
}

impl Case {
    pub fn from(arguments: &[String]) -> Self {
        let [name, size, count, directory, rest @ ..] = arguments else {
            stop("usage: CASE SIZE COUNT DIR [FILE]");
        };
        Self {
            name: name.clone(),
            size: number(size) as usize,
            count: number(count),
            directory: directory.trim_end_matches('/').to_owned(),
            file: rest.first().map_or("bench", String::as_str).to_owned(),
        }
    }

    /// The large file.
    pub fn path(&self) -> String {
        format!("{}/{}", self.directory, self.file)
    }

    /// What the cases with many files call the directory that they work in.
    pub fn folder(&self) -> String {
        format!("{}/{}.d", self.directory, self.file)
    }

    /// Size of the large file.
    pub fn file_bytes(&self) -> u64 {
        std::env::var("BENCH_FILE_BYTES").map_or(64 << 20, |text| number(&text))
    }
}

fn number(text: &str) -> u64 {
    text.parse().unwrap_or_else(|_| stop(&format!("{text} is no number")))
}

pub fn stop(message: &str) -> ! {
    eprintln!("bench-guest: {message}");
    std::process::exit(1)
}

/// Prints what was measured: on standard output, which the cases that measure
/// standard output fill with something else.
#[allow(dead_code, reason = "bench-guest-p3 has this file too, and no such cases")]
pub fn tell(case: &Case, measured: &Measured) {
    let line = measured.json(case);
    if case.name.starts_with("print-") { eprintln!("{line}") } else { println!("{line}") }
}

pub struct Measured {
    pub bytes: u64,
    pub operations: u64,
    pub nanoseconds: u128,
}

impl Measured {
    pub fn since(start: Instant, bytes: u64, operations: u64) -> Self {
        Self { bytes, operations, nanoseconds: start.elapsed().as_nanos() }
    }

    /// Names of cases need no escapes.
    pub fn json(&self, case: &Case) -> String {
        format!(
            r#"{{"case":"{}","size":{},"bytes":{},"ops":{},"nanoseconds":{}}}"#,
            case.name, case.size, self.bytes, self.operations, self.nanoseconds
        )
    }
}
