//! Every call, as messages and without: both give the same answers. And what
//! is no message is refused.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::sync::Arc;

use bytes::Bytes;
use larder_core::{
    DescriptorFlags, ErrorCode, Follow, OpenFlags, Rights, SetTime, Timestamp, View, Volume, VolumeOptions,
};
use larder_protocol::messages::{Fault, Reply, Request, reply as outcome};
use larder_protocol::reply::{self, Failure};
use larder_protocol::{MOST_REQUEST_BYTES, carry_out, decode_request, request, welcome};
use larder_store_service::{
    Call, Change, NewNode, Node, Note, Opening, Place, Position, Removal, Service, Session, Store, Target, VERSION,
    Welcome, Write,
};
use proptest::prelude::*;
use prost::Message;

const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

fn session() -> (Session, Welcome) {
    let volume = Volume::new(VolumeOptions::default());
    let view = View::new(&volume, Rights::READ | Rights::WRITE).unwrap();
    let service = Service::new(Arc::new(|| NOW)).mount(&view, "/").unwrap();
    let session = Arc::new(service).session();
    let welcome = session.begin(VERSION).unwrap();
    (session, welcome)
}

fn over_messages(session: &Session, request: &Request) -> Reply {
    let request = decode_request(&request.encode_to_vec().into()).unwrap();
    Reply::decode(carry_out(session, &request).encode_to_vec().as_slice()).unwrap()
}

fn code<T>(answer: Result<T, Failure>) -> Result<T, ErrorCode> {
    answer.map_err(|failure| match failure {
        Failure::Code(code) => code,
        other => panic!("{other:?}"),
    })
}

#[test]
fn every_call_gives_the_same_answer_as_without_messages() {
    let ((there, begun), (here, local)) = (session(), session());
    let lease = std::time::Duration::from_secs(7);
    let told = Reply::decode(welcome(&begun, lease, None).encode_to_vec().as_slice()).unwrap();
    assert_eq!(reply::session(told.clone()), Ok((begun.clone(), lease)));
    assert_eq!(reply::session_and_opened(told), Err(Failure::Malformed), "nothing was opened");
    let root = begun.mounts[0].root.node;
    assert_eq!(root, local.mounts[0].root.node);
    // Identities belong to a volume, and there are two.
    let alike = |mut attributes: larder_store_service::Attributes| {
        attributes.identity = begun.mounts[0].root.identity;
        attributes.node.generation = 0;
        attributes
    };
    let calls = std::cell::Cell::new(0);
    let call = |of: &Welcome, notes: &[Note]| {
        calls.set(calls.get() + 1);
        Call { session: of.session, operation: calls.get(), notes: notes.to_vec() }
    };
    macro_rules! same {
        ($function:ident($($argument:expr),*) as $answer:ident, $alike:expr) => {{
            let one = code(reply::$answer(over_messages(&there, &request::$function(&call(&begun, &[]), $($argument),*))));
            let other = here.$function(&call(&local, &[]), $($argument),*);
            let alike = $alike;
            assert_eq!(one.clone().map(&alike), other.map(&alike), stringify!($function));
            one
        }};
    }
    let at = |path: &'static str| Place { directory: root, path };

    same!(make(at("d"), NewNode::Directory) as attributes, alike).unwrap();
    same!(make(at("l"), NewNode::SymbolicLink("d/ä")) as attributes, alike).unwrap();
    assert_eq!(same!(make(at("d"), NewNode::Directory) as attributes, alike), Err(ErrorCode::Exist));
    same!(read_link(at("l")) as target, |target: String| target).unwrap();
    let mut change = Change::of(Target::File(at("d/file")));
    change.writes =
        vec![Write { position: Position::At(3), bytes: b"abc" }, Write { position: Position::End, bytes: b"def" }];
    change.size = Some(0);
    change.accessed = SetTime::At(Timestamp { seconds: -5, nanoseconds: 7 });
    change.modified = SetTime::Now;
    (change.sync, change.keep) = (true, true);
    let file = same!(commit(&change) as attributes, alike).unwrap();
    let how = Opening {
        follow: Follow::Yes,
        flags: OpenFlags::CREATE,
        access: DescriptorFlags::READ | DescriptorFlags::WRITE,
        want: 100,
        known: None,
    };
    let opened = same!(open(at("d/file"), how) as opened, |mut opened: larder_store_service::Opened| {
        opened.attributes = alike(opened.attributes);
        opened
    });
    let opened = opened.unwrap();
    assert_eq!(opened.content.unwrap().bytes, b"\0\0\0abcdef"[..]);
    assert_eq!(opened.attributes.node.ino, file.node.ino);
    same!(
        open(at("d/file"), Opening { known: Some(file.version), flags: OpenFlags::empty(), ..how }) as opened,
        |mut o: larder_store_service::Opened| {
            o.attributes = alike(o.attributes);
            o
        }
    )
    .unwrap();
    same!(stat_at(at("l"), Follow::No) as attributes, alike).unwrap();
    same!(stat(root) as attributes, alike).unwrap();
    let wrong = SetTime::At(Timestamp { seconds: 0, nanoseconds: 1_000_000_000 });
    let set = same!(set_times_at(at("d"), Follow::Yes, wrong, SetTime::Keep) as done, |()| ());
    assert_eq!(set, Err(ErrorCode::Invalid));
    same!(link(at("d/file"), Follow::No, at("other")) as done, |()| ()).unwrap();
    same!(rename(at("other"), at("d/moved")) as done, |()| ()).unwrap();
    same!(list(root, 0, 10) as entries, |entries: Vec<larder_store_service::Entry>| {
        entries.into_iter().map(|entry| (alike(entry.attributes), entry.name, entry.cookie)).collect::<Vec<_>>()
    })
    .unwrap();
    same!(remove(at("d/moved"), Removal::File) as done, |()| ()).unwrap();
    assert_eq!(same!(remove(at("d"), Removal::Directory) as done, |()| ()), Err(ErrorCode::NotEmpty));
    same!(settle(true) as done, |()| ()).unwrap();
    let gone = Node { ino: 99, ..root };
    let read = same!(read(gone, 0, 10) as content, |content: larder_store_service::Content| content);
    assert_eq!(read, Err(ErrorCode::BadDescriptor));
}

