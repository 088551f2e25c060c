//! A core module that hands names to WASI 0.1 which are no UTF-8, and pointers
//! which are outside of its memory. Each must be refused with an error number;
//! a trap of the guest is a right answer to the pointers too, which is why they
//! are a subcommand: `attack-utf8` and `attack-utf8 pointers`.

use std::process::ExitCode;

#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    fn path_create_directory(fd: u32, path: *const u8, length: usize) -> u16;
    fn path_filestat_get(fd: u32, flags: u32, path: *const u8, length: usize, out: *mut u8) -> u16;
    fn path_link(
        fd: u32,
        flags: u32,
        path: *const u8,
        length: usize,
        to: u32,
        new: *const u8,
        new_length: usize,
    ) -> u16;
    fn path_open(
        fd: u32,
        lookup: u32,
        path: *const u8,
        length: usize,
        how: u16,
        rights: u64,
        inherited: u64,
        flags: u16,
        out: *mut u32,
    ) -> u16;
    fn path_rename(fd: u32, path: *const u8, length: usize, to: u32, new: *const u8, new_length: usize) -> u16;
    fn path_symlink(target: *const u8, target_length: usize, fd: u32, path: *const u8, length: usize) -> u16;
    fn path_unlink_file(fd: u32, path: *const u8, length: usize) -> u16;
}

/// The first preopened directory.
const ROOT: u32 = 3;
const CREATE: u16 = 1;
const READ_AND_WRITE: u64 = 2 | 64;

const NAMES: [&[u8]; 9] = [
    b"\xff",
    b"a\xffb",
    b"\xfe\xfe",
    b"\xc0\xaf",         // an overlong slash
    b"\xc0\xae\xc0\xae", // overlong dots
    b"\xed\xa0\x80",     // half of a surrogate pair
    b"\xf5\x80\x80\x80", // past U+10FFFF
    b"cut\xe2\x82",      // the start of a character
    b"dir/\xff",
];

fn main() -> ExitCode {
    let outcome = match std::env::args().nth(1).as_deref() {
        None | Some("names") => names(),
        Some("pointers") => pointers(),
        Some(other) => Err(format!("unknown subcommand {other}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("attack-utf8: {message}");
            ExitCode::FAILURE
        }
    }
}

fn names() -> Result<(), String> {
    for name in NAMES {
        let (path, length) = (name.as_ptr(), name.len());
        let good = b"good";
        let (other, other_length) = (good.as_ptr(), good.len());
        let (mut fd, mut stat) = (0, [0; 64]);
        // SAFETY: every pointer comes with the length of what it points to.
        let answers = unsafe {
            [
                ("open", path_open(ROOT, 0, path, length, 0, READ_AND_WRITE, 0, 0, &mut fd)),
                ("create", path_open(ROOT, 0, path, length, CREATE, READ_AND_WRITE, 0, 0, &mut fd)),
                ("mkdir", path_create_directory(ROOT, path, length)),
                ("stat", path_filestat_get(ROOT, 0, path, length, stat.as_mut_ptr())),
                ("unlink", path_unlink_file(ROOT, path, length)),
                ("rename", path_rename(ROOT, other, other_length, ROOT, path, length)),
                ("link", path_link(ROOT, 0, other, other_length, ROOT, path, length)),
                ("symlink", path_symlink(other, other_length, ROOT, path, length)),
                ("target", path_symlink(path, length, ROOT, other, other_length)),
            ]
        };
        for (call, error) in answers {
            if error == 0 {
                return Err(format!("{call} of {name:x?} was allowed"));
            }
        }
        let (_, create) = answers[1];
        println!("ok {}: errno {create}", name.escape_ascii());
    }
    println!("attack-utf8: {} names refused", NAMES.len());
    Ok(())
}

fn pointers() -> Result<(), String> {
    println!("about to pass names outside of memory");
    for (pointer, length) in [(0xffff_fff0_usize, 64), (16, usize::MAX), (0x7fff_0000, 0x7fff_0000)] {
        let mut fd = 0;
        // SAFETY: none: that they point nowhere is the attack; only the host
        // sees them.
        let error = unsafe { path_open(ROOT, 0, pointer as *const u8, length, CREATE, READ_AND_WRITE, 0, 0, &mut fd) };
        if error == 0 {
            return Err(format!("a name at {pointer:#x} of {length:#x} bytes was accepted"));
        }
        println!("ok {pointer:#x}: errno {error}");
    }
    Ok(())
}
