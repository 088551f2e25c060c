//! The volumes of the suite for guests that bring their volumes along, such as
//! a composed component: one pair of volumes for each set of limits that a
//! case asks for, each pair mounted under a path of its own.

use std::cell::RefCell;
use std::fmt::Write;

use larder_core::Limits;

use crate::{InProcess, Mount, cases};

/// Where a guest finds a mount of the volumes with these limits. Those with
/// the default limits are at [`Mount::guest_path`] itself, the others under a
/// path that names what differs: `/links=3/scoped`.
#[must_use]
pub fn mount_path(limits: &Limits, mount: Mount) -> String {
    let set = differences(limits);
    match (set.is_empty(), mount) {
        (true, _) => mount.guest_path().to_owned(),
        (false, Mount::Main) => format!("/{set}"),
        (false, _) => format!("/{set}{}", mount.guest_path()),
    }
}

/// The fields that are not the default, as a name.
fn differences(limits: &Limits) -> String {
    let mut name = String::new();
    macro_rules! compare {
        ($($field:ident)*) => {{
            // Names every field, so that a new one cannot be forgotten.
            let Limits { $($field),* } = limits;
            let default = Limits::default();
            $(if *$field != default.$field {
                let comma = if name.is_empty() { "" } else { "," };
                write!(name, "{comma}{}={}", stringify!($field), $field).unwrap();
            })*
        }};
    }
    compare!(bytes inodes file_bytes name_bytes path_bytes directory_entries open_handles links symlink_depth);
    name
}

thread_local! {
    /// What cases of this thread asked for, while it is being noted.
    static ASKED: RefCell<Option<Vec<Limits>>> = const { RefCell::new(None) };
}

/// Notes the limits that a case asks for.
pub(crate) fn note(limits: &Limits) {
    ASKED.with_borrow_mut(|asked| {
        if let Some(asked) = asked
            && !asked.contains(limits)
        {
            asked.push(limits.clone());
        }
    });
}

/// Every set of limits that a case asks for, each once: the suite is run on
/// the core to find them.
///
/// # Panics
/// Where a case fails on the core.
#[must_use]
pub fn every_limits() -> Vec<Limits> {
    ASKED.set(Some(Vec::new()));
    for case in cases::<InProcess>() {
        (case.run)();
    }
    ASKED.take().unwrap_or_default()
}
