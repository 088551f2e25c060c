//! Two apps in one process over one volume, through the library.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use larder_core::{Rights, View, Volume, VolumeOptions};
use larder_e2e::embedded::App;
use larder_wasmtime::LarderCtx;

#[test]
fn one_app_reads_what_another_writes_meanwhile() {
    const LINES: &str = "300";
    let app = App::of("rust-files.wasm");
    let volume = Volume::new(VolumeOptions::default());
    // The reader sees the volume elsewhere, and may not write.
    let writes = LarderCtx::new().mount(View::new(&volume, Rights::READ_WRITE).unwrap(), "/");
    let reads = LarderCtx::new().mount(View::new(&volume, Rights::READ_ONLY).unwrap(), "/shared");
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| app.run(writes, &["write-loop", "/log", LINES], &[("PAUSE_MS", "1")]));
        let reader = app.run(reads, &["follow", "/shared/log", LINES], &[("FOLLOW_SECONDS", "60")]);
        let writer = writer.join().unwrap();
        assert_eq!(writer.result, Ok(true), "{}", writer.output);
        assert_eq!(reader.result, Ok(true), "{}", reader.output);
    });
    assert_eq!(volume.usage(), volume.recount());
}
