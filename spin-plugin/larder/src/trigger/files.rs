//! A component's `files`: copied into memory at the start, and read-only for
//! it, as in Spin. `spin up` has put them into directories of this host.

use anyhow::{Context, Result};
use larder_spin_app::lock::Component;
use larder_transfer::Transfer;

use crate::files::tell;
use crate::volumes::{LimitChanges, MountTable, SaveMode, VolumeAddress, VolumeSet};

/// Most bytes of all `files` of a component, in memory: 4 GiB. Guards the
/// host's memory; a volume has no such bound.
const MOST_BYTES: &str = "4GiB";

/// Mounts a component's files. All triggers of a component share them.
///
/// # Errors
/// When they are not there, or too many.
pub(super) fn mount(
    component: &Component,
    writable: bool,
    volumes: &mut VolumeSet,
    table: &mut MountTable,
) -> Result<()> {
    for (index, mount) in component.files.iter().enumerate() {
        let place = format!("`files` of `{}` at {}", component.id, mount.path);
        let source = mount.content.path().with_context(|| place.clone())?;
        // The name that volumes of the manifest cannot have.
        let address = VolumeAddress::Memory(format!("files {index} of {}", component.id));
        let limits: LimitChanges = format!("bytes={MOST_BYTES}").parse().map_err(anyhow::Error::msg)?;
        let is_new = !volumes.has(&address);
        let attached = volumes.open(&address, SaveMode::Never, &limits)?;
        if is_new {
            let view = attached.view("", false)?;
            let report = Transfer::new()
                .import_host(&source, &view, "")
                .with_context(|| format!("cannot read {place} from {}", source.display()))?;
            tell(&report, &place)?;
        }
        table.add(&mount.path, &attached, "", !writable).with_context(|| place)?;
    }
    Ok(())
}
