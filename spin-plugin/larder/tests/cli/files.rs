//! `ls`, `tree`, `cat`, `stat`, `df`, `mkdir`, `rm`, `cp`, `import`, `export`.

use std::io::Write;
use std::process::Stdio;

use crate::support::Place;

fn with_files() -> Place {
    let place = Place::new();
    place.write("site/index.html", "<p>hello</p>\n");
    place.write("site/css/main.css", "p {}\n");
    std::os::unix::fs::symlink("index.html", place.path("site/home")).unwrap();
    place.ok(&["import", "site", "data.larder"]);
    place
}

#[test]
fn ls_lists_names_in_order() {
    let place = with_files();
    assert_eq!(place.ok(&["ls", "data.larder"]).out, "css\nhome\nindex.html\n");
    assert_eq!(place.ok(&["ls", "data.larder:/css"]).out, "main.css\n");
    assert_eq!(place.ok(&["ls", "data.larder:/css/main.css"]).out, "main.css\n");
    assert_eq!(place.ok(&["ls", "-d", "data.larder:/css"]).out, "css\n");
    let two = place.ok(&["ls", "data.larder:/css", "data.larder"]).out;
    assert_eq!(two, "data.larder:/css:\nmain.css\n\ndata.larder:/:\ncss\nhome\nindex.html\n");
}

#[test]
fn ls_long_shows_types_sizes_and_targets() {
    let place = with_files();
    let out = place.ok(&["ls", "-l", "data.larder"]).out;
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[0].starts_with('d') && lines[0].ends_with("css"), "{out}");
    assert!(lines[1].starts_with('l') && lines[1].ends_with("home -> index.html"), "{out}");
    assert!(lines[2].starts_with("-rw") && lines[2].contains(" 13 "), "{out}");
}

#[test]
fn json_has_every_attribute() {
    let place = with_files();
    let listings = place.json(&["ls", "--json", "data.larder"]);
    assert_eq!(listings[0]["path"], "/");
    assert_eq!(listings[0]["entries"][1]["target"], "index.html");
    let stat = place.json(&["stat", "--json", "data.larder:/index.html"]);
    assert_eq!(stat[0]["type"], "file");
    assert_eq!(stat[0]["size"], 13);
    assert_eq!(stat[0]["links"], 1);
    assert!(stat[0]["modified"].as_str().unwrap().ends_with('Z'));
    let tree = place.json(&["tree", "--json", "data.larder"]);
    let paths: Vec<&str> = tree.as_array().unwrap().iter().map(|node| node["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["/css", "/css/main.css", "/home", "/index.html"]);
    let df = place.json(&["df", "--json", "--limit", "bytes=1MiB", "data.larder"]);
    assert_eq!(df[0]["bytes_limit"], 1 << 20);
    assert_eq!(df[0]["inodes"], 5);
    assert_eq!(df[0]["file_size"], std::fs::metadata(place.path("data.larder")).unwrap().len());
}

#[test]
fn tree_draws_branches() {
    let place = with_files();
    let expected =
        "data.larder:/\n├── css\n│   └── main.css\n├── home -> index.html\n└── index.html\n\n1 directories, 3 files\n";
    assert_eq!(place.ok(&["tree", "data.larder"]).out, expected);
    let shallow = place.ok(&["tree", "--depth", "1", "data.larder"]).out;
    assert!(!shallow.contains("main.css"), "{shallow}");
}

#[test]
fn cat_writes_bytes_as_they_are() {
    let place = Place::new();
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|at| (at % 251) as u8).collect();
    place.write("blob", &bytes);
    place.ok(&["cp", "blob", "data.larder:/blob"]);
    let output = place.command(&["cat", "data.larder:/blob", "data.larder:/blob"]).output().unwrap();
    assert_eq!(output.stdout.len(), 2 * bytes.len());
    assert_eq!(&output.stdout[..bytes.len()], bytes);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let place = Place::new();
    place.write("blob", vec![b'x'; 4 << 20]);
    place.ok(&["cp", "blob", "data.larder:/blob"]);
    for command in [["cat", "data.larder:/blob"].as_slice(), &["export", "data.larder", "-"]] {
        let mut child = place.command(command).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), b"".as_slice()), "{command:?}");
    }
}

#[test]
fn mkdir_creates_volumes_and_parents_only_when_asked() {
    let place = Place::new();
    place.fails(&["mkdir", "data.larder:/a"], 1, &["there is no volume", "data.larder", "mkdir -p"]);
    place.ok(&["mkdir", "-p", "data.larder:/a/b"]);
    place.ok(&["mkdir", "-p", "data.larder:/a/b"]);
    place.fails(&["mkdir", "data.larder:/a/b"], 1, &["data.larder:/a/b", "exist"]);
    place.fails(&["mkdir", "data.larder:/x/y"], 1, &["data.larder:/x/y", "no-entry"]);
    assert_eq!(place.ok(&["tree", "data.larder"]).out.lines().count(), 5);
}

#[test]
fn rm_asks_for_recursive_and_force() {
    let place = with_files();
    place.fails(&["rm", "data.larder:/css"], 1, &["data.larder:/css", "-r"]);
    place.fails(&["rm", "data.larder:/none"], 1, &["data.larder:/none"]);
    place.fails(&["rm", "-r", "data.larder:/"], 1, &["root"]);
    place.ok(&["rm", "-f", "data.larder:/none"]);
    // One that fails keeps the others.
    place.fails(&["rm", "data.larder:/index.html", "data.larder:/none"], 1, &[]);
    place.ok(&["rm", "-r", "data.larder:/css", "data.larder:/home"]);
    assert_eq!(place.ok(&["ls", "data.larder"]).out, "index.html\n");
}

