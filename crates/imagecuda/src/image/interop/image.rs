//! Conversions from and to the images of the `image` crate.

use crate::{
    Device, DeviceImage, DevicePixel, Error, Image, ImageU8, Layout, Result, device::Staging,
};
use image::{
    DynamicImage, GrayAlphaImage, GrayImage, ImageBuffer, Luma, LumaA, Rgb, Rgb32FImage, RgbImage,
    Rgba, Rgba32FImage, RgbaImage,
};
use imagecuda_kernels::pack::Packing;

/// An image of the `image` crate that a device can expand: 8 bits, 16 bits or float; gray, gray and
/// alpha, RGB or RGBA.
///
/// The values must be sRGB-encoded. That crate's decoders give such values, except those of OpenEXR
/// and Radiance HDR, which give linear light.
pub trait HostImage {
    /// Width and height, in pixels.
    fn size(&self) -> (u32, u32);

    /// The layout and the bytes of the pixels. `None` if this crate does not know the variant.
    fn pixels(&self) -> Option<(Layout, &[u8])>;
}

macro_rules! host_images {
    ($($image:ty => $layout:ident;)*) => {$(
        impl HostImage for $image {
            fn size(&self) -> (u32, u32) {
                self.dimensions()
            }

            fn pixels(&self) -> Option<(Layout, &[u8])> {
                // The buffer may be longer than the picture.
                let (width, height) = self.dimensions();
                let bytes = Layout::$layout.bytes(width, height)?;
                let all: &[u8] = bytemuck::cast_slice(self.as_raw());
                Some((Layout::$layout, all.get(..bytes)?))
            }
        }
    )*};
}

host_images! {
    GrayImage => L8;
    GrayAlphaImage => La8;
    RgbImage => Rgb8;
    RgbaImage => Rgba8;
    ImageBuffer<Luma<u16>, Vec<u16>> => L16;
    ImageBuffer<LumaA<u16>, Vec<u16>> => La16;
    ImageBuffer<Rgb<u16>, Vec<u16>> => Rgb16;
    ImageBuffer<Rgba<u16>, Vec<u16>> => Rgba16;
    Rgb32FImage => Rgb32F;
    Rgba32FImage => Rgba32F;
}

impl HostImage for DynamicImage {
    fn size(&self) -> (u32, u32) {
        (self.width(), self.height())
    }

    fn pixels(&self) -> Option<(Layout, &[u8])> {
        match self {
            Self::ImageLuma8(image) => image.pixels_of(),
            Self::ImageLumaA8(image) => image.pixels_of(),
            Self::ImageRgb8(image) => image.pixels_of(),
            Self::ImageRgba8(image) => image.pixels_of(),
            Self::ImageLuma16(image) => image.pixels_of(),
            Self::ImageLumaA16(image) => image.pixels_of(),
            Self::ImageRgb16(image) => image.pixels_of(),
            Self::ImageRgba16(image) => image.pixels_of(),
            Self::ImageRgb32F(image) => image.pixels_of(),
            Self::ImageRgba32F(image) => image.pixels_of(),
            _ => None,
        }
    }
}

/// Calls the trait's method where the type has a method of the same name.
trait PixelsOf: HostImage {
    fn pixels_of(&self) -> Option<(Layout, &[u8])> {
        HostImage::pixels(self)
    }
}

impl<T: HostImage> PixelsOf for T {}

impl<P: DevicePixel> DeviceImage<P> {
    /// Creates an image on `device` from an image of the `image` crate. The samples are uploaded
    /// unchanged, 1 to 16 bytes per pixel, and the device expands them.
    ///
    /// ```
    /// # fn main() -> imagecuda::Result<()> {
    /// use imagecuda::{Device, Image};
    ///
    /// let gray = image::GrayImage::from_pixel(64, 48, image::Luma([51]));
    /// let image = Image::from_image(&Device::cpu(), &gray)?;
    /// assert_eq!(image.download()?[..4], [0.2, 0.2, 0.2, 1.0]);
    ///
    /// let back = image.to_rgba_image()?;
    /// assert_eq!(back.get_pixel(0, 0).0, [51, 51, 51, 255]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`from_pixels`](Self::from_pixels), and
    /// [`Unsupported`](crate::ErrorKind::Unsupported) for a kind of [`DynamicImage`] that is not
    /// known here.
    pub fn from_image(device: &Device, image: &impl HostImage) -> Result<Self> {
        let (width, height) = image.size();
        let (layout, bytes) = image
            .pixels()
            .ok_or_else(|| Error::unsupported("this kind of image"))?;
        Self::from_pixels(device, width, height, layout, bytes)
    }
}

