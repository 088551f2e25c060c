//! Numbers that are drawn once, as 32 hexadecimal digits in metadata.

use std::fmt;

fn parse(text: &str) -> Option<u128> {
    let hexadecimal = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if hexadecimal { u128::from_str_radix(text, 16).ok() } else { None }
}

/// The write that made an object. A retry whose first answer was lost knows
/// its own work by it: an ETag is no more than the content's MD5.
///
/// Drawn at random for each write by whoever has randomness. From the highest
/// bit on: 32 random bits; the CRC-32 of these and the key, as a copy that
/// another tool made has the token of its original; 64 bits of whoever wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token(pub u128);

impl Token {
    /// The token of a write to `key`.
    #[must_use]
    pub fn new(random: u32, writer: u64, key: &str) -> Self {
        Self(u128::from(random) << 96 | u128::from(bound(random, key)) << 64 | u128::from(writer))
    }

    /// Who drew it.
    #[must_use]
    pub fn writer(self) -> u64 {
        // The low half.
        u64::try_from(self.0 & u128::from(u64::MAX)).unwrap_or_default()
    }

    /// Whether a write of `writer` to `key` may have it.
    #[must_use]
    pub fn is_of(self, writer: u64, key: &str) -> bool {
        let random = u32::try_from(self.0 >> 96).unwrap_or_default();
        self == Self::new(random, writer, key)
    }

    /// From a metadata value; `None` for what is no token.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        parse(text).map(Self)
    }
}

fn bound(random: u32, key: &str) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&random.to_be_bytes());
    hasher.update(key.as_bytes());
    hasher.finalize()
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// The file that several keys name together. Drawn at random when a file gets
/// its second name, as inode numbers are used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u128);

impl LinkId {
    /// From a metadata value; `None` for what is no identity.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        parse(text).map(Self)
    }
}

impl fmt::Display for LinkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_of_its_writer_and_key() {
        let token = Token::new(7, 0x0123_4567_89ab_cdef, "a/b");
        assert_eq!(Token::parse(&token.to_string()), Some(token));
        assert!(token.to_string().starts_with("00000007") && token.to_string().ends_with("0123456789abcdef"));
        assert!(token.is_of(token.writer(), "a/b"));
        assert!(!token.is_of(0x0123_4567_89ab_cdee, "a/b"));
        assert!(!token.is_of(0x0123_4567_89ab_cdef, "a/c"));
    }

    #[test]
    fn numbers_survive() {
        for number in [0, 1, u128::MAX] {
            assert_eq!(Token::parse(&Token(number).to_string()), Some(Token(number)));
            assert_eq!(LinkId::parse(&LinkId(number).to_string()), Some(LinkId(number)));
        }
        for bad in ["", "1", &"g".repeat(32), &"0".repeat(33), "+0000000000000000000000000000000", &"\u{e9}".repeat(16)]
        {
            assert_eq!(Token::parse(bad), None);
        }
    }
}
