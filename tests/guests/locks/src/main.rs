//! Locks and versions of Larder by a guest's own calls. Says the first thing
//! that is wrong, and ends with 1.

mod count;

use std::fs::{self, OpenOptions};
use std::time::{Duration, Instant};

use larder::fs::changes;
use larder::fs::locks::{self, ErrorCode, Kind};

wit_bindgen::generate!({ path: ["../../../wit/larder-fs", "wit"], world: "larder:test/locks", generate_all });

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["check", directory] => check(directory),
        ["check-read-only", file] => check_read_only(file),
        ["count", file, times] => count_to(file, times.parse().unwrap()),
        ["usage", path] => println!("{:?}", larder::fs::statistics::usage(path).map(|charges| charges.inodes)),
        ["try", file] => println!("{}", tried(file)),
        ["hold", file, seconds] => hold(file, seconds.parse().unwrap()),
        ["watch", file, seconds] => watch(file, seconds.parse().unwrap()),
        _ => panic!(
            "check DIR, check-read-only FILE, count FILE N, usage PATH, try FILE, hold FILE SECONDS, watch FILE SECONDS"
        ),
    }
}

/// One guest alone.
fn check(directory: &str) {
    fs::create_dir_all(directory).unwrap();
    let path = &format!("{directory}/file");
    assert_eq!(locks::try_lock(path, Kind::Shared).unwrap_err(), ErrorCode::NoEntry);
    assert_eq!(locks::try_lock("relative", Kind::Shared).unwrap_err(), ErrorCode::NoEntry);
    fs::write(path, "one").unwrap();

    let first = locks::try_lock(path, Kind::Exclusive).unwrap();
    let again = locks::try_lock(&format!("{directory}/./file"), Kind::Exclusive).unwrap();
    assert_eq!((again.id, again.token), (first.id, first.token), "it has that lock");
    let shared = locks::try_lock(path, Kind::Shared).unwrap();
    assert_eq!(shared.id, first.id, "the lock is another kind now");
    assert!(shared.token > first.token);
    let other = locks::try_lock(directory, Kind::Exclusive).unwrap();
    assert!(other.id != first.id && other.token > shared.token, "a directory is locked as a file is");
    locks::unlock(other.id).unwrap();
    locks::unlock(first.id).unwrap();
    assert_eq!(locks::unlock(first.id).unwrap_err(), ErrorCode::NoLock);
    let anew = locks::try_lock(path, Kind::Exclusive).unwrap();
    assert!(anew.token > other.token);
    // A file that is locked can be removed; the lock is still to be ended.
    fs::remove_file(path).unwrap();
    locks::unlock(anew.id).unwrap();

    fs::write(path, "one").unwrap();
    let version = |path: &str| changes::version(path).unwrap();
    let (of_file, of_directory) = (version(path), version(directory));
    assert_eq!(fs::read(path).unwrap(), b"one");
    fs::metadata(path).unwrap();
    assert_eq!((version(path), version(directory)), (of_file, of_directory), "reading changes nothing");
    fs::write(path, "two").unwrap();
    assert_ne!(version(path), of_file);
    assert_eq!(version(directory), of_directory, "no name was changed");
    let of_file = version(path);
    OpenOptions::new().append(true).open(path).unwrap().set_len(1).unwrap();
    assert_ne!(version(path), of_file);
    fs::write(format!("{directory}/another"), "").unwrap();
    let added = version(directory);
    assert_ne!(added, of_directory);
    fs::rename(format!("{directory}/another"), format!("{directory}/renamed")).unwrap();
    let renamed = version(directory);
    assert_ne!(renamed, added);
    fs::remove_file(format!("{directory}/renamed")).unwrap();
    assert_ne!(version(directory), renamed);
    assert_eq!(changes::version(&format!("{directory}/missing")).unwrap_err(), changes::ErrorCode::NoEntry);
    println!("locks and versions are right");
}

fn check_read_only(file: &str) {
    assert_eq!(locks::try_lock(file, Kind::Exclusive).unwrap_err(), ErrorCode::ReadOnly);
    let shared = locks::try_lock(file, Kind::Shared).unwrap();
    locks::unlock(shared.id).unwrap();
    println!("only shared locks");
}

fn count_to(file: &str, times: u32) {
    OpenOptions::new().append(true).create(true).open(file).unwrap();
    let mut token = 0;
    for _ in 0..times {
        let lock = count::lock(file).unwrap();
        assert!(lock.token > token, "tokens grow");
        token = lock.token;
        count::add(file).unwrap();
        locks::unlock(lock.id).unwrap();
    }
    println!("counted {times} times");
}

fn tried(file: &str) -> String {
    match locks::try_lock(file, Kind::Exclusive) {
        Ok(lock) => lock.token.to_string(),
        Err(code) => code.name().to_owned(),
    }
}

/// Ends with the lock in hand.
fn hold(file: &str, seconds: u64) {
    OpenOptions::new().append(true).create(true).open(file).unwrap();
    count::lock(file).unwrap();
    println!("held");
    std::thread::sleep(Duration::from_secs(seconds));
}

/// Waits until the version is another one.
fn watch(file: &str, seconds: u64) {
    let known = changes::version(file).unwrap();
    println!("watching");
    let until = Instant::now() + Duration::from_secs(seconds);
    while changes::version(file).unwrap() == known {
        assert!(Instant::now() < until, "nothing changed");
        std::thread::sleep(Duration::from_millis(20));
    }
    println!("changed to {}", fs::read_to_string(file).unwrap().trim_end());
}
