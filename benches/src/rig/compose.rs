//! The guest with a store inside: attached or plugged by `larder-compose`, and
//! the tree that it may carry.

use anyhow::{Context, Result, bail};
use larder_compose::attach::{AttachOptions, Bridge, attach};
use larder_compose::plug::{PlugOptions, plug};
use larder_image::{Image, ImageBuilder, Meta};

use super::Contestant;
use crate::cases::{TREE_FILE_BYTES, TREE_FILES};

/// Files in one directory of the tree.
const PER_DIRECTORY: usize = 100;

/// The component of a contestant, with an image in it if there is one.
///
/// # Errors
/// When the guest cannot be composed, or the contestant has no component of
/// its own.
pub(super) fn guest(guest: &[u8], contestant: Contestant, image: Option<Vec<u8>>) -> Result<Vec<u8>> {
    let bridge = match contestant {
        Contestant::Attached | Contestant::NodeAttached => Bridge::SingleMemory,
        Contestant::AttachedMulti => Bridge::MultiMemory,
        Contestant::Plugged | Contestant::NodePlugged => {
            let options = PlugOptions { image: image.as_deref(), ..PlugOptions::default() };
            return plug(guest, &options).context("cannot plug the adapter into the guest");
        }
        Contestant::Larder | Contestant::Copy | Contestant::Wasmtime | Contestant::WasmtimeInline => {
            bail!("{contestant:?} has its files outside of the guest")
        }
    };
    let options = AttachOptions { bridge, image: image.map(Into::into), ..AttachOptions::default() };
    Ok(attach(guest, &options).context("cannot attach the store to the guest")?.component)
}

/// An image with the tree of [`On::Tree`](crate::cases::On::Tree).
///
/// # Errors
/// None unless the tree is beyond the default limits.
pub(super) fn tree() -> Result<Vec<u8>> {
    let options = Image::default_options();
    let meta = Meta { mode: 0o644, modified: options.composed };
    let mut builder = ImageBuilder::new(options)?;
    let mut tree = builder.tree(0)?;
    let mut content = vec![0_u8; TREE_FILE_BYTES];
    for number in 0..TREE_FILES {
        // No two files are equal.
        for (byte, seed) in content.iter_mut().zip(number.to_le_bytes().into_iter().cycle()) {
            *byte = byte.wrapping_mul(31).wrapping_add(seed);
        }
        tree.file(&format!("d{}/f{number}", number / PER_DIRECTORY), meta, &content)?;
    }
    Ok(builder.finish()?)
}
