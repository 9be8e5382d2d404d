//! Device memory: where it comes from, and that it is freed.

use super::{
    Context,
    error::{check_raw, device_error},
};
use crate::{Error, ErrorKind, Result};
use cust::{
    device::Device,
    memory::{DeviceBuffer, DevicePointer},
    stream::Stream,
    sys,
};
use std::{
    ffi::c_void,
    mem::{self, ManuallyDrop},
    ptr,
    sync::Arc,
};

/// How much freed memory a device's pool keeps at least for later allocations. To get memory from the system takes
/// longer than to decode a picture into it.
const KEEP: u64 = 1 << 30;

/// Every allocation is a multiple of this, so that kernels may write whole words.
const GRAIN: usize = 16;

/// Where device memory comes from.
pub(super) struct Allocator {
    /// A stream-ordered pool. `None` if the driver has none.
    pool: Option<sys::CUmemoryPool>,
}

// SAFETY: the pool is a handle that belongs to a device and to no thread. It is made once and never
// destroyed. The driver locks around every use.
unsafe impl Send for Allocator {}
// SAFETY: as above.
unsafe impl Sync for Allocator {}

impl Allocator {
    pub(super) fn new(device: Device, all_memory: u64) -> Result<Self> {
        let mut supported = 0;
        // `cust` does not list this attribute. SAFETY: the driver writes one integer.
        let result = unsafe {
            sys::cuDeviceGetAttribute(
                &mut supported,
                sys::CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED,
                device.as_raw(),
            )
        };
        // Drivers before 11.2 know neither the attribute nor pools.
        if check_raw("cuDeviceGetAttribute", result).is_err() || supported == 0 {
            return Ok(Self { pool: None });
        }
        // SAFETY: zero is a valid value of each field: the enums all list 0, the pointer may be
        // null, and the rest is bytes.
        let mut properties: sys::CUmemPoolProps = unsafe { mem::zeroed() };
        properties.allocType = sys::CUmemAllocationType::CU_MEM_ALLOCATION_TYPE_PINNED;
        properties.location.type_ = sys::CUmemLocationType::CU_MEM_LOCATION_TYPE_DEVICE;
        properties.location.id = device.as_raw();
        let mut pool = ptr::null_mut();
        // SAFETY: the driver reads the properties, a whole struct of its own type. It writes one
        // handle, to a local variable that has room for it.
        let result = unsafe { sys::cuMemPoolCreate(&mut pool, &properties) };
        check_raw("cuMemPoolCreate", result)?;
        let allocator = Self { pool: Some(pool) };
        allocator.set_release_threshold(KEEP.max(all_memory / 16))?;
        Ok(allocator)
    }

    pub(super) fn pool(&self) -> Option<sys::CUmemoryPool> {
        self.pool
    }

    /// Sets how many bytes the driver's pool holds before it gives unused ones back.
    pub(super) fn set_release_threshold(&self, bytes: u64) -> Result<()> {
        let Some(pool) = self.pool else {
            return Ok(());
        };
        let mut bytes = bytes;
        // SAFETY: the pool is never destroyed. This attribute is a `u64`, which the driver copies before
        // it returns.
        let result = unsafe {
            sys::cuMemPoolSetAttribute(
                pool,
                sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD,
                ptr::from_mut(&mut bytes).cast::<c_void>(),
            )
        };
        check_raw("cuMemPoolSetAttribute", result)
    }
}

impl Context {
    /// Allocates `bytes` of device memory in the order of `stream`. The context must be current.
    fn allocate(&self, bytes: usize, stream: &Stream) -> Result<DeviceBuffer<u8>> {
        const OUT_OF_MEMORY: u32 = sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY as u32;
        match self.try_allocate(bytes, stream) {
            Err(OUT_OF_MEMORY) => {}
            other => return other.map_err(|code| device_error("cuMemAlloc", code)),
        }
        // Memory that was freed in stream order may not be available yet, and pools keep freed
        // memory, as they keep tables and decoders. So end those, wait, give all back to the driver,
        // and try again.
        self.scratch.trim(0);
        self.tables.clear();
        self.jpeg_tables.clear();
        self.videos.trim();
        self.wait_for_all()?;
        if let Some(pool) = self.memory.pool {
            // SAFETY: the pool is this context's, and is never destroyed. Only unused memory goes
            // back to the driver.
            check_raw("cuMemPoolTrimTo", unsafe { sys::cuMemPoolTrimTo(pool, 0) })?;
        }
        self.try_allocate(bytes, stream).map_err(|code| match code {
            OUT_OF_MEMORY => out_of_memory(bytes),
            code => device_error("cuMemAlloc", code),
        })
    }

