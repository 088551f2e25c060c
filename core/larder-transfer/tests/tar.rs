//! Imports from and exports to tar streams, against the system's `tar`.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a failing test may panic")]

mod common;

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use common::*;
use larder_core::{ErrorCode, Limits, SetTime, Timestamp, View};
use larder_transfer::{Report, TransferError};

#[track_caller]
fn assert_complete(report: &Report) {
    assert!(report.is_complete(), "{report:#?}");
}

fn pack(view: &View, source: &str) -> Vec<u8> {
    let mut archive = Vec::new();
    assert_complete(&transfer().export_tar(view, source, &mut archive).unwrap());
    archive
}

fn unpack(archive: &[u8], view: &View) -> Result<Report, TransferError> {
    transfer().import_tar(&mut &*archive, view, "")
}

/// Runs the system's tar; fails where it complains.
#[track_caller]
fn gnu_tar(directory: &Path, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("tar")
        .current_dir(directory)
        .env("LC_ALL", "C.UTF-8")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut to = child.stdin.take().unwrap();
    let output = std::thread::scope(|threads| {
        threads.spawn(move || to.write_all(input).unwrap());
        child.wait_with_output().unwrap()
    });
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    output.stdout
}

/// A volume with the tree of `make_host_tree`, its links and holes included.
fn sample() -> View {
    let host = tempfile::tempdir().unwrap();
    make_host_tree(host.path());
    let view = volume();
    assert_complete(&transfer().import_host(host.path(), &view, "top").unwrap());
    view
}

#[test]
fn an_archive_comes_back_as_it_was() {
    let view = sample();
    let archive = pack(&view, "top");
    let after = volume();
    let report = transfer().import_tar(&mut &*archive, &after, "again").unwrap();
    assert_complete(&report);
    assert_same(&see_volume(&after, "again"), &see_volume(&view, "top"));
    assert!(pack(&after, "again") == archive, "the same tree gives the same archive");
    // Holes cost nothing, neither in the archive nor in the volume.
    assert!(archive.len() < 1_000_000, "{}", archive.len());
    assert!(after.volume().usage().bytes <= view.volume().usage().bytes + 10_000);
    assert_eq!(after.volume().usage(), after.volume().recount());
}

#[test]
fn gnu_tar_reads_what_we_write() {
    let view = sample();
    let archive = pack(&view, "top");
    let out = tempfile::tempdir().unwrap();
    gnu_tar(out.path(), &["--warning=no-timestamp", "-xpf", "-"], &archive);
    // GNU tar sets the time of access to now.
    assert_same(&forget_access(see_host(out.path())), &forget_access(see_volume(&view, "top")));
    let sparse = fs::metadata(out.path().join("sparse")).unwrap();
    assert!(std::os::unix::fs::MetadataExt::blocks(&sparse) < 200, "the holes are holes again");
}

#[test]
fn python_reads_what_we_write() {
    let view = sample();
    let archive = pack(&view, "top");
    let out = tempfile::tempdir().unwrap();
    let path = out.path().join("archive.tar");
    fs::write(&path, archive).unwrap();
    let listed = Command::new("python3")
        .args(["-c", PYTHON, &path.to_string_lossy()])
        .env("PYTHONUTF8", "1")
        .output()
        .expect("python3 runs");
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let tree = see_volume(&view, "top");
    let mut expected: Vec<String> = tree
        .iter()
        .map(|(path, seen)| {
            let path = path.trim_start_matches('/');
            let content = if seen.kind == "file" { crc32fast::hash(&seen.content) } else { 0 };
            let path = if path.is_empty() { "." } else { path };
            format!("{path:?} {content:08x}").replace("\\n", "\n")
        })
        .collect();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let mut listed: Vec<&str> = listed.split('\0').filter(|line| !line.is_empty()).collect();
    listed.sort_unstable();
    expected.sort_unstable();
    assert_eq!(listed, expected);
}

const PYTHON: &str = r#"
import sys, tarfile, zlib
for member in tarfile.open(sys.argv[1]):
    content = tarfile.open(sys.argv[1]).extractfile(member.name).read() if member.isreg() or (member.islnk() and not member.linkname.startswith("dangling")) else b""
    print(f'"{member.name}" {zlib.crc32(content):08x}', end="\0")
