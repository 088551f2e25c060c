//! A volume on a host, and another client of its bucket.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "each test uses a part of it; a failing test may panic"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use larder_bucket::{Bucket, BucketOptions, Condition, Metadata, Object};
use larder_core::{Descriptor, DescriptorFlags, FileType, Follow, Limits, OpenFlags, Result, Rights, Timestamp, View};
use larder_s3::{ReadMode, S3Error, S3Options, S3Volume, WriteMode};

use crate::common::{Server, bucket_options, new_prefix, options};

pub const NOW: Timestamp = Timestamp { seconds: 1_700_000_000, nanoseconds: 5 };

/// An age that no test reaches: with `write=async`, the bucket gets a change
/// when it is synced.
pub const NEVER: Duration = Duration::from_secs(3600);

/// Calls a test in all modes, on both servers.
pub fn everywhere(test: impl Fn(&mut Host)) {
    for server in Server::ALL {
        for (_, read) in ReadMode::ALL {
            for (_, write) in WriteMode::ALL {
                eprintln!("{server:?} read={read} write={write}");
                test(&mut Host::new(server, *read, *write));
            }
        }
    }
}

/// A host with a volume of its own.
pub struct Host {
    pub server: Server,
    pub read: ReadMode,
    pub write: WriteMode,
    pub prefix: String,
    pub state: tempfile::TempDir,
    pub bucket: BucketOptions,
}

impl Host {
    pub fn new(server: Server, read: ReadMode, write: WriteMode) -> Self {
        let bucket = bucket_options(&server.access(), server.bucket());
        Self { server, read, write, prefix: new_prefix(), state: tempfile::tempdir().unwrap(), bucket }
    }

    pub fn options(&self) -> S3Options {
        let options = options(self.bucket.clone(), &self.prefix, self.state.path(), self.read, self.write);
        S3Options { age: NEVER, ..options }
    }

    pub fn open(&self) -> S3Volume {
        self.open_with(|_| {})
    }

    pub fn open_with(&self, change: impl FnOnce(&mut S3Options)) -> S3Volume {
        let mut options = self.options();
        change(&mut options);
        let volume = open(options).unwrap();
        assert!(volume.wait_restored(Duration::from_secs(30)), "{:?}", volume.status());
        volume
    }

    /// What was here is gone with the host.
    pub fn empty(&mut self) {
        self.state = tempfile::tempdir().unwrap();
    }

    /// Another client of the volume's bucket, past any network that fails.
    pub fn outside(&self) -> Outside {
        Outside::new(bucket_options(&self.server.access(), self.server.bucket()), &self.prefix)
    }
}

/// Opens a volume. What a dropped one had under way ends a moment later, and
/// with it its lock.
pub fn open(options: S3Options) -> std::result::Result<S3Volume, S3Error> {
    let begun = Instant::now();
    loop {
        match S3Volume::open(options.clone(), Limits { bytes: u64::MAX, ..Limits::default() }) {
            Err(error) if error.code() == larder_core::ErrorCode::Busy && begun.elapsed() < Duration::from_secs(10) => {
                std::thread::sleep(Duration::from_millis(20));
            }
            opened => return opened,
        }
    }
}

/// Another client of a volume's bucket.
pub struct Outside {
    runtime: tokio::runtime::Runtime,
    bucket: Bucket,
    prefix: String,
}

impl Outside {
    pub fn new(options: BucketOptions, prefix: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let bucket = runtime.block_on(Bucket::connect(options)).unwrap();
        Self { runtime, bucket, prefix: format!("{prefix}/") }
    }

    fn key(&self, path: &str) -> String {
        format!("{}{path}", self.prefix)
    }

    pub fn put(&self, path: &str, content: &[u8]) {
        self.put_with(path, content, &[]);
    }

    pub fn put_with(&self, path: &str, content: &[u8], metadata: &[(&str, &str)]) {
        let (key, metadata) = (self.key(path), metadata_of(metadata));
        let put = self.bucket.put(&key, content.to_vec().into(), &metadata, &Condition::Always);
        self.runtime.block_on(put).map(drop).unwrap();
    }

    pub fn get(&self, path: &str) -> Option<Vec<u8>> {
        let key = self.key(path);
        let got = self.runtime.block_on(self.bucket.get_whole(&key, 1 << 30)).unwrap();
        got.map(|(_, body)| body.to_vec())
    }

    pub fn head(&self, path: &str) -> Option<Object> {
        self.runtime.block_on(self.bucket.head(&self.key(path))).unwrap()
    }

    pub fn delete(&self, path: &str) {
        self.runtime.block_on(self.bucket.delete(&self.key(path), &Condition::Always)).unwrap();
    }

    /// Whether there was something to copy.
    pub fn copy(&self, from: &str, to: &str, metadata: &[(&str, &str)]) -> bool {
        let Some(object) = self.head(from) else { return false };
        let (from, to, metadata) = (self.key(from), self.key(to), metadata_of(metadata));
        let copy = self.bucket.copy(&from, &object.etag, &to, &metadata, &Condition::Always);
        self.runtime.block_on(copy).map(drop).unwrap();
        true
    }

