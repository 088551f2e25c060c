//! The suite's guest, composed in each way, with every set of volumes
//! that a case asks for.

use std::fs;
use std::path::PathBuf;
use std::process;

use larder_compose::attach::{AttachOptions, Bridge, attach};
use larder_compose::plug::{Adapter, PlugOptions, plug};
use larder_core::Rights;
use larder_image::{ImageBuilder, Mount, Options, VolumeSpec};
use larder_suite::{Mount as SuiteMount, START, Set, every_set};

use crate::built::{guest, work};
use crate::clock::with_clock;

/// How the store gets into the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// `larder compose`, with the bridge that runs everywhere.
    Attached,
    /// `larder compose --bridge multi-memory`.
    AttachedMultiMemory,
    /// `wac plug`.
    Plugged,
}

/// What the guest is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// A command.
    Command,
    /// A command of WASI 0.3, which can only be plugged.
    CommandP3,
    /// A handler of HTTP requests.
    Http,
}

/// A composed guest, in a file.
#[derive(Clone, Debug)]
pub struct Composed {
    /// Its name, of way and flavour.
    pub name: String,
    /// What the guest is.
    pub flavour: Flavour,
    /// The component.
    pub path: PathBuf,
}

impl Composed {
    /// Composes the guest, and writes it to the cache.
    ///
    /// # Panics
    /// Where that fails.
    #[must_use]
    pub fn new(way: Way, flavour: Flavour) -> Self {
        let (app, clock) = match flavour {
            Flavour::Command => ("suite-guest.wasm", "clock.wasm"),
            Flavour::CommandP3 => ("suite-guest-p3.wasm", "clock-p3.wasm"),
            Flavour::Http => ("suite-guest-http.wasm", "clock.wasm"),
        };
        let name = format!("{way:?}-{flavour:?}").to_lowercase();
        let composed = with_clock(&compose(way, flavour, &guest(app)), &guest(clock));
        let path = work("components").join(format!("{name}.wasm"));
        // Tests of several runtimes write the same file at the same time.
        let own = path.with_extension(process::id().to_string());
        fs::write(&own, composed).and_then(|()| fs::rename(&own, &path)).expect("the cache can be written");
        Self { name, flavour, path }
    }
}

fn compose(way: Way, flavour: Flavour, guest: &[u8]) -> Vec<u8> {
    let image = image(&every_set());
    let bridge = match way {
        Way::Attached => Bridge::SingleMemory,
        Way::AttachedMultiMemory => Bridge::MultiMemory,
        Way::Plugged => {
            // Of the two halves for WASI 0.3, that of 0.2 brings the statistics.
            let adapter = (flavour == Flavour::CommandP3).then(|| Adapter::P3AndP2.bytes());
            let options = PlugOptions { adapter, image: Some(&image) };
            return plug(guest, &options).unwrap_or_else(|error| panic!("plug: {error}"));
        }
    };
    let options = AttachOptions {
        bridge,
        module: larder_artifacts::ATTACHMENT.into(),
        image: Some(image.into()),
        ..AttachOptions::default()
    };
    attach(guest, &options).unwrap_or_else(|error| panic!("attach: {error}")).component
}

/// A pair of volumes for each set of limits, mounted where the suite looks.
fn image(sets: &[Set]) -> Vec<u8> {
    let mut options = Options { volumes: Vec::new(), mounts: Vec::new(), composed: START, ..Options::default() };
    for set in sets {
        let first = u32::try_from(options.volumes.len()).expect("few volumes");
        for name in ["main", "other"] {
            options.volumes.push(VolumeSpec { name: name.into(), limits: set.limits.clone() });
        }
        for mount in SuiteMount::ALL {
            let (volume, directory, rights) = match mount {
                SuiteMount::Main => (first, "", Rights::READ_WRITE),
                SuiteMount::ReadOnly => (first, "", Rights::READ_ONLY),
                SuiteMount::Scoped => (first, "scope", Rights::READ_WRITE),
                SuiteMount::ScopedReadOnly => (first, "scope", Rights::READ_ONLY),
                SuiteMount::Other => (first + 1, "", Rights::READ_WRITE),
            };
            let (guest_path, directory) = (set.mount_path(mount), directory.to_owned());
            options.mounts.push(Mount { guest_path, volume, directory, rights });
        }
    }
    ImageBuilder::new(options).expect("the options are right").finish().expect("an image without files is small")
}
