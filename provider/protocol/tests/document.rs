//! `docs/protocol.md` is what the code does: the example's bytes, the tables,
//! and that no operation is left out.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use larder_core::{DescriptorFlags, ErrorCode, FileType, Follow, MetadataHash, OpenFlags, Timestamp};
use larder_protocol::messages::{self, Instant, Reply, reply};
use larder_protocol::{MOST_REQUEST_BYTES, error, request, welcome};
use larder_store_service::{
    Attributes, Call, Change, MAX_ENTRIES, MAX_NOTES, MAX_TRANSFER, MAX_WRITES, Mount, Node, Note, Opening, Place,
    Position, REMEMBERED_CHANGES, Target, VERSION, Welcome, Write,
};
use prost::Message;

const SESSION: u64 = 0x0123_4567_89ab_cdef;
const ROOT: Node = Node { mount: 0, ino: 1, generation: 7 };
const FILE: Node = Node { mount: 0, ino: 9, generation: 7 };
const NEW: Node = Node { mount: 0, ino: 10, generation: 7 };
const SECONDS: i64 = 1_700_000_000;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap()
}

/// The bytes of the blocks that are marked `hex`, by their titles.
fn printed(page: &str) -> BTreeMap<String, Vec<u8>> {
    let mut blocks = BTreeMap::new();
    let mut title = None;
    for line in page.lines() {
        match (line.strip_prefix("```"), &title) {
            (Some(mark), _) => {
                title = mark.strip_prefix("hex ").map(str::to_owned);
                if let Some(title) = &title {
                    assert!(blocks.insert(title.clone(), Vec::new()).is_none(), "{title} is there twice");
                }
            }
            (None, Some(title)) => {
                let hex = line.split('#').next().unwrap().split_whitespace();
                let bytes = hex.map(|byte| u8::from_str_radix(byte, 16).unwrap());
                blocks.get_mut(title).unwrap().extend(bytes);
            }
            (None, None) => {}
        }
    }
    blocks
}

fn attributes(node: Node, file_type: FileType, identity: MetadataHash, numbers: [u64; 3]) -> Attributes {
    let [link_count, size, version] = numbers;
    let time = Timestamp::from_seconds(SECONDS);
    Attributes { node, file_type, identity, link_count, size, version, accessed: time, modified: time, changed: time }
}

/// The same as a message.
fn message(of: &Attributes) -> messages::Attributes {
    let Node { mount, ino, generation } = of.node;
    let time = Some(Instant { seconds: SECONDS, nanoseconds: 0 });
    messages::Attributes {
        node: Some(messages::Node { mount, ino, generation }),
        r#type: messages::NodeType::RegularFile.into(),
        identity_lower: of.identity.lower,
        identity_upper: of.identity.upper,
        link_count: of.link_count,
        size: of.size,
        version: of.version,
        accessed: time,
        modified: time,
        changed: time,
    }
}

fn reply(result: reply::Result) -> Vec<u8> {
    Reply { result: Some(result) }.encode_to_vec()
}

fn content(bytes: &'static [u8]) -> messages::Content {
    messages::Content { bytes: bytes.into(), at_end: true }
}

