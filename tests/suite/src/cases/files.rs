//! Regular files: opening, reading, writing, appending, cutting.

use larder_core::{FileType, Follow};

use super::*;
use crate::{Form, Guest};

pub(crate) fn a_new_file_is_empty_and_has_one_link<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    let file = root.open("f", CREATE, BOTH).unwrap();
    let stat = file.stat();
    assert_eq!((stat.file_type, stat.size, stat.link_count), (FileType::RegularFile, 0, 1));
    assert_eq!(file.file_type(), FileType::RegularFile);
    assert_eq!(file.read(0, 10).unwrap(), b"");
}

pub(crate) fn what_is_written_is_read<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    // Across pages and chunks of the store, and to be read in pieces that fit
    // neither.
    let content = pattern(300_001);
    root.put("f", &content);
    let file = root.open_to_read("f").unwrap();
    assert_eq!(file.stat().size, 300_001);
    assert!(file.all() == content, "the content is that which was written");
    let mut offset = 0;
    for part in content.chunks(70_007) {
        assert!(file.read(offset, 70_007).unwrap() == part, "the part at {offset} is that which was written");
        offset += part.len() as u64;
    }
}

pub(crate) fn another_descriptor_sees_a_write_at_once<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    let writer = root.make_file("f", b"");
    let reader = root.open_to_read("f").unwrap();
    writer.write(0, b"one").unwrap();
    assert_eq!(reader.read(0, 9).unwrap(), b"one");
    writer.write(1, b"NE").unwrap();
    assert_eq!(reader.read(0, 9).unwrap(), b"oNE");
    writer.set_size(1).unwrap();
    assert_eq!(reader.read(0, 9).unwrap(), b"o");
}

pub(crate) fn reads_and_writes_go_where_they_are_told<F: Form>() {
    let guest = Guest::<F>::new();
    let file = guest.root().make_file("f", b"0123456789");
    file.write(3, b"abc").unwrap();
    assert_eq!(file.read(0, 100).unwrap(), b"012abc6789");
    assert_eq!(file.read(2, 3).unwrap(), b"2ab");
    file.write(8, b"xyz").unwrap();
    assert_eq!(file.all(), b"012abc67xyz");
    // Neither moved anything: the same calls give the same again.
    assert_eq!(file.read(2, 3).unwrap(), b"2ab");
}

pub(crate) fn random_writes_read_back<F: Form>() {
    let guest = Guest::<F>::new();
    let file = guest.root().make_file("f", b"");
    let mut numbers = Numbers(7);
    let mut expected: Vec<u8> = Vec::new();
    for round in 0..150u8 {
        let offset = numbers.below(400_000);
        let data = vec![round + 1; numbers.below(30_000) + 1];
        if round % 10 == 9 {
            file.set_size(offset as u64).unwrap();
            expected.resize(offset, 0);
        } else {
            file.write(offset as u64, &data).unwrap();
            expected.resize(expected.len().max(offset + data.len()), 0);
            expected[offset..offset + data.len()].copy_from_slice(&data);
        }
    }
    assert!(file.all() == expected, "the file is what the writes made of it");
}

pub(crate) fn reading_ends_at_the_end<F: Form>() {
    let guest = Guest::<F>::new();
    let file = guest.root().make_file("f", b"12345");
    assert_eq!(file.read(3, 100).unwrap(), b"45");
    assert_eq!(file.read(5, 1).unwrap(), b"");
    assert_eq!(file.read(6, 1).unwrap(), b"");
    assert_eq!(file.read(0, 0).unwrap(), b"");
    for offset in [1 << 31, 1 << 32, 1 << 63, u64::MAX] {
        assert_eq!(file.read(offset, 100).unwrap(), b"", "at {offset}");
    }
}

pub(crate) fn writing_behind_the_end_leaves_zeros<F: Form>() {
    let guest = Guest::<F>::new();
    let file = guest.root().make_file("f", b"ab");
    file.write(70_000, b"cd").unwrap();
    let all = file.all();
    assert_eq!(all.len(), 70_002);
    assert_eq!(&all[..2], b"ab");
    assert!(all[2..70_000].iter().all(|byte| *byte == 0));
    assert_eq!(&all[70_000..], b"cd");
}

