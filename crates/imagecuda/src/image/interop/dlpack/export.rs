//! Exports images as tensors.

use super::{DL_CPU, DL_CUDA, DL_FLOAT, DL_UINT, DLDataType, DLDevice, DLTensor, DlpackTensor};
use crate::{
    DeviceImage, DevicePixel, Result,
    device::{Buffer, Inner},
};
use std::ffi::c_void;

#[cfg(feature = "cuda")]
use {crate::ErrorKind, cust::sys::CUstream};

/// The image behind a tensor.
struct Exported<P: DevicePixel> {
    /// Shape and strides. This is not an array, because C keeps pointers to them, and moving this
    /// struct must not move them.
    dimensions: Vec<i64>,
    /// The consumer's stream, if the consumer named one.
    stream: Option<*mut c_void>,
    image: DeviceImage<P>,
}

impl<P: DevicePixel> DeviceImage<P> {
    /// Exports the image as a tensor of shape (height, width, 4) with `f32` or `u8` elements,
    /// without a copy. The image lives until the consumer calls the tensor's deleter. Writing to
    /// the tensor writes to the image. The capacity beyond the image is not visible.
    ///
    /// Waits until the pixels are complete, so that any stream may read them. The deleter waits for
    /// the whole device, because work of the consumer may still use the pixels. `into_dlpack_on`
    /// avoids both waits.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Device`](crate::ErrorKind::Device); the image is then lost.
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

    /// Exports the image as [`into_dlpack`](Self::into_dlpack) does, for a consumer that works on
    /// `stream`. Null is the default stream. The host does not wait. Instead `stream` waits for the
    /// pixels, and after the deleter this crate's stream waits for the work on `stream`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::DeviceMismatch`](crate::ErrorKind::DeviceMismatch) on the CPU,
    /// [`ErrorKind::Device`](crate::ErrorKind::Device); the image is then lost.
    ///
    /// # Safety
    ///
    /// `stream` must belong to the primary context of the image's device and live until the deleter
    /// is called. The consumer must use the pixels only on `stream`, or order its other streams
    /// with it.
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
        // The memory is freed in the order of this crate's stream, which does not know of the
        // consumer's work.
        if let Inner::Cuda(context) = self.image.device().inner() {
            let ordered = match self.stream {
                // SAFETY: `into_dlpack_on`'s caller said that the stream lives until now.
                Some(stream) => unsafe { context.order_after(stream) },
                None => context.wait_for_everyone(),
            };
            // A context that has failed runs nothing any more.
            let _ = ordered;
        }
    }
}
