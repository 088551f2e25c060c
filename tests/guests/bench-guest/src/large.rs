//! One large file through `std::fs`.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::time::Instant;

use crate::report::{Case, Measured, Outcome};

/// Makes the large file, unless it is there: the reading cases call it too, so
/// that it only has to be asked for before instances run side by side.
pub fn prepare(case: &Case) -> Outcome {
    let (path, wanted) = (case.path(), case.file_bytes());
    let start = Instant::now();
    if fs::metadata(&path).is_ok_and(|metadata| metadata.len() == wanted) {
        return Ok(Measured::since(start, 0, 0));
    }
    let piece: Vec<u8> = (0..1 << 20).map(|index: u32| (index % 251) as u8).collect();
    let mut file = File::create(&path)?;
    let mut left = wanted;
    while left > 0 {
        let length = left.min(piece.len() as u64);
        file.write_all(&piece[..length as usize])?;
        left -= length;
    }
    Ok(Measured::since(start, wanted, 1))
}

pub fn read(case: &Case) -> Outcome {
    prepare(case)?;
    let mut file = File::open(case.path())?;
    let mut buffer = vec![0; case.size];
    let wanted = case.count * case.size as u64;
    let (mut bytes, mut operations) = (0, 0);
    let start = Instant::now();
    while bytes < wanted {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            file.seek(SeekFrom::Start(0))?;
        }
        bytes += read as u64;
        operations += 1;
    }
    Ok(Measured::since(start, bytes, operations))
}

/// Over what is there already.
pub fn write(case: &Case) -> Outcome {
    prepare(case)?;
    let mut file = OpenOptions::new().write(true).open(case.path())?;
    let buffer = vec![0x5a; case.size];
    let mut position = 0;
    let start = Instant::now();
    for _ in 0..case.count {
        if position + case.size as u64 > case.file_bytes() {
            file.seek(SeekFrom::Start(0))?;
            position = 0;
        }
        file.write_all(&buffer)?;
        position += case.size as u64;
    }
    Ok(Measured::since(start, case.count * case.size as u64, case.count))
}

/// Into an empty file, which is truncated whenever it has its full size.
pub fn write_fresh(case: &Case) -> Outcome {
    let path = case.path() + ".fresh";
    let mut file = File::create(&path)?;
    let buffer = vec![0x5a; case.size];
    let mut position = 0;
    let start = Instant::now();
    for _ in 0..case.count {
        if position + case.size as u64 > case.file_bytes() {
            file.set_len(0)?;
            file.seek(SeekFrom::Start(0))?;
            position = 0;
        }
        file.write_all(&buffer)?;
        position += case.size as u64;
    }
    let measured = Measured::since(start, case.count * case.size as u64, case.count);
    fs::remove_file(path)?;
    Ok(measured)
}

/// Offsets of random reads: xorshift, the same in each run.
pub struct Offsets {
    state: u64,
    places: u64,
    size: u64,
}

impl Offsets {
    pub fn of(case: &Case) -> Self {
        let size = case.size as u64;
        Self { state: 0x2545_f491_4f6c_dd1d, places: (case.file_bytes() / size).max(1), size }
    }

    pub fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state % self.places * self.size
    }
}

pub fn random_read(case: &Case) -> Outcome {
    prepare(case)?;
    let mut file = File::open(case.path())?;
    let mut buffer = vec![0; case.size];
    let mut offsets = Offsets::of(case);
    let start = Instant::now();
    for _ in 0..case.count {
        file.seek(SeekFrom::Start(offsets.next()))?;
        file.read_exact(&mut buffer)?;
    }
    Ok(Measured::since(start, case.count * case.size as u64, case.count))
}

pub fn append(case: &Case) -> Outcome {
    let path = case.path() + ".log";
    let mut file = OpenOptions::new().append(true).create(true).open(&path)?;
    let line = vec![0x5a; case.size];
    let start = Instant::now();
    for _ in 0..case.count {
        file.write_all(&line)?;
    }
    let measured = Measured::since(start, case.count * case.size as u64, case.count);
    fs::remove_file(path)?;
    Ok(measured)
}
