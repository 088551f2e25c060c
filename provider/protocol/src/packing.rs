//! Bytes as a WebAssembly `string`.
//!
//! A wasmCloud v1 host carries `list<u8>` byte by byte, some thirty times more
//! slowly than `string`, which must be UTF-8. Eight ASCII characters carry
//! seven bytes here: character 8k+i has the bits 7i to 7i+6 of the bytes 7k to
//! 7k+6, least significant first. A rest of n bytes takes n + 1 characters.

/// Bytes that eight characters carry.
const GROUP: usize = 7;

/// Seven bits at the bottom of each of the eight bytes.
const ASCII: u64 = 0x7f7f_7f7f_7f7f_7f7f;

/// 56 bits, spread over the eight bytes by seven.
const fn spread(bits: u64) -> u64 {
    let bits = (bits & 0x0000_0000_0fff_ffff) | ((bits & 0x00ff_ffff_f000_0000) << 4);
    let bits = (bits & 0x0000_3fff_0000_3fff) | ((bits & 0x0fff_c000_0fff_c000) << 2);
    (bits & 0x007f_007f_007f_007f) | ((bits & 0x3f80_3f80_3f80_3f80) << 1)
}

/// The other way round; the top bit of each byte is 0.
const fn gather(bits: u64) -> u64 {
    let bits = (bits & 0x007f_007f_007f_007f) | ((bits & 0x7f00_7f00_7f00_7f00) >> 1);
    let bits = (bits & 0x0000_3fff_0000_3fff) | ((bits & 0x3fff_0000_3fff_0000) >> 2);
    (bits & 0x0000_0000_0fff_ffff) | ((bits & 0x0fff_ffff_0000_0000) >> 4)
}

/// Characters that so many bytes take.
#[must_use]
pub const fn packed_length(bytes: usize) -> usize {
    bytes + bytes.div_ceil(GROUP)
}

/// Packs bytes into ASCII characters.
#[must_use]
pub fn pack(bytes: &[u8]) -> String {
    let (groups, rest) = bytes.as_chunks::<GROUP>();
    let mut packed = vec![0; groups.len() * 8];
    for (to, [a, b, c, d, e, f, g]) in packed.as_chunks_mut::<8>().0.iter_mut().zip(groups) {
        *to = spread(u64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, 0])).to_le_bytes();
    }
    if !rest.is_empty() {
        let mut last = [0; 8];
        last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        packed.extend(spread(u64::from_le_bytes(last)).to_le_bytes().iter().take(rest.len() + 1));
    }
    // All are ASCII: nothing is replaced.
    String::from_utf8(packed).unwrap_or_default()
}

/// The bytes that were packed; `None` for a text that `pack` never makes.
#[must_use]
pub fn unpack(text: &str) -> Option<Vec<u8>> {
    let (groups, rest) = text.as_bytes().as_chunks::<8>();
    let mut bytes = vec![0; groups.len() * GROUP];
    let mut seen = 0;
    for (to, group) in bytes.as_chunks_mut::<GROUP>().0.iter_mut().zip(groups) {
        let bits = u64::from_le_bytes(*group);
        seen |= bits;
        let [a, b, c, d, e, f, g, _] = gather(bits & ASCII).to_le_bytes();
        *to = [a, b, c, d, e, f, g];
    }
    if seen & !ASCII != 0 {
        return None;
    }
    if !rest.is_empty() {
        let mut last = [0; 8];
        last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        let bits = u64::from_le_bytes(last);
        let gathered = gather(bits & ASCII);
        let count = rest.len() - 1;
        if bits & !ASCII != 0 || count == 0 || gathered >> (8 * count) != 0 {
            return None;
        }
        bytes.extend(gathered.to_le_bytes().iter().take(count));
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_bits_lie_as_it_is_written() {
        assert_eq!(pack(&[]), "");
        assert_eq!(pack(&[0x80]).as_bytes(), [0, 1]);
        assert_eq!(pack(&[0xff; 7]).as_bytes(), [0x7f; 8]);
        assert_eq!(pack(&[1, 2, 3, 4, 5, 6, 7]).len(), 8);
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_back(bytes: Vec<u8>) {
            let text = pack(&bytes);
            prop_assert_eq!(text.len(), packed_length(bytes.len()));
            prop_assert!(text.is_ascii());
            prop_assert_eq!(unpack(&text), Some(bytes));
        }

        #[test]
        fn another_text_is_refused_or_is_the_only_one(text: String) {
            if let Some(bytes) = unpack(&text) {
                prop_assert_eq!(pack(&bytes), text);
            }
        }
    }
}
