//! `--copy-in` and `--copy-out`.

use anyhow::{Context, Result};
use larder_transfer::{Transfer, now};

use crate::files::{create_directories, tell};
use crate::progress::{Bar, host_size};
use crate::volumes::{CopyArgument, MountTable};

/// Copies a host file or directory to where the guest will see it.
///
/// # Errors
/// When the host path is missing, no mount holds the guest path, or a limit is
/// reached.
pub(crate) fn copy_in(mounts: &MountTable, copy: &CopyArgument) -> Result<()> {
    let CopyArgument { host, guest, into } = copy;
    let what = || format!("cannot copy {} to {guest} of the guest", host.display());
    let (mount, path) = mounts.resolve(guest)?;
    let view = mount.writable_view()?;
    // A trailing slash means a directory to copy into.
    let directory = if *into { path } else { path.rsplit_once('/').map_or("", |(above, _)| above) };
    create_directories(&view.root()?, now(), directory).with_context(what)?;
    let target = if *into { format!("{path}/") } else { path.to_owned() };
    let mut bar = Bar::new("copying in", host_size(host));
    let report = Transfer::new().with_progress(&mut bar).import_host(host, &view, &target).with_context(what)?;
    drop(bar);
    tell(&report, &format!("the copy of {}", host.display()))
}

/// Copies what the guest left at a path to the host.
///
/// # Errors
/// When nothing is there, or the host cannot be written.
pub(crate) fn copy_out(mounts: &MountTable, copy: &CopyArgument) -> Result<()> {
    let CopyArgument { host, guest, into } = copy;
    let (mount, path) = mounts.resolve(guest)?;
    let target = if *into { host.join("") } else { host.clone() };
    let mut bar = Bar::new("copying out", None);
    let report = Transfer::new()
        .with_progress(&mut bar)
        .export_host(&mount.view, path, &target)
        .with_context(|| format!("cannot copy {guest} of the guest to {}", host.display()))?;
    drop(bar);
    tell(&report, &format!("the copy of {guest}"))
}
