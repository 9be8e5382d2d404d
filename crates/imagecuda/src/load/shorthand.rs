//! Loading with the default options.

use crate::{Device, Image, ImageU8, LoadOptions, Result};
use std::{
    io::{BufRead, Seek},
    path::Path,
};

/// Loads a file as a float image on the default device.
///
/// # Errors
///
/// As [`LoadOptions::load`], and [`NoDevice`](crate::ErrorKind::NoDevice).
pub fn load(path: impl AsRef<Path>) -> Result<Image> {
    LoadOptions::new().load(&Device::try_default()?, path)
}

/// Loads a file as an 8-bit image on the default device.
///
/// # Errors
///
/// As [`load`].
pub fn load_u8(path: impl AsRef<Path>) -> Result<ImageU8> {
    LoadOptions::new().load_u8(&Device::try_default()?, path)
}

/// Loads a file into `image`, which takes over its width and height.
///
/// # Errors
///
/// As [`LoadOptions::load_into`].
pub fn load_into(path: impl AsRef<Path>, image: &mut Image) -> Result<()> {
    LoadOptions::new().load_into(path, image)
}

/// Loads a file into `image`; an 8-bit one passes through `via`, which then holds its RGBA.
///
/// # Errors
///
/// As [`LoadOptions::load_into_via`].
pub fn load_into_via(path: impl AsRef<Path>, image: &mut Image, via: &mut ImageU8) -> Result<()> {
    LoadOptions::new().load_into_via(path, image, via)
}

/// Loads a file into an 8-bit `image`, which takes over its width and height.
///
/// # Errors
///
/// As [`LoadOptions::load_u8_into`].
pub fn load_u8_into(path: impl AsRef<Path>, image: &mut ImageU8) -> Result<()> {
    LoadOptions::new().load_u8_into(path, image)
}

/// Decodes a file's bytes as a float image on the default device.
///
/// # Errors
///
/// As [`load`].
pub fn decode(bytes: &[u8]) -> Result<Image> {
    LoadOptions::new().decode(&Device::try_default()?, bytes)
}

/// Decodes a file's bytes into `image`, which takes over width and height.
///
/// # Errors
///
/// As [`LoadOptions::decode_into`].
pub fn decode_into(bytes: &[u8], image: &mut Image) -> Result<()> {
    LoadOptions::new().decode_into(bytes, image)
}

/// Decodes what `reader` gives until its end as a float image on the default device.
///
/// # Errors
///
/// As [`load`].
pub fn decode_from(reader: impl BufRead + Seek) -> Result<Image> {
    LoadOptions::new().decode_from(&Device::try_default()?, reader)
}
