//! Random programs: the same operations on any form, with everything that the
//! guest was told written down, so that two forms can be compared.

use std::fmt::{Debug, Write};

use larder_core::{DescriptorFlags, Follow, Limits, OpenFlags, SetTime, Timestamp};

use crate::cases::Numbers;
use crate::{Form, Mount, Result, START};

/// Most descriptors that a program has open at a time.
const MOST_OPEN: usize = 12;
/// Offsets and sizes are below this, but for a few.
const MOST_OFFSET: usize = 300_000;
/// Most bytes that are written or read at once.
const MOST_BYTES: usize = 150_000;

/// Runs `steps` random operations that follow from `seed`, and returns a line
/// for each: what was done and what the form answered. Equal on every form.
///
/// # Panics
/// Where the form has no mount, or its charges are not what it holds.
#[must_use]
pub fn random<F: Form>(seed: u64, steps: u32) -> String {
    let mut program = Program::<F>::new(seed);
    for step in 0..steps {
        program.step(step);
    }
    program.finish()
}

struct Program<F: Form> {
    form: F,
    numbers: Numbers,
    open: Vec<F::Descriptor>,
    trace: String,
}

impl<F: Form> Program<F> {
    fn new(seed: u64) -> Self {
        let form = F::start(&Limits::default());
        let open = Mount::ALL.map(|mount| form.root(mount).unwrap()).into();
        // A seed of zero would give zeros alone; neighbours are spread out.
        let numbers = Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        Self { form, numbers, open, trace: String::new() }
    }

    fn below(&mut self, bound: usize) -> usize {
        self.numbers.below(bound)
    }

    fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    /// A path out of few names, so that operations meet.
    fn path(&mut self) -> String {
        const PARTS: [&str; 14] =
            ["a", "b", "c", "a", "b", "c", "dir", "dir", "scope", "scope", "link", "..", ".", "other name"];
        const ENDS: [&str; 8] = ["", "", "", "", "", "", "/", "/."];
        let mut path = self.pick(&PARTS).to_owned();
        for _ in 0..self.pick(&[0, 0, 0, 1, 1, 2]) {
            path.push('/');
            path.push_str(self.pick(&PARTS));
        }
        path.push_str(self.pick(&ENDS));
        match self.below(60) {
            0 => String::new(),
            1 => format!("/{path}"),
            2 => "n".repeat(300),
            3 => "n\0l".to_owned(),
            _ => path,
        }
    }

    fn offset(&mut self) -> u64 {
        match self.below(40) {
            0 => u64::MAX - 3,
            1 => 1 << 40,
            _ => u64::try_from(self.below(MOST_OFFSET)).unwrap(),
        }
    }

    fn data(&mut self) -> Vec<u8> {
        let most = self.pick(&[20, 5000, MOST_BYTES]);
        let length = self.below(most);
        let from = self.below(251);
        (from..from + length).map(|at| u8::try_from((at + at / 251) % 251).unwrap()).collect()
    }

    fn follow(&mut self) -> Follow {
        self.pick(&[Follow::Yes, Follow::No])
    }

    fn set_time(&mut self) -> SetTime {
        let seconds = i64::try_from(self.below(2_000_000_000)).unwrap();
        let nanoseconds = self.pick(&[0, 1, 999_999_999, 1_000_000_000]);
        self.pick(&[SetTime::Keep, SetTime::Now, SetTime::At(Timestamp { seconds, nanoseconds })])
    }

    /// One of the open descriptors, by its place.
    fn some(&mut self) -> usize {
        self.below(self.open.len())
    }

    /// One to name something with: most often a granted directory that may be
    /// written, since what files and read-only mounts answer is soon known.
    fn base(&mut self) -> usize {
        let some = self.some();
        self.pick(&[0, 0, 0, 2, 4, some, some])
    }

    /// One to read or write: most often one that the program opened itself.
    fn opened(&mut self) -> usize {
        let granted = Mount::ALL.len();
        match self.open.len() - granted {
            0 => self.some(),
            own if self.below(8) > 0 => granted + self.below(own),
            _ => self.some(),
        }
    }

    fn step(&mut self, step: u32) {
        // Each operation has a time of its own.
        self.form.set_now(Timestamp::from_seconds(START.seconds + i64::from(step)));
        match self.below(30) {
            0..=6 => self.open(),
            7..=9 => self.close(),
            10..=17 => self.names(),
            18..=24 => self.content(),
            _ => self.look(),
        }
    }

    fn note<T: Debug>(&mut self, what: &str, result: &Result<T>) {
        match result {
            Ok(answer) => writeln!(self.trace, "{what} = {answer:?}").unwrap(),
            Err(code) => writeln!(self.trace, "{what} ! {}", code.wasi_name()).unwrap(),
        }
    }

