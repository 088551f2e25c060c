use super::super::layout::{FRAME_BYTES, HEADER_BYTES, MAGIC, MAX_PAYLOAD, kind};
use super::super::record_reader::RecordReader;
use super::*;
use crate::volume::{FrozenBody, FrozenNode};
use crate::{DirectoryEntry, NodeId, Snapshot};

/// A record with a right checksum.
pub(super) fn record(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut record = vec![kind, 0, 0, 0];
    record.extend_from_slice(&u32::try_from(payload.len()).unwrap().to_le_bytes());
    record.extend_from_slice(payload);
    let checksum = crc32fast::hash(&record);
    record.extend_from_slice(&checksum.to_le_bytes());
    record
}

/// Header, volume, root, and a file record of that length.
pub(super) fn stream_with_file_of(size: u64) -> Vec<u8> {
    let volume = Volume::new(options());
    create(&root(&volume), "file").set_size(at(1), 1 << 20).unwrap();
    let stream = write(&volume);
    let end = stream.len() - (FRAME_BYTES + 36 + 4);
    let file = end - (FRAME_BYTES + 80 + 4);
    assert_eq!((stream[file], stream[end]), (kind::FILE, kind::END));
    let mut payload = stream[file + FRAME_BYTES..end - 4].to_vec();
    payload[72..].copy_from_slice(&size.to_le_bytes());
    [&stream[..file], &record(kind::FILE, &payload)].concat()
}

/// `records` between the volume record and a right end record.
fn stream_of(records: &[Vec<u8>], counts: [u64; 3]) -> Vec<u8> {
    let sample = write(&sample());
    let volume = HEADER_BYTES + FRAME_BYTES + u32::from_le_bytes(sample[36..40].try_into().unwrap()) as usize + 4;
    let mut stream = sample[..volume].to_vec();
    records.iter().for_each(|record| stream.extend_from_slice(record));
    let [nodes, entries, bytes] = counts;
    let mut end = Vec::new();
    for count in [records.len() as u64 + 1, nodes, entries, bytes] {
        end.extend_from_slice(&count.to_le_bytes());
    }
    end.extend_from_slice(&stream_checksum(&stream).to_le_bytes());
    stream.extend_from_slice(&record(kind::END, &end));
    stream
}

/// The checksum of the checksums of the header and all records.
fn stream_checksum(stream: &[u8]) -> u32 {
    let (header, mut rest) = stream.split_at(HEADER_BYTES);
    let mut checksums = header[HEADER_BYTES - 4..].to_vec();
    while !rest.is_empty() {
        let length = FRAME_BYTES + u32::from_le_bytes(rest[4..8].try_into().unwrap()) as usize;
        checksums.extend_from_slice(&rest[length..length + 4]);
        rest = &rest[length + 4..];
    }
    crc32fast::hash(&checksums)
}

#[test]
fn a_length_field_allocates_nothing() {
    let mut stream = write(&Volume::new(options()))[..HEADER_BYTES].to_vec();
    stream.extend_from_slice(&[kind::DATA, 0, 0, 0]);
    stream.extend_from_slice(&u32::try_from(MAX_PAYLOAD).unwrap().to_le_bytes());
    stream.extend_from_slice(&[0; 100]);
    let mut input = &*stream;
    let mut reader = RecordReader::start(&mut input).unwrap();
    assert!(reader.next().is_err());
    assert!(reader.memory() <= 8_192, "{}", reader.memory());
}

#[test]
fn unknown_records_are_skipped_only_where_they_may_be() {
    let root = || {
        let stream = write(&Volume::new(options()));
        stream[stream.len() - (FRAME_BYTES + 36 + 4) - (FRAME_BYTES + 88 + 4)..stream.len() - 48].to_vec()
    };
    read(&stream_of(&[root()], [1, 0, 0])).unwrap();
    read(&stream_of(&[record(0x80, b"later"), root(), record(0xff, b"later")], [1, 0, 0])).unwrap();
    for unknown in [0, 8, 0x7f] {
        let refused = read(&stream_of(&[root(), record(unknown, b"later")], [1, 0, 0]));
        assert!(matches!(refused, Err(SnapshotError::Corrupt { .. })), "{unknown}: {refused:?}");
    }
    assert!(read(&stream_of(&[root(), record(kind::VOLUME, b"again")], [1, 0, 0])).is_err());
    assert!(read(&stream_of(&[root()], [2, 0, 0])).is_err(), "wrong counts");
}

#[test]
fn streams_of_every_other_shape_are_refused() {
    let mut magic_only = MAGIC.to_vec();
    assert!(read(&magic_only).is_err());
    magic_only.resize(10_000, 0);
    assert!(read(&magic_only).is_err());
    assert!(read(&[]).is_err());
    assert!(read(&[0; 1 << 16]).is_err());
}

/// Writes what `tamper` makes of the sample, with all checksums right.
fn tampered(tamper: impl FnOnce(&mut Snapshot)) -> Result<Arc<Volume>, SnapshotError> {
    let mut snapshot = sample().freeze().unwrap();
    tamper(&mut snapshot);
    let mut stream = Vec::new();
    snapshot.write_to(&mut stream).unwrap();
    read(&stream)
}

fn node<'s>(snapshot: &'s mut Snapshot, name: &str) -> &'s mut FrozenNode {
    let id = snapshot
        .nodes
        .iter()
        .find_map(|node| match &node.body {
            FrozenBody::Directory { entries, .. } => entries.iter().find(|entry| &*entry.name == name),
            _ => None,
        })
        .unwrap()
        .id;
    snapshot.nodes.iter_mut().find(|node| node.id == id).unwrap()
}

