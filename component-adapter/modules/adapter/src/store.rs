//! The volumes and mounts of this instance.

use std::cell::OnceCell;

use larder_core::{Descriptor, Rights, Timestamp, View, Volume, VolumeOptions};

thread_local! {
    static MOUNTS: OnceCell<Vec<(View, String)>> = const { OnceCell::new() };
}

/// Each mount's directory, opened, with its path.
pub(crate) fn directories(now: fn() -> Timestamp) -> Vec<(Descriptor, String)> {
    MOUNTS.with(|mounts| {
        let mounts = mounts.get_or_init(|| {
            let volume = Volume::new(VolumeOptions { now: now(), ..VolumeOptions::default() });
            let view = View::new(&volume, Rights::READ_WRITE).ok();
            view.into_iter().map(|view| (view, "/".to_owned())).collect()
        });
        mounts.iter().filter_map(|(view, path)| Some((view.root().ok()?, path.clone()))).collect()
    })
}
