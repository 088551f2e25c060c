//! Measures, from within an instance, what a call costs that carries content
//! to or from a provider: through a file, and through a typed import.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::time::Instant;

use exports::larder::test::edge_bench::{Direction, Guest, Way};
use larder::test::typed;

wit_bindgen::generate!({ path: "wit", world: "bench" });

const PATH: &str = "/content";

/// Bytes of a write while preparing.
const PIECE: usize = 1 << 20;

struct Bench;

export!(Bench);

impl Guest for Bench {
    fn prepare(bytes: u64) -> Result<(), String> {
        prepare(bytes).map_err(|error| error.to_string())
    }

    fn measure(way: Way, direction: Direction, size: u32, count: u32) -> Result<Vec<u64>, String> {
        measure(way, direction, size, count).map_err(|error| error.to_string())
    }
}

fn prepare(bytes: u64) -> io::Result<()> {
    let mut file = File::create(PATH)?;
    let piece: Vec<u8> = (0..PIECE).map(|at| (at % 251) as u8).collect();
    let mut left = bytes;
    while left > 0 {
        let now = left.min(PIECE as u64) as usize;
        file.write_all(&piece[..now])?;
        left -= now as u64;
    }
    file.sync_all()
}

fn measure(way: Way, direction: Direction, size: u32, count: u32) -> io::Result<Vec<u64>> {
    let mut file = OpenOptions::new().read(true).write(true).open(PATH)?;
    let length = file.metadata()?.len();
    let mut bytes = vec![7; size as usize];
    let step = length / u64::from(count);
    // Backwards, so that nothing foresees the next one.
    (0..count)
        .rev()
        .map(|number| {
            let offset = u64::from(number) * step;
            let began = Instant::now();
            match (way, direction) {
                (Way::File, Direction::Read) => {
                    file.seek(SeekFrom::Start(offset))?;
                    file.read_exact(&mut bytes)?;
                }
                (Way::File, Direction::Write) => {
                    file.seek(SeekFrom::Start(offset))?;
                    file.write_all(&bytes)?;
                    file.sync_data()?;
                }
                (Way::Typed, Direction::Read) => bytes = typed::read(offset, size),
                (Way::Typed, Direction::Write) => {
                    typed::write(offset, &bytes);
                }
            }
            let took = began.elapsed();
            if bytes.len() != size as usize {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            Ok(took.as_nanos() as u64)
        })
        .collect()
}