#[test]
fn rm_removes_trees_deeper_than_any_path() {
    let place = Place::new();
    let part = "d".repeat(200);
    place.ok(&["mkdir", "-p", &format!("data.larder:/top/{}", [part.as_str(); 15].join("/"))]);
    place.ok(&["mkdir", "-p", &format!("data.larder:/other/{}", [part.as_str(); 15].join("/"))]);
    place.ok(&["cp", "-r", "data.larder:/other", &format!("data.larder:/top/{}/", part)]);
    place.ok(&["rm", "-r", "data.larder:/top"]);
    assert_eq!(place.ok(&["ls", "data.larder"]).out, "other\n");
}

#[test]
fn cp_follows_the_rules_of_the_systems_cp() {
    let place = with_files();
    // A file to a name, into a directory, over a file.
    place.write("new", "new\n");
    place.ok(&["cp", "new", "data.larder:/named"]);
    place.ok(&["cp", "new", "data.larder:/css"]);
    place.ok(&["cp", "new", "data.larder:/deep/er/"]);
    assert_eq!(
        place.ok(&["cat", "data.larder:/named", "data.larder:/css/new", "data.larder:/deep/er/new"]).out,
        "new\nnew\nnew\n"
    );
    // A directory goes into an existing one, or becomes the missing one.
    place.fails(&["cp", "site", "data.larder:/"], 1, &["site is a directory", "-r"]);
    place.ok(&["cp", "-r", "site", "data.larder:/"]);
    place.ok(&["cp", "-r", "site", "data.larder:/copy"]);
    place.ok(&["cp", "-r", "site/.", "data.larder:/copy2"]);
    for path in ["site", "copy", "copy2"] {
        assert_eq!(place.ok(&["ls", &format!("data.larder:/{path}")]).out, "css\nhome\nindex.html\n", "{path}");
    }
    // And back, several at once.
    std::fs::create_dir(place.path("out")).unwrap();
    place.ok(&["cp", "-r", "data.larder:/css", "data.larder:/named", "out"]);
    assert_eq!(place.read("out/css/main.css"), "p {}\n");
    assert_eq!(place.read("out/named"), "new\n");
    place.ok(&["cp", "data.larder:/named", "renamed"]);
    assert_eq!(place.read("renamed"), "new\n");
    place.fails(&["cp", "data.larder:/none", "."], 1, &["data.larder:/none"]);
    place.fails(&["cp", "none", "data.larder:/"], 1, &["none"]);
    place.fails(&["cp", "new", "named"], 1, &["VOLUME:/PATH"]);
    place.fails(&["cp", "new", "data.larder"], 2, &["data.larder:/"]);
}

#[test]
fn cp_copies_from_volume_to_volume() {
    let place = with_files();
    place.ok(&["cp", "-r", "data.larder:/", "second.larder:/"]);
    place.ok(&["cp", "data.larder:/index.html", "second.larder:/renamed"]);
    place.ok(&["cp", "data.larder:/index.html", "data.larder:/css/"]);
    assert_eq!(place.ok(&["ls", "second.larder"]).out, "css\nhome\nindex.html\nrenamed\n");
    assert_eq!(place.ok(&["cat", "second.larder:/renamed"]).out, "<p>hello</p>\n");
    let times = |path: &str| place.json(&["stat", "--json", path])[0]["modified"].clone();
    assert_eq!(times("second.larder:/renamed"), times("data.larder:/index.html"));
    assert_eq!(place.ok(&["ls", "data.larder:/css"]).out, "index.html\nmain.css\n");
    place.fails(&["cp", "-r", "data.larder:/css", "data.larder:/css/inside"], 1, &["into itself"]);
}

#[test]
fn a_copy_that_fails_leaves_the_volume_as_it_was() {
    let place = with_files();
    let before = std::fs::read(place.path("data.larder")).unwrap();
    place.write("big", vec![b'x'; 1 << 20]);
    place.fails(
        &["cp", "--limit", "bytes=100KiB", "big", "data.larder:/big"],
        1,
        &["big", "insufficient-space", "limit"],
    );
    assert_eq!(std::fs::read(place.path("data.larder")).unwrap(), before);
}

#[test]
fn tar_streams_and_directories_come_and_go() {
    let place = with_files();
    place.ok(&["export", "data.larder", "site.tar"]);
    place.ok(&["import", "site.tar", "again.larder:/sub"]);
    place.ok(&["export", "again.larder:/sub", "out"]);
    assert_eq!(place.read("out/css/main.css"), "p {}\n");
    assert_eq!(std::fs::read_link(place.path("out/home")).unwrap().to_str(), Some("index.html"));

    let tar = place.command(&["export", "data.larder:/css", "-"]).output().unwrap().stdout;
    let mut child = place.command(&["import", "-", "third.larder"]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&tar).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(place.ok(&["ls", "third.larder"]).out, "main.css\n");

    place.write("broken.tar", &tar[..700]);
    place.fails(&["import", "broken.tar", "third.larder"], 1, &["broken.tar", "byte"]);
    place.fails(&["export", "data.larder:/index.html", "x"], 1, &["no directory", "larder cp"]);
}

#[test]
fn df_counts_against_the_limits() {
    let place = with_files();
    let out = place.ok(&["df", "data.larder"]).out;
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[0].starts_with("Volume") && lines[0].contains("Inodes"), "{out}");
    assert!(lines[1].starts_with("data.larder") && lines[1].contains("1.0 GiB"), "{out}");
}
