//! What is measured: the guest's cases with sizes and counts.
//!
//! What lives here: what a case is, and the cases that every form has. What
//! does not: the cases of the static form alone (`composed`).

pub(crate) mod composed;

use serde::Serialize;

/// What a row belongs to, and with it which targets it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Group {
    SequentialRead,
    SequentialWrite,
    FreshWrite,
    RandomRead,
    SmallFiles,
    Metadata,
    Append,
    Threads,
    P3,
    StartUp,
    Stdout,
    Node,
}

impl Group {
    pub(crate) const ALL: [Self; 12] = [
        Self::SequentialRead,
        Self::SequentialWrite,
        Self::FreshWrite,
        Self::RandomRead,
        Self::SmallFiles,
        Self::Metadata,
        Self::Append,
        Self::Threads,
        Self::P3,
        Self::StartUp,
        Self::Stdout,
        Self::Node,
    ];

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::SequentialRead => "Sequential reads",
            Self::SequentialWrite => "Sequential writes in place",
            Self::FreshWrite => "Writes of a new file",
            Self::RandomRead => "Random reads",
            Self::SmallFiles => "Small files",
            Self::Metadata => "Metadata",
            Self::Append => "Appends",
            Self::Threads => "Threads: instances over one filesystem, all together",
            Self::P3 => "WASI 0.3",
            Self::StartUp => "Start-up: from a precompiled file to the end of an app that does nothing",
            Self::Stdout => "Standard output, to /dev/null",
            Self::Node => "Node, transpiled by jco",
        }
    }

    const fn id(self) -> &'static str {
        match self {
            Self::SequentialRead => "sequential-read",
            Self::SequentialWrite => "sequential-write",
            Self::FreshWrite => "fresh-write",
            Self::RandomRead => "random-read",
            Self::SmallFiles => "small-files",
            Self::Metadata => "metadata",
            Self::Append => "append",
            Self::Threads => "threads",
            Self::P3 => "p3",
            Self::StartUp => "start-up",
            Self::Stdout => "stdout",
            Self::Node => "node",
        }
    }
}

/// The version of WASI that a guest is built for, and so which guest it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Wasi {
    /// 0.2.
    P2,
    /// 0.3, in an engine with concurrency support.
    P3,
}

/// Which files several threads work on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Sharing {
    /// All in one directory: the same files.
    Same,
    /// Each in a directory of its own.
    Different,
}

/// One row.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Case {
    pub(crate) group: Group,
    pub(crate) wasi: Wasi,
    /// The guest's name of the case.
    pub(crate) guest: &'static str,
    /// Bytes of one operation; files in the directory for cases on names.
    pub(crate) size: usize,
    /// Operations of one repetition.
    pub(crate) count: usize,
    /// What `size` is.
    pub(crate) on: On,
    /// Instances that run at the same time.
    pub(crate) threads: usize,
    /// Which files they use.
    pub(crate) sharing: Sharing,
    /// The guest's case that copies as much in its own memory.
    pub(crate) copy: Option<&'static str>,
}

/// What a case works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum On {
    /// One large file.
    LargeFile,
    /// Many files, by their content.
    SmallFiles,
    /// Many files, by name alone.
    Names,
    /// No files.
    Nothing,
    /// No files of those that the component carries.
    Tree,
}

impl Case {
    fn new(group: Group, guest: &'static str, on: On, size: usize, count: usize) -> Self {
        let wasi = if group == Group::P3 { Wasi::P3 } else { Wasi::P2 };
        Self { group, wasi, guest, on, size, count, threads: 1, sharing: Sharing::Same, copy: None }
    }

    fn beside(mut self, copy: &'static str) -> Self {
        self.copy = Some(copy);
        self
    }

    fn with_threads(mut self, threads: usize, sharing: Sharing) -> Self {
        self.threads = threads;
        self.sharing = sharing;
        self
    }

    /// What makes the large files before several instances use them.
    pub(crate) fn preparation(&self) -> Option<Self> {
        (self.threads > 1 && self.on == On::LargeFile).then(|| Self { threads: 1, ..self.clone() })
    }

    /// The guest's name of the file, or of the files' directory, that an
    /// instance uses.
    pub(crate) fn file(&self, instance: usize) -> String {
        match self.sharing {
            Sharing::Same => "bench".to_owned(),
            Sharing::Different => format!("bench-{instance}"),
        }
    }

    /// A name for people and for `--filter`.
    pub(crate) fn id(&self) -> String {
        format!("{}/{}", self.group.id(), self.label())
    }

    /// The name within the group.
    pub(crate) fn label(&self) -> String {
        let mut label = self.guest.to_owned();
        match self.on {
            _ if self.group == Group::Append => label += &format!(" {} B × {}", self.size, self.count),
            On::Names => {}
            On::Nothing if self.group == Group::StartUp => label += ", no files",
            On::Tree => label += &format!(", carrying {TREE_FILES} files of {TREE_FILE_BYTES} B"),
            On::LargeFile | On::SmallFiles | On::Nothing => label += &format!(" {}", size(self.size)),
        }
        if self.group == Group::Threads {
            let sharing = match self.sharing {
                Sharing::Same => "same file",
                Sharing::Different => "different",
            };
            label += &format!(" {sharing} ×{}", self.threads);
        }
        label
    }
}

fn size(bytes: usize) -> String {
    match bytes {
        0..KI => format!("{bytes} B"),
        KI..MI => format!("{} KiB", bytes / KI),
        _ => format!("{} MiB", bytes / MI),
    }
}