pub(crate) fn an_empty_write_changes_nothing<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    let file = root.make_file("f", b"ab");
    let before = file.stat();
    guest.after(100);
    file.write(1, b"").unwrap();
    file.write(1000, b"").unwrap();
    file.append(b"").unwrap();
    assert_eq!(file.stat(), before);
    assert_eq!(file.all(), b"ab");
}

pub(crate) fn appending_goes_to_the_end<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    let one = root.make_file("f", b"1");
    let two = root.file("f");
    one.append(b"2").unwrap();
    two.append(b"3").unwrap();
    one.write(3, b"4").unwrap();
    two.append(b"5").unwrap();
    one.set_size(2).unwrap();
    one.append(b"6").unwrap();
    assert_eq!(one.all(), b"126");
}

pub(crate) fn appends_of_two_writers_do_not_mix<F: Form>() {
    fn append<F: Form>(guest: &Guest<F>, mark: u8, rounds: usize, length: usize) {
        let file = guest.root().file("log");
        for _ in 0..rounds {
            file.append(&vec![mark; length]).unwrap();
        }
    }
    // Many and short, so that the writers meet; longer than a page, so that
    // one in two pieces would show.
    for (rounds, length) in [(20_000, 10), (100, 9_000)] {
        let guest = Guest::<F>::new();
        guest.root().put("log", b"");
        if let Some(another) = guest.another() {
            std::thread::scope(|scope| {
                scope.spawn(move || append(&another, 2, rounds, length));
                append(&guest, 1, rounds, length);
            });
        } else {
            append(&guest, 1, rounds, length);
            append(&guest, 2, rounds, length);
        }
        let log = guest.root().content("log");
        assert_eq!(log.len(), 2 * rounds * length);
        let mut counts = [0; 3];
        for record in log.chunks(length) {
            assert!(record.iter().all(|byte| *byte == record[0]), "a record is of one writer");
            counts[usize::from(record[0])] += 1;
        }
        assert_eq!(counts, [0, rounds, rounds]);
    }
}

pub(crate) fn set_size_cuts_and_grows<F: Form>() {
    let guest = Guest::<F>::new();
    let file = guest.root().make_file("f", b"abcdef");
    file.set_size(3).unwrap();
    assert_eq!(file.all(), b"abc");
    file.set_size(6).unwrap();
    assert_eq!(file.all(), b"abc\0\0\0", "what was cut off does not come back");
    file.set_size(0).unwrap();
    file.set_size(2).unwrap();
    assert_eq!(file.all(), b"\0\0");
}

pub(crate) fn opening_to_truncate_empties<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.put("f", b"old content");
    let held = root.file("f");
    let file = root.open("f", TRUNCATE, BOTH).unwrap();
    assert_eq!(held.stat().size, 0);
    file.write(0, b"new").unwrap();
    assert_eq!(held.all(), b"new");
    refused(root.open("missing", TRUNCATE, BOTH), ErrorCode::NoEntry);
    assert!(!root.has("missing"));
}

pub(crate) fn opening_to_create_opens_what_is_there<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.put("f", b"content");
    let file = root.open("f", CREATE, BOTH).unwrap();
    assert_eq!(file.all(), b"content");
    let file = root.open("f", CREATE | TRUNCATE, BOTH).unwrap();
    assert_eq!(file.all(), b"");
}

pub(crate) fn exclusive_creation_refuses_what_is_there<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.put("f", b"content");
    root.create_directory("d").unwrap();
    root.symlink("nowhere", "dangling").unwrap();
    root.symlink("f", "link").unwrap();
    for path in ["f", "d", "dangling", "link"] {
        for follow in [Follow::Yes, Follow::No] {
            refused(root.open_at(follow, path, NEW, BOTH), ErrorCode::Exist);
            refused(root.open_at(follow, path, NEW | TRUNCATE, BOTH), ErrorCode::Exist);
        }
    }
    assert_eq!(root.content("f"), b"content");
    assert!(!root.has("nowhere"), "a link is not followed to create its target");
}

