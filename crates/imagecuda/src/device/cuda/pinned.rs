//! Page-locked host memory: the only kind that a GPU copies at full speed and without the
//! caller waiting. Locking pages is slow, so buffers are kept and used again.

use super::{
    Context,
    error::{check_raw, from_cuda},
    event::Event,
};
use crate::{
    ErrorKind, Result,
    memory::{Block, size_class},
};
use cust::{
    error::CudaError,
    memory::{DevicePointer, LockedBuffer},
    stream::Stream,
    sys,
};
use std::{
    fmt,
    mem::ManuallyDrop,
    ops::{Deref, DerefMut},
    sync::Arc,
};

/// Idle bytes that are kept: what was in flight at once, and no more than this.
pub(super) const KEEP: usize = 2 << 30;

/// Locked pages, and an event for when the device has done with them. The event is made with
/// the buffer: nothing that can fail stands between queueing a copy and being able to wait.
pub(super) struct Locked {
    buffer: LockedBuffer<u8>,
    done: Event,
    in_flight: bool,
}

impl Locked {
    /// A new buffer. The context must be current.
    fn new(bytes: usize) -> Result<Self> {
        let done = Event::new()?;
        // SAFETY: any bits are a `u8`, and none of these are uninitialised to the compiler: the pages
        // come from the driver, and were written by the system or by an earlier user.
        let buffer = unsafe { LockedBuffer::uninitialized(bytes) };
        Ok(Self {
            buffer: buffer.map_err(|error| match error {
                CudaError::OutOfMemory => ErrorKind::OutOfMemory {
                    requested: bytes,
                    free: None,
                }
                .into(),
                other => from_cuda("cuMemAllocHost", other),
            })?,
            done,
            in_flight: false,
        })
    }
}

impl Block for Locked {
    fn bytes(&self) -> usize {
        self.buffer.len()
    }

    fn is_free(&self) -> bool {
        !self.in_flight || self.done.has_passed()
    }

    /// Unlocks the pages, once the device has done with them.
    fn free(self) {
        if self.in_flight {
            // If waiting fails, so has the context, and nothing uses the buffer any more.
            let _ = self.done.wait();
        }
        let _ = LockedBuffer::drop(self.buffer);
    }
}

impl Context {
    /// `len` bytes of pinned memory, with anything in them.
    pub(crate) fn pinned(self: &Arc<Self>, len: usize) -> Result<Pinned> {
        let _current = self.enter()?;
        if self.pinned.is_crowded() {
            // The device is behind. More buffers would not help it.
            self.wait_for_all()?;
        }
        let locked = match self.pinned.take(len) {
            Some(locked) => Locked {
                in_flight: false,
                ..locked
            },
            None => self.lock_pages(size_class(len))?,
        };
        Ok(Pinned {
            locked: ManuallyDrop::new(locked),
            len,
            context: Arc::clone(self),
        })
    }

    fn lock_pages(&self, bytes: usize) -> Result<Locked> {
        let locked = Locked::new(bytes).or_else(|_| {
            self.pinned.clear();
            Locked::new(bytes)
        })?;
        self.pinned.count();
        Ok(locked)
    }
}

/// Page-locked host memory, which goes back to its pool when dropped.
pub(crate) struct Pinned {
    locked: ManuallyDrop<Locked>,
    len: usize,
    context: Arc<Context>,
}

impl Pinned {
    /// Starts to copy the first `len` bytes to the device, in the order of `stream`. They must
    /// not be touched before [`wait`](Self::wait); dropping is fine. The context must be current.
    pub(super) fn start_upload(
        &mut self,
        target: DevicePointer<u8>,
        len: usize,
        stream: &Stream,
    ) -> Result<()> {
        let queue = stream.as_inner();
        // SAFETY: the source is pinned, checked for its length, and neither freed nor given to
        // anyone else before its event has passed; the callers' target is at least as long.
        let result = unsafe {
            sys::cuMemcpyHtoDAsync_v2(target.as_raw(), self[..len].as_ptr().cast(), len, queue)
        };
        check_raw("cuMemcpyHtoDAsync", result)?;
        self.mark(stream)
    }

    /// Starts to copy a part to the device, in the order of `stream`. The caller knows when that
    /// is done, and keeps the buffer until then. The context must be current.
    pub(super) fn start_upload_of(
        &self,
        part: std::ops::Range<usize>,
        target: DevicePointer<u8>,
        stream: &Stream,
    ) -> Result<()> {
        let part = &self[part];
        let (from, queue) = (part.as_ptr().cast(), stream.as_inner());
        // SAFETY: the source is pinned and checked for its length, and the caller keeps it; the
        // callers' target is at least as long.
        let result = unsafe { sys::cuMemcpyHtoDAsync_v2(target.as_raw(), from, part.len(), queue) };
        check_raw("cuMemcpyHtoDAsync", result)
    }

    /// Starts to copy `len` bytes of the device here, in the order of `stream`. They must not be
    /// touched before [`wait`](Self::wait). The context must be current.
    pub(super) fn start_fetch(
        &mut self,
        src: DevicePointer<u8>,
        len: usize,
        stream: &Stream,
    ) -> Result<()> {
        let queue = stream.as_inner();
        // SAFETY: the target is pinned, checked for its length, and neither freed nor given to
        // anyone else before its event has passed; the callers' source is at least as long.
        let result = unsafe {
            sys::cuMemcpyDtoHAsync_v2(self[..len].as_mut_ptr().cast(), src.as_raw(), len, queue)
        };
        check_raw("cuMemcpyDtoHAsync", result)?;
        self.mark(stream)
    }

    /// Notes that the device uses the buffer until what is now in the stream has run.
    fn mark(&mut self, stream: &Stream) -> Result<()> {
        // Also if the event cannot be recorded: then everything was waited for.
        self.locked.in_flight = true;
        self.locked.done.record(stream)
    }

    /// Makes what is put into `stream` from now on wait for the copy.
    pub(super) fn order_before(&self, stream: &Stream) -> Result<()> {
        self.locked.done.order_before(stream)
    }

    /// As [`wait`](Self::wait), for a thread that is in no hurry. The context must be current.
    pub(super) fn wait_asleep(&mut self) -> Result<()> {
        self.locked.done.wait_asleep()?;
        self.locked.in_flight = false;
        Ok(())
    }

    /// Waits until the device has done with the buffer.
    pub(crate) fn wait(&mut self) -> Result<()> {
        if self.locked.in_flight {
            let _current = self.context.enter()?;
            self.locked.done.wait()?;
            self.locked.in_flight = false;
        }
        Ok(())
    }
}

impl Deref for Pinned {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.locked.buffer[..self.len]
    }
}

impl DerefMut for Pinned {
    fn deref_mut(&mut self) -> &mut [u8] {
        let len = self.len;
        &mut self.locked.buffer[..len]
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        // SAFETY: taken once, as a value is dropped once, and not used afterwards.
        let locked = unsafe { ManuallyDrop::take(&mut self.locked) };
        match self.context.enter() {
            Ok(_current) => self.context.pinned.put(locked),
            // The context is gone, and the driver with it has unlocked the pages.
            Err(_) => std::mem::forget(locked),
        }
    }
}

impl fmt::Debug for Pinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} pinned bytes", self.len)
    }
}
