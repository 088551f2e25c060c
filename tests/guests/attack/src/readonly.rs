//! Attempts to change what is mounted read-only at `/ro`.

use wasip2::filesystem::types::NewTimestamp;

use crate::kit::*;
use crate::{Attack, Outcome};

pub const ATTACKS: &[Attack] = &[
    ("ro-open", open),
    ("ro-directory", directories),
    ("ro-move", moves),
    ("ro-times", set_times),
    ("ro-descriptor", descriptor),
    ("ro-second-descriptor", second),
];

const NO: &[ErrorCode] = &[
    ErrorCode::ReadOnly,
    ErrorCode::NotPermitted,
    ErrorCode::Access,
    ErrorCode::BadDescriptor,
    ErrorCode::CrossDevice,
    // Of set-size on a file that was opened to read, on Linux.
    ErrorCode::Invalid,
];

/// What the mount shows: it must be the same after each attack.
fn picture(ro: &Descriptor) -> Result<String, String> {
    let mut picture = format!("{:?}", names(ro)?);
    for path in ["file", "dir/file"] {
        let file = works(path, ro.open_at(NO_FOLLOW, path, NONE, READ))?;
        let stat = works("stat", file.stat())?;
        let (content, _) = works("read", file.read(1 << 20, 0))?;
        picture +=
            &format!("{path} {} {} {:?} {content:?}", stat.size, stat.link_count, stat.data_modification_timestamp);
    }
    Ok(picture)
}

fn unchanged(attack: impl FnOnce(&Descriptor, &mut Codes) -> Result<(), String>) -> Outcome {
    let ro = mount("/ro")?;
    let before = picture(&ro)?;
    let mut codes = Codes::default();
    let outcome = attack(&ro, &mut codes);
    same("the mount", picture(&ro)?, before)?;
    outcome?;
    codes.done()
}

/// Each combination of flags that asks for more than reading.
fn open() -> Outcome {
    unchanged(|ro, codes| {
        let write = DescriptorFlags::WRITE;
        let truncate = OpenFlags::TRUNCATE;
        for path in ["file", "dir/file", "dir/../file", "./file"] {
            for flags in [write, read_write(), read_write() | MUTATE] {
                for how in [NONE, truncate, OpenFlags::CREATE, OpenFlags::CREATE | truncate] {
                    codes.refused(path, ro.open_at(FOLLOW, path, how, flags), NO)?;
                }
            }
            // Truncation asks for writing, whatever the descriptor's flags say.
            codes.refused(path, ro.open_at(FOLLOW, path, truncate, READ), NO)?;
        }
        for how in [OpenFlags::CREATE, OpenFlags::CREATE | OpenFlags::EXCLUSIVE] {
            for flags in [READ, write, read_write()] {
                codes.refused("create", ro.open_at(FOLLOW, "new", how, flags), NO)?;
            }
        }
        Ok(())
    })
}

fn directories() -> Outcome {
    unchanged(|ro, codes| {
        codes.refused("mkdir", ro.create_directory_at("new"), NO)?;
        codes.refused("mkdir", ro.create_directory_at("dir/new"), NO)?;
        codes.refused("symlink", ro.symlink_at("file", "new"), NO)?;
        codes.refused("unlink", ro.unlink_file_at("file"), NO)?;
        codes.refused("unlink", ro.unlink_file_at("dir/file"), NO)?;
        let wanted = [NO, &[ErrorCode::NotEmpty]].concat();
        codes.refused("rmdir", ro.remove_directory_at("dir"), &wanted)
    })
}

/// Names moved or linked within, out of and into the mount.
fn moves() -> Outcome {
    let arena = arena()?;
    drop(filled(&arena, "mine", b"mine")?);
    unchanged(|ro, codes| {
        codes.refused("within", ro.rename_at("file", ro, "new"), NO)?;
        codes.refused("out", ro.rename_at("file", &arena, "stolen"), NO)?;
        codes.refused("in", arena.rename_at("mine", ro, "file"), NO)?;
        codes.refused("link", ro.link_at(NO_FOLLOW, "file", ro, "new"), NO)?;
        let out = ro.link_at(NO_FOLLOW, "file", &arena, "stolen");
        codes.refused("link out", out, NO)?;
        let into = arena.link_at(NO_FOLLOW, "mine", ro, "new");
        codes.refused("link in", into, NO)?;
        same("names", names(&arena)?, vec!["mine".to_owned()])
    })
}

fn set_times() -> Outcome {
    unchanged(|ro, codes| {
        let now = || NewTimestamp::Now;
        for path in ["file", "dir/file", "dir", "."] {
            let set = ro.set_times_at(FOLLOW, path, now(), now());
            codes.refused(path, set, NO)?;
        }
        codes.refused("the root", ro.set_times(now(), now()), NO)
    })
}

/// What a descriptor that was opened to read can be made to do.
fn descriptor() -> Outcome {
    unchanged(|ro, codes| {
        let file = works("open", ro.open_at(NO_FOLLOW, "file", NONE, READ))?;
        let now = || NewTimestamp::Now;
        codes.refused("write", file.write(b"pwned", 0), NO)?;
        codes.refused("set-size", file.set_size(0), NO)?;
        codes.refused("set-size", file.set_size(1 << 20), NO)?;
        codes.refused("set-times", file.set_times(now(), now()), NO)?;
        if let Ok(stream) = file.write_via_stream(0) {
            let write = stream.blocking_write_and_flush(b"pwned");
            codes.refused("stream", write.map_err(|_| ErrorCode::BadDescriptor), NO)?;
        }
        if let Ok(stream) = file.append_via_stream() {
            let write = stream.blocking_write_and_flush(b"pwned");
            codes.refused("append", write.map_err(|_| ErrorCode::BadDescriptor), NO)?;
        }
        Ok(())
    })
}

/// Directories opened again, from the mount or from one another, with every
/// flag: no descriptor has more rights than the one it came from.
fn second() -> Outcome {
    unchanged(|ro, codes| {
        for path in [".", "dir", "dir/..", "dir/../dir"] {
            for flags in [READ | MUTATE, read_write() | MUTATE, MUTATE] {
                let Ok(opened) = ro.open_at(FOLLOW, path, OpenFlags::DIRECTORY, flags) else {
                    codes.note("no second descriptor");
                    continue;
                };
                codes.refused("mkdir", opened.create_directory_at("new"), NO)?;
                let create = opened.open_at(FOLLOW, "file", NONE, read_write());
                codes.refused("open", create, NO)?;
                codes.refused("unlink", opened.unlink_file_at("file"), NO)?;
            }
        }
        let plain = works("open", ro.open_at(FOLLOW, "dir", OpenFlags::DIRECTORY, READ))?;
        let again = plain.open_at(FOLLOW, ".", OpenFlags::DIRECTORY, READ | MUTATE);
        if let Ok(again) = again {
            codes.refused("mkdir", again.create_directory_at("new"), NO)?;
        }
        Ok(())
    })
}