pub(crate) fn exclusive_creation_has_one_winner<F: Form>() {
    const NAMES: usize = 400;
    fn win<F: Form>(guest: &Guest<F>) -> usize {
        let root = guest.root();
        (0..NAMES).filter(|i| root.open(&format!("f{i}"), NEW, WRITE).is_ok()).count()
    }
    let guest = Guest::<F>::new();
    let wins = match guest.another() {
        Some(another) => std::thread::scope(|scope| {
            let theirs = scope.spawn(move || win(&another));
            win(&guest) + theirs.join().unwrap()
        }),
        None => win(&guest) + win(&guest),
    };
    assert_eq!(wins, NAMES);
}

pub(crate) fn a_descriptor_does_what_it_was_opened_for<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.put("f", b"content");
    let reader = root.open("f", NO_OPEN, READ).unwrap();
    refused(reader.write(0, b"x"), ErrorCode::BadDescriptor);
    refused(reader.append(b"x"), ErrorCode::BadDescriptor);
    refused(reader.set_size(0), ErrorCode::BadDescriptor);
    let writer = root.open("f", NO_OPEN, WRITE).unwrap();
    refused(writer.read(0, 1), ErrorCode::BadDescriptor);
    let neither = root.open("f", NO_OPEN, NO_FLAGS).unwrap();
    refused(neither.read(0, 1), ErrorCode::BadDescriptor);
    refused(neither.write(0, b"x"), ErrorCode::BadDescriptor);
    assert_eq!(neither.stat().size, 7, "attributes need no flag");
    assert_eq!(reader.all(), b"content");
}

pub(crate) fn flags_tell_what_a_descriptor_was_opened_for<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.put("f", b"");
    for flags in [READ, WRITE, BOTH] {
        assert_eq!(root.open("f", NO_OPEN, flags).unwrap().flags(), flags);
    }
    // Asking for what only a directory can give is no error and gives nothing.
    assert_eq!(root.open("f", NO_OPEN, READ | MUTATE).unwrap().flags(), READ);
    assert_eq!(root.flags(), READ | MUTATE);
}

pub(crate) fn a_directory_has_no_content<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    let directory = root.make_directory("d");
    refused(directory.read(0, 1), ErrorCode::IsDirectory);
    refused(directory.write(0, b"x"), ErrorCode::IsDirectory);
    refused(directory.append(b"x"), ErrorCode::IsDirectory);
    refused(directory.set_size(0), ErrorCode::IsDirectory);
    refused(root.open("d", NO_OPEN, WRITE), ErrorCode::IsDirectory);
    refused(root.open("d", CREATE, BOTH), ErrorCode::IsDirectory);
    refused(root.open("d", TRUNCATE, READ), ErrorCode::IsDirectory);
    refused(directory.advise(0, 1), ErrorCode::BadDescriptor);
}

pub(crate) fn opening_a_directory_refuses_files<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    root.put("f", b"");
    refused(root.open("f", DIRECTORY, READ), ErrorCode::NotDirectory);
    refused(root.open("missing", DIRECTORY, READ), ErrorCode::NoEntry);
    refused(root.open("missing", DIRECTORY | CREATE, READ), ErrorCode::Invalid);
    assert!(!root.has("missing"));
}

pub(crate) fn huge_offsets_and_sizes_are_too_large<F: Form>() {
    let guest = Guest::<F>::new();
    let file = guest.root().make_file("f", b"ab");
    let before = guest.bytes();
    for offset in [1 << 62, (1 << 63) - 1, 1 << 63, u64::MAX - 1, u64::MAX] {
        refused(file.write(offset, b"xy"), ErrorCode::FileTooLarge);
        refused(file.set_size(offset), ErrorCode::FileTooLarge);
    }
    assert_eq!(file.all(), b"ab");
    assert_eq!(guest.bytes(), before);
}

pub(crate) fn sync_and_advise_succeed<F: Form>() {
    let guest = Guest::<F>::new();
    let root = guest.root();
    let file = root.make_file("f", b"ab");
    file.sync().unwrap();
    file.sync_data().unwrap();
    root.sync().unwrap();
    guest.mount(crate::Mount::ReadOnly).open_to_read("f").unwrap().sync().unwrap();
    file.advise(0, 0).unwrap();
    file.advise(1 << 40, 1 << 40).unwrap();
    refused(file.advise(u64::MAX, 1), ErrorCode::Invalid);
    assert_eq!(file.all(), b"ab");
}
