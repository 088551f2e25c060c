//! CRC-32 (ISO-HDLC, the one of zlib and PNG).

/// The checksum of `bytes`.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn checksum(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}

/// The checksum of `bytes`, without tables: it runs once, over a header and
/// options, and its size counts.
#[cfg(any(target_family = "wasm", test))]
pub(crate) fn checksum_without_tables(bytes: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0xedb8_8320;
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (POLYNOMIAL & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

#[cfg(target_family = "wasm")]
pub(crate) use checksum_without_tables as checksum;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_compute_it_agree() {
        for text in ["", "a", "123456789", "The quick brown fox jumps over the lazy dog"] {
            assert_eq!(checksum(text.as_bytes()), checksum_without_tables(text.as_bytes()));
        }
    }
}
