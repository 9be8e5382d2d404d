//! Tensors on a device.

mod convert;
mod sample;

pub use self::sample::TensorSample;

use crate::{Device, Error, ErrorKind, Result, TensorOptions, device::Buffer};
use imagecuda_kernels::{
    pixel::RgbaF32,
    tensor::{TensorChannels, TensorElement, TensorLayout},
};
use std::fmt;

/// Pictures of one size on a device, in the shape and the numbers that a model wants: its channels first
/// or last, `u8`, half precision or `f32`, packed.
///
/// [`Image::to_tensor`](crate::Image::to_tensor) makes one of a picture,
/// [`Loader::tensors`](crate::batch::Loader::tensors) of many files. With the feature `dlpack`
/// [`into_dlpack`](Self::into_dlpack) hands it to PyTorch and others without a copy.
///
/// Dropping a tensor frees its memory, on a GPU in the order of the device's stream.
pub struct Tensor {
    pub(super) device: Device,
    /// The elements, in pieces of 16 bytes.
    pub(super) buffer: Buffer<RgbaF32>,
    pictures: usize,
    width: u32,
    height: u32,
    pub(super) layout: TensorLayout,
    pub(super) channels: TensorChannels,
    element: TensorElement,
}

/// The pieces of 16 bytes for `pictures` pictures.
fn pieces(pictures: usize, (width, height): (u32, u32), options: &TensorOptions) -> Option<usize> {
    let pixel = options.channels.count() * options.element.bytes();
    let pixels = super::pixels(width, height).ok()?;
    let bytes = pixels.checked_mul(pixel)?.checked_mul(pictures)?;
    isize::try_from(bytes).ok()?;
    Some(bytes.div_ceil(size_of::<RgbaF32>()))
}

