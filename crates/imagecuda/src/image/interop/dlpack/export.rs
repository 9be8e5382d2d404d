//! Images as tensors.

use super::{DL_CPU, DL_CUDA, DL_FLOAT, DL_UINT, DLDataType, DLDevice, DLTensor, DlpackTensor};
use crate::{
    DeviceImage, DevicePixel, Result,
    device::{Buffer, Inner},
};
use std::ffi::c_void;

#[cfg(feature = "cuda")]
use {crate::ErrorKind, cust::sys::CUstream};

/// An image that a tensor shows.
struct Exported<P: DevicePixel> {
    /// Shape and strides. Not an array: what C points to must not move with this.
    dimensions: Vec<i64>,
    /// The consumer's stream, if it named one.
    stream: Option<*mut c_void>,
    image: DeviceImage<P>,
}

impl<P: DevicePixel> DeviceImage<P> {
    /// The image as a tensor of shape (height, width, 4), `f32` or `u8`, without a copy: it
    /// lives until the tensor's deleter is called, and who writes to the tensor writes to it.
    /// The capacity beyond the image is kept, and not shown.
    ///
    /// Waits until the pixels are complete, so that any stream may read them. The deleter waits
    /// for the whole device, as the consumer's work may still use them;
    /// `into_dlpack_on` spares both.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Device`](crate::ErrorKind::Device); the image is then gone.
    pub fn into_dlpack(self) -> Result<DlpackTensor> {
        if let Inner::Cuda(context) = self.device().inner() {
            context.wait_for_stream()?;
        }
        Ok(Exported {
            dimensions: Vec::new(),
            stream: None,
            image: self,
        }
        .into_tensor())
    }

    /// As [`into_dlpack`](Self::into_dlpack), for a consumer that works on `stream`, which null
    /// says is the default one. Nobody waits: `stream` does for the pixels, and when the deleter
    /// is called, this crate's stream for the work in `stream`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::DeviceMismatch`](crate::ErrorKind::DeviceMismatch) on the CPU,
    /// [`ErrorKind::Device`](crate::ErrorKind::Device); the image is then gone.
    ///
    /// # Safety
    ///
    /// `stream` belongs to the primary context of the image's device and lives until the deleter
    /// is called. The consumer uses the pixels in `stream` alone, or puts its other streams in
    /// order with it.
    #[cfg(feature = "cuda")]
    pub unsafe fn into_dlpack_on(self, stream: CUstream) -> Result<DlpackTensor> {
        let Inner::Cuda(context) = self.device().inner() else {
            return Err(ErrorKind::DeviceMismatch.into());
        };
        // SAFETY: the caller says that the stream is this context's, and lives.
        unsafe { context.order_before(stream)? };
        Ok(Exported {
            dimensions: Vec::new(),
            stream: Some(stream.cast()),
            image: self,
        }
        .into_tensor())
    }
}

impl<P: DevicePixel> Exported<P> {
    fn into_tensor(mut self) -> DlpackTensor {
        let (width, height) = (self.image.width(), self.image.height());
        self.dimensions = vec![i64::from(height), i64::from(width), 4];
        self.dimensions.extend([i64::from(width) * 4, 4, 1]);
        let device = match self.image.device().ordinal() {
            None => (DL_CPU, 0),
            Some(ordinal) => (DL_CUDA, ordinal.cast_signed()),
        };
        let bits = P::LAYOUT.bits();
        let tensor = DLTensor {
            data: self.data(),
            device: DLDevice {
                device_type: device.0,
                device_id: device.1,
            },
            ndim: 3,
            dtype: DLDataType {
                code: if bits == 8 { DL_UINT } else { DL_FLOAT },
                bits: bits as u8,
                lanes: 1,
            },
            shape: self.dimensions[..3].as_mut_ptr(),
            strides: self.dimensions[3..].as_mut_ptr(),
            byte_offset: 0,
        };
        DlpackTensor {
            tensor,
            flags: 0,
            owner: Box::new(self),
        }
    }

    fn data(&mut self) -> *mut c_void {
        match &mut self.image.buffer {
            Buffer::Cpu(pixels) => pixels.as_mut_ptr().cast(),
            Buffer::Cuda(buffer) => buffer.address() as *mut c_void,
        }
    }
}

impl<P: DevicePixel> Drop for Exported<P> {
    fn drop(&mut self) {
        // The memory is freed in the order of this crate's stream, of which the consumer's work
        // knows nothing.
        if let Inner::Cuda(context) = self.image.device().inner() {
            let ordered = match self.stream {
                // SAFETY: `into_dlpack_on`'s caller said that the stream lives until now.
                Some(stream) => unsafe { context.order_after(stream) },
                None => context.wait_for_everyone(),
            };
            // A context that failed runs nothing any more.
            let _ = ordered;
        }
    }
}
