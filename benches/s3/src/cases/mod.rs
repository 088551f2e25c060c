//! What is measured.

mod huge;
mod large;
pub(crate) mod requests;
mod small;
mod start;

use std::sync::Arc;

use anyhow::Result;
use clap::ValueEnum;
use serde::Serialize;

use crate::bound::Sample;
use crate::contestant::Contestant;
use crate::host;
use crate::server::{Ground, Server};
use crate::sizes::Sizes;

pub(crate) use huge::part;
pub(crate) use start::start;

/// What is done one after the other with the same files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Group {
    /// A large file.
    Large,
    /// A file larger than the memory that a volume may use.
    Huge,
    /// Small files.
    Small,
    /// Small files, each synced.
    SmallSynced,
    /// From nothing to the whole tree.
    Start,
}

/// How a row's numbers are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Unit {
    /// Bytes a second; samples count bytes.
    Rate,
    /// The time for each; samples count files or entries.
    Each,
    /// Seconds for all; samples are of one.
    All,
    /// Memory; a sample's seconds are bytes of it.
    Memory,
}

/// A row of the table.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    pub(crate) unit: Unit,
    /// The row promises that the bucket has the content, for which a
    /// contestant's `fsync` or closing may be too little.
    pub(crate) is_synced: bool,
}

const fn row(id: &'static str, title: &'static str, unit: Unit) -> Row {
    Row { id, title, unit, is_synced: false }
}

const fn synced(id: &'static str, title: &'static str, unit: Unit) -> Row {
    Row { is_synced: true, ..row(id, title, unit) }
}

/// All rows in the table's order.
pub(crate) const ROWS: &[Row] = &[
    row("large-write-synced", "large file: written, fsync at the end", Unit::Rate),
    row("large-write-closed", "large file: written and closed", Unit::Rate),
    synced("large-write-each", "large file: fsync after each write", Unit::Rate),
    row("large-read-cold", "large file: read, cold", Unit::Rate),
    row("large-read-warm", "large file: read again", Unit::Rate),
    row("huge-write-synced", "huge file: written, fsync at the end", Unit::Rate),
    row("huge-read-cold", "huge file: read, cold", Unit::Rate),
    row("huge-write-memory", "huge file: most memory, writing", Unit::Memory),
    row("huge-read-memory", "huge file: most memory, reading", Unit::Memory),
    row("small-write", "small files: written", Unit::Each),
    row("small-write-stored", "… until the bucket has them", Unit::Each),
    synced("small-write-each", "small files: written, each synced", Unit::Each),
    row("small-list", "small files: listed", Unit::Each),
    row("small-stat", "small files: stat", Unit::Each),
    row("small-list-cold", "small files: listed, cold", Unit::Each),
    row("small-read-cold", "small files: read, cold", Unit::Each),
    row("small-read-warm", "small files: read again", Unit::Each),
    row("small-rename", "small files: renamed", Unit::Each),
    row("small-rename-stored", "… until the bucket has it", Unit::Each),
    row("small-remove", "small files: removed", Unit::Each),
    row("small-remove-stored", "… until the bucket has it", Unit::Each),
    row("start", "start on an empty host, whole tree listed", Unit::All),
];

/// Where samples go: the row's id, and the sample.
pub(crate) type Out<'o> = &'o mut dyn FnMut(&'static str, Sample);

impl Group {
    pub(crate) const ALL: [Self; 5] = [Self::Large, Self::Huge, Self::Small, Self::SmallSynced, Self::Start];

    /// Who can do it.
    pub(crate) const fn takes(self, contestant: Contestant) -> bool {
        match self {
            Self::Large => true,
            Self::Huge => !matches!(contestant, Contestant::Memory),
            Self::Small | Self::SmallSynced => !matches!(contestant, Contestant::Requests),
            Self::Start => contestant.has_files_in_a_bucket(),
        }
    }

    /// How often it is done.
    pub(crate) const fn repetitions(self, sizes: &Sizes) -> usize {
        match self {
            Self::Huge => 1,
            _ => sizes.repetitions,
        }
    }

    /// Does it once, with an empty bucket.
    ///
    /// # Errors
    /// The contestant's.
    pub(crate) fn run(self, contestant: Contestant, server: &Arc<Server>, sizes: &Sizes, out: Out<'_>) -> Result<()> {
        let host = |durable| host::make(contestant, server, sizes.memory, durable);
        match (self, contestant) {
            (Self::Large, Contestant::Requests) => {
                requests::run(&Ground::new(server)?, "large", sizes.large, sizes, out)
            }
            (Self::Huge, Contestant::Requests) => requests::run(&Ground::new(server)?, "huge", sizes.huge, sizes, out),
            (Self::Large, _) => large::run(&mut *host(true)?, sizes, out),
            (Self::Huge, Contestant::LarderAsync) => huge::larder(server, larder_s3::WriteMode::Async, sizes, out),
            (Self::Huge, Contestant::LarderThrough) => huge::larder(server, larder_s3::WriteMode::Through, sizes, out),
            (Self::Huge, _) => huge::peer(&mut *host(true)?, sizes, out),
            (Self::Small, _) => small::run(&mut *host(false)?, sizes, out),
            (Self::SmallSynced, _) => small::synced(&mut *host(true)?, sizes, out),
            // It takes turns by itself, as filling a bucket takes long.
            (Self::Start, _) => Ok(()),
        }
    }
}
