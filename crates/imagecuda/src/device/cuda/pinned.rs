//! Page-locked (pinned) host memory. A GPU copies at full speed, and without the caller waiting,
//! only from and to pinned memory. Locking pages is slow, so buffers are kept and reused.

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

/// The most bytes of idle buffers that are kept. Fewer are kept if fewer were ever in flight at
/// once.
pub(super) const KEEP: usize = 2 << 30;

/// Locked pages, and an event that tells when the device has finished with them. The event is made
/// with the buffer, so that after a copy is queued nothing can fail before it is possible to wait.
pub(super) struct Locked {
    buffer: LockedBuffer<u8>,
    done: Event,
    in_flight: bool,
}

impl Locked {
    /// Makes a buffer. The context must be current.
    fn new(bytes: usize) -> Result<Self> {
        let done = Event::new()?;
        // SAFETY: any bits are a valid `u8`. The compiler does not treat these as uninitialised:
        // they come from the driver, and were written by the system or by an earlier user.
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

    fn is_known_free(&self) -> bool {
        !self.in_flight
    }

    /// Waits until the device has finished with the pages, and unlocks them.
    fn free(self) {
        if self.in_flight {
            // If waiting fails, the context has failed, and nothing uses the buffer any more.
            let _ = self.done.wait();
        }
        let _ = LockedBuffer::drop(self.buffer);
    }
}

impl Context {
    /// Returns `len` bytes of pinned memory with undefined contents.
    pub(crate) fn pinned(self: &Arc<Self>, len: usize) -> Result<Pinned> {
        let locked = match self.pinned.take_known(len) {
            Some(locked) => locked,
            None => self.find_locked(len)?,
        };
        Ok(Pinned {
            locked: ManuallyDrop::new(locked),
            len,
            context: Arc::clone(self),
        })
    }

    fn find_locked(&self, len: usize) -> Result<Locked> {
        let _current = self.enter()?;
        if self.pinned.is_crowded() {
            // The device is behind. More buffers would not help.
            self.wait_for_all()?;
        }
        match self.pinned.take(len) {
            Some(locked) => Ok(Locked {
                in_flight: false,
                ..locked
            }),
            None => self.lock_pages(size_class(len)),
        }
    }

    fn lock_pages(&self, bytes: usize) -> Result<Locked> {
        let locked = Locked::new(bytes).or_else(|_| {
            self.pinned.trim(0);
            Locked::new(bytes)
        })?;
        self.pinned.count();
        Ok(locked)
    }
}

/// Page-locked host memory. It goes back to its pool when it is dropped.
pub(crate) struct Pinned {
    locked: ManuallyDrop<Locked>,
    len: usize,
    context: Arc<Context>,
}

impl Pinned {
    /// Starts to copy the first `len` bytes to the device, in the order of `stream`. Do not touch
    /// them before [`wait`](Self::wait); dropping the buffer is fine. The context must be current.
    pub(super) fn start_upload(
        &mut self,
        target: DevicePointer<u8>,
        len: usize,
        stream: &Stream,
    ) -> Result<()> {
        self.start_upload_part(0..len, target, stream)
    }

    /// As [`start_upload`](Self::start_upload), of a part. Other parts may be written meanwhile.
    pub(super) fn start_upload_part(
        &mut self,
        part: std::ops::Range<usize>,
        target: DevicePointer<u8>,
        stream: &Stream,
    ) -> Result<()> {
        self.start_upload_of(part, target, stream)?;
        self.mark(stream)
    }

    /// Starts to copy a part to the device, in the order of `stream`. The caller must know when
    /// that is done, and keep the buffer until then. The context must be current.
    pub(super) fn start_upload_of(
        &self,
        part: std::ops::Range<usize>,
        target: DevicePointer<u8>,
        stream: &Stream,
    ) -> Result<()> {
        let part = &self[part];
        let (from, queue) = (part.as_ptr().cast(), stream.as_inner());
        // SAFETY: the source is pinned, its length was checked, and the caller keeps it. The
        // callers' target is at least as long.
        let result = unsafe { sys::cuMemcpyHtoDAsync_v2(target.as_raw(), from, part.len(), queue) };
        check_raw("cuMemcpyHtoDAsync", result)
    }

    /// Starts to copy `len` bytes from the device into this buffer, in the order of `stream`. Do
    /// not touch them before [`wait`](Self::wait). The context must be current.
    pub(super) fn start_fetch(
        &mut self,
        src: DevicePointer<u8>,
        len: usize,
        stream: &Stream,
    ) -> Result<()> {
        let queue = stream.as_inner();
        // SAFETY: the target is pinned, and its length was checked. It is neither freed nor reused
        // before its event has passed. The callers' source is at least as long.
        let result = unsafe {
            sys::cuMemcpyDtoHAsync_v2(self[..len].as_mut_ptr().cast(), src.as_raw(), len, queue)
        };
        check_raw("cuMemcpyDtoHAsync", result)?;
        self.mark(stream)
    }

    /// Records that the device uses the buffer until the work that is in the stream now is done.
    pub(super) fn mark(&mut self, stream: &Stream) -> Result<()> {
        // This is right even if the event could not be recorded, as then all work was waited for.
        self.locked.in_flight = true;
        self.locked.done.record(stream)
    }

    /// Makes work that enters `stream` from now on wait for the copy.
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
        // SAFETY: `drop` runs once, so the value is taken once, and it is not used afterwards.
        let locked = unsafe { ManuallyDrop::take(&mut self.locked) };
        let surplus = self.context.pinned.add(locked);
        if surplus.is_empty() {
            return;
        }
        match self.context.enter() {
            Ok(_current) => surplus.into_iter().for_each(Locked::free),
            // The context is gone, and the driver unlocked its pages.
            Err(_) => std::mem::forget(surplus),
        }
    }
}

impl fmt::Debug for Pinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} pinned bytes", self.len)
    }
}
