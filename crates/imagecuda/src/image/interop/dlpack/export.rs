//! Exports images and tensors.

use super::{
    DL_BFLOAT, DL_CPU, DL_CUDA, DL_FLOAT, DL_UINT, DLDataType, DLDevice, DLTensor, DlpackTensor,
};
use crate::{
    Device, DeviceImage, DevicePixel, Result, Tensor, TensorElement,
    device::{Buffer, Inner},
};
use std::{any::Any, ffi::c_void};

#[cfg(feature = "cuda")]
use {crate::ErrorKind, cust::sys::CUstream};

/// The memory behind a tensor.
struct Exported {
    /// Shape and strides. This is not an array, because C keeps pointers to them, and moving this
    /// struct must not move them.
    dimensions: Vec<i64>,
    /// The consumer's stream, if the consumer named one.
    stream: Option<*mut c_void>,
    device: Device,
    _memory: Box<dyn Any>,
}

/// What a tensor is, before its memory is given away.
struct Export<P: DevicePixel> {
    device: Device,
    buffer: Buffer<P>,
    shape: Vec<usize>,
    code: u8,
    bits: u8,
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
        self.export().complete()
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
        // SAFETY: the caller says that the stream is this context's, and lives.
        unsafe { self.export().ordered(stream) }
    }

    fn export(self) -> Export<P> {
        let bits = P::LAYOUT.bits();
        Export {
            shape: vec![self.height as usize, self.width as usize, 4],
            device: self.device,
            buffer: self.buffer,
            code: if bits == 8 { DL_UINT } else { DL_FLOAT },
            bits: bits as u8,
        }
    }
}

impl Tensor {
    /// Exports the tensor without a copy: of four dimensions, as [`shape`](Self::shape) says. Its elements
    /// are `uint8`, `float16`, `bfloat16` or `float32`. Waits as
    /// [`DeviceImage::into_dlpack`](crate::DeviceImage::into_dlpack) does.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Device`](crate::ErrorKind::Device); the tensor is then lost.
    pub fn into_dlpack(self) -> Result<DlpackTensor> {
        self.export().complete()
    }

    /// Exports the tensor for a consumer that works on `stream`, as
    /// [`DeviceImage::into_dlpack_on`](crate::DeviceImage::into_dlpack_on) does.
    ///
    /// # Errors
    ///
    /// As there; the tensor is then lost.
    ///
    /// # Safety
    ///
    /// As there.
    #[cfg(feature = "cuda")]
    pub unsafe fn into_dlpack_on(self, stream: CUstream) -> Result<DlpackTensor> {
        // SAFETY: the caller says that the stream is this context's, and lives.
        unsafe { self.export().ordered(stream) }
    }

    fn export(self) -> Export<imagecuda_kernels::pixel::RgbaF32> {
        let code = match self.element() {
            TensorElement::U8 => DL_UINT,
            TensorElement::Bf16 => DL_BFLOAT,
            _ => DL_FLOAT,
        };
        Export {
            shape: self.shape().to_vec(),
            bits: 8 * self.element().bytes() as u8,
            device: self.device,
            buffer: self.buffer,
            code,
        }
    }
}

impl<P: DevicePixel> Export<P> {
    /// The tensor, once its elements are complete.
    fn complete(self) -> Result<DlpackTensor> {
        if let Inner::Cuda(context) = self.device.inner() {
            context.wait_for_stream()?;
        }
        Ok(self.into_tensor(None))
    }

    /// The tensor, for which `stream` waits.
    ///
    /// # Safety
    ///
    /// As `into_dlpack_on`.
    #[cfg(feature = "cuda")]
    unsafe fn ordered(self, stream: CUstream) -> Result<DlpackTensor> {
        let Inner::Cuda(context) = self.device.inner() else {
            return Err(ErrorKind::DeviceMismatch.into());
        };
        // SAFETY: what the caller promised.
        unsafe { context.order_before(stream)? };
        Ok(self.into_tensor(Some(stream.cast())))
    }

    fn into_tensor(mut self, stream: Option<*mut c_void>) -> DlpackTensor {
        let mut strides = vec![1; self.shape.len()];
        for i in (1..strides.len()).rev() {
            strides[i - 1] = strides[i] * self.shape[i];
        }
        let dimensions = self.shape.iter().chain(&strides);
        let dimensions = dimensions.map(|&extent| extent as i64).collect();
        let data = match &mut self.buffer {
            Buffer::Cpu(pixels) => pixels.as_mut_ptr().cast(),
            Buffer::Cuda(buffer) => buffer.address() as *mut c_void,
        };
        let mut exported = Exported {
            dimensions,
            stream,
            device: self.device,
            _memory: Box::new(self.buffer),
        };
        let device = match exported.device.ordinal() {
            None => (DL_CPU, 0),
            Some(ordinal) => (DL_CUDA, ordinal.cast_signed()),
        };
        let (shape, strides) = exported.dimensions.split_at_mut(strides.len());
        let tensor = DLTensor {
            data,
            device: DLDevice {
                device_type: device.0,
                device_id: device.1,
            },
            ndim: shape.len() as i32,
            dtype: DLDataType {
                code: self.code,
                bits: self.bits,
                lanes: 1,
            },
            shape: shape.as_mut_ptr(),
            strides: strides.as_mut_ptr(),
            byte_offset: 0,
        };
        DlpackTensor {
            tensor,
            flags: 0,
            owner: Box::new(exported),
        }
    }
}

impl Drop for Exported {
    fn drop(&mut self) {
        // The memory is freed in the order of this crate's stream, which does not know of the
        // consumer's work.
        if let Inner::Cuda(context) = self.device.inner() {
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
