//! Readers of hostile input: whatever the bytes, no panic, and what is loaded
//! is sound.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a failing test may panic")]
#![cfg(unix)]

mod common;

use common::*;
use larder_core::{Follow, Limits, Rights, SetTime, Timestamp, View, VolumeOptions, read_snapshot};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

/// A step in making a volume; what does not work is left out.
#[derive(Clone, Debug)]
enum Step {
    File(u8, u32, u16),
    Directory(u8),
    Symlink(u8, u8),
    Link(u8, u8),
    Remove(u8),
    Move(u8, u8),
    Times(u8, i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (any::<u8>(), 0..200_000u32, 0..20_000u16).prop_map(|(a, b, c)| Step::File(a, b, c)),
        2 => any::<u8>().prop_map(Step::Directory),
        1 => any::<(u8, u8)>().prop_map(|(a, b)| Step::Symlink(a, b)),
        1 => any::<(u8, u8)>().prop_map(|(a, b)| Step::Link(a, b)),
        1 => any::<u8>().prop_map(Step::Remove),
        1 => any::<(u8, u8)>().prop_map(|(a, b)| Step::Move(a, b)),
        1 => any::<(u8, i64)>().prop_map(|(a, b)| Step::Times(a, b)),
    ]
}

/// A path in a small tree.
fn path(seed: u8) -> String {
    let names = ["a", "b", "c", "ö"];
    let name = |shift: u32| names[usize::from(seed >> shift & 3)];
    match seed >> 6 {
        0 => name(0).to_owned(),
        1 => format!("{}/{}", name(0), name(2)),
        _ => format!("{}/{}/{}", name(0), name(2), name(4)),
    }
}

fn build(steps: &[Step]) -> View {
    let view = volume();
    let root = view.root().unwrap();
    for step in steps {
        let _ = match step {
            Step::File(at, offset, length) => {
                let open = larder_core::OpenFlags::CREATE;
                let flags = larder_core::DescriptorFlags::WRITE;
                let content = vec![*at; usize::from(*length)];
                root.open_at(NOW, Follow::No, &path(*at), open, flags)
                    .and_then(|file| file.write(NOW, u64::from(*offset), &content).map(drop))
            }
            Step::Directory(at) => root.create_directory_at(NOW, &path(*at)),
            Step::Symlink(at, to) => root.symlink_at(NOW, &path(*to), &path(*at)),
            Step::Link(from, to) => root.link_at(NOW, Follow::No, &path(*from), &root, &path(*to)),
            Step::Remove(at) => {
                root.unlink_file_at(NOW, &path(*at)).or_else(|_| root.remove_directory_at(NOW, &path(*at)))
            }
            Step::Move(from, to) => root.rename_at(NOW, &path(*from), &root, &path(*to)),
            Step::Times(at, seconds) => {
                let time = SetTime::At(Timestamp::from_seconds(*seconds));
                root.set_times_at(NOW, Follow::No, &path(*at), SetTime::Keep, time)
            }
        };
    }
    view
}