fn example() -> BTreeMap<String, Vec<u8>> {
    let call = |operation, notes: &[Note]| Call { session: SESSION, operation, notes: notes.to_vec() };
    let hash = |lower, upper| MetadataHash { lower, upper };

    let root = attributes(ROOT, FileType::Directory, hash(0x1122_3344_5566_7788, 0x99aa_bbcc_ddee_ff00), [2, 0, 3]);
    let allows = DescriptorFlags::READ | DescriptorFlags::WRITE | DescriptorFlags::MUTATE_DIRECTORY;
    let begun = Welcome { session: SESSION, mounts: vec![Mount { path: "/".into(), root, allows }] };
    let opening = Opening {
        follow: Follow::Yes,
        flags: OpenFlags::empty(),
        access: DescriptorFlags::READ,
        want: 65_536,
        known: None,
    };
    let file = attributes(FILE, FileType::RegularFile, hash(0x1111_1111_1111_1111, 0x2222_2222_2222_2222), [1, 3, 5]);
    let opened = messages::Opened { attributes: Some(message(&file)), allows: 1, content: Some(content(b"hi\n")) };
    let mut change = Change::of(Target::File(Place { directory: ROOT, path: "new.txt" }));
    change.size = Some(0);
    change.writes = vec![Write { position: Position::At(0), bytes: b"hello" }];
    let new = attributes(NEW, FileType::RegularFile, hash(0x3333_3333_3333_3333, 0x4444_4444_4444_4444), [1, 5, 2]);
    let closed = Note { node: FILE, read: false, closed: true };

    [
        ("begin", request::begin(VERSION, "", "", "doc").encode_to_vec()),
        ("begin reply", welcome(&begun, Duration::from_secs(30), None).encode_to_vec()),
        ("open", request::open(&call(1, &[]), Place { directory: ROOT, path: "notes.txt" }, opening).encode_to_vec()),
        ("open reply", reply(reply::Result::Opened(opened))),
        ("read", request::read(&call(2, &[]), FILE, 3, 65_536).encode_to_vec()),
        ("read reply", reply(reply::Result::Content(content(b"")))),
        ("commit", request::commit(&call(3, &[closed]), &change).encode_to_vec()),
        ("commit reply", reply(reply::Result::Attributes(message(&new)))),
        ("error reply", error(ErrorCode::NoEntry).encode_to_vec()),
        ("end", request::end(&call(0, &[])).encode_to_vec()),
        ("end reply", reply(reply::Result::Done(messages::Done {}))),
    ]
    .map(|(title, bytes)| (title.to_owned(), bytes))
    .into()
}

#[test]
fn the_example_is_what_the_encoder_makes() {
    let (printed, made) = (printed(&read("docs/protocol.md")), example());
    for (title, bytes) in &made {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x} ")).collect::<String>();
        let found = printed.get(title).unwrap_or_else(|| panic!("`{title}` is not in docs/protocol.md"));
        assert_eq!(hex(found), hex(bytes), "{title}");
    }
    assert_eq!(printed.len(), made.len());
}

#[test]
fn every_operation_and_fault_has_a_row() {
    let page = read("docs/protocol.md");
    let messages = read("provider/protocol/proto/larder.proto");
    let body = |of: &str| messages.split_once(of).unwrap().1.split_once("\n}").unwrap().0.to_owned();
    let request = body("message Request {");
    let operations = request.split_once("oneof operation {").unwrap().1;
    let names = operations.lines().filter_map(|line| line.split_once(" = ")?.0.split_whitespace().nth(1));
    let mut count = 0;
    for name in names {
        assert!(page.contains(&format!("\n| `{name}` |")), "docs/protocol.md does not describe the operation {name}");
        count += 1;
    }
    assert!(count >= 15, "{count}");
    for line in body("enum Fault {").lines().filter(|line| line.contains(" = ") && !line.contains("UNSPECIFIED")) {
        let (name, number) = line.trim().trim_end_matches(';').split_once(" = ").unwrap();
        let row = format!("\n| {number} `{}` |", name.trim_start_matches("FAULT_"));
        assert!(page.contains(&row), "docs/protocol.md has no row{row}");
    }
}

#[test]
fn codes_and_bounds_are_those_of_the_code() {
    let page = read("docs/protocol.md");
    for code in ErrorCode::ALL {
        let Some(reply::Result::Error(number)) = error(*code).result else { panic!("{code:?}") };
        let cell = format!("| {number} `{}` |", code.wasi_name());
        assert!(page.contains(&cell), "{cell}");
    }
    for (what, bound) in [
        ("a request", MOST_REQUEST_BYTES),
        ("content of an answer", MAX_TRANSFER),
        ("writes of a `commit`", MAX_WRITES),
        ("notes of a call", MAX_NOTES),
        ("entries of a listing", MAX_ENTRIES as usize),
        ("requests under way of a session", REMEMBERED_CHANGES),
    ] {
        let row = page.lines().find(|line| line.starts_with(&format!("| {what} "))).unwrap_or_else(|| panic!("{what}"));
        assert!(row.replace(',', "").contains(&bound.to_string()), "{row}: {bound}");
    }
}
