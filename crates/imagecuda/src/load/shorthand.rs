//! Loading with the default options, on the default device.

use crate::{Device, Image, ImageInfo, ImageU8, LoadOptions, Result};
use std::path::Path;

/// Loads a file to a new float image on the default device.
///
/// # Errors
///
/// As [`LoadOptions::load`], and [`NoDevice`](crate::ErrorKind::NoDevice).
pub fn load(path: impl AsRef<Path>) -> Result<Image> {
    LoadOptions::new().load(&Device::try_default()?, path)
}

/// Loads a file to a new 8-bit image on the default device.
///
/// # Errors
///
/// As [`load`].
pub fn load_u8(path: impl AsRef<Path>) -> Result<ImageU8> {
    LoadOptions::new().load_u8(&Device::try_default()?, path)
}

/// Loads a file into `image`, and sets its width and height.
///
/// # Errors
///
/// As [`LoadOptions::load_into`].
pub fn load_into(path: impl AsRef<Path>, image: &mut Image) -> Result<()> {
    LoadOptions::new().load_into(path, image)
}

/// Loads a file into an 8-bit `image`, and sets its width and height.
///
/// # Errors
///
/// As [`LoadOptions::load_u8_into`].
pub fn load_u8_into(path: impl AsRef<Path>, image: &mut ImageU8) -> Result<()> {
    LoadOptions::new().load_u8_into(path, image)
}

/// Loads a file into `image`. The RGBA of an 8-bit file pass through `via` and stay there.
///
/// # Errors
///
/// As [`LoadOptions::load_into_via`].
pub fn load_into_via(path: impl AsRef<Path>, image: &mut Image, via: &mut ImageU8) -> Result<()> {
    LoadOptions::new().load_into_via(path, image, via)
}

/// Loads a file's bytes to a new float image on the default device.
///
/// # Errors
///
/// As [`load`].
pub fn decode(bytes: &[u8]) -> Result<Image> {
    LoadOptions::new().decode(&Device::try_default()?, bytes)
}

/// Loads a file's bytes to a new 8-bit image on the default device.
///
/// # Errors
///
/// As [`load`].
pub fn decode_u8(bytes: &[u8]) -> Result<ImageU8> {
    LoadOptions::new().decode_u8(&Device::try_default()?, bytes)
}

/// Loads a file's bytes into `image`, and sets its width and height.
///
/// # Errors
///
/// As [`LoadOptions::decode_into`].
pub fn decode_into(bytes: &[u8], image: &mut Image) -> Result<()> {
    LoadOptions::new().decode_into(bytes, image)
}

/// Loads a file's bytes into an 8-bit `image`, and sets its width and height.
///
/// # Errors
///
/// As [`LoadOptions::decode_into`].
pub fn decode_u8_into(bytes: &[u8], image: &mut ImageU8) -> Result<()> {
    LoadOptions::new().decode_u8_into(bytes, image)
}

/// Reads the format, size and metadata of the file at `path`. There are no limits, because nothing
/// is allocated for pixels. [`LoadOptions::inspect`] has limits.
///
/// # Errors
///
/// As [`LoadOptions::inspect`], except for the limits.
pub fn inspect(path: impl AsRef<Path>) -> Result<ImageInfo> {
    unlimited().inspect(path)
}

/// Reads the format, size and metadata of a file's bytes in memory. There are no limits, because
/// nothing is allocated for pixels.
///
/// # Errors
///
/// As [`inspect`].
pub fn inspect_bytes(bytes: &[u8]) -> Result<ImageInfo> {
    unlimited().inspect_bytes(bytes)
}

fn unlimited() -> LoadOptions {
    LoadOptions::new().max_pixels(u64::MAX).max_bytes(u64::MAX)
}

impl Image {
    /// Loads a file on the default device, as [`load()`] does. [`LoadOptions::load`] takes a device.
    ///
    /// # Errors
    ///
    /// As [`load()`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        load(path)
    }
}

impl ImageU8 {
    /// Loads a file as 8 bits on the default device, as [`load_u8`] does. [`LoadOptions::load_u8`]
    /// takes a device.
    ///
    /// # Errors
    ///
    /// As [`load()`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        load_u8(path)
    }
}
