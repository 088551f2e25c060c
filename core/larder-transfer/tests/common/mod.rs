//! What the tests of transfers share: making trees, and seeing all of them.
#![allow(dead_code, reason = "each test file uses another part")]

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

use larder_core::{
    Descriptor, DescriptorFlags, FileType, Follow, Limits, OpenFlags, Rights, Timestamp, View, Volume, VolumeOptions,
};
use larder_transfer::{Progress, Transfer};

pub(crate) const NOW: Timestamp = Timestamp { seconds: 1_700_000_000, nanoseconds: 1 };

pub(crate) fn volume() -> View {
    limited(Limits { file_bytes: 1 << 50, ..Limits::default() })
}

pub(crate) fn limited(limits: Limits) -> View {
    let volume = Volume::new(VolumeOptions { limits, ..VolumeOptions::default() });
    View::new(&volume, Rights::READ_WRITE).unwrap()
}

pub(crate) fn transfer<'p>() -> Transfer<'p> {
    Transfer::new().at(NOW)
}

/// One name, and all that is to be kept of it.
#[derive(Clone, PartialEq)]
pub(crate) struct Seen {
    pub(crate) kind: &'static str,
    /// Not of symbolic links, which have none.
    pub(crate) mode: u32,
    pub(crate) modified: (i64, i64),
    pub(crate) accessed: (i64, i64),
    pub(crate) content: Vec<u8>,
    /// The first of all names of the same file.
    pub(crate) same_as: String,
}

impl std::fmt::Debug for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let head = &self.content[..self.content.len().min(60)];
        write!(
            f,
            "{} {:o} modified {:?} accessed {:?} = {} [{}] {}",
            self.kind,
            self.mode,
            self.modified,
            self.accessed,
            self.same_as,
            self.content.len(),
            head.escape_ascii()
        )
    }
}

pub(crate) type Tree = BTreeMap<String, Seen>;

/// Everything below a directory of a volume.
pub(crate) fn see_volume(view: &View, path: &str) -> Tree {
    let root = view.root().unwrap();
    let top = if path.is_empty() { root } else { open(&root, path) };
    let mut tree = Tree::new();
    let mut first = HashMap::new();
    let mut add = |path: &str, directory: &Descriptor, name: &str, tree: &mut Tree| {
        let found = if name.is_empty() { directory.stat() } else { directory.stat_at(Follow::No, name) }.unwrap();
        let time = |time: Timestamp| (time.seconds, i64::from(time.nanoseconds));
        let (kind, mode, content) = match found.file_type {
            FileType::Directory => ("directory", found.mode, Vec::new()),
            FileType::RegularFile => ("file", found.mode, read_all(&open(directory, name))),
            FileType::SymbolicLink => ("symlink", 0, directory.readlink_at(name).unwrap().as_bytes().to_vec()),
        };
        let same_as = first.entry(found.id).or_insert_with(|| path.to_owned()).clone();
        let (modified, accessed) = (time(found.modified), time(found.accessed));
        tree.insert(path.to_owned(), Seen { kind, mode, modified, accessed, content, same_as });
        found.file_type == FileType::Directory
    };
    add("", &top, "", &mut tree);
    let mut open_directories = vec![(String::new(), top)];
    while let Some((path, directory)) = open_directories.pop() {
        let mut entries = directory.read_directory(0, usize::MAX).unwrap();
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        for entry in entries {
            let below = format!("{path}/{}", entry.name);
            if add(&below, &directory, &entry.name, &mut tree) {
                open_directories.push((below, open(&directory, &entry.name)));
            }
        }
    }
    settle(tree)
}

/// Everything below a directory of the host.
pub(crate) fn see_host(top: &Path) -> Tree {
    let mut tree = Tree::new();
    let mut first = HashMap::new();
    let mut open_directories = vec![(String::new(), top.to_owned())];
    while let Some((path, host)) = open_directories.pop() {
        let found = fs::symlink_metadata(&host).unwrap();
        let (kind, mode, content) = if found.is_dir() {
            for entry in fs::read_dir(&host).unwrap() {
                let entry = entry.unwrap();
                open_directories.push((format!("{path}/{}", entry.file_name().to_string_lossy()), entry.path()));
            }
            ("directory", found.mode() & 0o7777, Vec::new())
        } else if found.is_symlink() {
            ("symlink", 0, fs::read_link(&host).unwrap().into_os_string().into_encoded_bytes())
        } else if found.is_file() {
            ("file", found.mode() & 0o7777, fs::read(&host).unwrap())
        } else {
            (if found.file_type().is_fifo() { "pipe" } else { "other" }, 0, Vec::new())
        };
        let same_as = first.entry((found.dev(), found.ino())).or_insert_with(|| path.clone()).clone();
        let modified = (found.mtime(), found.mtime_nsec());
        let accessed = (found.atime(), found.atime_nsec());
        tree.insert(path, Seen { kind, mode, modified, accessed, content, same_as });
    }
    settle(tree)
}

/// Lets `same_as` be the first name in order, whatever the order of the walk.
fn settle(mut tree: Tree) -> Tree {
    let mut smallest: HashMap<String, String> = HashMap::new();
    for (path, seen) in &tree {
        smallest.entry(seen.same_as.clone()).or_insert_with(|| path.clone());
    }
    tree.values_mut().for_each(|seen| seen.same_as = smallest[&seen.same_as].clone());
    tree
}

