//! The volumes and views of the suite, for forms whose store is in the same
//! process.

use std::sync::Arc;

use larder_core::{Limits, Rights, View, Volume, VolumeOptions};

use crate::{Mount, START};

/// The two volumes, and the view of each [`Mount`].
#[derive(Clone, Debug)]
pub struct Volumes {
    views: Vec<(Mount, View)>,
}

impl Volumes {
    /// New volumes as [`Form::start`](crate::Form::start) wants them.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        let volume = |name: &str| {
            Volume::new(VolumeOptions { name: name.into(), limits: limits.clone(), generation: 1, now: START })
        };
        Self::of(&volume("main"), &volume("other"))
    }

    /// The same of empty volumes that are there.
    #[must_use]
    pub fn of(volume: &Arc<Volume>, other: &Arc<Volume>) -> Self {
        let all = View::new(volume, Rights::READ_WRITE).unwrap();
        all.root().unwrap().create_directory_at(START, "scope").unwrap();
        let read_only = View::new(volume, Rights::READ_ONLY).unwrap();
        let views = Mount::ALL.map(|mount| {
            let view = match mount {
                Mount::Main => Ok(all.clone()),
                Mount::ReadOnly => Ok(read_only.clone()),
                Mount::Scoped => all.subdirectory("scope", Rights::READ_WRITE),
                // Asks for more than the view has, and must not get it.
                Mount::ScopedReadOnly => read_only.subdirectory("scope", Rights::READ_WRITE),
                Mount::Other => View::new(other, Rights::READ_WRITE),
            };
            (mount, view.and_then(|view| view.mounted_at(mount.guest_path())).unwrap())
        });
        Self { views: views.into() }
    }

    /// The view of a mount.
    #[must_use]
    pub fn view(&self, mount: Mount) -> &View {
        &self.views.iter().find(|(known, _)| *known == mount).unwrap().1
    }

    /// The volume whose usage the suite watches.
    #[must_use]
    pub fn main(&self) -> &Arc<Volume> {
        self.view(Mount::Main).volume()
    }
}
