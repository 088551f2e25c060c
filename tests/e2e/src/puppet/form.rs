//! The three forms: WASI 0.2 by the calls of descriptors, WASI 0.2 through
//! streams, WASI 0.3.

use std::cell::RefCell;
use std::sync::OnceLock;

use larder_core::{DescriptorFlags, ErrorCode, FileType, Follow, Limits, OpenFlags, SetTime, Timestamp, Usage};
use larder_suite::{Entry, Form, Mount, Result, Stat, Times};
use wasmtime::Store;

use super::bindings;
use super::host::{Data, Runtime, Shared};

/// The code that a guest names.
fn code(name: &str) -> ErrorCode {
    let known = ErrorCode::ALL.iter().find(|code| code.wasi_name() == name);
    *known.unwrap_or_else(|| panic!("the guest names an error that WASI does not have: {name}"))
}

fn coded<T>(result: std::result::Result<T, String>) -> Result<T> {
    result.map_err(|name| code(&name))
}

/// Lives as long as the guest: a store is dropped within it.
fn waiter() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Calls the guest; a trap fails the test. How depends on whether the functions
/// of the bindings return, are futures, or are futures of a task.
macro_rules! drive {
    (direct, $self_:ident, |$guest:ident, $data:ident| $called:expr) => {{
        let mut store = $self_.store.borrow_mut();
        let ($guest, $data) = ($self_.guest.larder_test_puppet(), &mut *store);
        $called.expect("the guest trapped")
    }};
    (waiting, $self_:ident, |$guest:ident, $data:ident| $called:expr) => {{
        let mut store = $self_.store.borrow_mut();
        let ($guest, $data) = ($self_.guest.larder_test_puppet(), &mut *store);
        $self_.waiter.block_on($called).expect("the guest trapped")
    }};
    (concurrent, $self_:ident, |$guest:ident, $data:ident| $called:expr) => {{
        let mut store = $self_.store.borrow_mut();
        let $guest = $self_.guest.larder_test_puppet();
        let task = store.run_concurrent(async |$data| $called.await);
        $self_.waiter.block_on(task).and_then(|done| done).expect("the guest trapped")
    }};
}

