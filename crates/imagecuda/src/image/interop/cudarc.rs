//! Images and tensors as memory of the crate `cudarc`, which candle and burn use.

use crate::{
    DeviceImage, DevicePixel, Error, ErrorKind, Result, Tensor, TensorSample, device::Buffer,
};
use cudarc::driver::{CudaSlice, CudaStream};
use std::sync::Arc;

impl<P: DevicePixel> DeviceImage<P> {
    /// Hands the memory of the image to `cudarc`, without a copy: four samples a pixel, row by row. `stream`
    /// waits for this crate's work on the image, and frees the memory in the end.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use cudarc::driver::CudaContext;
    /// use imagecuda::{Device, Image, load};
    ///
    /// let stream = CudaContext::new(0)?.default_stream();
    /// let image = load("photo.jpg")?;
    /// let (width, height) = image.dimensions();
    /// let samples = image.into_cuda_slice(&stream)?;
    /// // … kernels on `stream` work on the samples …
    /// let image = Image::from_cuda_slice(samples, width, height)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::DeviceMismatch`] for an image on the CPU, and for a stream that is not of the primary
    /// context of the image's device; [`ErrorKind::Device`].
    pub fn into_cuda_slice(self, stream: &Arc<CudaStream>) -> Result<CudaSlice<P::Sample>> {
        let len = self.len() * 4;
        match self.buffer {
            Buffer::Cuda(buffer) => buffer.into_cuda_slice(stream, len),
            Buffer::Cpu(_) => Err(ErrorKind::DeviceMismatch.into()),
        }
    }

    /// Makes an image of samples that are in the memory of a GPU, without a copy: four a pixel, row by row.
    /// This crate's work waits for what is in the slice's stream.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::WrongLength`] (in samples), [`ErrorKind::ZeroDimension`];
    /// [`ErrorKind::DeviceMismatch`] for a slice that is not of the primary context of a device;
    /// [`ErrorKind::InvalidOption`] for memory that is not aligned to 16 bytes;
    /// [`ErrorKind::NoDevice`], [`ErrorKind::Device`].
    pub fn from_cuda_slice(slice: CudaSlice<P::Sample>, width: u32, height: u32) -> Result<Self> {
        let pixels = crate::image::pixels(width, height)?;
        let (expected, actual) = (pixels.saturating_mul(4), slice.len());
        if actual != expected {
            return Err(ErrorKind::WrongLength { expected, actual }.into());
        }
        let (device, buffer) = crate::device::cuda::Buffer::from_cuda_slice(slice, pixels)?;
        Ok(Self {
            device,
            buffer: Buffer::Cuda(buffer),
            width,
            height,
        })
    }
}

impl Tensor {
    /// Hands the memory of the tensor to `cudarc`, without a copy, as
    /// [`DeviceImage::into_cuda_slice`](crate::DeviceImage::into_cuda_slice) does: all elements, in the order
    /// of the [`shape`](Self::shape).
    ///
    /// # Errors
    ///
    /// As there, and [`ErrorKind::InvalidOption`] if `T` is not the type of the elements: `u8`, `f32`, and
    /// `u16` for the bits of both half precisions; with the feature `ndarray` also those of the crate `half`.
    pub fn into_cuda_slice<T: TensorSample>(
        self,
        stream: &Arc<CudaStream>,
    ) -> Result<CudaSlice<T>> {
        if !T::holds(self.element()) {
            let reason = format!("the tensor's elements are {:?}", self.element());
            return Err(Error::option("element", reason));
        }
        let len = self.len();
        match self.buffer {
            Buffer::Cuda(buffer) => buffer.into_cuda_slice(stream, len),
            Buffer::Cpu(_) => Err(ErrorKind::DeviceMismatch.into()),
        }
    }
}