/// Damage to a stream of bytes.
#[derive(Clone, Debug)]
enum Damage {
    Set(Index, u8),
    Word(Index, u64),
    Cut(Index, u16),
    Double(Index, u16),
    Insert(Index, Vec<u8>),
    End(Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let interesting =
        prop_oneof![Just(0), Just(1), Just(u64::MAX), Just(1 << 63), Just(1 << 31), any::<u64>(), 0..300u64];
    prop_oneof![
        4 => any::<(Index, u8)>().prop_map(|(at, byte)| Damage::Set(at, byte)),
        4 => (any::<Index>(), interesting).prop_map(|(at, word)| Damage::Word(at, word)),
        1 => (any::<Index>(), 0..600u16).prop_map(|(at, length)| Damage::Cut(at, length)),
        1 => (any::<Index>(), 0..600u16).prop_map(|(at, length)| Damage::Double(at, length)),
        1 => (any::<Index>(), vec(any::<u8>(), 0..50)).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        1 => any::<Index>().prop_map(Damage::End),
    ]
}

fn hurt(bytes: &mut Vec<u8>, damage: &Damage) {
    if bytes.is_empty() {
        return;
    }
    let end = bytes.len();
    match damage {
        Damage::Set(at, byte) => bytes[at.index(end)] = *byte,
        Damage::Word(at, word) => {
            let at = at.index(end);
            let to = (at + 8).min(end);
            bytes[at..to].copy_from_slice(&word.to_le_bytes()[..to - at]);
        }
        Damage::Cut(at, length) => {
            let at = at.index(end);
            bytes.drain(at..(at + usize::from(*length)).min(end));
        }
        Damage::Double(at, length) => {
            let at = at.index(end);
            let piece = bytes[at..(at + usize::from(*length)).min(end)].to_vec();
            bytes.splice(at..at, piece);
        }
        Damage::Insert(at, piece) => {
            let at = at.index(end);
            bytes.splice(at..at, piece.iter().copied());
        }
        Damage::End(at) => bytes.truncate(at.index(end)),
    }
}

/// Sets every checksum of a snapshot right, as far as its records go: damage
/// then comes to the checks behind the checksums.
fn seal_snapshot(bytes: &mut [u8]) {
    if bytes.len() < 32 {
        return;
    }
    let header = crc32fast::hash(&bytes[..28]).to_le_bytes();
    bytes[28..32].copy_from_slice(&header);
    let (mut at, mut records, mut nodes) = (32, 0u64, 0u64);
    let mut checksums = header.to_vec();
    while at + 12 <= bytes.len() {
        let length = u32::from_le_bytes(bytes[at + 4..at + 8].try_into().unwrap()) as usize;
        let Some(end) = (at + 8).checked_add(length).filter(|end| end + 4 <= bytes.len()) else { return };
        nodes += u64::from([2, 4, 6].contains(&bytes[at]));
        if bytes[at] == 7 && length == 36 {
            let whole = crc32fast::hash(&checksums).to_le_bytes();
            bytes[at + 8..at + 16].copy_from_slice(&records.to_le_bytes());
            bytes[at + 16..at + 24].copy_from_slice(&nodes.to_le_bytes());
            bytes[end - 4..end].copy_from_slice(&whole);
        }
        let checksum = crc32fast::hash(&bytes[at..end]).to_le_bytes();
        bytes[end..end + 4].copy_from_slice(&checksum);
        checksums.extend_from_slice(&checksum);
        at = end + 4;
        records += 1;
    }
}

/// Sets the checksum of every block of a tar stream right that looks like a
/// header.
fn seal_tar(bytes: &mut [u8]) {
    for block in bytes.chunks_exact_mut(512) {
        if &block[257..262] == b"ustar" {
            block[148..156].copy_from_slice(b"        ");
            let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
            block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        }
    }
}

fn write(view: &View) -> Vec<u8> {
    let mut stream = Vec::new();
    view.volume().freeze().unwrap().write_to(&mut stream).unwrap();
    stream
}

fn options() -> VolumeOptions {
    let limits = Limits { bytes: 64 << 20, inodes: 10_000, file_bytes: 4 << 20, ..Limits::default() };
    VolumeOptions { limits, ..VolumeOptions::default() }
}

/// What was loaded can be used and saved like any volume.
fn check_sound(stream: &[u8]) -> bool {
    let Ok(volume) = read_snapshot(&mut &*stream, options()) else { return false };
    assert_eq!(volume.usage(), volume.recount());
    let view = View::new(&volume, Rights::READ_WRITE).unwrap();
    let tree = see_volume(&view, "");
    let again = read_snapshot(&mut &*write(&view), options()).unwrap();
    let again = View::new(&again, Rights::READ_WRITE).unwrap();
    assert_same(&see_volume(&again, ""), &tree);
    put(&view, "new", b"new");
    view.root().unwrap().create_directory_at(NOW, "new directory").unwrap();
    assert_eq!(volume.usage(), volume.recount());
    true
}

proptest! {
    // More with PROPTEST_CASES in the environment.
    #![proptest_config(ProptestConfig {
        cases: ProptestConfig::default().cases.max(2_000),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_volume_comes_back(steps in vec(step(), 0..40)) {
        let view = build(&steps);
        let stream = write(&view);
        let after = View::new(&read_snapshot(&mut &*stream, options()).unwrap(), Rights::READ_WRITE).unwrap();
        assert_same(&see_volume(&after, ""), &see_volume(&view, ""));
        prop_assert_eq!(after.volume().usage(), after.volume().recount());
        prop_assert_eq!(write(&after), stream);
    }

    #[test]
    fn a_damaged_snapshot_is_refused(steps in vec(step(), 0..20), damages in vec(damage(), 1..4)) {
        let sound = write(&build(&steps));
        let mut stream = sound.clone();
        damages.iter().for_each(|damage| hurt(&mut stream, damage));
        // What is behind the end is not looked at.
        if !stream.starts_with(&sound) {
            prop_assert!(read_snapshot(&mut &*stream, options()).is_err());
        }
    }

    #[test]
    fn a_forged_snapshot_is_refused_or_sound(steps in vec(step(), 0..20), damages in vec(damage(), 1..4)) {
        let mut stream = write(&build(&steps));
        damages.iter().for_each(|damage| hurt(&mut stream, damage));
        seal_snapshot(&mut stream);
        check_sound(&stream);
    }

    #[test]
    fn any_volume_comes_back_from_an_archive(steps in vec(step(), 0..40)) {
        let view = build(&steps);
        let mut archive = Vec::new();
        let packed = transfer().export_tar(&view, "", &mut archive).unwrap();
        prop_assert!(packed.is_complete());
        let after = volume();
        let report = transfer().import_tar(&mut &*archive, &after, "top").unwrap();
        prop_assert!(report.is_complete(), "{:?}", report);
        assert_same(&see_volume(&after, "top"), &see_volume(&view, ""));
    }

    #[test]
    fn a_forged_archive_is_refused_or_sound(steps in vec(step(), 0..20), damages in vec(damage(), 1..4)) {
        let mut archive = Vec::new();
        transfer().export_tar(&build(&steps), "", &mut archive).unwrap();
        damages.iter().for_each(|damage| hurt(&mut archive, damage));
        seal_tar(&mut archive);
        let view = limited(options().limits);
        let _ = transfer().import_tar(&mut &*archive, &view, "");
        prop_assert_eq!(view.volume().usage(), view.volume().recount());
    }

    #[test]
    fn any_bytes_are_refused(bytes in vec(any::<u8>(), 0..2_000)) {
        prop_assert!(read_snapshot(&mut &*bytes, options()).is_err());
        let _ = transfer().import_tar(&mut &*bytes, &volume(), "");
    }
}
