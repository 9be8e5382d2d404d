//! Pixels in device memory, and copies between them and other memory.

use super::{Context, error::check_raw, memory::DeviceBytes, pinned::Pinned};
use crate::{Error, ErrorKind, Result, device::DevicePixel, parallel};
use cust::{memory::DevicePointer, stream::Stream, sys};
use std::{collections::VecDeque, fmt, marker::PhantomData, sync::Arc};

/// The size of one piece of a copy from or to pageable memory. It is large enough for full speed,
/// and small enough that the next piece is prepared while one is in flight.
const PIECE: usize = 8 << 20;

/// The number of pieces in flight.
const RING: usize = 3;

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

#[cfg(feature = "cudarc")]
impl<P> Buffer<P> {
    pub(super) fn into_bytes(self) -> DeviceBytes {
        self.bytes
    }

    pub(super) fn of(bytes: DeviceBytes, len: usize, pixel: PhantomData<P>) -> Self {
        Self { bytes, len, pixel }
    }
}

impl<P: DevicePixel> Buffer<P> {
    pub(crate) fn uninitialized(context: &Arc<Context>, len: usize) -> Result<Self> {
        Self::uninitialized_in(context, len, &context.stream.work())
    }

    /// Pixels that are allocated in the order of another stream. The caller sees to it that they are used
    /// elsewhere, or dropped, only once this stream has come so far.
    pub(super) fn uninitialized_in(
        context: &Arc<Context>,
        len: usize,
        stream: &Stream,
    ) -> Result<Self> {
        let bytes = len.saturating_mul(size_of::<P>());
        Ok(Self {
            bytes: DeviceBytes::uninitialized_in(context, bytes, stream)?,
            len,
            pixel: PhantomData,
        })
    }

    pub(crate) fn zeroed(context: &Arc<Context>, len: usize) -> Result<Self> {
        let buffer = Self::uninitialized(context, len)?;
        let _current = context.enter()?;
        // SAFETY: the allocation succeeded, so `len` pixels fit into it, and their size fits
        // `usize`. The stream belongs to the current context, and the buffer is freed in its order.
        let result = unsafe {
            sys::cuMemsetD8Async(
                buffer.pointer().as_raw(),
                0,
                len * size_of::<P>(),
                context.stream.work().as_inner(),
            )
        };
        check_raw("cuMemsetD8Async", result)?;
        Ok(buffer)
    }

    /// Overwrites the first bytes with `src`, through pinned memory: one piece is copied there
    /// while earlier pieces are in flight. Returns when `src` is no longer needed.
    pub(crate) fn upload(&mut self, src: &[u8]) -> Result<()> {
        assert!(src.len() <= self.bytes(), "more bytes than room");
        let context = self.context().clone();
        let _current = context.enter()?;
        // All memory is allocated before the first copy, so a failure changes nothing.
        let mut ring = context.ring(src.len())?;
        let mut target = self.pointer();
        for (i, piece) in src.chunks(PIECE).enumerate() {
            let slot = i % ring.len();
            let staging = &mut ring[slot];
            staging.wait()?;
            parallel_copy(piece, &mut staging[..piece.len()]);
            staging.start_upload(target, piece.len(), &context.stream.work())?;
            target = target.wrapping_add(piece.len());
        }
        Ok(())
    }

    /// Copies the first bytes to `dst`, through pinned memory: one piece is copied from there while
    /// later pieces are in flight.
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
            ring[slot].start_fetch(source, piece.len(), &context.stream.work())?;
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
            // Between two GPUs the copy goes through the host, which works however they are
            // connected.
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
    /// Pinned memory for the pieces of a transfer of `bytes` bytes.
    fn ring(self: &Arc<Self>, bytes: usize) -> Result<Vec<Pinned>> {
        let pieces = bytes.div_ceil(PIECE).min(RING);
        (0..pieces).map(|_| self.pinned(bytes.min(PIECE))).collect()
    }

    /// Copies within the device. The context must be current. Both sides must have `bytes` bytes
    /// and must not overlap; two images never do. Does not wait.
    pub(super) fn copy(
        &self,
        src: DevicePointer<u8>,
        dst: DevicePointer<u8>,
        bytes: usize,
    ) -> Result<()> {
        // SAFETY: the driver checks neither sizes nor overlap; this function's documentation asks
        // the callers to. The stream belongs to this context, and both sides are freed in its
        // order.
        let result = unsafe {
            sys::cuMemcpyDtoDAsync_v2(
                dst.as_raw(),
                src.as_raw(),
                bytes,
                self.stream.work().as_inner(),
            )
        };
        check_raw("cuMemcpyDtoDAsync", result)
    }
}

impl<P> Buffer<P> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn bytes(&self) -> usize {
        self.len * size_of::<P>()
    }

    pub(crate) fn pointer(&self) -> DevicePointer<u8> {
        self.bytes.pointer()
    }

    pub(super) fn context(&self) -> &Arc<Context> {
        self.bytes.context()
    }

    /// Fails unless both buffers belong to one context.
    pub(super) fn check_same_context<Q>(&self, other: &Buffer<Q>) -> Result<()> {
        if self.context().ordinal == other.context().ordinal {
            Ok(())
        } else {
            Err(Error::from(ErrorKind::DeviceMismatch))
        }
    }
}

/// Waits for a piece of a download, and copies it from pinned memory.
fn arrive(ring: &mut [Pinned], piece: Option<(usize, &mut [u8])>) -> Result<()> {
    let Some((slot, dst)) = piece else {
        return Ok(());
    };
    ring[slot].wait()?;
    parallel_copy(&ring[slot][..dst.len()], dst);
    Ok(())
}

/// Copies on several threads, as one core cannot fill a PCIe link.
pub(super) fn parallel_copy(src: &[u8], dst: &mut [u8]) {
    const PART: usize = 1 << 20;
    let parts = dst.chunks_mut(PART).zip(src.chunks(PART));
    parallel::for_each(parts, |(dst, src)| dst.copy_from_slice(src));
}