    fn open(&mut self) {
        let (at, follow, path) = (self.base(), self.follow(), self.path());
        let open = OpenFlags::from_bits_truncate(u8::try_from(self.pick(&[0, 0, 1, 1, 1, 2, 5, 8, 9, 15])).unwrap());
        let flags = DescriptorFlags::from_bits_truncate(u8::try_from(self.pick(&[1, 2, 3, 3, 3, 0, 32, 33])).unwrap());
        let opened = self.form.open_at(&self.open[at], follow, &path, open, flags);
        let told = opened
            .as_ref()
            .map(|opened| (self.form.get_flags(opened), self.form.get_type(opened)))
            .map_err(|code| *code);
        self.note(&format!("open-at {at} {follow:?} {path:?} {open:?} {flags:?}"), &told);
        if let Ok(opened) = opened {
            self.open.push(opened);
            if self.open.len() > MOST_OPEN {
                self.close();
            }
        }
    }

    /// Closes one that the program opened itself.
    fn close(&mut self) {
        let granted = Mount::ALL.len();
        if self.open.len() > granted {
            let at = granted + self.below(self.open.len() - granted);
            self.form.close(self.open.swap_remove(at));
            self.note(&format!("close {at}"), &Ok(()));
        }
    }

    fn names(&mut self) {
        let (at, path, to, new_path) = (self.base(), self.path(), self.base(), self.path());
        let (from, into) = (&self.open[at], &self.open[to]);
        let (what, result) = match self.numbers.below(8) {
            0 | 1 => (format!("create-directory-at {at} {path:?}"), self.form.create_directory_at(from, &path)),
            2 => (format!("symlink-at {at} {new_path:?} {path:?}"), self.form.symlink_at(from, &new_path, &path)),
            3 => (format!("unlink-file-at {at} {path:?}"), self.form.unlink_file_at(from, &path)),
            4 => (format!("remove-directory-at {at} {path:?}"), self.form.remove_directory_at(from, &path)),
            5 => {
                let result = self.form.link_at(from, Follow::No, &path, into, &new_path);
                (format!("link-at {at} {path:?} {to} {new_path:?}"), result)
            }
            _ => {
                let result = self.form.rename_at(from, &path, into, &new_path);
                (format!("rename-at {at} {path:?} {to} {new_path:?}"), result)
            }
        };
        self.note(&what, &result);
    }

    fn content(&mut self) {
        let (at, offset, data) = (self.opened(), self.offset(), self.data());
        let on = &self.open[at];
        let (what, result) = match self.numbers.below(8) {
            0..=2 => (format!("write {at} {offset} {}", data.len()), self.form.write(on, offset, &data)),
            3 | 4 => (format!("append {at} {}", data.len()), self.form.append(on, &data)),
            5 => (format!("set-size {at} {offset}"), self.form.set_size(on, offset)),
            _ => {
                let length = data.len();
                let read = self.form.read(on, offset, length).map(|bytes| (bytes.len(), checksum(&bytes)));
                return self.note(&format!("read {at} {offset} {length}"), &read);
            }
        };
        self.note(&what, &result);
    }

    fn look(&mut self) {
        let (at, follow, path) = (self.base(), self.follow(), self.path());
        let (accessed, modified) = (self.set_time(), self.set_time());
        match self.below(7) {
            0 => self.note(&format!("stat {at}"), &self.form.stat(&self.open[at])),
            1 | 2 => {
                let stat = self.form.stat_at(&self.open[at], follow, &path);
                self.note(&format!("stat-at {at} {follow:?} {path:?}"), &stat);
            }
            3 => {
                let target = self.form.readlink_at(&self.open[at], &path);
                self.note(&format!("readlink-at {at} {path:?}"), &target);
            }
            4 => {
                let result = self.form.set_times_at(&self.open[at], follow, &path, accessed, modified);
                self.note(&format!("set-times-at {at} {follow:?} {path:?} {accessed:?} {modified:?}"), &result);
            }
            _ => {
                let names = self.list(at);
                self.note(&format!("read-directory {at}"), &names);
            }
        }
    }

    /// All names, sorted: forms may list in different orders.
    fn list(&self, at: usize) -> Result<Vec<String>> {
        let mut listing = self.form.read_directory(&self.open[at])?;
        let mut names = Vec::new();
        let end = loop {
            match self.form.next_entry(&mut listing) {
                Ok(Some(entry)) => names.push(format!("{} {:?}", entry.name, entry.file_type)),
                Ok(None) => break Ok(()),
                Err(code) => break Err(code),
            }
        };
        self.form.close_listing(listing);
        names.sort();
        end.map(|()| names)
    }

    fn finish(mut self) -> String {
        for descriptor in std::mem::take(&mut self.open) {
            self.form.close(descriptor);
        }
        let usage = self.form.usage();
        assert_eq!(usage, self.form.recount(), "what is charged is what is there");
        writeln!(self.trace, "{} bytes, {} inodes", usage.bytes, usage.inodes).unwrap();
        self.trace
    }
}

/// FNV-1a.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}