/// The tree without what `forget` takes away, for formats that keep less.
pub(crate) fn without(mut tree: Tree, forget: impl Fn(&str, &mut Seen)) -> Tree {
    tree.iter_mut().for_each(|(path, seen)| forget(path, seen));
    tree
}

pub(crate) fn forget_access(tree: Tree) -> Tree {
    without(tree, |_, seen| seen.accessed = (0, 0))
}

/// Asserts that two trees are equal and shows only what is not.
#[track_caller]
pub(crate) fn assert_same(left: &Tree, right: &Tree) {
    let mut differences = String::new();
    for path in left.keys().chain(right.keys()).collect::<std::collections::BTreeSet<_>>() {
        if left.get(path) != right.get(path) {
            differences += &format!("{path:?}:\n   {:?}\n   {:?}\n", left.get(path), right.get(path));
        }
    }
    assert!(differences.is_empty(), "{differences}");
}

pub(crate) fn open(directory: &Descriptor, path: &str) -> Descriptor {
    directory.open_at(NOW, Follow::No, path, OpenFlags::empty(), DescriptorFlags::READ).unwrap()
}

pub(crate) fn read_all(file: &Descriptor) -> Vec<u8> {
    let mut content = Vec::new();
    loop {
        let chunks = file.read(content.len() as u64, 16 << 20).unwrap();
        if chunks.is_empty() {
            return content;
        }
        chunks.iter().for_each(|piece| content.extend_from_slice(piece));
    }
}

pub(crate) fn put(view: &View, path: &str, content: &[u8]) -> Descriptor {
    let flags = DescriptorFlags::READ | DescriptorFlags::WRITE;
    let file = view.root().unwrap().open_at(NOW, Follow::No, path, OpenFlags::CREATE, flags).unwrap();
    file.write(NOW, 0, content).unwrap();
    file
}

pub(crate) fn set_host_times(path: &Path, accessed: (i64, u32), modified: (i64, u32)) {
    let time = |(seconds, nanoseconds): (i64, u32)| {
        let whole = Duration::from_secs(seconds.unsigned_abs());
        let base = if seconds < 0 { SystemTime::UNIX_EPOCH - whole } else { SystemTime::UNIX_EPOCH + whole };
        base + Duration::from_nanos(u64::from(nanoseconds))
    };
    let times = fs::FileTimes::new().set_accessed(time(accessed)).set_modified(time(modified));
    File::open(path).unwrap().set_times(times).unwrap();
}

/// A name of 200 bytes.
pub(crate) fn long_name(letter: char) -> String {
    std::iter::repeat_n(letter, 200).collect()
}

/// A host tree with something of everything that is kept.
pub(crate) fn make_host_tree(top: &Path) {
    let at = |path: &str| top.join(path);
    let long = format!("long/{}/{}", long_name('x'), long_name('y'));
    for directory in ["empty", "a/b/c", "long", "ünï cödé", &format!("long/{}", long_name('x'))] {
        fs::create_dir_all(at(directory)).unwrap();
    }
    fs::write(at("a/text"), b"hello\n").unwrap();
    fs::write(at("a/b/empty"), b"").unwrap();
    fs::write(at(&long), b"under a long name").unwrap();
    fs::write(at("ünï cödé/日本\nline break"), b"names").unwrap();
    let big: Vec<u8> = (0..700_001u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    fs::write(at("a/big"), &big).unwrap();
    fs::hard_link(at("a/text"), at("a/b/c/hard")).unwrap();
    fs::hard_link(at("a/text"), at("z-hard")).unwrap();
    symlink("a/text", at("relative")).unwrap();
    symlink("/etc/passwd", at("a/absolute")).unwrap();
    symlink("nowhere/../at all", at("dangling")).unwrap();
    symlink(long_name('t'), at("far")).unwrap();
    symlink("a", at("to-directory")).unwrap();
    fs::hard_link(at("dangling"), at("hard-to-symlink")).unwrap();

    let sparse = File::create(at("sparse")).unwrap();
    use std::os::unix::fs::FileExt;
    sparse.write_all_at(b"head", 0).unwrap();
    sparse.write_all_at(b"middle", 3 << 20).unwrap();
    sparse.set_len(8 << 20).unwrap();
    File::create(at("all-hole")).unwrap().set_len(5_000_000).unwrap();

    for (path, mode) in [("a/text", 0o640), ("a/big", 0o444), ("a/b/empty", 0o400), ("empty", 0o1777), ("a/b", 0o710)] {
        fs::set_permissions(at(path), fs::Permissions::from_mode(mode)).unwrap();
    }
    set_host_times(&at("a/text"), (1_000_000_000, 5), (1_234_567_890, 987_654_321));
    set_host_times(&at("a/big"), (1, 0), (-1_000, 250_000_000));
    set_host_times(&at("empty"), (2_000_000_000, 0), (2_000_000_001, 1));
    set_host_times(&at("a/b"), (7, 7), (8, 8));
    set_host_times(&at("a"), (9, 0), (10, 0));
    set_host_times(top, (11, 0), (12, 100));
}

/// Hears everything.
#[derive(Default)]
pub(crate) struct Heard {
    pub(crate) entries: u64,
    pub(crate) bytes: u64,
}

impl Progress for Heard {
    fn entry(&mut self, _: &str) {
        self.entries += 1;
    }
    fn bytes(&mut self, count: u64) {
        self.bytes += count;
    }
}
