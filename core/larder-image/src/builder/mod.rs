//! Writing images: natively, when a component is composed.

mod content;
mod copy;
mod tables;
mod tree;

use larder_core::{Error, ErrorCode, Result};

use self::content::Area;
use self::tree::{DIRECTORY_MODE, Tree};
use crate::layout::HEADER_BYTES;
use crate::{ImageError, Options};

pub use self::tree::{Meta, TreeBuilder};

/// Builds an image: options first, then trees, entry by entry. Takes time and
/// memory in the length of the image.
pub struct ImageBuilder {
    options: Options,
    /// One for each volume.
    trees: Vec<Option<Tree>>,
    content: Area,
}

impl std::fmt::Debug for ImageBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ImageBuilder").field("options", &self.options).finish_non_exhaustive()
    }
}

impl ImageBuilder {
    /// An image with these options, and no trees yet.
    ///
    /// # Errors
    /// [`ImageError::Options`] where they contradict themselves.
    pub fn new(options: Options) -> Result<Self, ImageError> {
        options.check()?;
        let trees = options.volumes.iter().map(|_| None).collect();
        Ok(Self { options, trees, content: Area::new(HEADER_BYTES) })
    }

    /// The tree of a volume, to add entries to.
    ///
    /// # Errors
    /// `invalid` where there is no such volume.
    pub fn tree(&mut self, volume: usize) -> Result<TreeBuilder<'_>> {
        let no_volume = || Error::new(ErrorCode::Invalid, "add-to-image");
        let spec = self.options.volumes.get(volume).ok_or_else(no_volume)?;
        let tree = self.trees.get_mut(volume).ok_or_else(no_volume)?;
        let implied = Meta { mode: DIRECTORY_MODE, modified: self.options.composed };
        let tree = tree.get_or_insert_with(|| Tree::new(spec.limits.clone(), implied));
        Ok(TreeBuilder { tree, content: &mut self.content })
    }

    /// The image.
    ///
    /// # Errors
    /// `overflow` where it has more than the format's numbers can say.
    pub fn finish(self) -> Result<Vec<u8>> {
        tables::write(&self.options, &self.trees, self.content)
    }
}
