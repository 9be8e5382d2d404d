//! Floats to 8 bits, and back.

use super::{Image, ImageU8};
#[cfg(doc)]
use crate::ErrorKind;
use crate::{Result, trace::span};

impl Image {
    /// The image quantised to 8 bits: clamped to 0.0 to 1.0, rounded half up, NaN as 0.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::OutOfMemory`], [`ErrorKind::Device`].
    pub fn to_u8(&self) -> Result<ImageU8> {
        let mut converted = ImageU8::for_overwrite(&self.device, self.width, self.height)?;
        self.to_u8_into(&mut converted)?;
        Ok(converted)
    }

    /// As [`to_u8`](Self::to_u8), into `dst`, which takes over width and height.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::OverCapacity`], [`ErrorKind::DeviceMismatch`], [`ErrorKind::Device`].
    pub fn to_u8_into(&self, dst: &mut ImageU8) -> Result<()> {
        dst.check_fits(self.width, self.height)?;
        span!("convert", device = %self.device, width = self.width, height = self.height);
        dst.buffer.convert_from(&self.buffer, self.len())?;
        dst.reshape(self.width, self.height)
    }
}

impl ImageU8 {
    /// The image as floats: each sample divided by 255.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::OutOfMemory`], [`ErrorKind::Device`].
    pub fn to_f32(&self) -> Result<Image> {
        let mut converted = Image::for_overwrite(&self.device, self.width, self.height)?;
        self.to_f32_into(&mut converted)?;
        Ok(converted)
    }

    /// As [`to_f32`](Self::to_f32), into `dst`, which takes over width and height.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::OverCapacity`], [`ErrorKind::DeviceMismatch`], [`ErrorKind::Device`].
    pub fn to_f32_into(&self, dst: &mut Image) -> Result<()> {
        dst.check_fits(self.width, self.height)?;
        span!("convert", device = %self.device, width = self.width, height = self.height);
        dst.buffer.convert_from(&self.buffer, self.len())?;
        dst.reshape(self.width, self.height)
    }
}

/// Divides each sample of `src` by 255 into `dst`, which takes over width and height. The destination
/// is the first argument, as in PyImageCUDA.
///
/// # Errors
///
/// [`ErrorKind::OverCapacity`], [`ErrorKind::DeviceMismatch`], [`ErrorKind::Device`].
pub fn convert_u8_to_float(dst: &mut Image, src: &ImageU8) -> Result<()> {
    src.to_f32_into(dst)
}

/// Quantises `src` to 8 bits into `dst`, which takes over width and height: clamped to 0.0 to
/// 1.0, rounded half up, NaN as 0. The destination is the first argument, as in PyImageCUDA.
///
/// # Errors
///
/// [`ErrorKind::OverCapacity`], [`ErrorKind::DeviceMismatch`], [`ErrorKind::Device`].
pub fn convert_float_to_u8(dst: &mut ImageU8, src: &Image) -> Result<()> {
    src.to_u8_into(dst)
}
