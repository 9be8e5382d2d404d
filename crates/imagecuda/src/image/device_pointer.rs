//! Raw device pointers, for kernels and libraries of the caller's own.

use crate::{DeviceImage, DevicePixel, ErrorKind, Image, Layout, Result, device::Buffer};
use cust::memory::{DeviceCopy, DevicePointer};
use imagecuda_kernels::{expand::Curve, pixel::unit_from_u8};

impl<P: DevicePixel> DeviceImage<P> {
    /// Where the pixels are in the memory of a CUDA device, for kernels of your own; `None` on
    /// the CPU. Rows are packed, and [`capacity`](Self::capacity) pixels may be accessed.
    ///
    /// Launch on the device's [`stream`](crate::Device::stream), or synchronise with it: this
    /// crate queues work there and may return before it has run. The image must outlive that
    /// work, or be dropped after it was queued there.
    pub fn as_device_ptr(&self) -> Option<DevicePointer<P::Sample>>
    where
        P::Sample: DeviceCopy,
    {
        match &self.buffer {
            Buffer::Cpu(_) => None,
            Buffer::Cuda(buffer) => Some(buffer.pointer().cast()),
        }
    }

    /// Makes the image of pixels in any layout that are in the device's memory already, of a
    /// video decoder, say. Takes over `width` and `height`; does not wait.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ZeroDimension`], [`ErrorKind::OverCapacity`], [`ErrorKind::Device`];
    /// [`ErrorKind::DeviceMismatch`] on the CPU.
    ///
    /// # Safety
    ///
    /// `src` is memory of this device, aligned to 16 bytes, readable for the pixels' bytes
    /// rounded up to a multiple of 4, not the image's own, and neither written nor freed before
    /// what is now queued on the device's stream has run.
    pub unsafe fn expand_from_device(
        &mut self,
        src: DevicePointer<u8>,
        layout: Layout,
        width: u32,
        height: u32,
    ) -> Result<()> {
        self.check_fits(width, height)?;
        let Buffer::Cuda(buffer) = &mut self.buffer else {
            return Err(ErrorKind::DeviceMismatch.into());
        };
        let len = width as usize * height as usize;
        buffer.expand_from(src, layout, Curve::Encoded, len)?;
        self.reshape(width, height)
    }
}

impl Image {
    /// Writes the image as packed 8-bit RGB, flattened onto `background`, to memory of its
    /// device: for an encoder there, say. Does not wait.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Device`]; [`ErrorKind::DeviceMismatch`] on the CPU.
    ///
    /// # Safety
    ///
    /// `dst` is memory of this device, aligned to 4 bytes, writable for three bytes a pixel
    /// rounded up to a multiple of 4, and not read before what is now queued on the device's
    /// stream has run.
    pub unsafe fn pack_rgb8_to_device(
        &self,
        dst: DevicePointer<u8>,
        background: [u8; 3],
    ) -> Result<()> {
        let Buffer::Cuda(buffer) = &self.buffer else {
            return Err(ErrorKind::DeviceMismatch.into());
        };
        buffer.pack_rgb8_to(dst, background.map(unit_from_u8), self.len())
    }
}
