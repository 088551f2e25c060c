//! A number in a file, that several guests add to. Without the lock they would
//! lose steps: reading and writing are two calls.

use std::fs;
use std::time::Duration;

use crate::larder::fs::locks::{self, ErrorCode, Kind, Lock};

/// How often a lock is tried, and the pause between: 30 seconds.
const ATTEMPTS: u32 = 3000;
const PAUSE: Duration = Duration::from_millis(10);

/// Waits for an exclusive lock.
pub fn lock(path: &str) -> Result<Lock, ErrorCode> {
    for _ in 0..ATTEMPTS {
        match locks::try_lock(path, Kind::Exclusive) {
            Err(ErrorCode::WouldBlock) => std::thread::sleep(PAUSE),
            answer => return answer,
        }
    }
    Err(ErrorCode::WouldBlock)
}

/// Adds one to the number in a file that is locked.
pub fn add(path: &str) -> std::io::Result<u64> {
    let number = fs::read_to_string(path)?.trim().parse().unwrap_or(0) + 1;
    fs::write(path, format!("{number}\n"))?;
    Ok(number)
}