macro_rules! form {
    (
        $(#[$doc:meta])*
        $form:ident: bindings::$bindings:ident, $runtime:expr, before_1970: $before:literal,
        instantiate: |$component:ident, $linker:ident, $store:ident, $wait:ident| $instantiate:expr,
        call: $mode:ident
    ) => {
        $(#[$doc])*
        pub struct $form {
            // Before the waiter: streams of the store end on it.
            store: RefCell<Store<Data>>,
            guest: bindings::$bindings::PuppetGuest,
            shared: Shared,
            #[allow(dead_code, reason = "only the forms that wait read it")]
            waiter: tokio::runtime::Runtime,
        }

        const _: () = {
            use bindings::$bindings::exports::larder::test::puppet as wit;

            impl From<SetTime> for wit::SetTime {
                fn from(time: SetTime) -> Self {
                    match time {
                        SetTime::Keep => Self::Keep,
                        SetTime::Now => Self::Now,
                        SetTime::At(Timestamp { seconds, nanoseconds }) => Self::At(wit::Time { seconds, nanoseconds }),
                    }
                }
            }

            impl From<wit::Kind> for FileType {
                fn from(kind: wit::Kind) -> Self {
                    match kind {
                        wit::Kind::RegularFile => Self::RegularFile,
                        wit::Kind::Directory => Self::Directory,
                        wit::Kind::SymbolicLink => Self::SymbolicLink,
                        wit::Kind::Other => panic!("a volume holds nothing else"),
                    }
                }
            }

            fn stat(attributes: wit::Attributes) -> Stat {
                let time = |time: Option<wit::Time>| {
                    let wit::Time { seconds, nanoseconds } = time.expect("every inode has three timestamps");
                    Timestamp { seconds, nanoseconds }
                };
                Stat {
                    file_type: attributes.kind.into(),
                    link_count: attributes.link_count,
                    size: attributes.size,
                    times: Times {
                        accessed: time(attributes.accessed),
                        modified: time(attributes.modified),
                        changed: time(attributes.changed),
                    },
                }
            }

            const fn followed(follow: Follow) -> bool {
                matches!(follow, Follow::Yes)
            }

            impl $form {
                fn over(shared: Shared) -> Self {
                    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
                    let runtime = RUNTIME.get_or_init(|| $runtime);
                    let waiter = waiter();
                    let mut store = runtime.store(&shared);
                    let guest = {
                        let ($component, $linker, $store, $wait) =
                            (&runtime.component, &runtime.linker, &mut store, &waiter);
                        $instantiate
                    };
                    let form = Self { store: RefCell::new(store), guest, shared, waiter };
                    // The first look at the mounts opens their views, which
                    // count as descriptors from then on.
                    let _ = form.root(Mount::Main).map(|root| form.close(root));
                    form
                }
            }

            macro_rules! call {
                ($self_:ident, |$guest:ident, $data:ident| $called:expr) => {
                    drive!($mode, $self_, |$guest, $data| $called)
                };
            }

            impl Form for $form {
                type Descriptor = u32;
                type Listing = u32;
                const TIMES_BEFORE_1970: bool = $before;

                fn start(limits: &Limits) -> Self {
                    Self::over(Shared::new(limits))
                }

                fn another(&self) -> Option<Self> {
                    Some(Self::over(self.shared.clone()))
                }

                fn set_now(&self, now: Timestamp) {
                    self.shared.set_now(now);
                }

                fn usage(&self) -> Usage {
                    self.shared.usage()
                }

                fn recount(&self) -> Usage {
                    self.shared.recount()
                }

                fn root(&self, mount: Mount) -> Result<u32> {
                    Ok(call!(self, |guest, store| guest.call_root(store, mount.guest_path().into())))
                }

                fn close(&self, descriptor: u32) {
                    call!(self, |guest, store| guest.call_close(store, descriptor));
                }

                fn open_at(
                    &self,
                    at: &u32,
                    follow: Follow,
                    path: &str,
                    open: OpenFlags,
                    flags: DescriptorFlags,
                ) -> Result<u32> {
                    coded(call!(self, |guest, store| guest.call_open_at(store, *at, followed(follow), path.into(), open.bits(), flags.bits())))
                }

                fn get_flags(&self, of: &u32) -> Result<DescriptorFlags> {
                    coded(call!(self, |guest, store| guest.call_get_flags(store, *of))).map(DescriptorFlags::from_bits_retain)
                }

                fn get_type(&self, of: &u32) -> Result<FileType> {
                    coded(call!(self, |guest, store| guest.call_get_type(store, *of))).map(FileType::from)
                }

                fn read(&self, from: &u32, offset: u64, length: usize) -> Result<Vec<u8>> {
                    coded(call!(self, |guest, store| guest.call_read(store, *from, offset, u32::try_from(length).unwrap())))
                }

                fn write(&self, to: &u32, offset: u64, data: &[u8]) -> Result<()> {
                    coded(call!(self, |guest, store| guest.call_write(store, *to, offset, data.into())))
                }

                fn append(&self, to: &u32, data: &[u8]) -> Result<()> {
                    coded(call!(self, |guest, store| guest.call_append(store, *to, data.into())))
                }

                fn set_size(&self, of: &u32, size: u64) -> Result<()> {
                    coded(call!(self, |guest, store| guest.call_set_size(store, *of, size)))
                }

                fn stat(&self, of: &u32) -> Result<Stat> {
                    coded(call!(self, |guest, store| guest.call_stat(store, *of))).map(stat)
                }

                fn stat_at(&self, at: &u32, follow: Follow, path: &str) -> Result<Stat> {
                    coded(call!(self, |guest, store| guest.call_stat_at(store, *at, followed(follow), path.into()))).map(stat)
                }

                fn set_times(&self, of: &u32, accessed: SetTime, modified: SetTime) -> Result<()> {
                    coded(call!(self, |guest, store| guest.call_set_times(store, *of, accessed.into(), modified.into())))
                }

                fn set_times_at(
                    &self,
                    at: &u32,
                    follow: Follow,
                    path: &str,
                    accessed: SetTime,
                    modified: SetTime,
                ) -> Result<()> {
                    let follow = followed(follow);
                    coded(call!(self, |guest, store| guest.call_set_times_at(store, *at, follow, path.into(), accessed.into(), modified.into())))
                }

                fn create_directory_at(&self, at: &u32, path: &str) -> Result<()> {
                    coded(call!(self, |guest, store| guest.call_create_directory_at(store, *at, path.into())))
                }

                fn remove_directory_at(&self, at: &u32, path: &str) -> Result<()> {
                    coded(call!(self, |guest, store| guest.call_remove_directory_at(store, *at, path.into())))
                }

                fn unlink_file_at(&self, at: &u32, path: &str) -> Result<()> {
                    coded(call!(self, |guest, store| guest.call_unlink_file_at(store, *at, path.into())))
                }

                fn rename_at(&self, at: &u32, path: &str, to: &u32, new_path: &str) -> Result<()> {
                    coded(call!(self, |guest, store| guest.call_rename_at(store, *at, path.into(), *to, new_path.into())))
                }

                fn link_at(&self, at: &u32, follow: Follow, path: &str, to: &u32, new_path: &str) -> Result<()> {
                    coded(call!(self, |guest, store| guest.call_link_at(store, *at, followed(follow), path.into(), *to, new_path.into())))
                }

                fn symlink_at(&self, at: &u32, target: &str, path: &str) -> Result<()> {
                    coded(call!(self, |guest, store| guest.call_symlink_at(store, *at, target.into(), path.into())))
                }

                fn readlink_at(&self, at: &u32, path: &str) -> Result<String> {
                    coded(call!(self, |guest, store| guest.call_readlink_at(store, *at, path.into())))
                }

                fn read_directory(&self, of: &u32) -> Result<u32> {
                    coded(call!(self, |guest, store| guest.call_read_directory(store, *of)))
                }

                fn next_entry(&self, listing: &mut u32) -> Result<Option<Entry>> {
                    let entry = coded(call!(self, |guest, store| guest.call_next_entry(store, *listing)))?;
                    Ok(entry.map(|entry| Entry { name: entry.name, file_type: FileType::from(entry.kind).into() }))
                }

                fn close_listing(&self, listing: u32) {
                    call!(self, |guest, store| guest.call_close_listing(store, listing));
                }

                fn is_same_object(&self, one: &u32, other: &u32) -> bool {
                    call!(self, |guest, store| guest.call_is_same_object(store, *one, *other))
                }

                fn metadata_hash(&self, of: &u32) -> Result<(u64, u64)> {
                    coded(call!(self, |guest, store| guest.call_metadata_hash(store, *of))).map(|hash| (hash.lower, hash.upper))
                }

                fn metadata_hash_at(&self, at: &u32, follow: Follow, path: &str) -> Result<(u64, u64)> {
                    let hash = coded(call!(self, |guest, store| guest.call_metadata_hash_at(store, *at, followed(follow), path.into())));
                    hash.map(|hash| (hash.lower, hash.upper))
                }

                fn sync(&self, of: &u32) -> Result<()> {
                    coded(call!(self, |guest, store| guest.call_sync(store, *of)))
                }

                fn sync_data(&self, of: &u32) -> Result<()> {
                    coded(call!(self, |guest, store| guest.call_sync_data(store, *of)))
                }

                fn advise(&self, of: &u32, offset: u64, length: u64) -> Result<()> {
                    coded(call!(self, |guest, store| guest.call_advise(store, *of, offset, length)))
                }
            }
        };
    };
}

form! {
    /// WASI 0.2 by the calls of descriptors, in an engine without
    /// asynchronous calls.
    P2: bindings::p2,
    Runtime::new("puppet.wasm", false, larder_wasmtime::p2::add_to_linker_sync),
    before_1970: false,
    instantiate: |component, linker, store, _wait| {
        bindings::p2::PuppetGuest::instantiate(store, component, linker).unwrap()
    },
    call: direct
}

form! {
    /// WASI 0.2 through streams, in an engine that serves 0.3 as well.
    P2Streams: bindings::p2_async,
    Runtime::new("puppet.wasm", true, larder_wasmtime::add_to_linker),
    before_1970: false,
    instantiate: |component, linker, store, wait| wait.block_on(async {
        let guest = bindings::p2_async::PuppetGuest::instantiate_async(&mut *store, component, linker).await.unwrap();
        guest.larder_test_puppet().call_use_streams(store, true).await.unwrap();
        guest
    }),
    call: waiting
}

form! {
    /// WASI 0.3.
    P3: bindings::p3,
    Runtime::new("puppet-p3.wasm", true, larder_wasmtime::add_to_linker),
    before_1970: true,
    instantiate: |component, linker, store, wait| {
        wait.block_on(bindings::p3::PuppetGuest::instantiate_async(store, component, linker)).unwrap()
    },
    call: concurrent
}
