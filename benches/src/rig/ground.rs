//! Where a contestant's files are: a volume, a directory on tmpfs, or inside
//! of the guest.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use larder_core::{Rights, View, Volume, VolumeOptions};
use larder_wasmtime::LarderCtx;
use tempfile::TempDir;
use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

use super::{Contestant, Rig, start_up};
use crate::cases::{Case, Group};

/// What one contestant has for one case, kept through all repetitions.
pub(crate) struct Ground {
    pub(crate) contestant: Contestant,
    files: Files,
}

enum Files {
    Volume(Arc<Volume>),
    Directory(TempDir),
    /// In the guest's component: each instance begins with none.
    Inside,
    /// None; the guest is compiled to a file of this directory.
    Precompiled(TempDir),
    /// In the guest's component, which is this script.
    Transpiled(PathBuf),
}

impl Ground {
    /// An empty filesystem for `contestant`.
    ///
    /// # Errors
    /// When no temporary directory can be made, or the guest of the case can't
    /// be made ready.
    pub(crate) fn new(rig: &Rig, contestant: Contestant, case: &Case) -> Result<Self> {
        let files = match (case.group, contestant) {
            (Group::StartUp, _) => Files::Precompiled(start_up::precompile(rig, contestant, case)?),
            (Group::Node, _) => Files::Transpiled(rig.node()?.script(&rig.p2.bytes, contestant)?),
            (_, Contestant::Larder | Contestant::Copy) => Files::Volume(Volume::new(VolumeOptions::default())),
            (_, Contestant::Wasmtime | Contestant::WasmtimeInline) => {
                let directory = tempfile::Builder::new().prefix("larder-benches-").tempdir_in(&rig.peer_directory);
                Files::Directory(directory.with_context(|| {
                    format!(
                        "cannot make a directory in {}: name a tmpfs with --peer-directory",
                        rig.peer_directory.display()
                    )
                })?)
            }
            _ => Files::Inside,
        };
        Ok(Self { contestant, files })
    }

    /// Gives a guest these files at `/`.
    pub(super) fn mount(&self, wasi: &mut WasiCtxBuilder) -> Result<LarderCtx> {
        let inline = self.contestant == Contestant::WasmtimeInline || self.contestant.is_composed();
        wasi.allow_blocking_current_thread(inline);
        match &self.files {
            Files::Volume(volume) => Ok(LarderCtx::new().mount(View::new(volume, Rights::READ_WRITE)?, "/")),
            Files::Directory(directory) => {
                wasi.preopened_dir(directory.path(), "/", FsPerms::ReadWrite)
                    .map_err(|error| anyhow::anyhow!("cannot open {}: {error:#}", directory.path().display()))?;
                Ok(LarderCtx::new())
            }
            Files::Inside | Files::Precompiled(_) | Files::Transpiled(_) => Ok(LarderCtx::new()),
        }
    }

    /// The directory with the precompiled guest.
    pub(super) fn precompiled(&self) -> Result<&Path> {
        match &self.files {
            Files::Precompiled(directory) => Ok(directory.path()),
            _ => Err(anyhow::anyhow!("{:?} is not precompiled in this case", self.contestant)),
        }
    }

    /// The transpiled guest.
    pub(super) fn transpiled(&self) -> Result<&Path> {
        match &self.files {
            Files::Transpiled(script) => Ok(script),
            _ => Err(anyhow::anyhow!("{:?} is not transpiled in this case", self.contestant)),
        }
    }
}
