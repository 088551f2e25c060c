//! Arguments that all commands share which run guests.
#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "the docs of arguments are the help texts, whose brackets mean options"
)]

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use larder_nats_client::Options;
use larder_s3::S3File;

use crate::runtime::Cache;
use crate::units::{parse_duration, parse_size};
use crate::volumes::{LimitChanges, MountArgument, MountTable, VolumeAddress, VolumeSet};

/// Which volumes an app sees.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Volumes")]
pub(crate) struct VolumeArguments {
    /// Mounts a volume: VOLUME[#/DIR]::GUEST[:ro][:sync]
    ///
    /// VOLUME is a name (in memory), a path with a `/` or the suffix `.larder` (a
    /// volume file; created when missing), s3://BUCKET[/PREFIX][?KEY=VALUE&…] (in an S3
    /// bucket; `larder help s3` has the keys), or nats://HOST[:PORT]/VOLUME[/DIR] (served by
    /// larder-provider; components only). `#/DIR` mounts a directory of the volume
    /// instead of its root. `:ro` lets the guest only read, and takes no lock on the file.
    /// A volume file is saved when the app has ended; with `:sync`, also before a
    /// guest's fsync or fdatasync returns (durability level "stored"). A bucket has
    /// everything when the app has ended, and what was synced when an fsync returns.
    ///
    /// Can be given several times, also for the same volume. Without it, the app gets a
    /// fresh volume in memory at `/`.
    #[arg(short = 'v', long = "volume", value_name = "VOLUME::GUEST")]
    pub(crate) volumes: Vec<MountArgument>,

    /// Limits of the volumes: bytes=…,inodes=…
    ///
    /// Sizes take suffixes (64MiB, 1G). The keys, with their defaults: bytes (1GiB),
    /// inodes (1Mi), file-bytes (1TiB, holes included), name-bytes (255), path-bytes
    /// (4096), directory-entries (1Mi), open-handles (65536), links (65000),
    /// symlink-depth (40). In a bucket: bytes (none), inodes and directory-entries (16Mi).
    #[arg(long = "limit", value_name = "KEY=SIZE,…")]
    pub(crate) limits: Option<LimitChanges>,

    #[command(flatten)]
    pub(crate) remote: RemoteArguments,
}

/// How volumes that are elsewhere are reached.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Remote volumes")]
pub(crate) struct RemoteArguments {
    /// NATS credentials file for nats:// volumes
    #[arg(long, value_name = "FILE", env = "NATS_CREDS", hide_env_values = true)]
    nats_creds: Option<PathBuf>,

    /// PEM file of authorities, besides the system's, that sign NATS servers' certificates
    #[arg(long, value_name = "FILE", env = "NATS_CA", hide_env_values = true)]
    nats_ca: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) buckets: BucketArguments,
}

/// How volumes in buckets are reached.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Remote volumes")]
pub(crate) struct BucketArguments {
    /// Configuration file for s3:// volumes: keys of their addresses, and credentials
    ///
    /// TOML, a section for each volume: `[volume.NAME]` with `bucket`, `prefix` (without it:
    /// all of the bucket's volumes), `access_key_id`, `secret_access_key`, and the keys of an
    /// address (see `larder help s3`). An address's own keys count before them.
    #[arg(long, value_name = "FILE", env = "LARDER_S3_CONFIG", hide_env_values = true)]
    s3_config: Option<PathBuf>,
}

impl RemoteArguments {
    /// How to connect to NATS.
    pub(crate) fn nats(&self) -> Options {
        Options { credentials: given(&self.nats_creds), tls_ca: given(&self.nats_ca), ..Options::default() }
    }
}

impl BucketArguments {
    /// An address with what the configuration file says of it.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub(crate) fn configured(&self, address: &VolumeAddress) -> Result<VolumeAddress> {
        let (VolumeAddress::S3(address), Some(file)) = (address, given(&self.s3_config)) else {
            return Ok(address.clone());
        };
        Ok(VolumeAddress::S3(Box::new(S3File::read(&file)?.configure((**address).clone())?)))
    }
}

/// Variables that are empty count as not set.
fn given(path: &Option<PathBuf>) -> Option<PathBuf> {
    path.clone().filter(|path| !path.as_os_str().is_empty())
}

impl VolumeArguments {
    /// Opens and mounts the volumes.
    ///
    /// # Errors
    /// The first volume that cannot be opened, reached or mounted.
    pub(crate) fn mount(&self) -> Result<(VolumeSet, MountTable)> {
        let mut arguments = self.volumes.clone();
        for argument in &mut arguments {
            argument.address = self.remote.buckets.configured(&argument.address)?;
        }
        VolumeSet::mount(&arguments, self.limits.as_ref(), &self.remote.nats())
    }
}

/// How a guest is run.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Guest")]
pub(crate) struct GuestArguments {
    /// Sets an environment variable of the guest; KEY alone takes the value from here
    #[arg(short = 'e', long = "env", value_name = "KEY=VALUE", value_parser = parse_variable)]
    pub(crate) environment: Vec<(String, String)>,

    /// Bound on the guest's memory [default: 4GiB, or 512MiB for each request of a server]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub(crate) memory: Option<u64>,

    /// Bound on the guest's run, or on each request of a server [default for requests: 60s]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) timeout: Option<Duration>,

    #[command(flatten)]
    pub(crate) cache: CacheArguments,
}

/// Where compiled code is kept.
#[derive(Args, Clone, Debug)]
pub(crate) struct CacheArguments {
    /// Compiles the app anew instead of using and filling the cache
    #[arg(long, conflicts_with = "cache_dir")]
    no_cache: bool,

    /// Keeps compiled code in DIR [default: $LARDER_CACHE_DIR, or Wasmtime's cache directory]
    #[arg(long, value_name = "DIR")]
    cache_dir: Option<PathBuf>,
}

impl CacheArguments {
    /// Where compiled code is kept.
    pub(crate) fn cache(&self) -> Cache {
        if self.no_cache {
            return Cache::Off;
        }
        let directory = self.cache_dir.clone().or_else(|| std::env::var_os("LARDER_CACHE_DIR").map(PathBuf::from));
        directory.filter(|directory| !directory.as_os_str().is_empty()).map_or(Cache::Default, Cache::Directory)
    }
}

/// `KEY=VALUE`, or `KEY` for the variable of that name in our environment.
fn parse_variable(text: &str) -> std::result::Result<(String, String), String> {
    let (key, value) = match text.split_once('=') {
        Some((key, value)) => (key, value.to_owned()),
        None => {
            let value = std::env::var(text).map_err(|_| format!("`{text}` is not set here: write {text}=VALUE"))?;
            (text, value)
        }
    };
    if key.is_empty() {
        return Err("the variable's name is empty".to_owned());
    }
    Ok((key.to_owned(), value))
}
