//! Converts floats to 8 bits and 8 bits to floats.

use super::{Image, ImageU8};
#[cfg(doc)]
use crate::ErrorKind;
use crate::{Result, trace::span};

impl Image {
    /// Quantises to a new 8-bit image: clamps to 0.0 to 1.0 and rounds half up. NaN becomes 0.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::OutOfMemory`], [`ErrorKind::Device`].
    pub fn to_u8(&self) -> Result<ImageU8> {
        let mut converted = ImageU8::for_overwrite(&self.device, self.width, self.height)?;
        self.to_u8_into(&mut converted)?;
        Ok(converted)
    }

    /// Quantises into `dst` as [`to_u8`](Self::to_u8) does, and sets the width and height of `dst`.
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
    /// Converts to a new float image: divides each sample by 255.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::OutOfMemory`], [`ErrorKind::Device`].
    pub fn to_f32(&self) -> Result<Image> {
        let mut converted = Image::for_overwrite(&self.device, self.width, self.height)?;
        self.to_f32_into(&mut converted)?;
        Ok(converted)
    }

    /// Converts into `dst` as [`to_f32`](Self::to_f32) does, and sets the width and height of
    /// `dst`.
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

/// Converts `src` into `dst`: divides each sample by 255. Sets the width and height of `dst`. The
/// destination is the first argument, as in PyImageCUDA.
///
/// # Errors
///
/// [`ErrorKind::OverCapacity`], [`ErrorKind::DeviceMismatch`], [`ErrorKind::Device`].
pub fn convert_u8_to_float(dst: &mut Image, src: &ImageU8) -> Result<()> {
    src.to_f32_into(dst)
}

/// Quantises `src` into `dst`: clamps to 0.0 to 1.0 and rounds half up. NaN becomes 0. Sets the
/// width and height of `dst`. The destination is the first argument, as in PyImageCUDA.
///
/// # Errors
///
/// [`ErrorKind::OverCapacity`], [`ErrorKind::DeviceMismatch`], [`ErrorKind::Device`].
pub fn convert_float_to_u8(dst: &mut ImageU8, src: &Image) -> Result<()> {
    src.to_u8_into(dst)
}