    /// Allocates the memory, or returns CUDA's error number.
    fn try_allocate(&self, bytes: usize, stream: &Stream) -> Result<DeviceBuffer<u8>, u32> {
        let Some(pool) = self.memory.pool else {
            // SAFETY: these are bytes of the device. The host never makes a reference to them, so
            // nothing here can read uninitialised memory. Kernels read only what was written.
            let buffer = unsafe { DeviceBuffer::uninitialized(bytes) };
            return buffer.map_err(|error| error as u32);
        };
        let mut pointer = 0;
        // SAFETY: the pool and the stream belong to this context and live as long as it does. The
        // driver writes one address, to a local variable that has room for it.
        let result =
            unsafe { sys::cuMemAllocFromPoolAsync(&mut pointer, bytes, pool, stream.as_inner()) };
        if result != sys::CUresult::CUDA_SUCCESS {
            return Err(result as u32);
        }
        let pointer = DevicePointer::from_raw(pointer);
        // SAFETY: the driver has just allocated these bytes. `DeviceBytes` is their only owner, and
        // frees them the way they were allocated, in stream order.
        Ok(unsafe { DeviceBuffer::from_raw_parts(pointer, bytes) })
    }
}

/// The error for a failed allocation of `requested` bytes in the current context.
fn out_of_memory(requested: usize) -> Error {
    let free = cust::memory::mem_get_info().ok().map(|(free, _)| free);
    ErrorKind::OutOfMemory { requested, free }.into()
}

/// Device memory of one context. It is freed in the order of its stream.
pub(super) struct DeviceBytes {
    buffer: ManuallyDrop<DeviceBuffer<u8>>,
    context: Arc<Context>,
}

impl DeviceBytes {
    /// Allocates at least `bytes` bytes. They are uninitialised: callers write before they read.
    pub(super) fn uninitialized(context: &Arc<Context>, bytes: usize) -> Result<Self> {
        Self::uninitialized_in(context, bytes, &context.stream.work())
    }

    /// As [`uninitialized`](Self::uninitialized), in the order of another stream. The caller sees to it
    /// that the memory is used elsewhere only once this stream has come so far.
    pub(super) fn uninitialized_in(
        context: &Arc<Context>,
        bytes: usize,
        stream: &Stream,
    ) -> Result<Self> {
        let _current = context.enter()?;
        let bytes = bytes
            .checked_next_multiple_of(GRAIN)
            .ok_or_else(|| out_of_memory(bytes))?;
        Ok(Self {
            buffer: ManuallyDrop::new(context.allocate(bytes, stream)?),
            context: Arc::clone(context),
        })
    }

    pub(super) fn pointer(&self) -> DevicePointer<u8> {
        self.buffer.as_device_ptr()
    }

    pub(super) fn context(&self) -> &Arc<Context> {
        &self.context
    }
}

#[cfg(feature = "cudarc")]
impl DeviceBytes {
    /// The memory, which somebody else frees.
    pub(super) fn leak(self) -> DevicePointer<u8> {
        let this = ManuallyDrop::new(self);
        let pointer = this.pointer();
        // SAFETY: `this` is not used or dropped afterwards, so the context is taken once.
        drop(unsafe { ptr::read(&this.context) });
        pointer
    }

    /// Takes over memory.
    ///
    /// # Safety
    ///
    /// Nobody else has the memory, which has so many bytes, and was allocated in stream order if the device
    /// can do that.
    pub(super) unsafe fn adopt(context: &Arc<Context>, address: u64, bytes: usize) -> Self {
        let pointer = DevicePointer::from_raw(address);
        // SAFETY: what the caller promised.
        let buffer = unsafe { DeviceBuffer::from_raw_parts(pointer, bytes) };
        Self {
            buffer: ManuallyDrop::new(buffer),
            context: Arc::clone(context),
        }
    }
}

impl Drop for DeviceBytes {
    fn drop(&mut self) {
        // `cust` frees in the current context, so make the right one current.
        let Ok(_current) = self.context.enter() else {
            return;
        };
        // SAFETY: `drop` runs once, so the value is taken once, and it is not used afterwards.
        let buffer = unsafe { ManuallyDrop::take(&mut self.buffer) };
        // If this fails, the context is gone, and its memory with it.
        let _ = if self.context.memory.pool.is_some() {
            buffer.drop_async(&self.context.stream.work())
        } else {
            // Work on the memory may be queued. `cuMemFree` waits for that.
            DeviceBuffer::drop(buffer).map_err(|(error, _)| error)
        };
    }
}
