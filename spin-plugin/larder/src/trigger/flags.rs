//! The command line of the plugin: Spin's own flags for triggers, and few of
//! Larder's.
//!
//! Names that `spin up` takes for itself (`-f`, `-e`, `-c`, `-k`, `--temp`, …)
//! are not to be used here.
#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "the docs of arguments are the help texts, whose brackets mean options"
)]

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{ArgAction, CommandFactory, Parser, ValueEnum};
use serde::Serialize;

use crate::cli::guest::RemoteArguments;
use crate::runtime::{Cache, DEFAULT_GRACE, DEFAULT_MAX_REQUESTS, DEFAULT_REQUEST_MEMORY};
use crate::units::{parse_duration, parse_size};

/// Requests of one instance, where the component can answer several: Spin's
/// default.
const DEFAULT_REUSES: usize = 128;

/// Requests of one instance at a time: Spin's default.
const DEFAULT_CONCURRENT: usize = 16;

/// The smallest buffer of a connection that hyper takes, in bytes.
const LEAST_BUFFER: usize = 8192;

/// How the routes are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Plain,
    /// One JSON object.
    Json,
}

/// The trigger of Spin apps with `[[trigger.larder]]`; `spin up` starts it.
#[derive(Debug, Parser)]
#[command(name = super::NAME, version, max_term_width = 100)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct Flags {
    /// Where to listen; port 0 takes a free one, which is printed
    #[arg(long, value_name = "HOST:PORT", env = "SPIN_HTTP_LISTEN_ADDR", default_value = "127.0.0.1:3000", help_heading = HTTP)]
    pub(crate) listen: String,

    /// Takes the next free port when that of `--listen` is taken
    #[arg(long, help_heading = HTTP)]
    pub(crate) find_free_port: bool,

    /// PEM file with the certificate for HTTPS, and those above it
    #[arg(long, value_name = "FILE", env = "SPIN_TLS_CERT", requires = "tls_key", help_heading = HTTP)]
    pub(crate) tls_cert: Option<PathBuf>,

    /// PEM file with the certificate's private key
    #[arg(long, value_name = "FILE", env = "SPIN_TLS_KEY", requires = "tls_cert", help_heading = HTTP)]
    pub(crate) tls_key: Option<PathBuf>,

    /// Bound on the buffers of a connection in bytes, at least 8192
    #[arg(long, value_name = "BYTES", env = "SPIN_HTTP1_MAX_BUF_SIZE", value_parser = parse_buffer, help_heading = HTTP)]
    pub(crate) http1_max_buf_size: Option<usize>,

    /// How the routes are printed
    #[arg(long, value_enum, default_value_t, help_heading = HTTP)]
    pub(crate) format: Format,

    /// Bound on the time until a response begins [default: 60s]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, help_heading = HTTP)]
    pub(crate) request_timeout: Option<Duration>,

    /// Bound on the time from there to its end, and of what the guest does after it [default: 10m]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, help_heading = HTTP)]
    pub(crate) response_timeout: Option<Duration>,

    /// Time for requests under way to finish when the app ends [default: 10s]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, help_heading = HTTP)]
    pub(crate) grace: Option<Duration>,

    /// Requests that one instance answers, one after another (components of wasi:http 0.2: one)
    #[arg(long, value_name = "COUNT", default_value_t = DEFAULT_REUSES, help_heading = INSTANCES)]
    pub(crate) max_instance_reuse_count: usize,

    /// Requests that one instance answers at a time (components of wasi:http 0.2: one)
    #[arg(long, value_name = "COUNT", default_value_t = DEFAULT_CONCURRENT, help_heading = INSTANCES)]
    pub(crate) max_instance_concurrent_reuse_count: usize,

    /// Time that an instance without a request is kept [default: 1s]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, help_heading = INSTANCES)]
    pub(crate) idle_instance_timeout: Option<Duration>,

    /// Instances at a time of all components; more requests wait
    #[arg(long, value_name = "COUNT", env = "SPIN_MAX_INSTANCE_COUNT", default_value_t = DEFAULT_MAX_REQUESTS, help_heading = INSTANCES)]
    pub(crate) max_instance_count: usize,

    /// Bound on the memory of each instance [default: 512MiB]
    #[arg(long, value_name = "SIZE", env = "SPIN_MAX_INSTANCE_MEMORY", value_parser = parse_size, help_heading = INSTANCES)]
    max_instance_memory: Option<u64>,

    /// Asks the system for the memory of each instance, instead of keeping some ready
    #[arg(long, help_heading = INSTANCES)]
    pub(crate) disable_pooling: bool,

    /// Compiles components anew instead of using and filling the cache
    #[arg(long, env = "DISABLE_WASMTIME_CACHE", value_parser = clap::builder::FalseyValueParser::new(), action = ArgAction::SetTrue, help_heading = INSTANCES)]
    disable_cache: bool,

    /// Where volume files and logs are [default: .spin beside spin.toml]
    ///
    /// An empty path is none: then volumes in files are refused, and nothing is logged.
    #[arg(long, value_name = "DIR", help_heading = STATE)]
    pub(crate) state_dir: Option<PathBuf>,

    /// Where the output of components is logged [default: logs in the state directory]
    #[arg(short = 'L', long, value_name = "DIR", env = "SPIN_LOG_DIR", help_heading = STATE)]
    pub(crate) log_dir: Option<PathBuf>,

    /// Empties log files at the start
    #[arg(long, help_heading = STATE)]
    pub(crate) truncate_logs: bool,

    /// Prints only the output of this component; may be given several times
    #[arg(long, value_name = "COMPONENT", help_heading = STATE)]
    pub(crate) follow: Vec<String>,

    /// Prints no output of components
    #[arg(short, long, aliases = ["sh", "shush"], conflicts_with = "follow", help_heading = STATE)]
    pub(crate) quiet: bool,

    /// TOML file of the host with `state_dir` and `log_dir`
    #[arg(long, value_name = "FILE", env = "RUNTIME_CONFIG_FILE", help_heading = STATE)]
    pub(crate) runtime_config_file: Option<PathBuf>,

    /// Lets components change their own `files`, until the app ends
    #[arg(long, help_heading = STATE)]
    pub(crate) allow_transient_write: bool,

    /// Gives a variable of the app a value; `@FILE` takes it from a file
    #[arg(long, value_name = "NAME=VALUE", help_heading = STATE)]
    pub(crate) variable: Vec<String>,

    /// Puts a value into the key-value store `default`; `@FILE` takes it from a file
    #[arg(long, value_name = "KEY=VALUE", help_heading = STATE)]
    pub(crate) key_value: Vec<String>,

    /// Prints the options section of the help, for `spin up --help`
    #[arg(long, hide = true)]
    pub(crate) help_args_only: bool,

    /// Tells Spin which flags there are
    #[arg(long, hide = true)]
    pub(crate) launch_metadata_only: bool,

    // Last, for its heading goes on to whatever follows.
    #[command(flatten)]
    pub(crate) remote: RemoteArguments,
}

