//! Guests that attack, in the process of the test: nothing panics, nothing
//! grows past its limits, and the volume is whole afterwards.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::sync::Arc;

use larder_core::{DescriptorFlags, Follow, Limits, OpenFlags, Rights, Timestamp, View, Volume, VolumeOptions};
use larder_e2e::built::guest;
use larder_e2e::embedded::App;
use larder_e2e::run::{larder_run, told};
use larder_wasmtime::LarderCtx;

const NOW: Timestamp = Timestamp::from_seconds(1_000_000_000);

/// Small, so that every limit is reached soon.
fn limits() -> Limits {
    Limits {
        bytes: 16 << 20,
        inodes: 5_000,
        directory_entries: 3_000,
        open_handles: 500,
        links: 200,
        ..Limits::default()
    }
}

fn volume(limits: Limits) -> Arc<Volume> {
    Volume::new(VolumeOptions { limits, now: NOW, ..VolumeOptions::default() })
}

fn view(volume: &Arc<Volume>, rights: Rights) -> View {
    View::new(volume, rights).unwrap()
}

fn put(view: &View, path: &str, content: &[u8]) {
    let flags = DescriptorFlags::WRITE;
    let file = view.root().unwrap().open_at(NOW, Follow::No, path, OpenFlags::CREATE, flags).unwrap();
    file.write(NOW, 0, content).unwrap();
}

/// The three volumes that the attacks want.
struct Volumes {
    main: Arc<Volume>,
    read_only: Arc<Volume>,
    scoped: Arc<Volume>,
}

impl Volumes {
    fn new() -> Self {
        let volumes =
            Self { main: volume(limits()), read_only: volume(Limits::default()), scoped: volume(Limits::default()) };
        let all = view(&volumes.read_only, Rights::READ_WRITE);
        all.root().unwrap().create_directory_at(NOW, "dir").unwrap();
        put(&all, "file", b"content");
        put(&all, "dir/file", b"content");
        let all = view(&volumes.scoped, Rights::READ_WRITE);
        all.root().unwrap().create_directory_at(NOW, "sub").unwrap();
        put(&all, "secret", b"SECRET");
        volumes
    }

    fn context(&self) -> LarderCtx {
        let scoped = view(&self.scoped, Rights::READ_WRITE).subdirectory("sub", Rights::READ_WRITE).unwrap();
        LarderCtx::new()
            .mount(view(&self.main, Rights::READ_WRITE), "/")
            .mount(view(&self.read_only, Rights::READ_ONLY), "/ro")
            .mount(scoped, "/sub")
    }

    /// What must hold whatever a guest did.
    fn check(&self, attack: &str) {
        let (usage, limits) = (self.main.usage(), limits());
        assert!(usage.bytes <= limits.bytes && usage.inodes <= limits.inodes, "{attack}: {usage:?}");
        for volume in [&self.main, &self.read_only, &self.scoped] {
            assert_eq!(volume.usage(), volume.recount(), "{attack}: what is charged is what is there");
            assert_eq!(volume.usage().open_handles, 0, "{attack}: a guest that ended has nothing open");
        }
        let secret = view(&self.scoped, Rights::READ_ONLY).root().unwrap();
        let secret = secret.open_at(NOW, Follow::No, "secret", OpenFlags::empty(), DescriptorFlags::READ).unwrap();
        assert_eq!(secret.read(0, 100).unwrap().into_bytes(), b"SECRET"[..], "{attack}");
    }
}

fn environment() -> Vec<(String, String)> {
    let limits = limits();
    [
        ("BYTES", limits.bytes),
        ("FILE_BYTES", limits.file_bytes),
        ("INODES", limits.inodes),
        ("DIRECTORY_ENTRIES", limits.directory_entries),
        ("OPEN_HANDLES", limits.open_handles),
        ("LINKS", limits.links),
    ]
    .map(|(name, value)| (format!("LARDER_MAX_{name}"), value.to_string()))
    .into()
}

fn attack(app: &App, volumes: &Volumes, arguments: &[&str]) -> larder_e2e::embedded::Ended {
    let environment = environment();
    let environment: Vec<_> = environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    app.run(volumes.context(), arguments, &environment)
}

#[test]
fn every_attack_is_refused() {
    let (app, volumes) = (App::of("attack.wasm"), Volumes::new());
    let ended = attack(&app, &volumes, &["all"]);
    assert_eq!(ended.result, Ok(true), "{}", ended.output);
    volumes.check("all");
}

#[test]
fn an_attack_that_traps_ends_the_guest_alone() {
    let app = App::of("attack.wasm");
    let list = attack(&app, &Volumes::new(), &["list-traps"]);
    let names: Vec<_> = list.output.split_whitespace().collect();
    assert!(!names.is_empty(), "the guest has such attacks");
    for name in names {
        let volumes = Volumes::new();
        let ended = attack(&app, &volumes, &[name]);
        // A trap is a right answer; so is a refusal that the guest is told.
        if let Ok(succeeded) = ended.result {
            assert!(succeeded, "{name}: {}", ended.output);
        }
        volumes.check(name);
    }
}

#[test]
fn a_directory_of_a_million_entries_is_left_and_dropped() {
    const ENTRIES: u64 = 1_000_000;
    let app = App::of("attack.wasm");
    let limits = Limits { inodes: 2 * ENTRIES, directory_entries: 2 * ENTRIES, ..Limits::default() };
    let volume = volume(limits);
    let context = LarderCtx::new().mount(view(&volume, Rights::READ_WRITE), "/");
    let count = ENTRIES.to_string();
    let ended = app.run(context, &["crowd-entries"], &[("ATTACK_COUNT", &count), ("ATTACK_KEEP", "1")]);
    assert_eq!(ended.result, Ok(true), "{}", ended.output);
    assert!(volume.usage().bytes >= ENTRIES * larder_core::ENTRY_BYTES, "they are there: {:?}", volume.usage());
    assert_eq!(volume.usage(), volume.recount());
}

#[test]
fn a_tree_as_deep_as_the_volume_allows_is_left_and_dropped() {
    let (app, volumes) = (App::of("attack.wasm"), Volumes::new());
    let environment = environment();
    let mut environment: Vec<_> = environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    environment.push(("ATTACK_KEEP", "1"));
    let ended = app.run(volumes.context(), &["path-deep"], &environment);
    assert_eq!(ended.result, Ok(true), "{}", ended.output);
    volumes.check("path-deep");
}

#[test]
fn names_that_are_no_text_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    for arguments in [&[] as &[&str], &["pointers"]] {
        let mut command = larder_run(directory.path());
        let output = command.arg(guest("attack-utf8-p1.wasm")).args(arguments).output().unwrap();
        // 134 is a trap of the guest, which bad pointers may end with.
        let right = output.status.success() || (!arguments.is_empty() && output.status.code() == Some(134));
        assert!(right && !told(&command, &output).contains("panicked"), "{}", told(&command, &output));
    }
}
