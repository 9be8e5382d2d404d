//! Device memory, and what moves it.

use super::{
    Context,
    error::{check_raw, device_error},
    pinned::Pinned,
};
use crate::{Error, ErrorKind, Result, device::DevicePixel, parallel};
use cust::{
    device::Device,
    memory::{DeviceBuffer, DevicePointer},
    sys,
};
use std::{
    collections::VecDeque,
    ffi::c_void,
    fmt,
    marker::PhantomData,
    mem::{self, ManuallyDrop},
    ptr,
    sync::Arc,
};

/// Freed memory that a device's pool keeps for the next allocation.
const KEEP: u64 = 1 << 30;

/// Every allocation is a multiple of this, so that kernels may write whole words.
const GRAIN: usize = 16;

/// What a copy from or to pageable memory moves at a time: large enough for full speed, small
/// enough that the next piece is prepared while one travels.
const PIECE: usize = 8 << 20;

/// Pieces in flight.
const RING: usize = 3;

/// Where device memory comes from.
pub(super) struct Allocator {
    /// A stream-ordered pool; `None` where the driver has none.
    pool: Option<sys::CUmemoryPool>,
}

// SAFETY: the pool is a handle, tied to a device and to no thread, made once and never destroyed; the
// driver takes locks of its own around whatever is done with it.
unsafe impl Send for Allocator {}
// SAFETY: as above.
unsafe impl Sync for Allocator {}

impl Allocator {
    pub(super) fn new(device: Device) -> Result<Self> {
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
        // SAFETY: zeros are a value of each field: its enums all list 0, its pointer may be null,
        // and the rest is bytes.
        let mut properties: sys::CUmemPoolProps = unsafe { mem::zeroed() };
        properties.allocType = sys::CUmemAllocationType::CU_MEM_ALLOCATION_TYPE_PINNED;
        properties.location.type_ = sys::CUmemLocationType::CU_MEM_LOCATION_TYPE_DEVICE;
        properties.location.id = device.as_raw();
        let mut pool = ptr::null_mut();
        // SAFETY: the driver reads the properties, a whole struct of its own type, and writes one
        // handle, to a local that has room for it.
        let result = unsafe { sys::cuMemPoolCreate(&mut pool, &properties) };
        check_raw("cuMemPoolCreate", result)?;
        let mut keep = KEEP;
        // SAFETY: the pool was just made, and this attribute of it is a `u64`, which the driver
        // copies before it returns.
        let result = unsafe {
            sys::cuMemPoolSetAttribute(
                pool,
                sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD,
                ptr::from_mut(&mut keep).cast::<c_void>(),
            )
        };
        check_raw("cuMemPoolSetAttribute", result)?;
        Ok(Self { pool: Some(pool) })
    }
}

impl Context {
    /// `bytes` of device memory. The context must be current.
    fn allocate(&self, bytes: usize) -> Result<DeviceBuffer<u8>> {
        const OUT_OF_MEMORY: u32 = sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY as u32;
        match self.try_allocate(bytes) {
            Err(OUT_OF_MEMORY) => {}
            other => return other.map_err(|code| device_error("cuMemAlloc", code)),
        }
        // What is freed in stream order may not have arrived, and pools keep what they have.
        self.scratch.clear();
        self.wait_for_all()?;
        if let Some(pool) = self.memory.pool {
            // SAFETY: the pool is this context's, and is never destroyed. What is in use stays: only
            // memory that nobody has goes back to the system.
            check_raw("cuMemPoolTrimTo", unsafe { sys::cuMemPoolTrimTo(pool, 0) })?;
        }
        self.try_allocate(bytes).map_err(|code| match code {
            OUT_OF_MEMORY => out_of_memory(bytes),
            code => device_error("cuMemAlloc", code),
        })
    }

