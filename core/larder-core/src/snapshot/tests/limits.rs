use super::*;
use crate::{ErrorCode, Limits};

fn refused_with(limits: Limits) -> ErrorCode {
    let options = VolumeOptions { limits, ..options() };
    match read_snapshot(&mut &*write(&sample()), options) {
        Err(SnapshotError::Limit(error)) => error.code(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn limits_of_the_new_volume_hold() {
    let used = sample().usage();
    let full = Limits::default;
    for (limits, code) in [
        (Limits { bytes: used.bytes - 1, ..full() }, ErrorCode::InsufficientSpace),
        (Limits { inodes: used.inodes - 1, ..full() }, ErrorCode::InsufficientSpace),
        (Limits { file_bytes: 1 << 34, ..full() }, ErrorCode::FileTooLarge),
        (Limits { name_bytes: 8, ..full() }, ErrorCode::NameTooLong),
        (Limits { path_bytes: 16, ..full() }, ErrorCode::NameTooLong),
        (Limits { directory_entries: 5, ..full() }, ErrorCode::Quota),
        (Limits { links: 2, ..full() }, ErrorCode::TooManyLinks),
    ] {
        assert_eq!(refused_with(limits.clone()), code, "{limits:?}");
    }
}

#[test]
fn content_is_refused_before_it_is_in_memory() {
    // An endless stream of data: only the limit ends it.
    struct Endless {
        head: Vec<u8>,
        given: usize,
    }
    impl std::io::Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            if self.given == self.head.len() {
                let cell = (self.given as u64) << 16; // ascending, and within one cell
                let record = super::hostile::record(3, &[&cell.to_le_bytes()[..], &[1; 4096]].concat());
                self.head.extend_from_slice(&record);
            }
            let take = buffer.len().min(self.head.len() - self.given);
            buffer[..take].copy_from_slice(&self.head[self.given..self.given + take]);
            self.given += take;
            Ok(take)
        }
    }
    let head = super::hostile::stream_with_file_of(u64::MAX);
    let mut input = Endless { head, given: 0 };
    let limits = Limits { bytes: 1 << 20, file_bytes: u64::MAX, ..Limits::default() };
    let refused = read_snapshot(&mut input, VolumeOptions { limits, ..options() });
    assert!(matches!(refused, Err(SnapshotError::Limit(_))), "{refused:?}");
    assert!(input.given < 2 << 20, "{}", input.given);
}
