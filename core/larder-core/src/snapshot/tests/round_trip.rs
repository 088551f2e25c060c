use super::*;
use crate::Limits;

#[test]
fn everything_comes_back() {
    let before = sample();
    let after = read(&write(&before)).unwrap();
    assert_eq!(dump(&after), dump(&before));
    assert_eq!(after.usage(), before.usage());
    assert_eq!(after.recount(), after.usage());
    assert_eq!((after.name(), after.root_id()), (before.name(), before.root_id()));
}

#[test]
fn what_was_read_writes_the_same_bytes() {
    let stream = write(&sample());
    assert_eq!(write(&read(&stream).unwrap()), stream);
}

#[test]
fn an_empty_volume_comes_back() {
    let before = Volume::new(options());
    let after = read(&write(&before)).unwrap();
    assert_eq!(dump(&after), dump(&before));
}

#[test]
fn new_names_go_on_behind_the_old_ones() {
    // Neither inode numbers nor cookies that were given out come again.
    let before = sample();
    let after = read(&write(&before)).unwrap();
    for volume in [&before, &after] {
        create(&root(volume), "a/new");
    }
    assert_eq!(dump(&after), dump(&before));
}

#[test]
fn equal_trees_give_equal_bytes_however_they_came_about() {
    let made_by = |changes: &[&dyn Fn(&Descriptor)]| {
        let volume = Volume::new(options());
        let file = create(&root(&volume), "file");
        changes.iter().for_each(|change| change(&file));
        write(&volume)
    };
    let once = made_by(&[&|file| assert_eq!(file.write(at(3), 0, b"abc\0\0").unwrap(), 5), &|file| {
        file.set_size(at(3), 5).unwrap();
    }]);
    let grown = made_by(&[&|file| assert_eq!(file.write(at(3), 0, b"abc").unwrap(), 3), &|file| {
        file.set_size(at(3), 5).unwrap();
    }]);
    let parts = made_by(&[&|file| assert_eq!(file.write(at(3), 1, b"bc\0\0").unwrap(), 4), &|file| {
        file.write(at(3), 0, b"a").unwrap();
    }]);
    assert_eq!(once, grown);
    assert_eq!(once, parts);
}

#[test]
fn files_that_have_no_name_any_more_are_left_out() {
    let volume = Volume::new(options());
    let root = root(&volume);
    let open = create(&root, "gone");
    open.write(at(1), 0, b"still open").unwrap();
    root.unlink_file_at(at(1), "gone").unwrap();
    let after = read(&write(&volume)).unwrap();
    assert_eq!(after.usage().inodes, 1);
    assert_eq!(after.usage().bytes, 0);
}

#[test]
fn big_files_and_big_directories_come_back() {
    let volume = Volume::new(options());
    let root = root(&volume);
    let big = create(&root, "big");
    let data: Vec<u8> = (0..5_000_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    big.write(at(3), 123, &data).unwrap();
    root.create_directory_at(at(1), "many").unwrap();
    for i in 0..5_000 {
        create(&root, &format!("many/name-{i:060}"));
    }
    let stream = write(&volume);
    let after = read(&stream).unwrap();
    assert_eq!(dump(&after), dump(&volume));
    let file =
        super::root(&after).open_at(at(0), Follow::No, "big", OpenFlags::empty(), DescriptorFlags::READ).unwrap();
    assert!(file.read(123, data.len() + 1).unwrap().into_bytes() == data);
    assert_eq!(write(&after), stream);
}

#[test]
fn a_directory_tree_of_any_depth_comes_back() {
    let volume = Volume::new(options());
    let mut here = root(&volume);
    for _ in 0..3_000 {
        here.create_directory_at(at(1), "d").unwrap();
        here = here.open_at(at(1), Follow::No, "d", OpenFlags::DIRECTORY, DescriptorFlags::READ).unwrap();
    }
    drop(here);
    let after = read(&write(&volume)).unwrap();
    assert_eq!(after.usage().inodes, 3_001);
}

#[test]
fn the_reader_stops_behind_the_end() {
    let mut stream = write(&sample());
    let length = stream.len();
    stream.extend_from_slice(b"something else");
    let mut input = &*stream;
    read_snapshot(&mut input, options()).unwrap();
    assert_eq!(input, &stream[length..]);
}

#[test]
fn a_stream_comes_in_pieces_of_any_size() {
    /// One byte for each call, and a signal before every third.
    struct Dribble<'a>(&'a [u8], u32);
    impl std::io::Read for Dribble<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.1 += 1;
            if self.1.is_multiple_of(3) {
                return Err(std::io::ErrorKind::Interrupted.into());
            }
            let one = buffer.len().min(1);
            std::io::Read::read(&mut self.0, &mut buffer[..one])
        }
    }
    let before = sample();
    let stream = write(&before);
    let after = read_snapshot(&mut Dribble(&stream, 0), options()).unwrap();
    assert_eq!(dump(&after), dump(&before));
}

#[test]
fn a_volume_at_its_limit_comes_back_within_the_same_limits() {
    let before = sample();
    let used = before.usage();
    let limits = Limits { bytes: used.bytes, inodes: used.inodes, ..Limits::default() };
    let after = read_snapshot(&mut &*write(&before), VolumeOptions { limits, ..options() }).unwrap();
    assert_eq!(after.usage(), used);
}
