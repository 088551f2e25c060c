//! The cases that only components with a store inside have: starting, standard
//! output that another's streams must not slow down, and Node.

use super::{Case, Group, KI, MI, NAMES, On};

/// Length of the large file under Node: the plugged component moves a few MB/s
/// there, and has to make it.
pub(crate) const NODE_FILE: usize = 2 * MI;

pub(super) fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    for on in [On::Nothing, On::Tree] {
        cases.push(Case::new(Group::StartUp, "nothing", on, 0, 24));
    }
    cases.push(Case::new(Group::Stdout, "print-lines", On::Nothing, 64, 20_000));
    cases.push(Case::new(Group::Stdout, "print-blocks", On::Nothing, 64 * KI, 2000));
    for guest in ["seq-read", "seq-write"] {
        for size in [4 * KI, 64 * KI, MI] {
            cases.push(Case::new(Group::Node, guest, On::LargeFile, size, NODE_FILE / size));
        }
    }
    cases.push(Case::new(Group::Node, "small-read", On::SmallFiles, KI, 64));
    cases.push(Case::new(Group::Node, "open-stat", On::Names, NAMES / 10, 400));
    cases
}