impl Tensor {
    /// Creates a tensor of zeros for `pictures` pictures. [`Image::to_tensor_into`] writes to it.
    ///
    /// [`Image::to_tensor_into`]: crate::Image::to_tensor_into
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidOption`] for options without a [`size`](TensorOptions::size), or out of range;
    /// [`ErrorKind::ZeroDimension`], [`ErrorKind::OutOfMemory`].
    pub fn new(device: &Device, pictures: usize, options: &TensorOptions) -> Result<Self> {
        options.check()?;
        let size = options.size.ok_or_else(|| {
            let reason = "the pictures of a tensor have one size, which must be set";
            Error::option("size", reason)
        })?;
        let mut tensor = Self::for_overwrite(device, pictures, size, options)?;
        tensor.clear(0..pictures)?;
        Ok(tensor)
    }

    /// Creates a tensor with any elements, which the caller must overwrite.
    pub(crate) fn for_overwrite(
        device: &Device,
        pictures: usize,
        size: (u32, u32),
        options: &TensorOptions,
    ) -> Result<Self> {
        let (width, height) = size;
        super::pixels(width, height)?;
        let out_of_memory = || ErrorKind::OutOfMemory {
            requested: usize::MAX,
            free: None,
        };
        let pieces = pieces(pictures, size, options).ok_or_else(out_of_memory)?;
        Ok(Self {
            device: device.clone(),
            // No memory at all would be an error on a GPU.
            buffer: Buffer::for_overwrite(device, pieces.max(1))?,
            pictures,
            width,
            height,
            layout: options.layout,
            channels: options.channels,
            element: options.element,
        })
    }

    /// The device that holds the elements.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The extents of the four dimensions: pictures, channels, height, width of
    /// [`TensorLayout::Nchw`]; pictures, height, width, channels of [`TensorLayout::Nhwc`].
    pub fn shape(&self) -> [usize; 4] {
        let (width, height) = (self.width as usize, self.height as usize);
        let channels = self.channels.count();
        match self.layout {
            TensorLayout::Nhwc => [self.pictures, height, width, channels],
            _ => [self.pictures, channels, height, width],
        }
    }

    /// The order of the dimensions.
    pub fn layout(&self) -> TensorLayout {
        self.layout
    }

    /// The channels, and their order.
    pub fn channels(&self) -> TensorChannels {
        self.channels
    }

    /// The type of the elements.
    pub fn element(&self) -> TensorElement {
        self.element
    }

    /// The number of elements.
    #[expect(
        clippy::len_without_is_empty,
        reason = "only a tensor of no pictures is"
    )]
    pub fn len(&self) -> usize {
        self.shape().iter().product()
    }

    /// The size of a picture in bytes.
    pub(crate) fn picture_bytes(&self) -> usize {
        let pixels = self.width as usize * self.height as usize;
        pixels * self.channels.count() * self.element.bytes()
    }

    /// The width and the height of the pictures.
    pub(super) fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// Whether pictures of these options belong here.
    pub(super) fn check(&self, options: &TensorOptions, picture: usize) -> Result<()> {
        let own = (self.layout, self.channels, self.element);
        if own != (options.layout, options.channels, options.element) {
            let reason = format!(
                "its elements are {:?} {:?} {:?}, and the options want others",
                self.layout, self.channels, self.element
            );
            return Err(Error::option("tensor", reason));
        }
        if options.size.is_some_and(|size| size != self.size()) {
            let reason = format!("its pictures have {}x{} pixels", self.width, self.height);
            return Err(Error::option("size", reason));
        }
        if picture >= self.pictures {
            let reason = format!("the tensor has {} pictures", self.pictures);
            return Err(Error::option("picture", reason));
        }
        Ok(())
    }

    /// Makes pictures zeros.
    pub(crate) fn clear(&mut self, pictures: std::ops::Range<usize>) -> Result<()> {
        let bytes = self.picture_bytes();
        match pictures.is_empty() {
            true => Ok(()),
            false => self
                .buffer
                .clear(pictures.start * bytes, pictures.len() * bytes),
        }
    }

    /// Changes the number of pictures, for which there is memory.
    pub(crate) fn set_pictures(&mut self, pictures: usize) {
        let bytes = self.picture_bytes() * pictures;
        assert!(
            bytes <= self.buffer.len() * size_of::<RgbaF32>(),
            "more than there is room for"
        );
        self.pictures = pictures;
    }

    /// The elements in host memory, as bytes in the machine's order; `None` on a GPU.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        let bytes = self.pictures * self.picture_bytes();
        match &self.buffer {
            Buffer::Cpu(pieces) => Some(&bytemuck::cast_slice(pieces)[..bytes]),
            Buffer::Cuda(_) => None,
        }
    }

    /// Returns all elements. Waits for the device.
    ///
    /// ```
    /// # fn main() -> imagecuda::Result<()> {
    /// use imagecuda::{Device, Image, Layout, TensorOptions};
    ///
    /// let image = Image::from_pixels(&Device::cpu(), 2, 1, Layout::Rgb8, &[255, 0, 51, 0, 0, 255])?;
    /// let planes: Vec<f32> = image.to_tensor(&TensorOptions::new())?.download()?;
    /// assert_eq!(planes, [1.0, 0.0, 0.0, 0.0, 0.2, 1.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidOption`] if `T` is not the type of the elements: `u8`, `f32`, and `u16` for the
    /// bits of both half precisions. [`ErrorKind::OutOfMemory`], [`ErrorKind::Device`].
    pub fn download<T: TensorSample>(&self) -> Result<Vec<T>> {
        let mut elements = T::zeros(self.len())?;
        self.download_into(&mut elements)?;
        Ok(elements)
    }

    /// Copies all elements to `elements`. Waits for the device.
    ///
    /// # Errors
    ///
    /// As [`download`](Self::download), and [`ErrorKind::WrongLength`].
    pub fn download_into<T: TensorSample>(&self, elements: &mut [T]) -> Result<()> {
        if !T::holds(self.element) {
            let reason = format!("the tensor's elements are {:?}", self.element);
            return Err(Error::option("element", reason));
        }
        let (expected, actual) = (self.len(), elements.len());
        if actual != expected {
            return Err(ErrorKind::WrongLength { expected, actual }.into());
        }
        self.buffer.download(T::bytes_mut(elements))
    }

    /// The address of the elements in the memory of a CUDA device; `None` on the CPU. What
    /// [`DeviceImage::as_device_ptr`](crate::DeviceImage::as_device_ptr) says of streams holds here too.
    #[cfg(feature = "cuda")]
    pub fn as_device_ptr(&self) -> Option<cust::memory::DevicePointer<u8>> {
        match &self.buffer {
            Buffer::Cpu(_) => None,
            Buffer::Cuda(buffer) => Some(buffer.pointer()),
        }
    }
}

impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tensor")
            .field("device", &self.device)
            .field("shape", &self.shape())
            .field("layout", &self.layout)
            .field("channels", &self.channels)
            .field("element", &self.element)
            .finish()
    }
}