    /// The memory, or CUDA's error number.
    fn try_allocate(&self, bytes: usize) -> Result<DeviceBuffer<u8>, u32> {
        let Some(pool) = self.memory.pool else {
            // SAFETY: bytes of the device, of which no reference is ever made on the host, so that
            // nothing here can read what is not written; kernels read what their callers wrote.
            let buffer = unsafe { DeviceBuffer::uninitialized(bytes) };
            return buffer.map_err(|error| error as u32);
        };
        let mut pointer = 0;
        // SAFETY: the pool and the stream are this context's, and live as long as it does; the
        // driver writes one address, to a local that has room for it.
        let result = unsafe {
            sys::cuMemAllocFromPoolAsync(&mut pointer, bytes, pool, self.stream.as_inner())
        };
        if result != sys::CUresult::CUDA_SUCCESS {
            return Err(result as u32);
        }
        let pointer = DevicePointer::from_raw(pointer);
        // SAFETY: the driver has just given these bytes to us alone, and `DeviceBytes`, the only
        // owner, frees them as they were allocated, in the order of the stream.
        Ok(unsafe { DeviceBuffer::from_raw_parts(pointer, bytes) })
    }
}

/// The current context cannot give `requested` bytes.
fn out_of_memory(requested: usize) -> Error {
    let free = cust::memory::mem_get_info().ok().map(|(free, _)| free);
    ErrorKind::OutOfMemory { requested, free }.into()
}

/// Device memory of one context, freed in the order of its stream.
pub(super) struct DeviceBytes {
    buffer: ManuallyDrop<DeviceBuffer<u8>>,
    context: Arc<Context>,
}

impl DeviceBytes {
    /// At least `bytes` bytes with anything in them; none are read before they are written.
    pub(super) fn uninitialized(context: &Arc<Context>, bytes: usize) -> Result<Self> {
        let _current = context.enter()?;
        let bytes = bytes
            .checked_next_multiple_of(GRAIN)
            .ok_or_else(|| out_of_memory(bytes))?;
        Ok(Self {
            buffer: ManuallyDrop::new(context.allocate(bytes)?),
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

impl Drop for DeviceBytes {
    fn drop(&mut self) {
        // `cust` frees in whatever context is current.
        let Ok(_current) = self.context.enter() else {
            return;
        };
        // SAFETY: taken once, as a value is dropped once, and not used afterwards.
        let buffer = unsafe { ManuallyDrop::take(&mut self.buffer) };
        // A failure means that the context is gone, and the memory with it.
        let _ = if self.context.memory.pool.is_some() {
            buffer.drop_async(&self.context.stream)
        } else {
            // Work on it may be queued; `cuMemFree` waits for that.
            DeviceBuffer::drop(buffer).map_err(|(error, _)| error)
        };
    }
}

/// Pixels in device memory.
pub(crate) struct Buffer<P> {
    bytes: DeviceBytes,
    len: usize,
    pixel: PhantomData<P>,
}

impl<P> fmt::Debug for Buffer<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} pixels on {:?}", self.len, self.context())
    }
}

impl<P: DevicePixel> Buffer<P> {
    pub(crate) fn uninitialized(context: &Arc<Context>, len: usize) -> Result<Self> {
        let bytes = len.saturating_mul(size_of::<P>());
        Ok(Self {
            bytes: DeviceBytes::uninitialized(context, bytes)?,
            len,
            pixel: PhantomData,
        })
    }

    pub(crate) fn zeroed(context: &Arc<Context>, len: usize) -> Result<Self> {
        let buffer = Self::uninitialized(context, len)?;
        let _current = context.enter()?;
        // SAFETY: the allocation succeeded, so `len` pixels fit into `usize` and into it; the stream
        // is its context's, which is current, and what frees the buffer later is in its order.
        let result = unsafe {
            sys::cuMemsetD8Async(
                buffer.pointer().as_raw(),
                0,
                len * size_of::<P>(),
                context.stream.as_inner(),
            )
        };
        check_raw("cuMemsetD8Async", result)?;
        Ok(buffer)
    }

    /// Overwrites the first bytes with `src`, through pinned memory: each piece is copied there
    /// while those before it travel. Returns when `src` is no longer needed.
    pub(crate) fn upload(&mut self, src: &[u8]) -> Result<()> {
        assert!(src.len() <= self.bytes(), "more bytes than room");
        let context = self.context().clone();
        let _current = context.enter()?;
        // All memory before the first copy: a failure to get it changes nothing.
        let mut ring = context.ring(src.len())?;
        let mut target = self.pointer();
        for (i, piece) in src.chunks(PIECE).enumerate() {
            let slot = i % ring.len();
            let staging = &mut ring[slot];
            staging.wait()?;
            parallel_copy(piece, &mut staging[..piece.len()]);
            staging.start_upload(target, piece.len(), &context.stream)?;
            target = target.wrapping_add(piece.len());
        }
        Ok(())
    }