    /// All keys below the volume's prefix, without it.
    pub fn keys(&self) -> Vec<String> {
        let mut keys = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let list = self.bucket.list(&self.prefix, false, None, token.as_deref());
            let page = self.runtime.block_on(list).unwrap();
            keys.extend(page.objects.into_iter().map(|object| object.key[self.prefix.len()..].to_owned()));
            token = page.next;
            if token.is_none() {
                keys.retain(|key| !key.is_empty());
                keys.sort();
                return keys;
            }
        }
    }

    /// What Larder keeps for itself. Servers that have directories list them.
    pub fn reserved(&self) -> Vec<String> {
        let mut keys = self.keys();
        keys.retain(|key| key.starts_with(".larder/") && !key.ends_with('/'));
        keys
    }

    /// The tree that the keys are.
    pub fn tree(&self) -> Tree {
        let mut tree = Tree::default();
        for key in self.keys().into_iter().filter(|key| !key.starts_with(".larder/")) {
            tree.directories.extend(key.match_indices('/').map(|(at, _)| key.split_at(at).0.to_owned()));
            if !key.ends_with('/') {
                let content = self.get(&key).unwrap_or_default();
                tree.files.insert(key, content);
            }
        }
        tree
    }
}

fn metadata_of(fields: &[(&str, &str)]) -> Metadata {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// A tree of files and directories.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Tree {
    pub files: BTreeMap<String, Vec<u8>>,
    pub directories: BTreeSet<String>,
}

impl std::fmt::Debug for Tree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let content = |content: &Vec<u8>| {
            let shown = String::from_utf8_lossy(&content[..content.len().min(24)]).into_owned();
            format!("{} bytes: {shown}", content.len())
        };
        let files = self.files.iter().map(|(path, bytes)| (path.clone(), content(bytes)));
        f.debug_map().entries(files).entries(self.directories.iter().map(|path| (path, "directory"))).finish()
    }
}

pub fn root(volume: &S3Volume) -> Descriptor {
    View::new(volume.volume(), Rights::READ_WRITE).unwrap().root().unwrap()
}

pub fn open_file(root: &Descriptor, path: &str) -> Result<Descriptor> {
    root.open_at(NOW, Follow::No, path, OpenFlags::empty(), DescriptorFlags::READ | DescriptorFlags::WRITE)
}

pub fn write_all(file: &Descriptor, mut offset: u64, mut data: &[u8]) -> Result<()> {
    while !data.is_empty() {
        let written = file.write(NOW, offset, data)?;
        offset += written as u64;
        data = &data[written..];
    }
    Ok(())
}

/// Replaces a file's content, or makes it, and closes it.
pub fn try_write(root: &Descriptor, path: &str, data: &[u8]) -> Result<()> {
    let flags = OpenFlags::CREATE | OpenFlags::TRUNCATE;
    let file = root.open_at(NOW, Follow::No, path, flags, DescriptorFlags::WRITE)?;
    write_all(&file, 0, data)
}

pub fn write(root: &Descriptor, path: &str, data: &[u8]) {
    try_write(root, path, data).unwrap();
}

pub fn read_all(file: &Descriptor) -> Result<Vec<u8>> {
    let size = usize::try_from(file.size()?).unwrap();
    Ok(file.read(0, size)?.into_bytes().to_vec())
}

pub fn try_read(root: &Descriptor, path: &str) -> Result<Vec<u8>> {
    read_all(&root.open_at(NOW, Follow::No, path, OpenFlags::empty(), DescriptorFlags::READ)?)
}

pub fn read(root: &Descriptor, path: &str) -> String {
    String::from_utf8(try_read(root, path).unwrap_or_else(|error| panic!("{path}: {error}"))).unwrap()
}

/// What a directory has.
pub fn names(root: &Descriptor, path: &str) -> Vec<String> {
    let directory = root.open_at(NOW, Follow::No, path, OpenFlags::DIRECTORY, DescriptorFlags::READ).unwrap();
    let mut names: Vec<_> =
        directory.read_directory(0, usize::MAX).unwrap().into_iter().map(|entry| entry.name.to_string()).collect();
    names.sort();
    names
}

/// The tree that a volume shows.
pub fn tree(root: &Descriptor) -> Tree {
    let mut tree = Tree::default();
    let mut open = vec![String::new()];
    while let Some(at) = open.pop() {
        let path = if at.is_empty() { "." } else { &at };
        let directory = root.open_at(NOW, Follow::No, path, OpenFlags::DIRECTORY, DescriptorFlags::READ).unwrap();
        for entry in directory.read_directory(0, usize::MAX).unwrap() {
            let path = if at.is_empty() { entry.name.to_string() } else { format!("{at}/{}", entry.name) };
            match entry.file_type {
                FileType::Directory => {
                    tree.directories.insert(path.clone());
                    open.push(path);
                }
                _ => {
                    let content =
                        try_read(root, &path).unwrap_or_else(|error| format!("cannot be read: {error}").into_bytes());
                    tree.files.insert(path, content);
                }
            }
        }
    }
    tree
}

/// The names in a directory that conflicts made of another one.
pub fn beside(root: &Descriptor, directory: &str, name: &str) -> Vec<String> {
    let start = format!("{name}.larder-conflict-");
    names(root, directory).into_iter().filter(|name| name.starts_with(&start)).collect()
}
