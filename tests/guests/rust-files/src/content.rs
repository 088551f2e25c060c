//! What file number `index` holds: a function of the index alone, so that a
//! later run, or another app, can verify what this one wrote.

/// Length and bytes differ from file to file; a few are empty, a few span
/// several chunks of the store.
pub fn of(index: u32) -> Vec<u8> {
    let mut state = u64::from(index).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let length = match index % 100 {
        0 => 0,
        1 => 200_000 + index as usize % 1000,
        _ => 1 + (next(&mut state) % 3000) as usize,
    };
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        bytes.extend_from_slice(&next(&mut state).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// xorshift64: any cheap generator does that never repeats within a file.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// FNV-1a over all that was read: two runs over the same files print the same.
pub struct Checksum(u64);

impl Checksum {
    pub fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub fn add(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    }

    pub fn value(&self) -> u64 {
        self.0
    }
}
