//! Conversions from and to arrays of `ndarray`.

use crate::{Device, DeviceImage, DevicePixel, Error, Layout, Result, Tensor, TensorSample};
use ndarray::{Array3, Array4, ArrayBase, Data, Dimension};

/// A sample of an array of pixels: `u8`, `u16` or `f32`.
pub trait ArraySample: bytemuck::Pod + sealed::Sealed {
    /// The layout of pixels with this number of channels.
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
    /// Creates an image on `device` from an array of shape `(H, W)` (gray), `(H, W, 3)` or `(H, W,
    /// 4)`. Gray becomes R = G = B, and missing alpha becomes 1.0. Integers are uploaded unchanged,
    /// and the device scales them to 0.0 to 1.0. Floats are kept.
    ///
    /// If the elements are not packed in this order, as in a slice or a transposed view, the host
    /// first copies them.
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
        // The line above has packed the array.
        let samples = packed.as_slice().ok_or_else(wrong)?;
        Self::from_pixels(device, width, height, layout, bytemuck::cast_slice(samples))
    }
}

impl<P: DevicePixel> DeviceImage<P> {
    /// Downloads the image as an array of shape `(H, W, 4)`: floats of an [`Image`](crate::Image),
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

impl Tensor {
    /// Downloads the tensor as an array of its [`shape`](Self::shape), of `u8`, `half::f16`,
    /// `half::bf16` or `f32`, as its elements are.
    ///
    /// # Errors
    ///
    /// As [`download`](Self::download).
    pub fn to_array<T: TensorSample>(&self) -> Result<Array4<T>> {
        Array4::from_shape_vec(self.shape(), self.download()?)
            .map_err(|error| Error::unsupported(error.to_string()))
    }
}