const KI: usize = 1 << 10;
const MI: usize = 1 << 20;

/// Length of the large file: more than the first two levels of cache hold.
pub(crate) const LARGE_FILE: usize = 16 * MI;
/// Bytes that one repetition of a sequential case moves.
const VOLUME: usize = 64 * MI;
/// Files in the directories of the cases on names.
const NAMES: usize = 1000;

/// The tree that a component carries in the cases [`On::Tree`]: 100 MiB.
pub(crate) const TREE_FILES: usize = 10_000;
pub(crate) const TREE_FILE_BYTES: usize = 100 * MI / TREE_FILES;

/// All cases; `quick` ones do an eighth.
pub(crate) fn all(quick: bool) -> Vec<Case> {
    let mut cases = sequential();
    cases.extend(small_files());
    cases.extend(metadata());
    cases.extend(appends());
    cases.extend(threads());
    cases.extend(p3());
    cases.extend(composed::all());
    if quick {
        for case in &mut cases {
            case.count = (case.count / 8).max(1);
        }
    }
    cases
}

fn sequential() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |group, guest, size, volume: usize, copy| {
        cases.push(Case::new(group, guest, On::LargeFile, size, volume / size).beside(copy));
    };
    // At 4 KiB a repetition moves less: the peer is slow there.
    let sizes = [(4 * KI, VOLUME / 4), (64 * KI, VOLUME), (MI, 2 * VOLUME)];
    for guest in ["seq-read", "stream-read", "raw-read"] {
        for (size, volume) in sizes {
            add(Group::SequentialRead, guest, size, volume, "memcpy");
        }
    }
    for guest in ["seq-write", "stream-write", "raw-write"] {
        for (size, volume) in sizes {
            add(Group::SequentialWrite, guest, size, volume, "memcpy-write");
        }
    }
    for guest in ["seq-write-fresh", "raw-write-fresh"] {
        for (size, volume) in sizes {
            add(Group::FreshWrite, guest, size, volume, "memcpy-write");
        }
    }
    for guest in ["random-read", "raw-random-read"] {
        add(Group::RandomRead, guest, 4 * KI, VOLUME / 4, "memcpy-random");
    }
    cases
}

fn small_files() -> Vec<Case> {
    let mut cases = Vec::new();
    for guest in ["small-read", "raw-small-read", "small-write", "raw-small-write"] {
        for (size, count) in [(KI, 2000), (4 * KI, 2000), (64 * KI, 500), (MI, 50)] {
            cases.push(Case::new(Group::SmallFiles, guest, On::SmallFiles, size, count));
        }
    }
    cases
}

fn metadata() -> Vec<Case> {
    let names = |guest, count| Case::new(Group::Metadata, guest, On::Names, NAMES, count);
    let guests = [
        "create",
        "stat",
        "raw-stat",
        "open",
        "raw-open",
        "open-stat",
        "raw-open-stat",
        "rename",
        "unlink",
        "mkdir",
        "rmdir",
    ];
    let mut cases: Vec<Case> = guests.into_iter().map(|guest| names(guest, 2000)).collect();
    // An operation is an entry; this is how often the directory is listed.
    cases.push(names("readdir", 8));
    cases
}

fn appends() -> Vec<Case> {
    let first = 4000;
    [1, 4, 16].into_iter().map(|times| Case::new(Group::Append, "append", On::LargeFile, 64, first * times)).collect()
}

fn threads() -> Vec<Case> {
    use Sharing::{Different, Same};
    // Instances must not make and remove the same small files.
    let rows = [
        ("raw-read", On::LargeFile, MI, 256, &[Same, Different][..]),
        ("raw-read", On::LargeFile, 4 * KI, 20_000, &[Same, Different]),
        ("raw-write", On::LargeFile, 64 * KI, 1000, &[Same, Different]),
        ("small-read", On::SmallFiles, KI, 4000, &[Different]),
        ("stat", On::Names, NAMES, 8000, &[Different]),
        ("create", On::Names, NAMES, 4000, &[Different]),
    ];
    let mut cases = Vec::new();
    for (guest, on, size, count, sharings) in rows {
        for sharing in sharings {
            for threads in [1, 2, 4] {
                cases.push(Case::new(Group::Threads, guest, on, size, count).with_threads(threads, *sharing));
            }
        }
    }
    cases
}

/// What goes another way in WASI 0.3.
fn p3() -> Vec<Case> {
    let mut cases = Vec::new();
    for (guest, copy) in [("seq-read", "memcpy"), ("seq-write", "memcpy-write"), ("seq-write-fresh", "memcpy-write")] {
        for (size, volume) in [(4 * KI, VOLUME / 4), (64 * KI, VOLUME), (MI, 2 * VOLUME)] {
            // The guest of WASI 0.3 knows one of the copies alone.
            let copy = (copy == "memcpy").then_some(copy);
            let case = Case::new(Group::P3, guest, On::LargeFile, size, volume / size);
            cases.push(Case { copy, ..case });
        }
    }
    for (size, count) in [(KI, 1000), (64 * KI, 200)] {
        cases.push(Case::new(Group::P3, "small-read", On::SmallFiles, size, count));
        cases.push(Case::new(Group::P3, "small-write", On::SmallFiles, size, count));
    }
    for guest in ["create", "stat", "open", "rename", "unlink"] {
        cases.push(Case::new(Group::P3, guest, On::Names, NAMES, 1000));
    }
    cases
}
