//! A plugin's archive: what Spin unpacks wholesale into the plugin's directory.
//! The same content has the same bytes, whoever packs it and when.

use std::io::Write;

use anyhow::{Context, Result};
use data_encoding::HEXLOWER;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

/// Our licence, which goes with every copy.
const LICENSE: &[u8] = include_bytes!("../../../../../LICENSE");

/// The time of all entries, in seconds: a fixed one, and not 1970, of which
/// some programs warn.
const MODIFIED: u64 = 1_000_000_000;

/// A gzip tar with the executable, called `name`, at the top level.
///
/// # Errors
/// When the name is too long for the format.
pub(super) fn archive(name: &str, executable: &[u8]) -> Result<Vec<u8>> {
    let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    append(&mut builder, name, 0o755, executable)?;
    append(&mut builder, "LICENSE", 0o644, LICENSE)?;
    builder.into_inner().and_then(GzEncoder::finish).context("packing")
}

fn append(builder: &mut Builder<impl Write>, name: &str, mode: u32, content: &[u8]) -> Result<()> {
    let mut header = Header::new_ustar();
    header.set_path(name).with_context(|| format!("packing {name}"))?;
    header.set_entry_type(EntryType::Regular);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(MODIFIED);
    header.set_size(content.len() as u64);
    header.set_cksum();
    builder.append(&header, content).with_context(|| format!("packing {name}"))
}

/// The SHA-256 of an archive, as Spin wants it written.
pub(super) fn digest(archive: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(archive))
}

#[cfg(test)]
mod tests {
    use super::digest;

    #[test]
    fn digests_are_sha_256_in_hex() {
        assert_eq!(digest(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
