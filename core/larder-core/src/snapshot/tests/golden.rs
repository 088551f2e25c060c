use super::super::layout::{HEADER_BYTES, VERSION};
use super::*;

/// Written by the first build of version 1. It is never written again: every
/// later build must read it.
const V1: &[u8] = include_bytes!("../../../tests/golden/v1.snapshot");

/// What is in it.
const V1_LISTING: &str = include_str!("../../../tests/golden/v1.txt");

/// One line for each name, with all that the stream holds of it. What the
/// store makes of it (charges) may change; this may not.
fn listing(volume: &Arc<Volume>) -> String {
    use std::fmt::Write as _;
    let mut lines = String::new();
    for Seen { path, cookie, attributes, content } in dump(volume) {
        let Attributes { id, file_type, link_count, size, mode, accessed, modified, changed, version, .. } = attributes;
        let size = if file_type == FileType::Directory { 0 } else { size };
        let time = |time: Timestamp| format!("{}.{:09}", time.seconds, time.nanoseconds);
        writeln!(
            lines,
            "{path:?} cookie {cookie} {file_type:?} ino {} generation {} links {link_count} size {size} mode {mode:o} \
             accessed {} modified {} changed {} version {version} content {:08x}",
            id.ino,
            id.generation,
            time(accessed),
            time(modified),
            time(changed),
            crc32fast::hash(&content),
        )
        .unwrap();
    }
    lines
}

#[test]
fn a_stream_of_version_1_is_read() {
    assert_eq!(listing(&read(V1).unwrap()), V1_LISTING);
}

#[test]
fn version_1_is_written_as_it_was() {
    assert_eq!(VERSION, 1, "a new version gets a golden file of its own");
    assert!(write(&read(V1).unwrap()) == V1, "the bytes of version 1 changed: older builds would misread them");
}

/// Sets a field of the header and its checksum.
fn with_header(at: usize, value: u32) -> Vec<u8> {
    let mut stream = V1.to_vec();
    stream[at..at + 4].copy_from_slice(&value.to_le_bytes());
    let checksum = crc32fast::hash(&stream[..HEADER_BYTES - 4]);
    stream[HEADER_BYTES - 4..HEADER_BYTES].copy_from_slice(&checksum.to_le_bytes());
    stream
}

#[test]
fn newer_versions_and_features_are_refused_by_name() {
    let newer = read(&with_header(12, 2)).unwrap_err();
    assert!(matches!(newer, SnapshotError::UnsupportedVersion { found: 2, supported: 1 }), "{newer}");
    assert!(newer.to_string().contains("newer Larder"), "{newer}");
    let feature = read(&with_header(16, 0b100)).unwrap_err();
    assert!(matches!(feature, SnapshotError::UnsupportedFeatures { unknown: 0b100 }), "{feature}");
    assert!(matches!(read(&with_header(12, 0)), Err(SnapshotError::Corrupt { .. })));
}

/// How the golden file was made. Not for existing versions.
#[test]
#[ignore = "writes the golden file of a new version"]
fn write_golden_file() {
    let path = |kind| format!("{}/tests/golden/v{VERSION}.{kind}", env!("CARGO_MANIFEST_DIR"));
    assert!(std::fs::metadata(path("snapshot")).map_or(true, |file| file.len() == 0), "it exists");
    std::fs::write(path("snapshot"), write(&sample())).unwrap();
    std::fs::write(path("txt"), listing(&sample())).unwrap();
}
