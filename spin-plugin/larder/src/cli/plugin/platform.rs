//! The platforms that Spin has words for, and which one an executable is for.

use std::fmt;
use std::str::FromStr;

/// Spin's words for systems.
const SYSTEMS: [&str; 3] = ["linux", "macos", "windows"];

/// Spin's words for processors.
const PROCESSORS: [&str; 3] = ["amd64", "aarch64", "arm"];

/// Most architectures of a universal executable of macOS that are looked at.
/// Its magic number is also that of Java's classes, whose version stands where
/// it has this count: 45 or more.
const MOST_IN_ONE: usize = 16;

/// A system and a processor, in Spin's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Platform {
    pub(super) os: &'static str,
    pub(super) arch: &'static str,
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.arch)
    }
}

impl FromStr for Platform {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (os, arch) = text.split_once('/').ok_or_else(|| format!("`{text}` is not OS/ARCH: {}", words()))?;
        let known = |words: [&'static str; 3], written: &str| words.into_iter().find(|word| *word == written);
        match (known(SYSTEMS, os), known(PROCESSORS, arch)) {
            (Some(os), Some(arch)) => Ok(Self { os, arch }),
            (None, _) => Err(format!("`{os}` in `{text}` is no system that Spin knows: {}", words())),
            (_, None) => Err(format!("`{arch}` in `{text}` is no processor that Spin knows: {}", words())),
        }
    }
}

/// What can be written.
fn words() -> String {
    format!("write one of {} and one of {}, such as linux/amd64", SYSTEMS.join(", "), PROCESSORS.join(", "))
}

/// The platforms that an executable is for, as its header tells: several of a
/// universal one of macOS, none where it is of no form that is known.
pub(super) fn platforms(executable: &[u8]) -> Vec<Platform> {
    match executable.first_chunk() {
        Some(b"\x7fELF") => elf(executable).into_iter().collect(),
        // Mach-O of 64 bits, by its byte order: processors of today have one.
        Some(b"\xcf\xfa\xed\xfe") => mach_o(number(executable, 4, u32::from_le_bytes)).into_iter().collect(),
        Some(b"\xca\xfe\xba\xbe") => universal(executable),
        Some([b'M', b'Z', ..]) => portable(executable).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// The number at an offset.
fn number<const N: usize, T>(bytes: &[u8], offset: usize, read: fn([u8; N]) -> T) -> Option<T> {
    Some(read(*bytes.get(offset..)?.first_chunk()?))
}

/// `e_machine` of the generic ABI; the system is not told, and Spin knows one
/// that has this form.
fn elf(executable: &[u8]) -> Option<Platform> {
    let read = match executable.get(5)? {
        1 => u16::from_le_bytes,
        2 => u16::from_be_bytes,
        _ => return None,
    };
    let arch = match number(executable, 18, read)? {
        0x3e => "amd64",
        0xb7 => "aarch64",
        0x28 => "arm",
        _ => return None,
    };
    Some(Platform { os: "linux", arch })
}

/// `cputype` of `mach/machine.h`.
fn mach_o(processor: Option<u32>) -> Option<Platform> {
    let arch = match processor? {
        0x0100_0007 => "amd64",
        0x0100_000c => "aarch64",
        _ => return None,
    };
    Some(Platform { os: "macos", arch })
}

/// `fat_arch` of `mach-o/fat.h`: a count, and records of 20 bytes.
fn universal(executable: &[u8]) -> Vec<Platform> {
    let count = number(executable, 4, u32::from_be_bytes).and_then(|count| usize::try_from(count).ok());
    let Some(count @ ..=MOST_IN_ONE) = count else { return Vec::new() };
    (0..count).filter_map(|index| mach_o(number(executable, 8 + 20 * index, u32::from_be_bytes))).collect()
}

/// `Machine` of the PE format, behind the signature that `e_lfanew` names.
fn portable(executable: &[u8]) -> Option<Platform> {
    let signature = usize::try_from(number(executable, 0x3c, u32::from_le_bytes)?).ok()?;
    let header = executable.get(signature..)?.strip_prefix(b"PE\0\0")?;
    let arch = match number(header, 0, u16::from_le_bytes)? {
        0x8664 => "amd64",
        0xaa64 => "aarch64",
        0x01c4 => "arm",
        _ => return None,
    };
    Some(Platform { os: "windows", arch })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(executable: &[u8]) -> Vec<String> {
        platforms(executable).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn words_are_spins() {
        assert_eq!("macos/aarch64".parse(), Ok(Platform { os: "macos", arch: "aarch64" }));
        for (text, word) in [("linux", "OS/ARCH"), ("darwin/amd64", "`darwin`"), ("linux/x86_64", "`x86_64`")] {
            let error = text.parse::<Platform>().unwrap_err();
            assert!(error.contains(word) && error.contains("linux/amd64"), "{error}");
        }
    }

    #[test]
    fn headers_tell_the_platform() {
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let arch = if cfg!(target_arch = "x86_64") { "amd64" } else { std::env::consts::ARCH };
        assert_eq!(told(&own), [format!("{}/{arch}", std::env::consts::OS)]);
        let mut elf = b"\x7fELF\x02\x01".to_vec();
        elf.resize(18, 0);
        elf.extend(0xb7_u16.to_le_bytes());
        assert_eq!(told(&elf), ["linux/aarch64"]);
        assert_eq!(told(b"\xcf\xfa\xed\xfe\x0c\x00\x00\x01"), ["macos/aarch64"]);
        let mut universal = b"\xca\xfe\xba\xbe\x00\x00\x00\x02".to_vec();
        for processor in [0x0100_0007_u32, 0x0100_000c] {
            universal.extend(processor.to_be_bytes());
            universal.extend([0; 16]);
        }
        assert_eq!(told(&universal), ["macos/amd64", "macos/aarch64"]);
        let mut portable = b"MZ".to_vec();
        portable.resize(0x3c, 0);
        portable.extend(0x40_u32.to_le_bytes());
        portable.extend(b"PE\0\0\x64\x86");
        assert_eq!(told(&portable), ["windows/amd64"]);
    }

    /// Also one that is cut off anywhere.
    #[test]
    fn other_files_are_for_none() {
        for bytes in [&b""[..], b"#!/bin/sh\n", b"\0asm\x01\0\0\0", b"\xca\xfe\xba\xbe\0\0\0\x34", b"MZ", b"\x7fELF"] {
            assert!(told(bytes).is_empty(), "{bytes:?}");
        }
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        for end in 0..20 {
            assert!(told(&own[..end]).is_empty());
        }
    }
}
