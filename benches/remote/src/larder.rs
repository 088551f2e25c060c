//! The same as files of a volume, by the client that guests have.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use larder_core::{DescriptorFlags, Follow, OpenFlags};
use larder_nats_client::{Address, NatsStore, Options};
use larder_store_client::{Client, File};

use crate::cases::{Case, ENTRIES, LARGE, SMALL, Work};
use crate::responder::{VOLUME, content};
use crate::run::count;
use larder_test_nats::Nats;

/// Small files of one client.
const FILES: usize = 512;

/// Small files that one client writes again and again.
const WRITTEN: usize = 128;

/// Both things that a guest of the forwarding variant does.
const CACHED: larder_store_client::Options = larder_store_client::Options { write_behind: true, cache: true };

fn root(nats: &Nats) -> Result<(Client<NatsStore>, File<NatsStore>)> {
    let address: Address = format!("{}/{VOLUME}", nats.url()).parse().map_err(|error| anyhow::anyhow!("{error}"))?;
    let client = Client::new(NatsStore::connect(&address, Options::default())?, CACHED);
    let (root, _) = client.roots()?.into_iter().next().context("no volume")?;
    Ok((client, root))
}

fn open(directory: &File<NatsStore>, path: &str, open: OpenFlags, write: bool) -> larder_core::Result<File<NatsStore>> {
    let flags = if write { DescriptorFlags::WRITE } else { DescriptorFlags::READ };
    directory.open_at(Follow::Yes, path, open, flags)
}

/// Makes what the case needs, for the client of this number.
pub(crate) fn prepare(nats: &Nats, case: &Case, number: usize) -> Result<()> {
    let (client, root) = root(nats)?;
    let folder = format!("c{number}");
    // It may be there from another case.
    let _ = root.create_directory_at(&folder);
    let write = |path: &str, length: usize| -> Result<()> {
        let file = open(&root, path, OpenFlags::CREATE, true)?;
        let block = content(length.min(1 << 20));
        for offset in (0..length).step_by(1 << 20) {
            file.write(offset as u64, &&*block)?;
        }
        Ok(file.sync()?)
    };
    match case.work {
        Work::SmallRead | Work::Stat => (0..FILES).try_for_each(|file| write(&format!("{folder}/f{file}"), SMALL))?,
        Work::List => (0..ENTRIES).try_for_each(|entry| {
            let _ = root.create_directory_at(&format!("{folder}/listed"));
            write(&format!("{folder}/listed/entry{entry}"), 0)
        })?,
        Work::Read(_) => write(&format!("{folder}/large"), LARGE)?,
        Work::CachedRead => write(&format!("{folder}/cached"), 1 << 20)?,
        Work::SmallWrite | Work::Write(_) => {}
    }
    Ok(client.settle()?)
}

/// One client's work until the time is over: operations or bytes, and the time.
pub(crate) fn client(nats: &Nats, case: &Case, number: usize, time: Duration) -> Result<(f64, Duration)> {
    let (client, root) = root(nats)?;
    let folder = open(&root, &format!("c{number}"), OpenFlags::DIRECTORY, false)?;
    let block: Arc<[u8]> = content(1 << 20);
    let cached = open(&root, &format!("c{number}"), OpenFlags::DIRECTORY, false)?;
    let warm = match case.work {
        Work::CachedRead => {
            let file = open(&cached, "cached", OpenFlags::empty(), false)?;
            ensure!(length(&file.read(0, 1 << 20)?) > 0, "an empty file");
            Some(file)
        }
        _ => None,
    };
    let began = Instant::now();
    let mut done = 0.0;
    let mut round = 0_usize;
    while began.elapsed() < time {
        let name = format!("f{}", round % FILES);
        round += 1;
        match case.work {
            Work::SmallRead => {
                let file = open(&folder, &name, OpenFlags::empty(), false)?;
                ensure!(length(&file.read(0, SMALL + 1)?) == SMALL, "a file is short");
                done += 1.0;
            }
            Work::SmallWrite => {
                let new = format!("w{}", round % WRITTEN);
                let file = open(&folder, &new, OpenFlags::CREATE | OpenFlags::TRUNCATE, true)?;
                file.write(0, &block.get(..SMALL).unwrap_or_default())?;
                drop(file);
                done += 1.0;
            }
            Work::Stat => {
                ensure!(folder.stat_at(Follow::Yes, &name)?.size == SMALL as u64, "a file is short");
                done += 1.0;
            }
            Work::List => {
                let listed = open(&folder, "listed", OpenFlags::DIRECTORY, false)?;
                ensure!(listed.read_directory(0, ENTRIES + 1)?.len() == ENTRIES, "entries are missing");
                done += 1.0;
            }
            Work::Read(piece) => {
                let file = open(&folder, "large", OpenFlags::empty(), false)?;
                let mut offset = 0;
                while offset < LARGE {
                    let read = length(&file.read(offset as u64, piece)?);
                    ensure!(read > 0, "the file is short");
                    offset += read;
                }
                done += count(LARGE);
            }
            Work::Write(piece) => {
                let file = open(&folder, "written", OpenFlags::CREATE, true)?;
                for offset in (0..LARGE).step_by(piece) {
                    file.write(offset as u64, &block.get(..piece).unwrap_or_default())?;
                }
                file.sync()?;
                done += count(LARGE);
            }
            Work::CachedRead => {
                if let Some(file) = &warm {
                    ensure!(length(&file.read(0, 1 << 20)?) > 0, "an empty file");
                    done += 1.0;
                }
            }
        }
    }
    let took = began.elapsed();
    client.settle()?;
    Ok((done, took))
}

fn length(pieces: &[bytes::Bytes]) -> usize {
    pieces.iter().map(bytes::Bytes::len).sum()
}
