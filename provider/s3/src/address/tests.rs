use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use super::*;
use crate::{ConflictPolicy, ReadMode};

fn parse(text: &str) -> S3Address {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn everything_can_be_said() {
    let text = "s3://data/apps/a?read=read-through&write=async&conflict=ours-wins&memory=1GiB&pending=7&age=250ms\
                &patience=2m&poll=never&preload=true&parallel=4&state=/var/x&journal=64M\
                &endpoint=http://127.0.0.1:8333/&region=R&path-style=true&profile=P&ca=/ca.pem&sign=false\
                &journal-server=tls://n:4222&journal-creds=/n.creds&journal-ca=/n.pem&journal-replicas=3";
    let address = parse(text);
    let options = address.options(false).unwrap();
    assert_eq!((options.bucket.bucket.as_str(), options.prefix.as_str()), ("data", "apps/a"));
    assert_eq!((options.read, options.write), (ReadMode::Through, WriteMode::Async));
    assert_eq!((options.conflict, options.poll), (ConflictPolicy::OursWins, None));
    assert_eq!((options.memory, options.journal_bytes), (1 << 30, 64 << 20));
    assert_eq!((options.pending_changes, options.parallel, options.preload), (7, 4, true));
    assert_eq!((options.age, options.patience), (Duration::from_millis(250), Duration::from_secs(120)));
    assert_eq!(options.state.as_deref(), Some(Path::new("/var/x")));
    assert_eq!(options.bucket.endpoint.as_deref(), Some("http://127.0.0.1:8333"));
    assert_eq!((options.bucket.path_style, options.bucket.sign_payloads), (Some(true), Some(false)));
    assert_eq!((options.bucket.region.as_deref(), options.bucket.profile.as_deref()), (Some("R"), Some("P")));
    assert_eq!(options.bucket.ca_bundle.as_deref(), Some(Path::new("/ca.pem")));
    let server = options.journal_server.unwrap();
    assert_eq!((server.url.as_str(), server.replicas), ("tls://n:4222", 3));
    assert_eq!(server.credentials.as_deref(), Some(Path::new("/n.creds")));
    assert_eq!(server.ca.as_deref(), Some(Path::new("/n.pem")));
    // What reads alone has no state that another process could be in the way of.
    let reading = address.options(true).unwrap();
    assert!(reading.read_only && reading.state.is_none());
}

#[test]
fn an_address_is_shown_in_one_form() {
    for (text, shown) in [
        ("s3://data", "s3://data"),
        ("s3://data/?", "s3://data"),
        ("s3://data/a/b/", "s3://data/a/b"),
        ("s3://data/a?read=cached&age=1000ms&memory=268435456", "s3://data/a"),
        ("s3://data?poll=60&write=write-async", "s3://data?write=async&poll=60s"),
        ("s3://data/a%20b%3Ac%3F%c3%a4", "s3://data/a%20b%3Ac%3F%C3%A4"),
        ("s3://data?state=/a%26b:c", "s3://data?state=/a%26b%3Ac"),
        ("s3://data?memory=65M&journal=1048577", "s3://data?memory=65MiB&journal=1048577"),
        ("s3://data?journal-server=nats://h:4222&journal-replicas=1", "s3://data?journal-server=nats://h:4222"),
        ("s3://data?endpoint=http://[::1]:1", "s3://data?endpoint=http://[::1]:1"),
    ] {
        assert_eq!(parse(text).to_string(), shown, "{text}");
        assert_eq!(parse(shown), parse(text), "{text}");
    }
    assert_eq!(parse("s3://data/a%20b?read=through").name(), "s3://data/a%20b");
    assert_eq!(parse("s3://data/a%20b").prefix(), "a b");
}

#[test]
fn what_is_wrong_is_said_by_its_key() {
    for (text, said) in [
        ("data/x", "s3://"),
        ("s3://", "name is missing"),
        ("s3:///a", "name is missing"),
        ("s3://b:1/a", "bucket's name"),
        ("s3://b/a//b", "prefix"),
        ("s3://b/../a", "prefix"),
        ("s3://b/a%2", "`%` in the prefix"),
        ("s3://b/a%FF", "UTF-8"),
        ("s3://b/a#b", "%23"),
        ("s3://b\n", "control"),
        ("s3://b?raed=cached", "`raed` is not known; the keys are read, write,"),
        ("s3://b?read", "`read` has no value"),
        ("s3://b?read=cached&read=cached", "`read` is there twice"),
        ("s3://b?journal-server=nats://user:secret@host", "`journal-server` is a NATS server's URL"),
        ("s3://b?journal-replicas=6", "`journal-replicas` is a number of servers from 1 to 5"),
        ("s3://b?read=both", "`read` is `cached` or `through`"),
        ("s3://b?write=back", "`write` is `through` or `async`"),
        ("s3://b?conflict=mine", "`conflict` is `bucket-wins`, `ours-wins` or `fail`"),
        ("s3://b?memory=1MiB", "at least 64MiB"),
        ("s3://b?memory=lots", "such as 256MiB"),
        ("s3://b?age=0", "`age` is a time"),
        ("s3://b?poll=31d", "`poll` is `never` or a time"),
        ("s3://b?preload=yes", "`true` or `false`"),
        ("s3://b?parallel=0", "from 1 to 256"),
        ("s3://b?journal=1", "at least 1MiB"),
        ("s3://b?endpoint=h:1", "http://"),
        ("s3://b?endpoint=http://hidden:hidden@h", "without a user"),
        ("s3://b?state=%4x", "`state`"),
        ("s3://b?access-key=hidden", "AWS_ACCESS_KEY_ID"),
        ("s3://b?aws_secret_access_key=hidden", "--s3-config"),
        ("s3://hidden:hidden@b", "AWS_PROFILE"),
        (&format!("s3://b?state={}", "x".repeat(9000)), "8 KiB"),
    ] {
        let error = text.parse::<S3Address>().unwrap_err().to_string();
        assert!(error.contains(said), "{text}: {error}");
        assert!(!error.contains("hidden"), "{text}: {error}");
    }
}

fn environment(pairs: &[(&str, &str)]) -> impl Fn(&str) -> Option<OsString> {
    let pairs: Vec<(String, OsString)> = pairs.iter().map(|(name, value)| ((*name).to_owned(), value.into())).collect();
    move |name| pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
}

#[test]
fn each_volume_has_a_state_of_its_own() {
    let directory = |text: &str, pairs| state::directory(&parse(text).options, &environment(pairs));
    let home = &[("HOME", "/home/me")];
    let found = directory("s3://data/a", home).unwrap();
    assert_eq!(found.parent(), Some(Path::new("/home/me/.local/state/larder/s3")));
    assert_eq!(directory("s3://data/a/?read=through", home), Some(found.clone()));
    for other in ["s3://data", "s3://data/b", "s3://dat/a", "s3://data/a?endpoint=http://h", "s3://data/a?profile=p"] {
        assert_ne!(directory(other, home), Some(found.clone()), "{other}");
    }
    let xdg = directory("s3://data/a", &[("HOME", "/home/me"), ("XDG_STATE_HOME", "/state")]).unwrap();
    assert_eq!(xdg, Path::new("/state/larder/s3").join(found.file_name().unwrap()));
    // A server is the same one whoever names it.
    let named = directory("s3://data/a?endpoint=http://H:1/", home);
    assert_eq!(directory("s3://data/a", &[("HOME", "/home/me"), ("AWS_ENDPOINT_URL", "http://h:1")]), named);
    for none in [&[][..], &[("HOME", "")], &[("XDG_STATE_HOME", "relative")]] {
        assert_eq!(directory("s3://data/a", none), None);
    }
}

const FILE: &str = "
[volume.all]
bucket = 'data'
read = 'through'
parallel = 3
preload = true
state = 'state'
[volume.one]
bucket = 'data'
prefix = 'apps/'
access_key_id = 'me'
secret_access_key = 'hidden'
endpoint = 'http://h:1'
";

#[test]
fn a_file_says_what_an_address_does_not() {
    let file = S3File::parse(FILE, "f", Path::new("/etc")).unwrap();
    let configure = |text: &str| file.configure(parse(text)).unwrap();
    let all = configure("s3://data/x?read=cached");
    assert_eq!(all.to_string(), "s3://data/x?preload=true&parallel=3&state=/etc/state");
    let one = configure("s3://data/apps");
    assert_eq!(one.to_string(), "s3://data/apps?endpoint=http://h:1");
    assert_eq!(one.options.bucket.credentials, Some(("me".to_owned(), "hidden".to_owned())));
    assert_eq!(configure("s3://other").to_string(), "s3://other");
    assert!(!format!("{file:?} {one:?} {one}").contains("hidden"));
}

#[test]
fn what_is_wrong_in_a_file_is_said_with_its_place() {
    for (text, said) in [
        ("[volume.a]\nprefix = 'x'", ["line 1", "bucket"]),
        ("[volume.a]\nbucket = 'x'\nraed = 'hidden'", ["[volume.a]", "`raed` is not known"]),
        ("[volume.a]\nbucket = 'x'\nread = 'hidden'", ["[volume.a]", "`read` is `cached`"]),
        ("[volume.a]\nbucket = 'x'\nread = ['hidden']", ["[volume.a]", "`read` is `cached`"]),
        ("[volume.a]\nbucket = 'x'\nsecret_access_key = 'hidden'", ["[volume.a]", "belong together"]),
        ("[volume.a]\nbucket = 'x'\nsecret_access_key = 'hidden", ["f, line 3", ""]),
        ("[volume.a]\nbucket = 'x'\n[volume.b]\nbucket = 'x'", ["[volume.b]", "another section"]),
        ("[volumes.a]\nbucket = 'hidden'", ["f, line 1", "volumes"]),
    ] {
        let error = S3File::parse(text, "f", Path::new("/")).unwrap_err().to_string();
        assert!(said.iter().all(|said| error.contains(said)), "{text}: {error}");
        assert!(!error.contains("hidden"), "{text}: {error}");
    }
}

#[cfg(unix)]
#[test]
fn a_file_with_secrets_is_for_its_owner() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("s3.toml");
    std::fs::write(&path, FILE).unwrap();
    let set = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    set(0o644);
    assert!(S3File::read(&path).unwrap_err().to_string().contains("chmod 600"));
    set(0o640);
    S3File::read(&path).unwrap();
    std::fs::write(&path, "[volume.a]\nbucket = 'a'").unwrap();
    set(0o644);
    S3File::read(&path).unwrap();
    assert!(S3File::read(&directory.path().join("none")).unwrap_err().to_string().contains("none"));
}

#[test]
fn what_belongs_to_a_journal_server_needs_one() {
    let error = parse("s3://data?write=async&state=/x&journal-creds=/n.creds").options(false).unwrap_err();
    assert!(error.to_string().contains("`journal-server`"), "{error}");
}