"#;

/// What each of GNU tar's formats keeps.
#[test]
fn we_read_what_gnu_tar_writes() {
    let host = tempfile::tempdir().unwrap();
    make_host_tree(host.path());
    for options in [
        &["--format=gnu"][..],
        &["--format=gnu", "--sparse"],
        &["--format=oldgnu", "--sparse"],
        &["--format=posix"],
        &["--format=posix", "--sparse", "--sparse-version=0.0"],
        &["--format=posix", "--sparse", "--sparse-version=0.1"],
        &["--format=posix", "--sparse", "--sparse-version=1.0"],
        &["--format=posix", "--hard-dereference"],
        &["--format=gnu", "--blocking-factor=1"],
    ] {
        let archive = gnu_tar(host.path(), &[options, &["-cf", "-", "."]].concat(), b"");
        let view = volume();
        let report = unpack(&archive, &view).unwrap();
        assert_complete(&report);
        let posix = options[0] == "--format=posix";
        let linked = !options.contains(&"--hard-dereference");
        let as_kept = |tree: Tree| {
            without(forget_access(tree), |path, seen| {
                if path.is_empty() {
                    // The root of the view was there before.
                    (seen.mode, seen.modified) = (0, (0, 0));
                }
                if !posix {
                    seen.modified.1 = 0;
                }
                if !linked {
                    seen.same_as = String::new();
                }
            })
        };
        assert_same(&as_kept(see_volume(&view, "")), &as_kept(see_host(host.path())));
        if options.contains(&"--sparse") {
            let sparse = open(&view.root().unwrap(), "sparse").stat().unwrap();
            assert!(sparse.allocated < 100_000, "{options:?}: {sparse:?}");
        }
    }
}

#[test]
fn we_read_what_older_formats_can_hold() {
    let host = tempfile::tempdir().unwrap();
    let at = |path: &str| host.path().join(path);
    fs::create_dir_all(at(&format!("{}/d", &long_name('d')[..90]))).unwrap();
    fs::write(at("d-file"), b"content").unwrap();
    fs::write(at(&format!("{}/d/file", &long_name('d')[..90])), b"split over name and prefix").unwrap();
    symlink("d-file", at("link")).unwrap();
    fs::hard_link(at("d-file"), at("hard")).unwrap();
    for format in ["--format=ustar", "--format=v7"] {
        let archive = gnu_tar(host.path(), &[format, "-cf", "-", "."], b"");
        let view = volume();
        assert_complete(&unpack(&archive, &view).unwrap());
        let as_kept = |tree: Tree| {
            without(forget_access(tree), |path, seen| {
                seen.modified.1 = 0;
                if path.is_empty() {
                    (seen.mode, seen.modified) = (0, (0, 0));
                }
            })
        };
        assert_same(&as_kept(see_volume(&view, "")), &as_kept(see_host(host.path())));
    }
}

#[test]
fn huge_sparse_files_stay_small() {
    let view = volume();
    let file = put(&view, "huge", b"head");
    file.write(NOW, 20 << 30, b"far").unwrap();
    put(&view, "hole", b"").set_size(NOW, 30 << 30).unwrap();
    let archive = pack(&view, "");
    assert!(archive.len() < 200_000, "{}", archive.len());
    let after = volume();
    assert_complete(&unpack(&archive, &after).unwrap());
    assert!(after.volume().usage().bytes < 20_000);
    let again = open(&after.root().unwrap(), "huge");
    assert_eq!(again.stat().unwrap().size, (20 << 30) + 3);
    assert_eq!(&*again.read(20 << 30, 10).unwrap().into_bytes(), b"far");
    assert_eq!(open(&after.root().unwrap(), "hole").stat().unwrap().size, 30 << 30);

    let out = tempfile::tempdir().unwrap();
    gnu_tar(out.path(), &["-xf", "-"], &archive);
    assert_eq!(fs::metadata(out.path().join("huge")).unwrap().len(), (20 << 30) + 3);
    assert_eq!(fs::metadata(out.path().join("hole")).unwrap().len(), 30 << 30);
}

