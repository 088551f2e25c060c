//! The volumes of the suite for guests that bring their volumes along, such as
//! a composed component: a pair of volumes for each guest that a case starts and
//! for each set of limits, each pair mounted under a path of its own.

use std::cell::{Cell, RefCell};
use std::fmt::Write;

use larder_core::Limits;

use crate::{Case, InProcess, Mount, cases};

/// Volumes that a case asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    /// The limits of both volumes.
    pub limits: Limits,
    /// Counts the guests with these limits that a case starts, from 0: each
    /// has volumes of its own.
    pub turn: u32,
}

impl Set {
    /// Where a guest finds a mount of these volumes. Those of the first guest
    /// with the default limits are at [`Mount::guest_path`] itself, others
    /// under a path that names what differs: `/links=3/scoped`.
    #[must_use]
    pub fn mount_path(&self, mount: Mount) -> String {
        let mut set = differences(&self.limits);
        if self.turn > 0 {
            write!(set, "{}turn={}", if set.is_empty() { "" } else { "," }, self.turn).unwrap();
        }
        match (set.is_empty(), mount) {
            (true, _) => mount.guest_path().to_owned(),
            (false, Mount::Main) => format!("/{set}"),
            (false, _) => format!("/{set}{}", mount.guest_path()),
        }
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
    /// What the case that this thread runs asked for.
    static ASKED: RefCell<Vec<Set>> = const { RefCell::new(Vec::new()) };
    /// The turn with which it begins.
    static FIRST_TURN: Cell<u32> = const { Cell::new(0) };
}

/// The volumes for a guest that a case starts with these limits: those that no
/// guest of this thread had before.
#[must_use]
pub fn next_set(limits: &Limits) -> Set {
    ASKED.with_borrow_mut(|asked| {
        let before = asked.iter().filter(|set| set.limits == *limits).count();
        let turn = FIRST_TURN.get() + u32::try_from(before).unwrap();
        let set = Set { limits: limits.clone(), turn };
        asked.push(set.clone());
        set
    })
}

/// Says with which turn the sets of the next case of this thread begin: one
/// instance runs several cases, each over volumes that it is told of.
pub fn begin_with_turn(turn: u32) {
    ASKED.take();
    FIRST_TURN.set(turn);
}

/// Every set of volumes that a case asks for, each once: the suite is run on
/// the core to find them.
///
/// # Panics
/// Where a case fails on the core.
#[must_use]
pub fn every_set() -> Vec<Set> {
    let mut all = Vec::new();
    for case in cases::<InProcess>() {
        for set in sets_of(case) {
            if !all.contains(&set) {
                all.push(set);
            }
        }
    }
    all
}

/// The sets of volumes that a case asks for, one for each guest that it starts.
///
/// # Panics
/// Where the case fails on the core.
#[must_use]
pub fn sets_of(case: Case) -> Vec<Set> {
    begin_with_turn(0);
    (case.run)();
    ASKED.take()
}
