//! Ends that the guest does not choose: signals and timeouts.

use std::time::{Duration, Instant};

use crate::support::{Place, guest};

#[test]
fn signals_stop_the_guest_and_save() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let place = Place::new();
        let mut running =
            place.start(&["run", "-v", "data.larder::/data", &guest("rust-files"), "spin", "/data/x", "60"]);
        running.wait_for("ready");
        let asked = Instant::now();
        running.signal(signal);
        let (ended, output) = running.end();
        assert_eq!(ended, code, "{output}");
        assert!(asked.elapsed() < Duration::from_secs(20), "{:?}", asked.elapsed());
        assert!(!output.contains("done"), "{output}");
        assert_eq!(place.ok(&["cat", "data.larder:/x"]).out, "written before the wait\n");
    }
}

#[test]
fn a_timeout_stops_the_guest_and_saves() {
    let place = Place::new();
    let app = guest("rust-files-p1");
    let run = ["run", "--timeout", "2s", "-v", "data.larder::/data", &app, "spin", "/data/x", "60"];
    place.fails(&run, 124, &["--timeout"]);
    assert_eq!(place.ok(&["cat", "data.larder:/x"]).out, "written before the wait\n");
}

#[test]
fn repeated_signals_do_not_lose_the_older_file() {
    let place = Place::new();
    place.write("x", "older\n");
    place.ok(&["cp", "x", "data.larder:/x"]);
    let mut running = place.start(&["run", "-v", "data.larder::/data", &guest("rust-files"), "spin", "/data/y", "60"]);
    running.wait_for("ready");
    for _ in 0..5 {
        running.signal("INT");
        std::thread::sleep(Duration::from_millis(1));
    }
    running.end();
    assert_eq!(place.ok(&["cat", "data.larder:/x"]).out, "older\n");
}

#[test]
fn a_hang_up_that_was_ignored_at_the_start_stays_ignored() {
    let place = Place::new();
    let larder = env!("CARGO_BIN_EXE_larder");
    let script =
        format!("trap '' HUP; exec {larder} run -v data.larder::/data {} spin /data/x 60", guest("rust-files"));
    let mut running = place.start_shell(&script);
    running.wait_for("ready");
    running.signal("HUP");
    std::thread::sleep(Duration::from_millis(500));
    running.signal("TERM");
    assert_eq!(running.end().0, 143);
}