fn entries(node: &mut FrozenNode) -> &mut Vec<DirectoryEntry> {
    match &mut node.body {
        FrozenBody::Directory { entries, .. } => entries,
        other => panic!("{other:?}"),
    }
}

fn root_entries(snapshot: &mut Snapshot) -> &mut Vec<DirectoryEntry> {
    entries(&mut snapshot.nodes[0])
}

#[test]
fn trees_that_are_none_are_refused() {
    tampered(|_| ()).unwrap();
    type Tamper<'t> = &'t dyn Fn(&mut Snapshot);
    let tampers: &[(&str, Tamper<'_>)] = &[
        ("a link count", &|s| node(s, "text").link_count += 1),
        ("a directory's link count", &|s| node(s, "a").link_count -= 1),
        ("no root", &|s| drop(s.nodes.remove(0))),
        ("a root that is a file", &|s| s.root = node(s, "sparse").id),
        ("another generation of the root", &|s| s.root.generation += 1),
        ("a name for nothing", &|s| root_entries(s)[0].id = NodeId { ino: 999, generation: 7 }),
        ("a name of another type", &|s| root_entries(s)[0].file_type = FileType::RegularFile),
        ("a lost name", &|s| drop(root_entries(s).pop())),
        ("a name with a slash", &|s| root_entries(s)[0].name = "em/pty".into()),
        ("a name with a NUL", &|s| root_entries(s)[0].name = "em\0pty".into()),
        ("no name", &|s| root_entries(s)[0].name = "".into()),
        ("dot-dot", &|s| root_entries(s)[0].name = "..".into()),
        ("one name twice", &|s| root_entries(s)[0].name = root_entries(s)[1].name.clone()),
        ("cookies out of order", &|s| root_entries(s).swap(0, 1)),
        ("a cookie behind the last", &|s| root_entries(s).last_mut().unwrap().cookie = 1 << 40),
        ("a cookie that cannot count on", &|s| {
            if let FrozenBody::Directory { last_cookie, .. } = &mut s.nodes[0].body {
                *last_cookie = u64::MAX;
            }
        }),
        ("an inode number that cannot count on", &|s| s.next_ino = u64::MAX),
        ("a version that cannot count on", &|s| node(s, "text").version = u64::MAX),
        ("inode number 0", &|s| s.nodes[0].id.ino = 0),
        ("a directory in another", &|s| {
            if let FrozenBody::Directory { parent, .. } = &mut node(s, "b").body {
                *parent = 1;
            }
        }),
        ("a loop", &|s| {
            // a/b is taken out of the tree and put into its own child.
            let moved = entries(node(s, "a")).remove(0);
            assert_eq!(&*moved.name, "b");
            node(s, "a").link_count -= 1;
            let c = node_by_path_c(s);
            entries(c).push(DirectoryEntry { cookie: 100, ..moved.clone() });
            c.link_count += 1;
            let inside = c.id.ino;
            if let FrozenBody::Directory { last_cookie, .. } = &mut c.body {
                *last_cookie = 100;
            }
            let b = s.nodes.iter_mut().find(|node| node.id == moved.id).unwrap();
            if let FrozenBody::Directory { parent, .. } = &mut b.body {
                *parent = inside;
            }
        }),
        ("data behind the end", &|s| {
            if let FrozenBody::File { size, .. } = &mut node(s, "text").body {
                *size = 3;
            }
        }),
        ("data in the middle of a page", &|s| {
            if let FrozenBody::File { chunks, .. } = &mut node(s, "sparse").body {
                chunks[0].0 += 1;
            }
        }),
        ("data twice", &|s| {
            if let FrozenBody::File { chunks, .. } = &mut node(s, "sparse").body {
                chunks.insert(0, chunks[0].clone());
            }
        }),
        ("a second of nanoseconds", &|s| node(s, "text").modified.nanoseconds = 1_000_000_000),
        ("a mode with type bits", &|s| node(s, "text").mode = 0o100_644),
        ("an empty target", &|s| node(s, "link").body = FrozenBody::Symlink { target: "".into() }),
    ];
    for (what, tamper) in tampers {
        match tampered(tamper) {
            Err(SnapshotError::Corrupt { .. }) => {}
            other => panic!("{what}: {other:?}"),
        }
    }
}

/// The directory a/b/c.
fn node_by_path_c(snapshot: &mut Snapshot) -> &mut FrozenNode {
    let b = snapshot.nodes.iter_mut().find(|node| match &node.body {
        FrozenBody::Directory { entries, .. } => entries.iter().any(|entry| &*entry.name == "c"),
        _ => false,
    });
    let c = entries(b.unwrap()).iter().find(|entry| &*entry.name == "c").unwrap().id;
    snapshot.nodes.iter_mut().find(|node| node.id == c).unwrap()
}

#[test]
fn a_name_too_long_for_a_record_is_an_error_and_no_broken_file() {
    let limits = crate::Limits { path_bytes: 4 << 20, ..crate::Limits::default() };
    let volume = Volume::new(VolumeOptions { limits, ..options() });
    root(&volume).symlink_at(at(1), &"x".repeat(2 << 20), "link").unwrap();
    let refused = volume.freeze().unwrap().write_to(&mut Vec::new());
    assert!(matches!(refused, Err(SnapshotError::Limit(_))), "{refused:?}");
}
