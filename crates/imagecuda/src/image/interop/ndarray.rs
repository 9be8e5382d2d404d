//! ndarray's arrays.

use crate::{Device, DeviceImage, DevicePixel, Error, Layout, Result};
use ndarray::{Array3, ArrayBase, Data, Dimension};

/// The samples that an array of pixels may have: `u8`, `u16` and `f32`.
pub trait ArraySample: bytemuck::Pod + sealed::Sealed {
    /// The layout of pixels of so many of them.
    #[doc(hidden)]
    fn layout(channels: usize) -> Option<Layout>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for u8 {}
    impl Sealed for u16 {}
    impl Sealed for f32 {}
}

macro_rules! samples {
    ($($sample:ty: $gray:ident, $rgb:ident, $rgba:ident;)*) => {$(
        impl ArraySample for $sample {
            fn layout(channels: usize) -> Option<Layout> {
                match channels {
                    1 => Some(Layout::$gray),
                    3 => Some(Layout::$rgb),
                    4 => Some(Layout::$rgba),
                    _ => None,
                }
            }
        }
    )*};
}

samples! {
    u8: L8, Rgb8, Rgba8;
    u16: L16, Rgb16, Rgba16;
    f32: L32F, Rgb32F, Rgba32F;
}

impl<P: DevicePixel> DeviceImage<P> {
    /// An image on `device` of an array of `(H, W)`, which becomes R = G = B, `(H, W, 3)`, or
    /// `(H, W, 4)`. Alpha that is not there is 1.0. Integers go up as they are and become 0.0 to
    /// 1.0 on the device; floats are kept.
    ///
    /// An array whose elements are not packed in that order, such as a part or a transposed view
    /// of another, is copied on the host first.
    ///
    /// ```
    /// # fn main() -> imagecuda::Result<()> {
    /// use imagecuda::{Device, Image};
    /// use ndarray::{Array3, s};
    ///
    /// let rgb = Array3::<u8>::from_elem((1080, 1920, 3), 51);
    /// let left = rgb.slice(s![.., ..960, ..]);
    /// let image = Image::from_array(&Device::cpu(), &left)?;
    /// assert_eq!((image.width(), image.height()), (960, 1080));
    ///
    /// let array = image.to_array()?; // (H, W, 4)
    /// assert_eq!(array[[0, 0, 1]], 0.2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidOption`](crate::ErrorKind::InvalidOption) for any other shape, and as
    /// [`new`](Self::new).
    pub fn from_array<T, S, D>(device: &Device, array: &ArrayBase<S, D>) -> Result<Self>
    where
        T: ArraySample,
        S: Data<Elem = T>,
        D: Dimension,
    {
        let shape = array.shape();
        let wrong = || {
            let reason = format!("{shape:?} is not (H, W), (H, W, 3) or (H, W, 4)");
            Error::option("shape", reason)
        };
        let (height, width, layout) = match *shape {
            [height, width] => (height, width, T::layout(1)),
            [height, width, channels @ (3 | 4)] => (height, width, T::layout(channels)),
            _ => return Err(wrong()),
        };
        let layout = layout.ok_or_else(wrong)?;
        let [Ok(width), Ok(height)] = [width, height].map(u32::try_from) else {
            return Err(wrong());
        };
        let packed = array.as_standard_layout();
        // That is what was just made.
        let samples = packed.as_slice().ok_or_else(wrong)?;
        Self::from_pixels(device, width, height, layout, bytemuck::cast_slice(samples))
    }
}

impl<P: DevicePixel> DeviceImage<P> {
    /// The image as an array of `(H, W, 4)`: floats of an [`Image`](crate::Image), 16 bytes a pixel,
    /// or bytes of an [`ImageU8`](crate::ImageU8).
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`](crate::ErrorKind::OutOfMemory), [`Device`](crate::ErrorKind::Device).
    pub fn to_array(&self) -> Result<Array3<P::Sample>> {
        let shape = (self.height() as usize, self.width() as usize, 4);
        Array3::from_shape_vec(shape, self.download()?)
            .map_err(|error| Error::unsupported(error.to_string()))
    }
}