const HTTP: &str = "HTTP Trigger Options";
const INSTANCES: &str = "Instances";
const STATE: &str = "State, Logs and Variables";

impl Flags {
    /// Bound on an instance's memory in bytes.
    pub(crate) fn memory(&self) -> u64 {
        self.max_instance_memory.unwrap_or(DEFAULT_REQUEST_MEMORY)
    }

    /// Where compiled code is kept.
    pub(crate) fn cache(&self) -> Cache {
        if self.disable_cache { Cache::Off } else { Cache::Default }
    }

    /// For requests under way at the end.
    pub(crate) fn grace(&self) -> Duration {
        self.grace.unwrap_or(DEFAULT_GRACE)
    }
}

fn parse_buffer(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(bytes) if bytes >= LEAST_BUFFER => Ok(bytes),
        _ => Err(format!("write a number of bytes, at least {LEAST_BUFFER}")),
    }
}

/// Prints what `spin up --help` shows of this trigger.
pub(super) fn print_help() -> Result<()> {
    let mut command = Flags::command().disable_help_flag(true).disable_version_flag(true).help_template("{all-args}");
    command.print_long_help().context("writing to standard output")
}

/// A flag as Spin wants to know it, with its dashes.
#[derive(Serialize)]
struct FlagNames {
    #[serde(skip_serializing_if = "Option::is_none")]
    long: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    short: Option<String>,
}

#[derive(Serialize)]
struct Metadata {
    all_flags: Vec<FlagNames>,
}

/// Tells which flags are this trigger's: Spin gives each trigger of an app its
/// own, and reads all of standard error as this object.
pub(super) fn print_metadata() -> Result<()> {
    let all_flags = Flags::command()
        .get_arguments()
        .filter(|argument| !argument.is_hide_set())
        .map(|argument| FlagNames {
            long: argument.get_long().map(|name| format!("--{name}")),
            short: argument.get_short().map(|letter| format!("-{letter}")),
        })
        .collect();
    let json = serde_json::to_string(&Metadata { all_flags }).context("writing the flags")?;
    writeln!(std::io::stderr(), "{json}").context("writing to standard error")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_flag_is_one_that_spin_up_takes() {
        Flags::command().debug_assert();
        let taken_long = [
            "help",
            "from",
            "from-file",
            "file",
            "from-registry",
            "profile",
            "insecure",
            "env",
            "temp",
            "tmp",
            "cache-dir",
            "direct-mounts",
            "build",
            "component-id",
        ];
        let taken_short = ['h', 'f', 'k', 'e', 'c'];
        for argument in Flags::command().get_arguments() {
            assert!(!argument.get_long().is_some_and(|long| taken_long.contains(&long)), "{argument:?}");
            assert!(!argument.get_short().is_some_and(|short| taken_short.contains(&short)), "{argument:?}");
        }
    }
}