impl Image {
    /// Quantises to 8 bits on the device, and downloads the result as an image of the `image`
    /// crate, 4 bytes per pixel.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`](crate::ErrorKind::OutOfMemory), [`Device`](crate::ErrorKind::Device).
    pub fn to_rgba_image(&self) -> Result<RgbaImage> {
        let pixels = self.packed(Packing::Rgba8)?;
        buffer(self.width(), self.height(), pixels.to_vec())
    }

    /// Quantises to 16 bits on the device, and downloads the result as an image of the `image`
    /// crate, 8 bytes per pixel.
    ///
    /// # Errors
    ///
    /// As [`to_rgba_image`](Self::to_rgba_image).
    pub fn to_rgba16_image(&self) -> Result<ImageBuffer<Rgba<u16>, Vec<u16>>> {
        let pixels = self.packed(Packing::Rgba16)?;
        let samples = bytemuck::pod_collect_to_vec(&pixels[..]);
        buffer(self.width(), self.height(), samples)
    }

    /// Downloads the floats as an image of the `image` crate, 16 bytes per pixel.
    ///
    /// # Errors
    ///
    /// As [`to_rgba_image`](Self::to_rgba_image).
    pub fn to_rgba32f_image(&self) -> Result<Rgba32FImage> {
        buffer(self.width(), self.height(), self.download()?)
    }

    fn packed(&self, packing: Packing) -> Result<Staging> {
        let mut pixels = self
            .buffer
            .pack(self.device(), packing, [0.0; 3], self.len())?;
        pixels.wait()?;
        Ok(pixels)
    }
}

impl ImageU8 {
    /// Downloads the pixels as an image of the `image` crate, 4 bytes per pixel.
    ///
    /// # Errors
    ///
    /// As [`Image::to_rgba_image`].
    pub fn to_rgba_image(&self) -> Result<RgbaImage> {
        buffer(self.width(), self.height(), self.download()?)
    }
}

fn buffer<P: image::Pixel>(
    width: u32,
    height: u32,
    samples: Vec<P::Subpixel>,
) -> Result<ImageBuffer<P, Vec<P::Subpixel>>> {
    // The number of samples is right, but the `image` crate checks it again.
    ImageBuffer::from_raw(width, height, samples)
        .ok_or_else(|| Error::unsupported("a picture of this size in the image crate"))
}

/// Conversions in both directions, of values and of references. Images are created on the default
/// device.
macro_rules! conversions {
    ($($image:ty, $to_dynamic:expr;)*) => {$(
        impl TryFrom<&DynamicImage> for $image {
            type Error = Error;

            fn try_from(image: &DynamicImage) -> Result<Self> {
                Self::from_image(&Device::try_default()?, image)
            }
        }

        impl TryFrom<DynamicImage> for $image {
            type Error = Error;

            fn try_from(image: DynamicImage) -> Result<Self> {
                Self::try_from(&image)
            }
        }

        impl TryFrom<&$image> for DynamicImage {
            type Error = Error;

            fn try_from(image: &$image) -> Result<Self> {
                $to_dynamic(image)
            }
        }

        impl TryFrom<$image> for DynamicImage {
            type Error = Error;

            fn try_from(image: $image) -> Result<Self> {
                Self::try_from(&image)
            }
        }
    )*};
}

conversions! {
    Image, |image: &Image| image.to_rgba32f_image().map(DynamicImage::ImageRgba32F);
    ImageU8, |image: &ImageU8| image.to_rgba_image().map(DynamicImage::ImageRgba8);
}
