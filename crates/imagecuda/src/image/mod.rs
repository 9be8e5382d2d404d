//! Images on a device.

mod convert;
#[cfg(feature = "cuda")]
#[allow(unsafe_code, reason = "pixels that callers only point to")]
mod device_pointer;
mod interop;
mod pixels;
mod resize;
mod tensor;

pub use self::convert::{convert_float_to_u8, convert_u8_to_float};
#[cfg(feature = "ndarray")]
pub use self::interop::ArraySample;
#[cfg(feature = "image")]
pub use self::interop::HostImage;
#[cfg(feature = "dlpack")]
pub use self::interop::dlpack;
pub use self::tensor::{Tensor, TensorSample};

use crate::{
    Device, ErrorKind, Result,
    device::{Buffer, DevicePixel, ExpandSpec},
    memory,
};
use imagecuda_kernels::{
    layout::Layout,
    pixel::{Rgba8, RgbaF32},
};
use std::fmt;

/// A float image on a device: four `f32` per pixel (red, green, blue, alpha), in packed rows from
/// top to bottom, 16 bytes per pixel. Values are sRGB-encoded and nominally from 0.0 to 1.0. Alpha
/// is straight, not premultiplied.
pub type Image = DeviceImage<RgbaF32>;

/// An 8-bit image on a device: four bytes per pixel (red, green, blue, alpha), in packed rows from
/// top to bottom.
pub type ImageU8 = DeviceImage<Rgba8>;

/// The pixels of [`Image`] and [`ImageU8`]: device memory of a fixed capacity, and a width and a
/// height that may change within it.
///
/// A method that fails leaves the image unchanged. Dropping an image frees its memory. On a GPU
/// this happens in stream order, so kernels that still use the image finish first.
pub struct DeviceImage<P: DevicePixel> {
    device: Device,
    pub(crate) buffer: Buffer<P>,
    width: u32,
    height: u32,
}

/// The number of pixels of a picture. Fails if it is zero or too large for memory.
pub(crate) fn pixels(width: u32, height: u32) -> Result<usize> {
    if width == 0 || height == 0 {
        return Err(ErrorKind::ZeroDimension { width, height }.into());
    }
    usize::try_from(u64::from(width) * u64::from(height)).map_err(|_| {
        let capacity = usize::MAX;
        ErrorKind::OverCapacity {
            width,
            height,
            capacity,
        }
        .into()
    })
}

impl<P: DevicePixel> DeviceImage<P> {
    /// Creates an image of zeros, which are black and transparent. Its capacity is its size.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ZeroDimension`] if `width` or `height` is zero; [`ErrorKind::OutOfMemory`].
    pub fn new(device: &Device, width: u32, height: u32) -> Result<Self> {
        Self::with_capacity(device, width, height, 0)
    }

