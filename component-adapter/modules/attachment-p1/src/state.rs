//! The one process of this instance.

use std::cell::RefCell;

use larder_engine::start;
use larder_image::{Arguments, Options};
use larder_p1::{Errno, Mounted, P1Result, Process, code};

use crate::app::AppMemory;
use crate::bindings::wasi::cli::environment::{get_arguments, get_environment};
use crate::host::{Streams, now};

thread_local! {
    /// Made at the app's first call.
    static PROCESS: RefCell<Option<P1Result<Process<Streams>>>> = const { RefCell::new(None) };
}

/// Runs one function of the interface and gives what the app gets: 0 or an
/// error number. With a damaged image it is `Io`, whatever the function.
pub(crate) fn call(function: impl FnOnce(&mut Process<Streams>, &mut AppMemory) -> P1Result<()>) -> u32 {
    PROCESS.with_borrow_mut(|process| {
        let process = process.get_or_insert_with(begin);
        let result = match process {
            Ok(process) => function(process, &mut AppMemory),
            Err(_) => Err(Errno::Io.into()),
        };
        code(result).unwrap_or_else(|_| core::arch::wasm32::unreachable())
    })
}

fn begin() -> P1Result<Process<Streams>> {
    let mounts = start::mounts(now).map_err(|_| Errno::Io)?;
    let options = start::options(now).ok_or(Errno::Io)?;
    let mounted =
        mounts.iter().map(|mount| Ok(Mounted { guest_path: mount.guest_path.clone(), descriptor: mount.view.root()? }));
    let mounted: Vec<_> = mounted.collect::<larder_core::Result<_>>()?;
    Ok(Process::new(Streams::new(), mounted, arguments(options), environment(options)))
}

fn arguments(options: &Options) -> Vec<String> {
    match &options.arguments {
        Arguments::Host => get_arguments(),
        Arguments::Baked(arguments) => arguments.clone(),
    }
}

/// `KEY=VALUE`. WASI 0.1 has no current directory; `PWD` is where runtimes
/// that have one (Go's) look for it.
fn environment(options: &Options) -> Vec<String> {
    let set = &options.environment.set;
    let hosts = get_environment().into_iter().filter(|(name, _)| options.environment.inherits(name));
    let mut all: Vec<_> = hosts.chain(set.iter().cloned()).collect();
    if let Some(directory) = &options.initial_directory
        && !set.iter().any(|(name, _)| name == "PWD")
    {
        all.retain(|(name, _)| name != "PWD");
        all.push(("PWD".to_owned(), directory.clone()));
    }
    all.into_iter().map(|(name, value)| [name, value].join("=")).collect()
}
