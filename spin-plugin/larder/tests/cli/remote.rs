//! The file commands on a volume that is served over NATS.

use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::process::Stdio;

use larder_core::Limits;
use larder_test_nats::Nats;

use crate::served::Served;
use crate::support::Place;

/// A served volume and a directory `site` to copy into it.
fn with_site() -> (Place, Served) {
    let place = Place::new();
    place.write("site/index.html", "<p>hello</p>\n");
    place.write("site/css/main.css", "p {}\n");
    symlink("index.html", place.path("site/home")).unwrap();
    (place, Served::new())
}

fn with_files() -> (Place, Served) {
    let (place, served) = with_site();
    place.ok(&["import", "site", &served.at("")]);
    (place, served)
}

#[test]
fn ls_stat_and_tree_show_what_a_volume_file_would() {
    let (place, served) = with_files();
    let root = served.at("");
    assert_eq!(place.ok(&["ls", &root]).out, "css\nhome\nindex.html\n");
    assert_eq!(place.ok(&["ls", &served.at("css/")]).out, "main.css\n");
    assert_eq!(place.ok(&["ls", &served.at("css/main.css")]).out, "main.css\n");
    let long = place.ok(&["ls", "-l", &root]).out;
    let lines: Vec<&str> = long.lines().collect();
    assert!(lines[0].starts_with('d') && lines[1].ends_with("home -> index.html"), "{long}");
    assert!(lines[2].starts_with("-?????????") && lines[2].contains(" 13 "), "{long}");

    let expected = format!(
        "{root}\n├── css\n│   └── main.css\n├── home -> index.html\n└── index.html\n\n1 directories, 3 files\n"
    );
    assert_eq!(place.ok(&["tree", &root]).out, expected);
    assert!(!place.ok(&["tree", "-L", "1", &root]).out.contains("main.css"));
    let tree = place.json(&["tree", "--json", &root]);
    let paths: Vec<&str> = tree.as_array().unwrap().iter().map(|node| node["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["/css", "/css/main.css", "/home", "/index.html"]);

    let stat = place.json(&["stat", "--json", &served.at("index.html"), &served.at("home"), &root]);
    assert_eq!((&stat[0]["type"], &stat[0]["size"]), (&"file".into(), &13.into()));
    assert_eq!((&stat[1]["type"], &stat[1]["target"]), (&"symlink".into(), &"index.html".into()));
    assert_eq!((&stat[2]["type"], &stat[2]["name"]), (&"directory".into(), &"/".into()));
    // What the protocol does not bring is not guessed.
    assert!(stat[0].get("mode").is_none() && stat[0].get("allocated").is_none());
    assert!(place.ok(&["stat", &served.at("home")]).out.contains("Target: index.html"));
    place.fails(&["stat", &served.at("none")], 1, &["/data/none", "no-entry"]);
    place.fails(&["tree", &served.at("index.html")], 1, &["/data/index.html", "not-directory"]);
}

#[test]
fn a_listing_is_not_followed_by_a_question_for_each_entry() {
    let (place, served) = with_site();
    for number in 0..1500 {
        place.write(&format!("many/{number:04}"), "x");
    }
    place.ok(&["import", "many", &served.at("many")]);
    let requests = served.requests(|| {
        let out = place.ok(&["ls", "-l", &served.at("many")]).out;
        assert_eq!(out.lines().count(), 1500);
    });
    // Begin, kind, open, two pages, the end of the listing, the end.
    assert!(requests <= 8, "{requests}");
}

#[test]
fn mkdir_and_rm_change_the_volume_and_make_that_durable() {
    let (place, served) = with_files();
    let before = served.syncs();
    assert!(before > 0, "the import is durable");
    place.ok(&["mkdir", &served.at("a")]);
    place.ok(&["mkdir", "-p", &served.at("a/b/c"), &served.at("a/b")]);
    assert!(served.syncs() > before, "{before}");
    place.fails(&["mkdir", &served.at("a")], 1, &["/data/a", "exist"]);
    place.fails(&["mkdir", &served.at("x/y")], 1, &["/data/x/y", "no-entry"]);
    place.fails(&["mkdir", "-p", &served.at("index.html/x")], 1, &["not-directory"]);

    place.fails(&["rm", &served.at("css")], 1, &["is a directory", "-r"]);
    place.fails(&["rm", &served.at("none")], 1, &["/data/none", "no-entry"]);
    place.fails(&["rm", "-r", &served.at("")], 1, &["root"]);
    place.ok(&["rm", "-f", &served.at("none")]);
    place.ok(&["rm", "-r", &served.at("css"), &served.at("home"), &served.at("a")]);
    assert_eq!(place.ok(&["ls", &served.at("")]).out, "index.html\n");
    assert_eq!(served.volume().usage().inodes, 2);
}

#[test]
fn rm_removes_links_and_not_what_they_lead_to() {
    let (place, served) = with_files();
    symlink("../css", place.path("site/css/up")).unwrap();
    place.ok(&["cp", "-r", "site/css", &served.at("more")]);
    place.ok(&["rm", "-r", &served.at("more")]);
    assert_eq!(place.ok(&["ls", &served.at("css")]).out, "main.css\n");
}

#[test]
fn cp_follows_the_rules_of_the_systems_cp() {
    let (place, served) = with_files();
    place.write("new", "new\n");
    place.ok(&["cp", "new", &served.at("named")]);
    place.ok(&["cp", "new", &served.at("css")]);
    place.ok(&["cp", "new", &served.at("deep/er/")]);
    place.ok(&["cp", "new", &served.at("index.html")]);
    // A link that is replaced is no longer one, and what it led to stays.
    place.ok(&["cp", "site/index.html", &served.at("home")]);
    let all = [served.at("named"), served.at("css/new"), served.at("deep/er/new"), served.at("index.html")];
    let cat: Vec<&str> = ["cat"].into_iter().chain(all.iter().map(String::as_str)).collect();
    assert_eq!(place.ok(&cat).out, "new\nnew\nnew\nnew\n");
    assert_eq!(place.json(&["stat", "--json", &served.at("home")])[0]["type"], "file");

    place.fails(&["cp", "site", &served.at("")], 1, &["site is a directory", "-r"]);
    place.ok(&["cp", "-r", "site", &served.at("")]);
    place.ok(&["cp", "-r", "site", &served.at("copy")]);
    place.ok(&["cp", "-r", "site/.", &served.at("copy2")]);
    for path in ["site", "copy", "copy2"] {
        assert_eq!(place.ok(&["ls", &served.at(path)]).out, "css\nhome\nindex.html\n", "{path}");
    }

    std::fs::create_dir(place.path("out")).unwrap();
    place.fails(&["cp", &served.at("css"), "out"], 1, &["is a directory", "-r"]);
    place.ok(&["cp", "-r", &served.at("copy"), &served.at("named"), "out"]);
    assert_eq!(place.read("out/copy/css/main.css"), "p {}\n");
    assert_eq!(std::fs::read_link(place.path("out/copy/home")).unwrap().to_str(), Some("index.html"));
    assert_eq!(place.read("out/named"), "new\n");
    place.fails(&["cp", &served.at("none"), "."], 1, &["/data/none", "no such file"]);
    place.fails(&["cp", "none", &served.at("")], 1, &["none"]);
    place.fails(&["cp", "new", &served.at("css/main.css/x")], 1, &["not-directory"]);
    place.fails(&["cp", "--limit", "bytes=1MiB", "new", &served.at("x")], 1, &["--limit", "larder-provider"]);
}

#[test]
fn cp_copies_among_volumes_of_every_kind() {
    let (place, served) = with_files();
    place.ok(&["cp", "-r", &served.at(""), "data.larder:/"]);
    place.ok(&["cp", "-r", "data.larder:/css", &served.at("from-file")]);
    place.ok(&["cp", "data.larder:/index.html", &served.at("renamed")]);
    place.ok(&["cp", "-r", &served.at("css"), &served.other("")]);
    place.ok(&["cp", &served.at("index.html"), &served.at("css/")]);
    assert_eq!(place.ok(&["ls", "data.larder", &served.at("from-file")]).out.matches("main.css").count(), 1);
    assert_eq!(
        place.ok(&["cat", &served.other("css/main.css"), &served.at("css/index.html")]).out,
        "p {}\n<p>hello</p>\n"
    );
    let times = |path: &str| place.json(&["stat", "--json", path])[0]["modified"].clone();
    for copy in ["data.larder:/index.html", &served.at("renamed"), &served.at("css/index.html")] {
        assert_eq!(times(copy), times(&served.at("index.html")), "{copy}");
    }
    assert_eq!(times(&served.other("css")), times("data.larder:/css"));
    place.fails(&["cp", "-r", &served.at("css"), &served.at("css/inside")], 1, &["into itself"]);
}

#[test]
fn what_is_copied_keeps_times_links_and_holes() {
    let (place, served) = with_site();
    let large: Vec<u8> = (0..3_000_000_u32).map(|at| (at % 251) as u8).collect();
    place.write("tree/large", &large);
    std::fs::hard_link(place.path("tree/large"), place.path("tree/same")).unwrap();
    let sparse = std::fs::File::create(place.path("tree/sparse")).unwrap();
    sparse.set_len(64 << 20).unwrap();
    place.write("tree/empty", "");
    place.write("tree/tail", [b"x".as_slice(), &[0; 9000]].concat());
    std::fs::set_permissions(place.path("tree/empty"), std::fs::Permissions::from_mode(0o755)).unwrap();
    // Twice: the second time everything is replaced.
    for _ in 0..2 {
        let ran = place.ok(&["cp", "-r", "tree", &served.at("")]);
        assert!(ran.err.contains("permission bits") && ran.err.contains("1 differ"), "{}", ran.err);
    }
    assert!(served.volume().usage().bytes < 8 << 20, "holes cost nothing: {:?}", served.volume().usage());
    assert_eq!(place.ok(&["ls", &served.at("tree")]).out, "empty\nlarge\nsame\nsparse\ntail\n");
    assert_eq!(place.json(&["stat", "--json", &served.at("tree/same")])[0]["links"], 2);
    assert_eq!(served.volume().usage().inodes, 6);

    place.ok(&["cp", "-r", &served.at("tree"), "back"]);
    assert!(std::fs::read(place.path("back/large")).unwrap() == large);
    let metadata = |name: &str| std::fs::metadata(place.path(name)).unwrap();
    assert_eq!(metadata("back/large").ino(), metadata("back/same").ino());
    assert_eq!(metadata("back/sparse").len(), 64 << 20);
    assert!(metadata("back/sparse").blocks() < 100, "{}", metadata("back/sparse").blocks());
    assert_eq!(std::fs::read(place.path("back/tail")).unwrap(), std::fs::read(place.path("tree/tail")).unwrap());
    for name in ["large", "empty"] {
        let (one, other) = (metadata(&format!("tree/{name}")), metadata(&format!("back/{name}")));
        assert_eq!((one.mtime(), one.mtime_nsec()), (other.mtime(), other.mtime_nsec()), "{name}");
    }
    let output = place.command(&["cat", &served.at("tree/large")]).output().unwrap();
    assert!(output.stdout == large);
}

#[test]
fn a_directory_and_a_file_never_replace_one_another() {
    let (place, served) = with_files();
    place.write("one/index.html/x", "in a directory\n");
    place.write("one/css", "a file\n");
    place.write("one/fine", "fine\n");
    let ran = place.fails(&["import", "one", &served.at("")], 1, &["not complete", "2 skipped"]);
    assert!(ran.err.contains("css: a directory is in the way"), "{}", ran.err);
    assert_eq!(place.ok(&["cat", &served.at("fine"), &served.at("css/main.css")]).out, "fine\np {}\n");
}

#[test]
fn tar_streams_and_directories_come_and_go() {
    let (place, served) = with_files();
    place.ok(&["export", &served.at(""), "site.tar"]);
    place.ok(&["import", "site.tar", &served.at("sub/dir")]);
    place.ok(&["export", &served.at("sub/dir"), "out"]);
    assert_eq!(place.read("out/css/main.css"), "p {}\n");
    let tar = place.command(&["export", &served.at("css"), "-"]).output().unwrap().stdout;
    let mut child = place.command(&["import", "-", &served.at("third")]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&tar).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(place.ok(&["ls", &served.at("third")]).out, "main.css\n");

    // What cannot be read changes nothing.
    place.write("broken.tar", &tar[..700]);
    place.fails(&["import", "broken.tar", &served.at("fourth")], 1, &["broken.tar", "byte"]);
    place.fails(&["ls", &served.at("fourth")], 1, &["no-entry"]);
    place.fails(&["export", &served.at("index.html"), "x"], 1, &["no directory", "larder cp"]);
    place.fails(&["export", &served.at("none"), "x"], 1, &["no such directory"]);
}

#[test]
fn a_limit_of_the_served_volume_ends_a_copy_and_no_file_is_half_there() {
    let place = Place::new();
    let served = Served::with_limits(Limits { bytes: 2 << 20, ..Limits::default() });
    place.write("tree/a", "fits\n");
    place.write("tree/big", vec![b'x'; 3 << 20]);
    place.fails(&["cp", "-r", "tree", &served.at("")], 1, &["/data/", "insufficient-space", "limit"]);
    assert_eq!(place.ok(&["ls", &served.at("tree")]).out, "a\n");
}

#[test]
fn what_nats_does_not_permit_is_said() {
    const USERS: &str = r#"
authorization { users = [
  { user: server, password: server-password }
  { user: reader, password: reader-password, permissions: {
      publish: ["larder.v1.data.read"], subscribe: ["_INBOX.>"] } }
] }
"#;
    let login = async_nats::ConnectOptions::with_user_and_password("server".into(), "server-password".into());
    let served = Served::on(Nats::with(USERS), login, Limits::default());
    let place = Place::new();
    place.write("x", "x\n");
    place.ok(&["cp", "x", &served.as_user("server", "x")]);
    assert_eq!(place.ok(&["cat", &served.as_user("reader", "x")]).out, "x\n");
    place.ok(&["cp", &served.as_user("reader", "x"), "y"]);
    for command in [
        vec!["cp".to_owned(), "x".to_owned(), served.as_user("reader", "z")],
        vec!["rm".to_owned(), served.as_user("reader", "x")],
        vec!["mkdir".to_owned(), served.as_user("reader", "d")],
    ] {
        let ran = place.fails(&command, 1, &["do not permit"]);
        assert!(!ran.err.contains("reader-password"), "{}", ran.err);
    }
}

#[test]
fn a_volume_that_is_not_served_is_said() {
    let nats = Nats::start();
    let place = Place::new();
    let none = format!("{}/none/x", nats.url());
    for command in [["stat", none.as_str()].as_slice(), &["cp", &none, "."], &["import", ".", &none]] {
        place.fails(command, 1, &["nobody serves the volume", "larder-provider"]);
    }
}
