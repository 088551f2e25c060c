//! Random operations on a packed volume, whose directories are read as the
//! operations reach them, and on the same tree loaded from a snapshot: every
//! answer and the final trees must be equal. `LARDER_IMAGE_CASES` sets the
//! number of cases.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test may panic")]

mod common;

use std::sync::Arc;

use common::{THEN, all, at, sample, volume_of};
use larder_core::{
    Descriptor, DescriptorFlags, Error, ErrorCode, Follow, OpenFlags, Rights, SetTime, Timestamp, View, Volume,
    VolumeOptions,
};
use proptest::prelude::*;
use proptest::sample::select;

/// What a guest does. Paths are few, so that operations meet.
#[derive(Clone, Debug)]
enum Call {
    Stat(String, bool),
    List(String, u64, usize),
    ReadLink(String),
    Read(String, u64, usize),
    Write(String, u64, Vec<u8>),
    Append(String, Vec<u8>),
    SetSize(String, u64),
    SetTimes(String, i64),
    CreateDirectory(String),
    Symlink(String, String),
    Unlink(String),
    RemoveDirectory(String),
    Rename(String, String),
    Link(String, String),
    /// Keeps a file or directory open until the end.
    Hold(String),
    Snapshot,
}

fn path() -> impl Strategy<Value = String> {
    let name = || select(vec!["a", "b", "c", "dd", "e", "large", "deep", "again", "holes"]);
    let there = ["a", "a/b", "a/b/deep", "a/b/again", "a/large", "a/c", "b", "c", "dd", "dd/deep", "e", "holes"];
    prop_oneof![
        2 => select(there.to_vec()).prop_map(str::to_owned),
        1 => prop::collection::vec(name(), 1..4).prop_map(|names| names.join("/")),
    ]
}

fn offset() -> impl Strategy<Value = u64> {
    prop_oneof![0..10u64, select(vec![4095, 4096, 65_535, 65_536, 70_000, 131_072, 199_999, 200_000, 1 << 20])]
}

fn data() -> impl Strategy<Value = Vec<u8>> {
    (select(vec![0, 1, 100, 4096, 70_000]), any::<u8>()).prop_map(|(length, byte)| vec![byte; length])
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        4 => (path(), any::<bool>()).prop_map(|(path, follow)| Call::Stat(path, follow)),
        2 => (path(), 0..5u64, select(vec![1, 2, 100])).prop_map(|(path, after, max)| Call::List(path, after, max)),
        1 => path().prop_map(Call::ReadLink),
        3 => (path(), offset(), select(vec![0, 1, 5_000, 300_000])).prop_map(|(p, o, l)| Call::Read(p, o, l)),
        3 => (path(), offset(), data()).prop_map(|(path, offset, data)| Call::Write(path, offset, data)),
        1 => (path(), data()).prop_map(|(path, data)| Call::Append(path, data)),
        2 => (path(), offset()).prop_map(|(path, size)| Call::SetSize(path, size)),
        1 => (path(), any::<i64>()).prop_map(|(path, time)| Call::SetTimes(path, time)),
        2 => path().prop_map(Call::CreateDirectory),
        1 => (path(), path()).prop_map(|(target, path)| Call::Symlink(target, path)),
        3 => path().prop_map(Call::Unlink),
        3 => path().prop_map(Call::RemoveDirectory),
        4 => (path(), path()).prop_map(|(from, to)| Call::Rename(from, to)),
        2 => (path(), path()).prop_map(|(from, to)| Call::Link(from, to)),
        1 => path().prop_map(Call::Hold),
        1 => Just(Call::Snapshot),
    ]
}

struct Side {
    volume: Arc<Volume>,
    root: Descriptor,
    held: Vec<Descriptor>,
}

impl Side {
    fn new(volume: Arc<Volume>) -> Self {
        let root = View::new(&volume, Rights::READ_WRITE).unwrap().root().unwrap();
        Self { volume, root, held: Vec::new() }
    }

