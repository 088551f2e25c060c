use super::*;

/// A stream that is small enough to damage in every place.
fn small() -> Vec<u8> {
    let stream = write(&sample());
    assert!(stream.len() < 8_000, "{}", stream.len());
    stream
}

#[test]
fn every_flipped_bit_is_noticed() {
    let sound = small();
    for at in 0..sound.len() {
        for bit in 0..8 {
            let mut stream = sound.clone();
            stream[at] ^= 1 << bit;
            assert!(read(&stream).is_err(), "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn every_changed_byte_is_noticed() {
    let sound = small();
    for at in 0..sound.len() {
        for value in [0, 0xff, sound[at].wrapping_add(1), sound[at].reverse_bits()] {
            if value != sound[at] {
                let mut stream = sound.clone();
                stream[at] = value;
                assert!(read(&stream).is_err(), "{value} at byte {at}");
            }
        }
    }
}

#[test]
fn every_truncation_is_noticed_where_it_is() {
    let sound = small();
    for length in 0..sound.len() {
        match read(&sound[..length]) {
            Err(SnapshotError::Corrupt { offset, .. }) => assert_eq!(offset, length as u64),
            other => panic!("{length} bytes: {other:?}"),
        }
    }
}

#[test]
fn lost_doubled_and_swapped_records_are_noticed() {
    let sound = small();
    let mut borders = vec![super::super::layout::HEADER_BYTES];
    while let Some(frame) = sound.get(borders[borders.len() - 1]..).filter(|rest| !rest.is_empty()) {
        let length = u32::from_le_bytes(frame[4..8].try_into().unwrap()) as usize;
        borders.push(borders[borders.len() - 1] + 8 + length + 4);
    }
    for pair in borders.windows(2) {
        let [from, to] = *pair else { unreachable!() };
        let lost = [&sound[..from], &sound[to..]].concat();
        assert!(read(&lost).is_err(), "without {from}..{to}");
        // Behind the end record the reader does not look.
        if to < sound.len() {
            let doubled = [&sound[..to], &sound[from..]].concat();
            assert!(read(&doubled).is_err(), "with {from}..{to} twice");
        }
    }
    for triple in borders.windows(3) {
        let [from, middle, to] = *triple else { unreachable!() };
        let swapped = [&sound[..from], &sound[middle..to], &sound[from..middle], &sound[to..]].concat();
        assert!(read(&swapped).is_err(), "{from}..{middle} behind {middle}..{to}");
    }
}

#[test]
fn a_record_of_another_stream_is_noticed() {
    // Every record is sound, and as many as there should be: two files that
    // differ in nothing but content.
    let with = |content: &[u8]| {
        let volume = Volume::new(options());
        create(&root(&volume), "file").write(at(1), 0, content).unwrap();
        write(&volume)
    };
    let (mut one, other) = (with(b"this"), with(b"that"));
    let data = one.windows(4).position(|bytes| bytes == b"this").unwrap();
    // Content and its record's checksum.
    one[data..data + 8].copy_from_slice(&other[data..data + 8]);
    match read(&one) {
        Err(SnapshotError::Corrupt { what, .. }) => assert!(what.contains("whole stream"), "{what}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn errors_say_what_to_do() {
    let text = |result: Result<Arc<Volume>, SnapshotError>| result.unwrap_err().to_string();
    assert!(text(read(b"PK\x03\x04 something else altogether")).contains("not a Larder snapshot"));
    let mut cut = small();
    cut.pop();
    assert!(text(read(&cut)).contains(&format!("at byte {}", cut.len())));
    assert!(text(read(&cut)).contains("restore it from a copy"));
}

#[test]
fn errors_of_the_stream_itself_pass_through() {
    struct Broken;
    impl std::io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the disk is on fire"))
        }
    }
    impl std::io::Write for Broken {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the disk is on fire"))
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    assert!(matches!(read_snapshot(&mut Broken, options()), Err(SnapshotError::Io(_))));
    assert!(matches!(sample().freeze().unwrap().write_to(&mut Broken), Err(SnapshotError::Io(_))));
}
