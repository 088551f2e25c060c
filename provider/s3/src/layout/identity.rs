//! Numbers that are drawn once, as 32 hexadecimal digits in metadata.

use std::fmt;

fn parse(text: &str) -> Option<u128> {
    let hexadecimal = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if hexadecimal { u128::from_str_radix(text, 16).ok() } else { None }
}

/// The write that made an object. A retry whose first answer was lost knows
/// its own work by it: an ETag is no more than the content's MD5.
///
/// Drawn at random for each write by whoever has randomness. A copy that
/// another tool made has the token of its original: a token tells something
/// about the key that it was written to, and nothing about others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token(pub u128);

impl Token {
    /// From a metadata value; `None` for what is no token.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        parse(text).map(Self)
    }
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