#[test]
fn every_time_comes_back() {
    let view = volume();
    for (i, seconds) in [i64::MIN, -1, 0, 1, 0o77_777_777_777, 0o100_000_000_000, i64::MAX].into_iter().enumerate() {
        for nanoseconds in [0, 1, 999_999_999] {
            let file = put(&view, &format!("{i}-{nanoseconds}"), b"");
            let time = Timestamp { seconds, nanoseconds };
            file.set_times(NOW, SetTime::At(Timestamp::UNIX_EPOCH), SetTime::At(time)).unwrap();
        }
    }
    let after = volume();
    assert_complete(&transfer().import_tar(&mut &*pack(&view, ""), &after, "top").unwrap());
    assert_same(&see_volume(&after, "top"), &see_volume(&view, ""));
}

#[test]
fn a_single_file_is_an_archive_of_one() {
    let view = sample();
    let archive = pack(&view, "/top/a/text");
    let out = tempfile::tempdir().unwrap();
    gnu_tar(out.path(), &["-xf", "-"], &archive);
    assert_eq!(fs::read(out.path().join("text")).unwrap(), b"hello\n");
}

/// A member with a right checksum, for streams that no decent program writes.
fn member(path: &[u8], kind: u8, link: &[u8], content: &[u8]) -> Vec<u8> {
    let mut block = vec![0; 512];
    block[..path.len().min(100)].copy_from_slice(&path[..path.len().min(100)]);
    block[100..108].copy_from_slice(b"0000644\0");
    block[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
    block[136..148].copy_from_slice(b"00000000000\0");
    block[156] = kind;
    block[157..157 + link.len()].copy_from_slice(link);
    block[257..265].copy_from_slice(b"ustar\x0000");
    block[148..156].copy_from_slice(b"        ");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block.extend_from_slice(content);
    block.resize(block.len().next_multiple_of(512), 0);
    block
}

fn ended(members: &[Vec<u8>]) -> Vec<u8> {
    [members.concat(), vec![0; 1024]].concat()
}

#[test]
fn nothing_leads_out_of_the_destination() {
    let view = volume();
    let root = view.root().unwrap();
    for directory in ["in", "secret"] {
        root.create_directory_at(NOW, directory).unwrap();
    }
    put(&view, "secret/file", b"mine");
    let archive = ended(&[
        member(b"../up", b'0', b"", b"x"),
        member(b"a/../../up", b'0', b"", b"x"),
        member(b"/absolute", b'0', b"", b"inside"),
        member(b"./dot/./file//", b'5', b"", b""),
        // A link out, and then through it.
        member(b"out", b'2', b"../secret", b""),
        member(b"out/file", b'0', b"", b"overwritten"),
        member(b"out", b'5', b"", b""),
        member(b"abs", b'2', b"/secret", b""),
        member(b"abs/new", b'0', b"", b"x"),
        // Hard links to the outside, and through a link.
        member(b"hard1", b'1', b"../secret/file", b""),
        member(b"hard2", b'1', b"out/file", b""),
        member(b"hard3", b'1', b"/absolute", b""),
        member(b"hard4", b'1', b"not there", b""),
        member(b"hard5", b'1', b"dot", b""),
    ]);
    let report = transfer().import_tar(&mut &*archive, &view, "in").unwrap();
    let skipped: Vec<&str> = report.skipped.iter().map(|note| &*note.path).collect();
    assert_eq!(
        skipped,
        ["../up", "a/../../up", "out/file", "out", "abs/new", "hard1", "hard2", "hard4", "hard5"],
        "{report:#?}"
    );
    assert_eq!(report.altered.len(), 1, "{report:?}");
    let tree = see_volume(&view, "");
    assert_eq!(tree["/secret/file"].content, b"mine");
    let names: Vec<&str> = tree.keys().map(|path| &**path).collect();
    assert_eq!(
        names,
        [
            "",
            "/in",
            "/in/abs",
            "/in/absolute",
            "/in/dot",
            "/in/dot/file",
            "/in/hard3",
            "/in/out",
            "/secret",
            "/secret/file"
        ]
    );
    assert_eq!(tree["/in/hard3"].content, b"inside");
}

#[test]
fn what_a_volume_cannot_hold_is_reported() {
    let view = volume();
    let archive = ended(&[
        member(b"char", b'3', b"", b""),
        member(b"block", b'4', b"", b""),
        member(b"pipe", b'6', b"", b""),
        member(b"what", b'Z', b"", b"some content"),
        member(b"bad-\xff", b'0', b"", b"x"),
        member(b"link", b'2', b"bad-\xff", b""),
        member(b"no target", b'2', b"", b""),
        member(b"", b'0', b"", b"x"),
        member(b"good", b'0', b"", b"good"),
        member(b"contiguous", b'7', b"", b"good"),
        member(b"old directory/", b'\0', b"", b""),
    ]);
    let report = unpack(&archive, &view).unwrap();
    assert_eq!(report.skipped.len(), 8, "{report:#?}");
    assert_eq!(report.altered, []);
    assert_eq!(see_volume(&view, "").into_keys().collect::<Vec<_>>(), ["", "/contiguous", "/good", "/old directory"]);
}

#[test]
fn later_members_replace_earlier_ones() {
    let view = volume();
    put(&view, "there", b"before");
    let archive = ended(&[
        member(b"twice", b'0', b"", b"first, and longer"),
        member(b"linked", b'1', b"twice", b""),
        member(b"twice", b'0', b"", b"second"),
        member(b"linked", b'1', b"linked", b""),
        member(b"there", b'0', b"", b"after"),
        member(b"d", b'5', b"", b""),
        member(b"d/x", b'0', b"", b"x"),
        member(b"d", b'0', b"", b"not instead of a directory"),
    ]);
    let report = unpack(&archive, &view).unwrap();
    assert_eq!(report.skipped.len(), 1, "{report:?}");
    let tree = see_volume(&view, "");
    for (path, content) in [("/twice", "second"), ("/linked", "first, and longer"), ("/there", "after"), ("/d/x", "x")]
    {
        assert_eq!(tree[path].content, content.as_bytes(), "{path}");
    }
    assert_eq!(view.volume().usage(), view.volume().recount());
}

#[test]
fn directories_get_their_times_after_their_content() {
    let mut header = member(b"d/", b'5', b"", b"");
    // Mode 500 and another time; the checksum follows.
    header[100..108].copy_from_slice(b"0000500\0");
    header[136..148].copy_from_slice(b"00000001234\0");
    header[148..156].copy_from_slice(b"        ");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    for members in [[header.clone(), member(b"d/file", b'0', b"", b"x")], [member(b"d/file", b'0', b"", b"x"), header]]
    {
        let view = volume();
        assert_complete(&unpack(&ended(&members), &view).unwrap());
        let seen = &see_volume(&view, "")["/d"];
        assert_eq!((seen.mode, seen.modified), (0o500, (0o1234, 0)));
    }
}

#[test]
fn damage_is_noticed_and_told_where() {
    let text = |archive: &[u8]| unpack(archive, &volume()).unwrap_err().to_string();
    assert!(text(b"").contains("empty"));
    assert!(text(b"short").contains("no tar archive"));
    assert!(text(&[b'x'; 2000]).contains("no tar archive"));
    assert!(text(&[&b"\x1f\x8b\x08"[..], &[7; 2000]].concat()).contains("gzip"));
    let good = member(b"good", b'0', b"", &[7; 3000]);
    assert!(text(&[good.clone(), vec![b'x'; 512]].concat()).contains("at byte 3584"));
    for cut in [513, 1000, good.len() - 1, good.len() + 100] {
        let archive = [good.clone(), good.clone()].concat();
        assert!(text(&archive[..cut]).contains("cut short"), "{cut}");
    }
    let no_end = unpack(&good, &volume()).unwrap();
    assert!(no_end.altered[0].reason.contains("no end mark"), "{no_end:?}");
}

#[test]
fn hostile_records_are_refused() {
    let refused = |members: &[Vec<u8>]| match unpack(&ended(members), &volume()) {
        Err(TransferError::Archive { what, .. }) => what,
        other => panic!("{other:?}"),
    };
    let good = || member(b"good", b'0', b"", b"good");
    for kind in [b'x', b'g', b'L', b'K'] {
        let mut endless = member(b"", kind, b"", b"");
        endless[124..136].copy_from_slice(b"77777777777\0");
        endless[148..156].copy_from_slice(b"        ");
        let sum: u32 = endless.iter().map(|byte| u32::from(*byte)).sum();
        endless[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        assert!(refused(&[endless]).contains("longer than a mebibyte"), "{kind}");
    }
    assert!(refused(&[member(b"", b'x', b"", b"nonsense"), good()]).contains("malformed"));
    assert!(refused(&[member(b"", b'x', b"", b"10 size=x\n"), good()]).contains("number"));
    assert!(refused(&[member(b"", b'x', b"", b"8 mtime=\n9 path=\n")]).contains("malformed"));
    assert!(refused(&[member(b"", b'L', b"", b"name")]).contains("ends behind"));
    let sparse = |records: &[(&str, &str)], content: &[u8]| {
        let mut text = String::new();
        for (key, value) in records {
            let rest = key.len() + value.len() + 3;
            text += &format!("{} {key}={value}\n", rest + 2);
        }
        [member(b"", b'x', b"", text.as_bytes()), member(b"sparse", b'0', b"", content)]
    };
    let v1 = |size| [("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", size)];
    let block = |text: &str| {
        let mut block = text.as_bytes().to_vec();
        block.resize(512, 0);
        block
    };
    assert!(refused(&sparse(&v1("00"), &block("1\n0\n5\n"))).contains("short"));
    assert!(refused(&sparse(&v1("10"), &block("1\n0\n5\n"))).contains("another length"));
    assert!(refused(&sparse(&v1("10"), &block("2\n5\n1\n0\n1\n"))).contains("overlap"));
    assert!(refused(&sparse(&v1("10"), &block("99999999\n"))).contains("too many"));
    assert!(refused(&sparse(&v1("10"), &block("3\n0\n"))).contains("malformed"));
    assert!(refused(&sparse(&v1("10"), b"3\n0\n")).contains("does not end"));
    assert!(refused(&sparse(&[("GNU.sparse.major", "2")], b"")).contains("unknown format"));
    let huge = sparse(&[("GNU.sparse.size", "9223372036854775807"), ("GNU.sparse.map", "0,000")], b"");
    match unpack(&ended(&huge), &volume()) {
        Err(TransferError::Volume { error, .. }) => assert_eq!(error.code(), ErrorCode::FileTooLarge),
        other => panic!("{other:?}"),
    }
}

#[test]
fn limits_hold() {
    let view = limited(Limits { bytes: 100_000, ..Limits::default() });
    let archive = ended(&[member(b"small", b'0', b"", b"x"), member(b"big", b'0', b"", &[1; 200_000])]);
    let error = unpack(&archive, &view).unwrap_err();
    assert!(error.to_string().contains("/big") && error.to_string().contains("raise the limit"), "{error}");
    assert!(view.volume().usage().bytes <= 100_000);
    assert_eq!(view.volume().usage(), view.volume().recount());
}

#[test]
fn changed_bytes_never_panic() {
    let view = volume();
    put(&view, "file", b"content");
    put(&view, "sparse", b"").set_size(NOW, 10_000).unwrap();
    view.root().unwrap().symlink_at(NOW, &long_name('t'), "link").unwrap();
    let sound = pack(&view, "");
    for at in 0..sound.len() {
        for change in [1, 0x80, 0xff] {
            let mut archive = sound.clone();
            archive[at] ^= change;
            let into = volume();
            let _ = unpack(&archive, &into);
            assert_eq!(into.volume().usage(), into.volume().recount());
        }
        let _ = unpack(&sound[..at], &volume());
    }
}

#[test]
fn progress_tells_every_entry_and_byte() {
    let view = sample();
    let tree = see_volume(&view, "top");
    let total: u64 = tree
        .iter()
        .filter(|(path, seen)| seen.kind == "file" && seen.same_as == **path)
        .map(|(_, seen)| seen.content.len() as u64)
        .sum();
    let mut archive = Vec::new();
    let mut heard = Heard::default();
    transfer().with_progress(&mut heard).export_tar(&view, "top", &mut archive).unwrap();
    assert_eq!((heard.entries, heard.bytes), (tree.len() as u64, total));
    let mut heard = Heard::default();
    transfer().with_progress(&mut heard).import_tar(&mut &*archive, &volume(), "").unwrap();
    assert_eq!((heard.entries, heard.bytes), (tree.len() as u64, total));
}