    /// Creates an image of zeros, with room for `capacity` pixels, and at least for its own.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_capacity(
        device: &Device,
        width: u32,
        height: u32,
        capacity: usize,
    ) -> Result<Self> {
        let capacity = capacity.max(pixels(width, height)?);
        Ok(Self {
            device: device.clone(),
            buffer: Buffer::zeroed(device, capacity)?,
            width,
            height,
        })
    }

    /// Creates an image from pixels in host memory, in any layout. Rows are packed from top to
    /// bottom, and samples of 16 bits and floats have the machine's byte order. The bytes are
    /// uploaded unchanged, and the device expands them. Gray becomes R = G = B, and missing alpha
    /// becomes opaque.
    ///
    /// ```
    /// # fn main() -> imagecuda::Result<()> {
    /// use imagecuda::{Device, Image, Layout};
    ///
    /// let gray = [0, 51, 255];
    /// let image = Image::from_pixels(&Device::cpu(), 3, 1, Layout::L8, &gray)?;
    /// assert_eq!(image.download()?[4..8], [0.2, 0.2, 0.2, 1.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), and [`ErrorKind::WrongLength`] (in bytes).
    pub fn from_pixels(
        device: &Device,
        width: u32,
        height: u32,
        layout: Layout,
        bytes: &[u8],
    ) -> Result<Self> {
        let expected = layout.bytes(width, height).unwrap_or(usize::MAX);
        let actual = bytes.len();
        if actual != expected {
            return Err(ErrorKind::WrongLength { expected, actual }.into());
        }
        let mut image = Self::for_overwrite(device, width, height)?;
        let spec = ExpandSpec::stored(layout, width, height);
        image.buffer.expand_bytes(bytes, spec)?;
        Ok(image)
    }

    /// Creates an image with any pixels, whose capacity is its size. The caller must overwrite the
    /// pixels.
    pub(crate) fn for_overwrite(device: &Device, width: u32, height: u32) -> Result<Self> {
        Ok(Self {
            device: device.clone(),
            buffer: Buffer::for_overwrite(device, pixels(width, height)?)?,
            width,
            height,
        })
    }

    /// An image of pixels, whose capacity is its size.
    pub(crate) fn of(device: Device, buffer: Buffer<P>, width: u32, height: u32) -> Self {
        Self {
            device,
            buffer,
            width,
            height,
        }
    }

    /// The device that holds the pixels.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The width, in pixels.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// The height, in pixels.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Width and height, in pixels.
    pub fn dimensions(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// The capacity, in pixels.
    pub fn capacity(&self) -> usize {
        self.buffer.len()
    }

    /// The number of pixels: width × height.
    pub(crate) fn len(&self) -> usize {
        self.width as usize * self.height as usize
    }

    /// Sets width and height within the capacity. No pixel moves: the `n`-th pixel in memory stays
    /// the `n`-th.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ZeroDimension`] or [`ErrorKind::OverCapacity`]; the size is then unchanged.
    pub fn reshape(&mut self, width: u32, height: u32) -> Result<()> {
        self.check_fits(width, height)?;
        (self.width, self.height) = (width, height);
        Ok(())
    }

    /// Fails if `width` × `height` is zero or more than the capacity.
    pub(crate) fn check_fits(&self, width: u32, height: u32) -> Result<()> {
        let capacity = self.capacity();
        if pixels(width, height)? > capacity {
            return Err(ErrorKind::OverCapacity {
                width,
                height,
                capacity,
            }
            .into());
        }
        Ok(())
    }

    /// Increases the capacity to at least `capacity` pixels, and keeps the pixels. Allocates only
    /// if the capacity is too small.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::OutOfMemory`], [`ErrorKind::Device`].
    pub fn reserve(&mut self, capacity: usize) -> Result<()> {
        if capacity > self.capacity() {
            let mut buffer = Buffer::zeroed(&self.device, capacity)?;
            buffer.copy_from(&self.buffer, self.len())?;
            self.buffer = buffer;
        }
        Ok(())
    }

    /// Overwrites all pixels with `samples`: width × height × 4 of them, in the order red, green,
    /// blue, alpha.
    ///
    /// The samples pass through pinned memory. Returns as soon as `samples` is no longer needed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::WrongLength`], [`ErrorKind::OutOfMemory`], [`ErrorKind::Device`].
    pub fn upload(&mut self, samples: &[P::Sample]) -> Result<()> {
        self.check_length(samples.len())?;
        self.buffer.upload(bytemuck::cast_slice(samples))
    }

    /// Returns all pixels as width × height × 4 samples. Waits for the device.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::OutOfMemory`], [`ErrorKind::Device`].
    pub fn download(&self) -> Result<Vec<P::Sample>> {
        let mut samples = memory::zeroed(self.len() * 4)?;
        self.download_into(&mut samples)?;
        Ok(samples)
    }

    /// Copies all pixels to `samples`, whose length must be width × height × 4. Waits for the
    /// device.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::WrongLength`], [`ErrorKind::OutOfMemory`], [`ErrorKind::Device`].
    pub fn download_into(&self, samples: &mut [P::Sample]) -> Result<()> {
        self.check_length(samples.len())?;
        self.buffer.download(bytemuck::cast_slice_mut(samples))
    }

    fn check_length(&self, actual: usize) -> Result<()> {
        let expected = self.len() * 4;
        if actual != expected {
            return Err(ErrorKind::WrongLength { expected, actual }.into());
        }
        Ok(())
    }

    /// Copies the pixels of `src` into this image, and sets its width and height. On one GPU the
    /// copy stays in device memory. Between devices it passes through host memory.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::OverCapacity`], [`ErrorKind::Device`].
    pub fn copy_from(&mut self, src: &Self) -> Result<()> {
        self.check_fits(src.width, src.height)?;
        self.buffer.copy_from(&src.buffer, src.len())?;
        self.reshape(src.width, src.height)
    }

    /// Copies the image on its device. The capacity of the copy is its size. This is not `Clone`,
    /// because the allocation may fail.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::OutOfMemory`], [`ErrorKind::Device`].
    pub fn try_clone(&self) -> Result<Self> {
        self.to_device(&self.device)
    }

    /// Copies the image to `device`. The capacity of the copy is its size.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::OutOfMemory`], [`ErrorKind::Device`].
    pub fn to_device(&self, device: &Device) -> Result<Self> {
        let mut copy = Self::for_overwrite(device, self.width, self.height)?;
        copy.buffer.copy_from(&self.buffer, self.len())?;
        Ok(copy)
    }
}

/// For functions that take both an image and a `PooledImage` of a batch.
impl<P: DevicePixel> AsRef<Self> for DeviceImage<P> {
    fn as_ref(&self) -> &Self {
        self
    }
}

impl<P: DevicePixel> fmt::Debug for DeviceImage<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceImage")
            .field("device", &self.device)
            .field("layout", &P::LAYOUT)
            .field("width", &self.width)
            .field("height", &self.height)
            .field("capacity", &self.capacity())
            .finish()
    }
}
