//! What breaks the contract of the component model or of streams: the host may
//! answer with a trap of the guest, which ends this program. Each is run on its
//! own; the line `about to` tells that it began.

use crate::kit::*;
use crate::{Attack, Outcome};

pub const ATTACKS: &[Attack] = &[
    ("trap-utf8", utf8),
    ("trap-handle", handle),
    ("trap-pointer", pointer),
    ("trap-length", length),
    ("trap-write-without-permit", permit),
    ("trap-write-zeroes", zeroes),
    ("trap-child", child),
    ("trap-read-all", read_all),
];

fn about_to(what: &str) {
    println!("about to {what}");
}

/// Bytes that are no UTF-8 as a path, by way of the canonical ABI.
fn utf8() -> Outcome {
    let arena = arena()?;
    about_to("pass invalid UTF-8");
    // SAFETY: none: that the string is no UTF-8 is the attack. It is only
    // handed to the host by pointer and length.
    let name = unsafe { std::str::from_utf8_unchecked(std::hint::black_box(b"a\xff\xfe\xc0\xaf")) };
    let open = arena.open_at(NO_FOLLOW, name, OpenFlags::CREATE, read_write());
    let mut codes = Codes::default();
    codes.refused("open", open, &[ErrorCode::IllegalByteSequence])?;
    codes.done()
}

/// A handle which the host never gave out.
fn handle() -> Outcome {
    about_to("use a forged handle");
    // SAFETY: none: see above; the handle must not be dropped afterwards.
    let forged = std::mem::ManuallyDrop::new(unsafe { Descriptor::from_handle(0x00be_eeef) });
    let stat = forged.stat();
    Err(format!("a forged handle was accepted: {stat:?}"))
}

/// A list outside of the guest's memory.
fn pointer() -> Outcome {
    let arena = arena()?;
    let file = file(&arena, "file")?;
    about_to("write from outside of memory");
    // SAFETY: none: the guest itself never reads it.
    let outside = unsafe { std::slice::from_raw_parts(0xffff_0000 as *const u8, 0xff00) };
    let write = file.write(outside, 0);
    Err(format!("memory outside of the guest was read: {write:?}"))
}

/// A list that starts in memory and does not end there.
fn length() -> Outcome {
    let arena = arena()?;
    let file = file(&arena, "file")?;
    about_to("write more than there is memory");
    // SAFETY: none: the guest itself never reads it.
    let endless = unsafe { std::slice::from_raw_parts(16 as *const u8, 0x7fff_ffff) };
    let write = file.write(endless, 0);
    Err(format!("memory outside of the guest was read: {write:?}"))
}

/// `write` of more than `check-write` allowed.
fn permit() -> Outcome {
    let arena = arena()?;
    let file = file(&arena, "file")?;
    let stream = works("write-via-stream", file.write_via_stream(0))?;
    about_to("write without a permit");
    let write = stream.write(&vec![1; 32 << 20]);
    Ok(format!("{write:?}"))
}

fn zeroes() -> Outcome {
    let arena = arena()?;
    let file = file(&arena, "file")?;
    let stream = works("write-via-stream", file.write_via_stream(0))?;
    about_to("write 2^64 - 1 zeroes");
    let write = stream.blocking_write_zeroes_and_flush(u64::MAX);
    drop(stream);
    let limit = limit("FILE_BYTES").unwrap_or(1 << 30);
    if size(&file)? > limit {
        return Err(format!("{} zeroes were written", size(&file)?));
    }
    match write {
        Ok(()) => Err("2^64 - 1 zeroes were accepted".into()),
        Err(error) => Ok(format!("{error:?}")),
    }
}

/// A stream's descriptor dropped twice.
fn child() -> Outcome {
    let arena = arena()?;
    let file = file(&arena, "file")?;
    let number = file.handle();
    drop(file);
    about_to("use a handle after its drop");
    // SAFETY: none: see above.
    let dropped = std::mem::ManuallyDrop::new(unsafe { Descriptor::from_handle(number) });
    let stat = dropped.stat();
    Err(format!("a dropped handle was accepted: {stat:?}"))
}

/// A sparse file of 3 GiB in one read: the host must not make that list, nor
/// the guest run out of memory for it.
fn read_all() -> Outcome {
    let arena = arena()?;
    let file = file(&arena, "file")?;
    if file.set_size(3 << 30) == Err(ErrorCode::FileTooLarge) {
        return Ok("file-too-large".to_owned());
    }
    about_to("read 3 GiB at once");
    let (data, end) = works("read", file.read(u64::MAX, 0))?;
    Ok(format!("{} bytes, end {end}", data.len()))
}
