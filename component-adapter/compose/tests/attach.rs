//! Attaching to real guests: the result is valid and keeps what it has to.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod support;

use larder_compose::attach::{AttachOptions, Bridge, attach};
use support::{empty_store, guest};

const GUESTS: [&str; 6] = ["rust-files", "http-files", "bench-guest", "puppet", "attack", "python-sqlite"];

fn options(bridge: Bridge) -> AttachOptions<'static> {
    AttachOptions { bridge, module: empty_store().into(), ..AttachOptions::default() }
}

#[test]
fn guests_lose_the_filesystem_and_nothing_else() {
    for name in GUESTS {
        let app = guest(name);
        for bridge in [Bridge::SingleMemory, Bridge::MultiMemory] {
            let attached = attach(&app, &options(bridge)).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(attached.removed.iter().all(|name| name.starts_with("wasi:filesystem/")), "{name}");
            assert_eq!(attached.removed.len(), 2, "{name}");
            if let Some(folder) = std::env::var_os("KEEP_ATTACHED") {
                let folder = std::path::PathBuf::from(folder);
                std::fs::write(folder.join(format!("{name}-{bridge:?}.wasm")), &attached.component)
                    .expect("it is kept");
            }
        }
    }
}

#[test]
fn the_result_is_always_the_same() {
    let app = guest("rust-files");
    let first = attach(&app, &options(Bridge::SingleMemory)).expect("it attaches");
    let second = attach(&app, &options(Bridge::SingleMemory)).expect("it attaches");
    assert_eq!(first.component, second.component);
}
