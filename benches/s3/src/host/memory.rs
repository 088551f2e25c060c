//! A volume in memory alone.

use anyhow::{Context, Result};
use larder_core::{Limits, Volume, VolumeOptions};

use super::Host;
use crate::files::{Files, InProcess};
use crate::server::Ground;

#[derive(Default)]
pub(crate) struct Memory(Option<InProcess>);

impl Host for Memory {
    fn start(&mut self) -> Result<()> {
        // Nothing else has its files: it goes on with them.
        if self.0.is_none() {
            let limits = Limits { bytes: 8 << 30, ..Limits::default() };
            let volume = Volume::new(VolumeOptions { limits, ..VolumeOptions::default() });
            self.0 = Some(InProcess::new(&volume)?);
        }
        Ok(())
    }

    fn files(&self) -> Result<&dyn Files> {
        Ok(self.0.as_ref().context("it is not started")?)
    }

    fn settle(&self, _: u64, _: u64) -> Result<()> {
        Ok(())
    }

    fn stop(&mut self) -> Result<()> {
        Ok(())
    }

    fn ground(&self) -> Option<&Ground> {
        None
    }
}
