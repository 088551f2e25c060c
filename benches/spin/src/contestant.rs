//! Who takes part.

use clap::ValueEnum;
use serde::Serialize;

/// Who takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Contestant {
    /// `trigger-larder`, a volume in a file, as a manifest has it that says
    /// nothing else.
    LarderFile,
    /// `trigger-larder`, a volume in memory.
    LarderMemory,
    /// `wasmtime serve`, a directory on tmpfs.
    WasmtimeTmpfs,
    /// `wasmtime serve`, a directory on the disk.
    WasmtimeDisk,
}

impl Contestant {
    pub(crate) const ALL: [Self; 4] = [Self::LarderFile, Self::LarderMemory, Self::WasmtimeTmpfs, Self::WasmtimeDisk];

    /// Larder's, which the targets are for.
    pub(crate) const LARDER: [Self; 2] = [Self::LarderFile, Self::LarderMemory];

    /// The column's head.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::LarderFile => "Larder file",
            Self::LarderMemory => "Larder memory",
            Self::WasmtimeTmpfs => "Wasmtime tmpfs",
            Self::WasmtimeDisk => "Wasmtime disk",
        }
    }

    /// What sets it apart from its maker's other one.
    pub(crate) const fn short(self) -> &'static str {
        match self {
            Self::LarderFile => "file",
            Self::LarderMemory => "memory",
            Self::WasmtimeTmpfs => "tmpfs",
            Self::WasmtimeDisk => "disk",
        }
    }

    pub(crate) const fn is_larder(self) -> bool {
        matches!(self, Self::LarderFile | Self::LarderMemory)
    }
}
