use std::fs::OpenOptions;
use std::io::Write;

use spin_sdk::http::{IntoResponse, Request};
use spin_sdk::http_service;

/// In the volume that spin.toml mounts at /data: it is there again after a
/// restart, and all instances see the same.
const VISITS: &str = "/data/visits";

/// Counts visits: a byte for each. What is appended at the same time does not
/// get lost.
#[http_service]
async fn handle_{{project-name | snake_case}}(_req: Request) -> anyhow::Result<impl IntoResponse> {
    let mut visits = OpenOptions::new().append(true).create(true).open(VISITS)?;
    visits.write_all(b".")?;
    Ok(format!("visits: {}\n", visits.metadata()?.len()))
}
