//! Who runs a case.

use clap::ValueEnum;
use serde::Serialize;

use crate::cases::{Case, Group, On, Wasi};

/// Who runs a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Contestant {
    /// The host form, over a volume in memory.
    Larder,
    /// No files at all: the guest copies in its own memory.
    Copy,
    /// wasmtime-wasi on tmpfs as it comes: calls that wait go to other
    /// threads.
    Wasmtime,
    /// wasmtime-wasi on tmpfs with `allow_blocking_current_thread`, as the
    /// `wasmtime` command sets it. The bare app, where no files are used.
    WasmtimeInline,
    /// The guest with the store attached, over the single-memory bridge.
    Attached,
    /// The guest with the store attached, over the multi-memory bridge.
    AttachedMulti,
    /// The guest with the adapter plugged in, as `wac plug` does.
    Plugged,
    /// `Attached`, transpiled by jco, in Node.
    NodeAttached,
    /// `Plugged`, transpiled by jco, in Node.
    NodePlugged,
}

impl Contestant {
    /// In the order in which they take turns.
    pub(crate) const ALL: [Self; 9] = [
        Self::Larder,
        Self::Copy,
        Self::Wasmtime,
        Self::WasmtimeInline,
        Self::Attached,
        Self::AttachedMulti,
        Self::Plugged,
        Self::NodeAttached,
        Self::NodePlugged,
    ];

    /// Whether the store is inside the guest's component, and Wasmtime runs it.
    pub(crate) const fn is_composed(self) -> bool {
        matches!(self, Self::Attached | Self::AttachedMulti | Self::Plugged)
    }

    /// Whether there is such a thing for guests of that version.
    pub(crate) const fn serves(self, wasi: Wasi) -> bool {
        !matches!(
            (self, wasi),
            (Self::Attached | Self::AttachedMulti | Self::NodeAttached | Self::NodePlugged, Wasi::P3)
        )
    }

    /// The guest's case that this contestant runs for a row; `None` where it
    /// does not take part.
    pub(crate) fn part_in(self, case: &Case) -> Option<&'static str> {
        let takes_part = match case.group {
            Group::Node => matches!(self, Self::NodeAttached | Self::NodePlugged),
            // To carry a tree in one of them says it of all.
            Group::StartUp if case.on == On::Tree => matches!(self, Self::WasmtimeInline | Self::Attached),
            Group::StartUp | Group::Stdout => self == Self::WasmtimeInline || self.is_composed(),
            // Files inside of an instance are nobody else's.
            Group::Threads => matches!(self, Self::Larder | Self::Wasmtime | Self::WasmtimeInline),
            _ if self == Self::Copy => return case.copy,
            _ => !matches!(self, Self::NodeAttached | Self::NodePlugged),
        };
        (takes_part && self.serves(case.wasi)).then_some(case.guest)
    }
}
