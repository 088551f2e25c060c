//! Reaching the volume of an argument: one that another process serves is asked
//! call by call, any other one is opened by this process.
#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "the docs of arguments are the help texts, whose brackets mean options"
)]

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use larder_core::ErrorCode;
use larder_nats_client::{Access, ConnectError, Options, ServedStore};

use super::guest::RemoteArguments;
use crate::files::RemoteDirectory;
use crate::trigger::SOCKET;
use crate::volumes::VolumeAddress;

/// How long a call to an app that runs may take: 5 minutes, as one of them may
/// save a large volume.
const DEADLINE: Duration = Duration::from_secs(300);

/// How the file commands reach volumes.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Remote volumes")]
pub(crate) struct ReachArguments {
    /// State directory of the Spin app whose volumes are spin:VOLUME
    #[arg(long, value_name = "DIR", default_value = ".spin")]
    state_dir: PathBuf,

    #[command(flatten)]
    remote: RemoteArguments,
}

/// A volume that was reached.
pub(crate) enum Reached {
    /// Another process has it.
    Served(RemoteDirectory),
    /// This process is to open it.
    Here(VolumeAddress),
}

impl ReachArguments {
    /// Finds a volume, and connects to it where another process serves it.
    ///
    /// # Errors
    /// When it cannot be reached, or is nowhere.
    pub(crate) fn reach(&self, address: &VolumeAddress, access: Access) -> Result<Reached> {
        match address {
            VolumeAddress::Nats(address) => {
                let store = ServedStore::connect(address, Options { access, ..self.remote.nats() })?;
                RemoteDirectory::of(store, &address.to_string()).map(Reached::Served)
            }
            VolumeAddress::Spin(name) => self.of_app(name, &address.to_string(), access),
            here => self.remote.buckets.configured(here).map(Reached::Here),
        }
    }

    /// A volume of a Spin app: of the one that runs, or else its file.
    fn of_app(&self, name: &str, shown: &str, access: Access) -> Result<Reached> {
        let state = self.state_dir.display();
        let running = larder_socket::connect(&self.state_dir.join(SOCKET), name, access);
        let running =
            running.with_context(|| format!("{shown} of the app that runs with the state directory {state}"))?;
        if let Some(connection) = running {
            let options = Options { access, deadline: DEADLINE, ..Options::default() };
            let store = connection.store(shown, options).map_err(|error| match error {
                ConnectError::Directory { code: ErrorCode::ReadOnly, .. } => anyhow!(
                    "the app that runs only reads {shown}, and would not keep a change: change it while the app is at rest"
                ),
                error => error.into(),
            })?;
            return RemoteDirectory::of(store, shown).map(Reached::Served);
        }
        let file = self.state_dir.join(format!("{name}.larder"));
        if !file.try_exists().with_context(|| file.display().to_string())? {
            bail!(
                "{shown}: no app runs with the state directory {state}, and there is no {} for an app at rest: start the app, or say with `--state-dir` where its state is; a volume whose file has another name is that file",
                file.display()
            );
        }
        Ok(Reached::Here(VolumeAddress::File(file)))
    }
}
