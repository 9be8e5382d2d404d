//! Pictures of other sizes.

use super::Image;
#[cfg(doc)]
use crate::ErrorKind;
use crate::{
    Filter, Result,
    resample::{Plan, Sampling},
    trace::span,
};
use imagecuda_kernels::resample::Input;

impl Image {
    /// Makes a picture of `width` × `height` pixels of this one. A side that keeps its length is not
    /// filtered.
    ///
    /// Colours are multiplied by alpha while they are weighed, so that what is transparent has no say.
    /// Values are neither rounded nor clamped: the negative weights of [`Filter::CatmullRom`],
    /// [`Filter::Mitchell`] and [`Filter::Lanczos3`] may give values outside 0.0 to 1.0. Opaque pictures
    /// stay opaque, and where alpha comes to less than a millionth, all four channels are 0.0.
    ///
    /// ```
    /// # fn main() -> imagecuda::Result<()> {
    /// use imagecuda::{Device, Filter, Image, Layout};
    ///
    /// let image = Image::from_pixels(&Device::cpu(), 4, 1, Layout::L8, &[0, 51, 204, 255])?;
    /// let half = image.resized(2, 1, Filter::Box)?;
    /// assert_eq!(half.download()?[..4], [0.1, 0.1, 0.1, 1.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ZeroDimension`] if `width` or `height` is zero; [`ErrorKind::OutOfMemory`],
    /// [`ErrorKind::Device`].
    pub fn resized(&self, width: u32, height: u32, filter: Filter) -> Result<Self> {
        let mut resized = Self::for_overwrite(&self.device, width, height)?;
        self.resized_into(width, height, filter, &mut resized)?;
        Ok(resized)
    }

    /// Makes the same picture in `dst`, and sets its width and height.
    ///
    /// # Errors
    ///
    /// As [`resized`](Self::resized); [`ErrorKind::OverCapacity`], [`ErrorKind::DeviceMismatch`].
    pub fn resized_into(
        &self,
        width: u32,
        height: u32,
        filter: Filter,
        dst: &mut Self,
    ) -> Result<()> {
        dst.check_fits(width, height)?;
        span!("resize", device = %self.device, width, height);
        let size = (width, height);
        let sampling = Sampling::whole(self.dimensions(), size);
        let plan = Plan::new(&sampling, filter, Input::Straight, [0.0; 3])?;
        dst.buffer
            .resample_from(&self.buffer, self.dimensions(), &plan, size)?;
        dst.reshape(width, height)
    }
}
