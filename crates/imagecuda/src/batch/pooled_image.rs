//! The images of a batch, whose memory is used again.

use super::budget::Slot;
use crate::{Image, Metadata};
use std::{
    borrow::Borrow,
    fmt,
    ops::{Deref, DerefMut},
};

/// An image of a batch. It derefs to [`Image`]. Dropping it lets the batch use its memory for a
/// later image. While you keep it, the batch has one image less in flight.
pub struct PooledImage {
    /// `None` only while dropping.
    image: Option<Image>,
    metadata: Metadata,
    slot: Slot,
    /// Whether the image's memory holds 8-bit pixels. Only images that become tensors have them.
    pub(super) holds_bytes: bool,
}

impl PooledImage {
    pub(super) fn new(image: Image, metadata: Metadata, slot: Slot) -> Self {
        Self {
            image: Some(image),
            metadata,
            slot,
            holds_bytes: false,
        }
    }

    pub(super) fn deliver(&mut self) {
        self.slot.deliver();
    }

    /// The file's EXIF and ICC profile, as far as they are true of the image, as
    /// [`Decoded::metadata`](crate::Decoded::metadata) gives them.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Takes the image out of the batch. The batch allocates another in its place.
    pub fn into_image(mut self) -> Image {
        self.image.take().expect("there until dropped")
    }
}

impl Deref for PooledImage {
    type Target = Image;

    fn deref(&self) -> &Image {
        self.image.as_ref().expect("there until dropped")
    }
}

impl DerefMut for PooledImage {
    fn deref_mut(&mut self) -> &mut Image {
        self.image.as_mut().expect("there until dropped")
    }
}

impl AsRef<Image> for PooledImage {
    fn as_ref(&self) -> &Image {
        self
    }
}

impl Borrow<Image> for PooledImage {
    fn borrow(&self) -> &Image {
        self
    }
}

impl Drop for PooledImage {
    fn drop(&mut self) {
        // A file's pixels have no memory that another image could use.
        let image = self.image.take().filter(|image| image.buffer.has_memory());
        if let Some(image) = image {
            self.slot.give_back(image);
        } // and the slot is free after this
    }
}

impl fmt::Debug for PooledImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.image.fmt(f)
    }
}
