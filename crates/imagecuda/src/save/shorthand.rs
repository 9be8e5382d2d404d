//! Saving with the default options.

use crate::{Format, Image, ImageU8, Result, SaveOptions};
use std::path::Path;

/// Saves to a file at the best quality of the format that the extension names.
///
/// # Errors
///
/// As [`SaveOptions::save`].
pub fn save(image: &Image, path: impl AsRef<Path>) -> Result<()> {
    SaveOptions::new().save(image, path)
}

/// Saves as [`save`] does, through the intermediate 8-bit image `via`.
///
/// # Errors
///
/// As [`SaveOptions::save_via`].
pub fn save_via(image: &Image, path: impl AsRef<Path>, via: &mut ImageU8) -> Result<()> {
    SaveOptions::new().save_via(image, path, via)
}

/// Saves an 8-bit image to a file.
///
/// # Errors
///
/// As [`SaveOptions::save_u8`].
pub fn save_u8(image: &ImageU8, path: impl AsRef<Path>) -> Result<()> {
    SaveOptions::new().save_u8(image, path)
}

/// Encodes to the bytes of a file in memory, at the format's best quality.
///
/// # Errors
///
/// As [`SaveOptions::save`].
pub fn encode(image: &Image, format: Format) -> Result<Vec<u8>> {
    SaveOptions::new().encode(image, format)
}

/// Encodes an 8-bit image to the bytes of a file in memory, at the format's best quality.
///
/// # Errors
///
/// As [`SaveOptions::save`].
pub fn encode_u8(image: &ImageU8, format: Format) -> Result<Vec<u8>> {
    SaveOptions::new().encode_u8(image, format)
}

impl Image {
    /// Saves to a file, as [`save()`] does. [`SaveOptions::save`] has options.
    ///
    /// # Errors
    ///
    /// As [`SaveOptions::save`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        save(self, path)
    }
}

impl ImageU8 {
    /// Saves to a file, as [`save_u8`] does. [`SaveOptions::save_u8`] has options.
    ///
    /// # Errors
    ///
    /// As [`SaveOptions::save`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        save_u8(self, path)
    }
}
