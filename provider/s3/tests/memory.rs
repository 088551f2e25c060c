//! Files that are larger than the memory that a volume may take.
#![allow(
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failing test may panic"
)]

mod common;
mod outside;

use common::Server;
use larder_core::{Descriptor, DescriptorFlags, Follow, OpenFlags};
use larder_s3::{ReadMode, S3Options, S3Volume, WriteMode};
use outside::{Host, NOW, open_file, root, write_all};

const SIZE: u64 = 200 << 20;
const PIECE: usize = 1 << 20;

fn piece(number: u64) -> Vec<u8> {
    let mut piece = vec![0; PIECE];
    for (at, word) in piece.chunks_exact_mut(4096).enumerate() {
        word[..8].copy_from_slice(&(number << 32 | at as u64).to_le_bytes());
        word[8..].fill(number as u8);
    }
    piece
}

/// What was stored just now is clean and dropped in the background, and so is
/// what a reader has left: no more than a second time the memory.
fn is_bounded(volume: &S3Volume, what: &str) {
    let status = volume.status();
    let held = status.clean_bytes + status.dirty_bytes;
    assert!(held <= 2 * S3Options::LEAST_MEMORY, "{what}: {held} bytes, {status:?}");
    assert!(status.dirty_bytes <= S3Options::LEAST_MEMORY / 2, "{what}: {status:?}");
}

/// Nobody reads or writes.
fn is_at_rest(volume: &S3Volume, what: &str) {
    let begun = std::time::Instant::now();
    loop {
        let status = volume.status();
        if status.clean_bytes + status.dirty_bytes <= S3Options::LEAST_MEMORY {
            return;
        }
        assert!(begun.elapsed() < std::time::Duration::from_secs(5), "{what}: {status:?}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

fn read_whole(volume: &S3Volume, at: &Descriptor) -> u32 {
    let file = at.open_at(NOW, Follow::No, "large", OpenFlags::empty(), DescriptorFlags::READ).unwrap();
    let mut crc = crc32fast::Hasher::new();
    for number in 0..SIZE / PIECE as u64 {
        let mut offset = number * PIECE as u64;
        let end = offset + PIECE as u64;
        while offset < end {
            let bytes = file.read(offset, usize::try_from(end - offset).unwrap()).unwrap().into_bytes();
            assert!(!bytes.is_empty(), "it ends at {offset}");
            crc.update(&bytes);
            offset += bytes.len() as u64;
        }
        if number % 8 == 0 {
            is_bounded(volume, "reading");
        }
    }
    crc.finalize()
}

fn larger_than_memory(server: Server, read: ReadMode, write: WriteMode) {
    let mut host = Host::new(server, read, write);
    let volume = host.open();
    let at = root(&volume);
    let mut crc = crc32fast::Hasher::new();
    outside::write(&at, "large", b"");
    let file = open_file(&at, "large").unwrap();
    for number in 0..SIZE / PIECE as u64 {
        let piece = piece(number);
        crc.update(&piece);
        write_all(&file, number * PIECE as u64, &piece).unwrap();
        if number % 8 == 0 {
            is_bounded(&volume, "writing");
        }
    }
    file.sync().unwrap();
    drop(file);
    is_at_rest(&volume, "written");
    let crc = crc.finalize();
    assert_eq!(read_whole(&volume, &at), crc);
    let status = volume.status();
    assert_eq!((status.conflicts, status.failures), (0, 0), "{status:?}");
    assert!(status.evicted_bytes >= SIZE - 2 * S3Options::LEAST_MEMORY, "{status:?}");
    is_at_rest(&volume, "read");
    drop(at);
    volume.close().unwrap();

    host.empty();
    let volume = host.open();
    let at = root(&volume);
    assert_eq!(read_whole(&volume, &at), crc);
    // In a file that is mostly away, a small change is a small upload.
    let file = open_file(&at, "large").unwrap();
    file.write(NOW, SIZE / 2, b"changed").unwrap();
    file.sync().unwrap();
    let status = volume.status();
    assert!(status.uploaded_bytes <= 2 * S3Options::PART, "{status:?}");
    is_at_rest(&volume, "changed");
    assert_eq!(&file.read(SIZE / 2, 7).unwrap().into_bytes()[..], b"changed");
}

#[test]
fn weed_cached_through() {
    larger_than_memory(Server::Weed, ReadMode::Cached, WriteMode::Through);
}

#[test]
fn s3s_through_async() {
    larger_than_memory(Server::S3sFs, ReadMode::Through, WriteMode::Async);
}
