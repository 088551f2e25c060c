//! What the instance has besides files, and what is bad about it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use spin_sdk::http::HeaderMap;

use crate::answer::Answer;

/// In the instance's memory: a new instance begins with 0.
static REQUESTS: AtomicU64 = AtomicU64::new(0);

pub fn count() -> Answer {
    Answer::text(200, format!("{}\n", REQUESTS.fetch_add(1, Ordering::Relaxed) + 1))
}

pub fn variable(name: &str) -> Answer {
    match std::env::var(name) {
        Ok(value) => Answer::text(200, format!("{value}\n")),
        Err(error) => Answer::text(404, format!("{error}\n")),
    }
}

pub fn headers(headers: &HeaderMap) -> Answer {
    let lines = headers.iter().map(|(name, value)| format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes())));
    Answer::text(200, lines.collect::<String>())
}

pub async fn sleep(milliseconds: u64) -> Answer {
    spin_sdk::time::sleep(Duration::from_millis(milliseconds)).await;
    Answer::text(204, "")
}

pub fn spin() -> ! {
    loop {
        std::hint::black_box(());
    }
}

/// Without a panic's message, as other languages' guests trap.
pub fn trap() -> ! {
    std::process::abort()
}
