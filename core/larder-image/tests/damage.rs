//! Damaged and hostile images: an error or a volume that works, never a panic,
//! a hang, or more memory than the image can ask for. `LARDER_IMAGE_CASES` sets
//! the number of cases.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test may panic")]
#![allow(clippy::cast_possible_truncation, reason = "positions in small images")]

mod common;

use std::sync::Arc;

use bytes::Bytes;
use common::{THEN, sample};
use larder_core::{DescriptorFlags, ErrorCode, FileType, Follow, OpenFlags, Rights, View, Volume};
use larder_image::{Image, ImageError};
use proptest::prelude::*;

const HEADER: usize = 64;

fn cases() -> u32 {
    std::env::var("LARDER_IMAGE_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(5_000)
}

fn u64_at(image: &[u8], at: usize) -> usize {
    u64::from_le_bytes(image[at..at + 8].try_into().unwrap()) as usize
}

fn put(image: &mut [u8], at: usize, value: u32) {
    image[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

/// Makes the checksums right again: what is behind them must not be trusted.
fn seal(image: &mut [u8]) {
    let options = u64_at(image, 32);
    if let Some(section) = image.get(options..options.saturating_add(u64_at(image, 40))) {
        let sum = crc32fast::hash(section);
        put(image, 48, sum);
    }
    if let Some(body) = image.get(HEADER..options) {
        let sum = crc32fast::hash(body);
        put(image, 52, sum);
    }
    let sum = crc32fast::hash(&image[..60]);
    put(image, 60, sum);
}

/// Does a bit of everything everywhere.
fn exercise(volume: &Arc<Volume>) {
    // Its limits may allow no descriptor.
    let Ok(root) = View::new(volume, Rights::READ_WRITE).and_then(|view| view.root()) else { return };
    let mut open = vec![String::new()];
    let mut seen = 0;
    while let Some(path) = open.pop() {
        seen += 1;
        if seen > 200 {
            break;
        }
        let directory = match &*path {
            "" => root.dup(),
            path => root.open_at(THEN, Follow::No, path, OpenFlags::empty(), DescriptorFlags::READ),
        };
        let Ok(directory) = directory else { continue };
        for entry in directory.read_directory(0, 50).unwrap_or_default() {
            let name = &*entry.name;
            let _ = directory.stat_at(Follow::Yes, name);
            let _ = directory.readlink_at(name);
            match entry.file_type {
                FileType::Directory => open.push(if path.is_empty() { name.into() } else { format!("{path}/{name}") }),
                FileType::RegularFile => {
                    let flags = DescriptorFlags::READ | DescriptorFlags::WRITE;
                    if let Ok(file) = directory.open_at(THEN, Follow::No, name, OpenFlags::empty(), flags) {
                        let _ = file.read(0, 1 << 20).map(|bytes| bytes.into_bytes());
                        let _ = file.write(THEN, 5, b"x");
                        let _ = file.set_size(THEN, 3);
                    }
                    let _ = directory.rename_at(THEN, name, &root, "moved");
                }
                FileType::SymbolicLink => {}
            }
        }
    }
    let _ = root.link_at(THEN, Follow::No, "moved", &root, "linked");
    for name in ["moved", "linked", "b", "c", "a/large", "a/b/again"] {
        let _ = root.unlink_file_at(THEN, name);
    }
    for name in ["a/b", "a", "e"] {
        let _ = root.remove_directory_at(THEN, name);
    }
    let _ = volume.freeze();
    let _ = volume.recount();
    drop(root);
}

fn try_out(image: Vec<u8>) {
    let Ok(image) = Image::parse(image) else { return };
    let _ = image.verify();
    for index in 0..image.options().volumes.len() {
        if let Some(tree) = image.tree(index) {
            let _ = tree.entries(4096);
        }
        if let Ok(volume) = image.open_volume(index, 1) {
            exercise(&volume);
        }
    }
    let _ = image.open(1);
}

/// A copy of the sample whose content is left out of what is changed: what is
/// interesting are the tables.
fn tables_start(image: &[u8]) -> usize {
    // Names come first behind the content, in the order of the nodes.
    image.windows(7).rposition(|window| window == b"a/b/dee").unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn changed_bytes_behind_right_checksums(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 1..6),
    ) {
        let mut image = sample();
        let start = tables_start(&image) - 64;
        for (place, value, in_header) in changes {
            // Small values are likely to be numbers of something else.
            let value = if value < 200 { value % 20 } else { value };
            let at = if in_header { 24 + place.index(36) } else { start + place.index(image.len() - start) };
            image[at] = value;
        }
        seal(&mut image);
        try_out(image);
    }

    #[test]
    fn cut_short(length in any::<prop::sample::Index>()) {
        let mut image = sample();
        image.truncate(length.index(image.len()));
        prop_assert!(Image::parse(image.clone()).is_err());
        if image.len() >= HEADER {
            let length = image.len() as u64;
            image[24..32].copy_from_slice(&length.to_le_bytes());
            seal(&mut image);
            try_out(image);
        }
    }

    #[test]
    fn one_changed_byte_is_noticed(place in any::<prop::sample::Index>(), change in 1..=u8::MAX) {
        let mut image = sample();
        let at = place.index(image.len());
        image[at] ^= change;
        prop_assert!(Image::parse(image).and_then(|image| image.verify()).is_err(), "at {}", at);
    }
}

#[test]
fn a_whole_one_is_right() {
    Image::parse(sample()).unwrap().verify().unwrap();
}

#[test]
fn what_is_no_image_or_a_newer_one_says_so() {
    let error = |image: Vec<u8>| Image::parse(image).unwrap_err();
    assert_eq!(error(Vec::new()), ImageError::NoImage);
    assert_eq!(error(vec![0; 100]), ImageError::NoImage);
    let mut image = sample();
    put(&mut image, 12, 2);
    seal(&mut image);
    assert_eq!(error(image), ImageError::UnsupportedVersion { found: 2, supported: 1 });
    let mut image = sample();
    put(&mut image, 16, 4);
    seal(&mut image);
    assert_eq!(error(image), ImageError::UnsupportedFeatures { unknown: 4 });
    let mut image = sample();
    put(&mut image, 20, 4);
    seal(&mut image);
    assert!(Image::parse(image).is_ok(), "a compatible feature may be unknown");
}

/// Where the record of an inode of the sample is.
fn node_at(image: &[u8], ino: usize) -> usize {
    // The last table before the options.
    let options = u64_at(image, 32);
    (options - INODES * 48) / 16 * 16 + (ino - 1) * 48
}

/// Inodes of the sample.
const INODES: usize = 10;

#[test]
fn a_directory_within_itself_is_an_error_and_no_loop() {
    let mut image = sample();
    let (outer, inner) = (node_at(&image, 2), node_at(&image, 3));
    // "a/b" gets the entries of "a", which name "a/b".
    let record = image[outer..outer + 48].to_vec();
    image[inner..inner + 48].copy_from_slice(&record);
    seal(&mut image);
    let image = Image::parse(Bytes::from(image)).unwrap();
    assert!(image.verify().is_err());
    assert!(image.tree(0).unwrap().entries(4096).is_err());
    let volume = image.open_volume(0, 1).unwrap();
    let root = View::new(&volume, Rights::READ_WRITE).unwrap().root().unwrap();
    assert_eq!(root.stat_at(Follow::No, "a/b/deep").unwrap_err().code(), ErrorCode::Io);
    assert_eq!(volume.freeze().unwrap_err().code(), ErrorCode::Io);
    drop(root);
}

#[test]
fn content_that_was_not_charged_is_an_error() {
    let mut image = sample();
    let large = node_at(&image, 5);
    let extent = u64_at(&image, large + 32);
    // An extent of 200,000 bytes becomes one of everything.
    image[extent + 8..extent + 16].fill(0);
    let length = image.len() as u64;
    image[extent + 16..extent + 24].copy_from_slice(&length.to_le_bytes());
    image[large + 24..large + 32].copy_from_slice(&length.to_le_bytes());
    seal(&mut image);
    let volume = Image::parse(image).unwrap().open_volume(0, 1).unwrap();
    let root = View::new(&volume, Rights::READ_WRITE).unwrap().root().unwrap();
    assert_eq!(root.stat_at(Follow::No, "a/large").unwrap_err().code(), ErrorCode::Io);
    drop(root);
}
