//! Where a contestant's files are: a volume, or a directory on tmpfs.

use std::sync::Arc;

use anyhow::{Context, Result};
use larder_core::{Rights, View, Volume, VolumeOptions};
use larder_wasmtime::LarderCtx;
use tempfile::TempDir;
use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

use super::{Contestant, Rig};

/// The files of one contestant for one case, kept through all repetitions.
pub(crate) struct Ground {
    pub(crate) contestant: Contestant,
    files: Files,
}

enum Files {
    Volume(Arc<Volume>),
    Directory(TempDir),
}

impl Ground {
    /// An empty filesystem for `contestant`.
    ///
    /// # Errors
    /// When no temporary directory can be made.
    pub(crate) fn new(rig: &Rig, contestant: Contestant) -> Result<Self> {
        let files = match contestant {
            Contestant::Larder | Contestant::Copy => Files::Volume(Volume::new(VolumeOptions::default())),
            Contestant::Wasmtime | Contestant::WasmtimeInline => {
                let directory = tempfile::Builder::new().prefix("larder-benches-").tempdir_in(&rig.peer_directory);
                Files::Directory(directory.with_context(|| {
                    format!(
                        "cannot make a directory in {}: name a tmpfs with --peer-directory",
                        rig.peer_directory.display()
                    )
                })?)
            }
        };
        Ok(Self { contestant, files })
    }

    /// Gives a guest these files at `/`.
    pub(super) fn mount(&self, wasi: &mut WasiCtxBuilder) -> Result<LarderCtx> {
        wasi.allow_blocking_current_thread(self.contestant == Contestant::WasmtimeInline);
        match &self.files {
            Files::Volume(volume) => Ok(LarderCtx::new().mount(View::new(volume, Rights::READ_WRITE)?, "/")),
            Files::Directory(directory) => {
                wasi.preopened_dir(directory.path(), "/", FsPerms::ReadWrite)
                    .map_err(|error| anyhow::anyhow!("cannot open {}: {error:#}", directory.path().display()))?;
                Ok(LarderCtx::new())
            }
        }
    }
}
