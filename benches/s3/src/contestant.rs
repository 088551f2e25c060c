//! Who takes part.

use clap::ValueEnum;
use serde::Serialize;

/// Who takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Contestant {
    /// A volume in this process, `read=cached`, `write=async`.
    LarderAsync,
    /// The same with `write=through`.
    LarderThrough,
    /// s3fs-fuse, mounted, with its cache of files.
    S3fs,
    /// `rclone mount --vfs-cache-mode writes`.
    Rclone,
    /// JuiceFS, mounted, its metadata in SQLite on this machine.
    #[value(name = "juicefs")]
    #[serde(rename = "juicefs")]
    JuiceFs,
    /// Larder's client of S3 without files: the ceiling of large transfers.
    Requests,
    /// A volume in memory alone: the ceiling of what is warm.
    Memory,
}

impl Contestant {
    pub(crate) const ALL: [Self; 7] =
        [Self::LarderAsync, Self::LarderThrough, Self::S3fs, Self::Rclone, Self::JuiceFs, Self::Requests, Self::Memory];

    /// The column's head.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::LarderAsync => "Larder async",
            Self::LarderThrough => "Larder through",
            Self::S3fs => "s3fs",
            Self::Rclone => "rclone",
            Self::JuiceFs => "JuiceFS",
            Self::Requests => "requests",
            Self::Memory => "in memory",
        }
    }

    /// Whether it has files in a bucket.
    pub(crate) const fn has_files_in_a_bucket(self) -> bool {
        !matches!(self, Self::Requests | Self::Memory)
    }
}
