//! Device memory that changes hands with the crate `cudarc`.

use super::{Context, buffer::Buffer, memory::DeviceBytes};
use crate::{Device, Error, ErrorKind, Result, device::DevicePixel};
use cudarc::driver::{CudaSlice, CudaStream, DevicePtrMut};
use std::{marker::PhantomData, sync::Arc};

/// The alignment that kernels need.
const ALIGNMENT: u64 = 16;

impl Context {
    /// Whether a stream is one of this context's.
    fn has(&self, stream: &CudaStream) -> bool {
        stream.context().cu_ctx().cast() == self.primary.as_raw()
    }
}

impl<P: DevicePixel> Buffer<P> {
    /// Hands the memory to `cudarc`, as `len` values. Work that enters `stream` from now on waits for ours,
    /// and so does what `cudarc` does with the slice in other streams.
    pub(crate) fn into_cuda_slice<T>(
        self,
        stream: &Arc<CudaStream>,
        len: usize,
    ) -> Result<CudaSlice<T>> {
        let context = self.context().clone();
        if !context.has(stream) {
            return Err(ErrorKind::DeviceMismatch.into());
        }
        assert!(
            len * size_of::<T>() <= self.bytes(),
            "more values than room"
        );
        // SAFETY: the stream is this context's, as was looked at, and lives as it is borrowed.
        unsafe { context.order_before(stream.cu_stream().cast())? };
        let address = self.into_bytes().leak().as_raw();
        // SAFETY: the memory has so many values, of types for which all bits are valid. It was allocated in
        // stream order where the device can do that, and `cudarc` frees it in the same way.
        let mut slice = unsafe { stream.upgrade_device_ptr(address, len) };
        // For `cudarc` our work is a write in this stream, which it records here.
        let (_, write) = slice.device_ptr_mut(stream);
        drop(write);
        Ok(slice)
    }

    /// Takes over the memory of a slice, with room for `len` pixels. Our work waits for what is in the
    /// slice's stream.
    pub(crate) fn from_cuda_slice<T>(slice: CudaSlice<T>, len: usize) -> Result<(Device, Self)> {
        let stream = Arc::clone(slice.stream());
        let device = Device::cuda(stream.context().ordinal() as u32)?;
        let crate::device::Inner::Cuda(context) = device.inner() else {
            return Err(ErrorKind::DeviceMismatch.into());
        };
        if !context.has(&stream) {
            return Err(ErrorKind::DeviceMismatch.into());
        }
        let bytes = slice.len() * size_of::<T>();
        assert!(len * size_of::<P>() <= bytes, "more pixels than room");
        // Its stream waits for what other streams do with the slice.
        let address = slice.leak();
        // SAFETY: nobody else has the memory any longer, which `cudarc` allocated in the way in which it is
        // freed here.
        let memory = unsafe { DeviceBytes::adopt(context, address, bytes) };
        // SAFETY: the stream is this context's, as was looked at, and lives here.
        unsafe { context.order_after(stream.cu_stream().cast())? };
        if !address.is_multiple_of(ALIGNMENT) {
            let reason = "its memory does not begin at a multiple of 16";
            return Err(Error::option("slice", reason));
        }
        let pixel = PhantomData;
        Ok((device.clone(), Self::of(memory, len, pixel)))
    }
}