    /// Copies the first bytes to `dst`, through pinned memory: each piece is taken out while
    /// those after it travel.
    pub(crate) fn download(&self, dst: &mut [u8]) -> Result<()> {
        assert!(dst.len() <= self.bytes(), "more bytes than there are");
        let context = self.context();
        let _current = context.enter()?;
        let mut ring = context.ring(dst.len())?;
        let mut source = self.pointer();
        let mut travelling: VecDeque<(usize, &mut [u8])> = VecDeque::new();
        for (i, piece) in dst.chunks_mut(PIECE).enumerate() {
            let slot = i % ring.len();
            if travelling.len() == ring.len() {
                arrive(&mut ring, travelling.pop_front())?;
            }
            ring[slot].start_fetch(source, piece.len(), &context.stream)?;
            source = source.wrapping_add(piece.len());
            travelling.push_back((slot, piece));
        }
        while !travelling.is_empty() {
            arrive(&mut ring, travelling.pop_front())?;
        }
        Ok(())
    }

    /// Copies the first `len` pixels of `src`. Does not wait.
    pub(crate) fn copy_from(&mut self, src: &Self, len: usize) -> Result<()> {
        assert!(len <= self.len && len <= src.len, "more pixels than room");
        if self.context().ordinal != src.context().ordinal {
            // Another GPU: through the host, which works whatever connects the two.
            let mut bytes = crate::memory::zeroed(len * size_of::<P>())?;
            src.download(&mut bytes)?;
            return self.upload(&bytes);
        }
        let context = self.context();
        let _current = context.enter()?;
        context.copy(src.pointer(), self.pointer(), len * size_of::<P>())
    }
}

impl Context {
    /// Pinned memory for a transfer of `bytes` bytes in pieces.
    fn ring(self: &Arc<Self>, bytes: usize) -> Result<Vec<Pinned>> {
        let pieces = bytes.div_ceil(PIECE).min(RING);
        (0..pieces).map(|_| self.pinned(bytes.min(PIECE))).collect()
    }

    /// Copies within the device. The context must be current, both sides must have `bytes`
    /// bytes and must not overlap, which two images never do. Does not wait.
    pub(super) fn copy(
        &self,
        src: DevicePointer<u8>,
        dst: DevicePointer<u8>,
        bytes: usize,
    ) -> Result<()> {
        // SAFETY: the driver checks neither size nor overlap; the callers do, as the documentation
        // asks. The stream is this context's, and what frees either side later is in its order.
        let result = unsafe {
            sys::cuMemcpyDtoDAsync_v2(dst.as_raw(), src.as_raw(), bytes, self.stream.as_inner())
        };
        check_raw("cuMemcpyDtoDAsync", result)
    }
}

impl<P> Buffer<P> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    fn bytes(&self) -> usize {
        self.len * size_of::<P>()
    }

    pub(crate) fn pointer(&self) -> DevicePointer<u8> {
        self.bytes.pointer()
    }

    pub(super) fn context(&self) -> &Arc<Context> {
        &self.bytes.context
    }

    /// That both buffers are of one context.
    pub(super) fn check_same_context<Q>(&self, other: &Buffer<Q>) -> Result<()> {
        if self.context().ordinal == other.context().ordinal {
            Ok(())
        } else {
            Err(Error::from(ErrorKind::DeviceMismatch))
        }
    }
}

/// Waits for a piece of a download, and takes it out of pinned memory.
fn arrive(ring: &mut [Pinned], piece: Option<(usize, &mut [u8])>) -> Result<()> {
    let Some((slot, dst)) = piece else {
        return Ok(());
    };
    ring[slot].wait()?;
    parallel_copy(&ring[slot][..dst.len()], dst);
    Ok(())
}

/// One core cannot fill a PCIe link.
pub(super) fn parallel_copy(src: &[u8], dst: &mut [u8]) {
    const PART: usize = 1 << 20;
    let parts = dst.chunks_mut(PART).zip(src.chunks(PART));
    parallel::for_each(parts, |(dst, src)| dst.copy_from_slice(src));
}