    /// Does a call; what it answers, as text.
    fn call(&mut self, now: Timestamp, call: &Call) -> Result<String, ErrorCode> {
        self.answer(now, call).map_err(|error| error.code())
    }

    fn answer(&mut self, now: Timestamp, call: &Call) -> Result<String, Error> {
        let root = &self.root;
        let read = |path: &str| root.open_at(now, Follow::Yes, path, OpenFlags::empty(), DescriptorFlags::READ);
        let write = |path: &str, open| root.open_at(now, Follow::Yes, path, open, DescriptorFlags::WRITE);
        Ok(match call {
            Call::Stat(path, follow) => {
                format!("{:?}", root.stat_at(if *follow { Follow::Yes } else { Follow::No }, path)?)
            }
            Call::List(path, after, max) => format!("{:?}", read(path)?.read_directory(*after, *max)?),
            Call::ReadLink(path) => root.readlink_at(path)?.to_string(),
            Call::Read(path, offset, length) => {
                let file = read(path)?;
                let mut bytes = Vec::new();
                file.read_with(*offset, *length, |piece| bytes.extend_from_slice(piece))?;
                file.touch_read(now);
                format!("{} {:x}", file.size()?, sum(&bytes))
            }
            Call::Write(path, offset, data) => {
                format!("{}", write(path, OpenFlags::CREATE)?.write(now, *offset, data)?)
            }
            Call::Append(path, data) => format!("{}", write(path, OpenFlags::CREATE)?.append(now, data)?),
            Call::SetSize(path, size) => format!("{:?}", write(path, OpenFlags::empty())?.set_size(now, *size)?),
            Call::SetTimes(path, time) => {
                format!("{:?}", root.set_times_at(now, Follow::No, path, SetTime::Keep, at(*time))?)
            }
            Call::CreateDirectory(path) => format!("{:?}", root.create_directory_at(now, path)?),
            Call::Symlink(target, path) => format!("{:?}", root.symlink_at(now, target, path)?),
            Call::Unlink(path) => format!("{:?}", root.unlink_file_at(now, path)?),
            Call::RemoveDirectory(path) => format!("{:?}", root.remove_directory_at(now, path)?),
            Call::Rename(from, to) => format!("{:?}", root.rename_at(now, from, root, to)?),
            Call::Link(from, to) => format!("{:?}", root.link_at(now, Follow::No, from, root, to)?),
            Call::Hold(path) => {
                let held = read(path)?;
                self.held.push(held);
                String::new()
            }
            Call::Snapshot => {
                let mut bytes = Vec::new();
                self.volume.freeze()?.write_to(&mut bytes).unwrap();
                format!("{:x}", sum(&bytes))
            }
        })
    }
}

fn sum(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}

fn bytes_of(volume: &Volume) -> Vec<u8> {
    let mut bytes = Vec::new();
    volume.freeze().unwrap().write_to(&mut bytes).unwrap();
    bytes
}

fn cases() -> u32 {
    std::env::var("LARDER_IMAGE_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(1_000)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn a_packed_volume_behaves_as_a_loaded_one(calls in prop::collection::vec(call(), 1..40)) {
        let image = sample();
        let options = VolumeOptions { name: "volume".into(), generation: 7, now: THEN, ..VolumeOptions::default() };
        let loaded = volume_of(&image).freeze().unwrap().into_volume(options).unwrap();
        let mut packed = Side::new(volume_of(&image));
        let mut loaded = Side::new(loaded);
        for (step, call) in (2_000..).zip(&calls) {
            let now = Timestamp::from_seconds(step);
            prop_assert_eq!(packed.call(now, call), loaded.call(now, call), "{:?}", call);
            prop_assert_eq!(packed.volume.usage(), loaded.volume.usage(), "{:?}", call);
        }
        prop_assert_eq!(packed.volume.recount(), packed.volume.usage());
        prop_assert!(bytes_of(&packed.volume) == bytes_of(&loaded.volume), "snapshots differ");
        prop_assert_eq!(all(&packed.volume), all(&loaded.volume));
    }
}
