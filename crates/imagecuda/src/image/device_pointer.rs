//! Raw device pointers, for kernels and libraries of the caller's own.

use crate::{DeviceImage, DevicePixel, ErrorKind, Image, Layout, Result, device::Buffer};
use cust::memory::{DeviceCopy, DevicePointer};
use imagecuda_kernels::{expand::Curve, pixel::unit_from_u8};

impl<P: DevicePixel> DeviceImage<P> {
    /// The address of the pixels in the memory of a CUDA device, for kernels of your own. `None` on
    /// the CPU. Rows are packed, and [`capacity`](Self::capacity) pixels may be accessed.
    ///
    /// Launch your kernels on the device's [`stream`](crate::Device::stream), or synchronise with
    /// that stream, because this crate queues work there and may return before it has run. The
    /// image must live until your work has run, or be dropped after your work was queued on that
    /// stream.
    pub fn as_device_ptr(&self) -> Option<DevicePointer<P::Sample>>
    where
        P::Sample: DeviceCopy,
    {
        match &self.buffer {
            Buffer::Cpu(_) => None,
            Buffer::Cuda(buffer) => Some(buffer.pointer().cast()),
        }
    }

    /// Expands pixels that are in the device's memory already, in any layout, into this image; a
    /// video decoder may have put them there. Sets the width and height. Does not wait for the
    /// device.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ZeroDimension`], [`ErrorKind::OverCapacity`], [`ErrorKind::Device`];
    /// [`ErrorKind::DeviceMismatch`] on the CPU.
    ///
    /// # Safety
    ///
    /// `src` must be memory of this device that is aligned to 16 bytes and readable for the size of
    /// the pixels, rounded up to a multiple of 4. It must not overlap the image. Until the work
    /// that this call queues on the device's stream has run, it must be neither written nor freed.
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
    /// Writes the image as packed 8-bit RGB, flattened onto `background`, to memory of its device,
    /// for example for an encoder on the device. Does not wait for the device.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Device`]; [`ErrorKind::DeviceMismatch`] on the CPU.
    ///
    /// # Safety
    ///
    /// `dst` must be memory of this device that is aligned to 4 bytes and writable for three bytes
    /// per pixel, rounded up to a multiple of 4. Until the work that this call queues on the
    /// device's stream has run, it must not be read.
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
