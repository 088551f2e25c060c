//! The CRC-32 of content, as S3's headers have it.

use data_encoding::BASE64;

/// The CRC-32 of `content`.
pub(crate) fn crc32(content: &[u8]) -> u32 {
    crc32fast::hash(content)
}

/// As `x-amz-checksum-crc32` has it: Base64 of its bytes, the highest first.
pub(crate) fn to_header(crc32: u32) -> String {
    BASE64.encode(&crc32.to_be_bytes())
}

/// From such a header.
pub(crate) fn from_header(header: &str) -> Option<u32> {
    let bytes = BASE64.decode(header.as_bytes()).ok()?;
    bytes.try_into().ok().map(u32::from_be_bytes)
}

/// The CRC-32 of what the parts with these CRC-32s and lengths make.
pub(crate) fn combined(parts: impl Iterator<Item = (u32, u64)>) -> u32 {
    let mut whole = crc32fast::Hasher::new();
    for (crc32, size) in parts {
        whole.combine(&crc32fast::Hasher::new_with_initial_len(crc32, size));
    }
    whole.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_make_the_whole() {
        let parts = [b"one".as_slice(), b"", b"three"];
        let whole = combined(parts.iter().map(|part| (crc32(part), part.len() as u64)));
        assert_eq!(whole, crc32(b"onethree"));
        assert_eq!(from_header(&to_header(whole)), Some(whole));
        assert_eq!(from_header("AAAA"), None);
    }
}