#[test]
fn bounds_of_the_store_are_told_with_its_codes() {
    let (session, begun) = session();
    let root = begun.mounts[0].root.node;
    let note = Note { node: root, read: false, closed: false };
    let call = Call { session: begun.session, operation: 1, notes: vec![note; 4097] };
    assert_eq!(
        code(reply::attributes(over_messages(&session, &request::stat(&call, root)))),
        Err(ErrorCode::MessageSize)
    );
}

#[test]
fn what_is_no_request_is_refused() {
    let fault = |bytes: &[u8]| decode_request(&Bytes::copy_from_slice(bytes)).unwrap_err().fault();
    assert_eq!(fault(&[]), Fault::Unsupported);
    assert_eq!(fault(b"\xff\xff\xff"), Fault::BadRequest);
    assert_eq!(fault(&vec![0; MOST_REQUEST_BYTES + 1]), Fault::BadRequest);
    let (session, _) = session();
    let without = Request { call: None, ..request::usage(&Call::default()) };
    let refused = carry_out(&session, &without).result;
    assert!(matches!(refused, Some(outcome::Result::Refusal(refusal)) if refusal.fault() == Fault::BadRequest));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>) {
        let _ = Reply::decode(bytes.as_slice()).map(reply::opened);
        if let Ok(request) = decode_request(&bytes.into()) {
            let (session, _) = session();
            let _ = carry_out(&session, &request);
        }
    }

    #[test]
    fn no_damaged_request_makes_it_panic(at in 0..200_usize, bit in 0..8, cut in 0..200_usize) {
        let (session, begun) = session();
        let root = begun.mounts[0].root.node;
        let mut change = Change::of(Target::File(Place { directory: root, path: "file" }));
        change.writes = vec![Write { position: Position::End, bytes: &[7; 90] }];
        let call = Call { session: begun.session, operation: 1, notes: Vec::new() };
        let mut bytes = request::commit(&call, &change).encode_to_vec();
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 1_u8 << bit;
        }
        bytes.truncate(bytes.len().saturating_sub(cut));
        if let Ok(request) = decode_request(&bytes.into()) {
            let _ = carry_out(&session, &request);
        }
    }
}
