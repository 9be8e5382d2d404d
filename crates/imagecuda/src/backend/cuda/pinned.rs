//! Page-locked host memory: the only kind that a GPU copies at full speed and without the
//! caller waiting. Locking pages is slow, so buffers are kept and used again.

use super::{
    Context,
    error::{check, check_raw, from_cuda},
};
use crate::{ErrorKind, Result};
use cust::{
    error::CudaError,
    event::{Event, EventFlags, EventStatus},
    memory::{DevicePointer, LockedBuffer},
    sys,
};
use std::{
    fmt,
    mem::ManuallyDrop,
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Idle bytes that are kept, beside one buffer that may be larger.
const KEEP: usize = 512 << 20;

/// The smallest buffer.
const SMALLEST: usize = 64 << 10;

/// Locked pages, and an event for when the device has done with them. The event is made with
/// the buffer: nothing that can fail stands between queueing a copy and being able to wait.
struct Locked {
    buffer: LockedBuffer<u8>,
    done: Event,
    in_flight: bool,
}

impl Locked {
    /// A new buffer. The context must be current.
    fn new(bytes: usize) -> Result<Self, CudaError> {
        let done = Event::new(EventFlags::DISABLE_TIMING)?;
        // SAFETY: any bytes are valid, and the driver's pages have been written by the system
        // or by an earlier user.
        let buffer = unsafe { LockedBuffer::uninitialized(bytes) }?;
        Ok(Self {
            buffer,
            done,
            in_flight: false,
        })
    }

    fn is_free(&self) -> bool {
        // A failed query is a failed context; the next call that can report it will.
        !self.in_flight || !matches!(self.done.query(), Ok(EventStatus::NotReady))
    }

    /// Unlocks the pages, once the device has done with them.
    fn free(self) {
        if self.in_flight {
            // If waiting fails, so has the context, and nothing uses the buffer any more.
            let _ = self.done.synchronize();
        }
        let _ = LockedBuffer::drop(self.buffer);
    }
}

/// Buffers that nobody holds, the longest idle first.
#[derive(Default)]
pub(super) struct Pool(Mutex<Vec<Locked>>);

impl Pool {
    fn lock(&self) -> MutexGuard<'_, Vec<Locked>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The smallest free buffer of at least `bytes` and at most four times as many.
    fn take(&self, bytes: usize) -> Option<Locked> {
        let mut idle = self.lock();
        let fits =
            |b: &Locked| b.buffer.len() >= bytes && b.buffer.len() / 4 <= bytes.max(SMALLEST);
        let best = (0..idle.len())
            .filter(|&i| fits(&idle[i]) && idle[i].is_free())
            .min_by_key(|&i| idle[i].buffer.len())?;
        let mut locked = idle.remove(best);
        locked.in_flight = false;
        Some(locked)
    }

    /// Whether the device still uses most of what may be kept.
    fn is_crowded(&self) -> bool {
        let idle = self.lock();
        let busy = idle.iter().filter(|b| !b.is_free());
        busy.map(|b| b.buffer.len()).sum::<usize>() > KEEP / 2
    }

    fn put(&self, locked: Locked) {
        let surplus = {
            let mut idle = self.lock();
            idle.push(locked);
            let mut kept: usize = idle.iter().map(|b| b.buffer.len()).sum();
            let mut surplus = 0;
            while kept > KEEP && surplus + 1 < idle.len() {
                kept -= idle[surplus].buffer.len();
                surplus += 1;
            }
            idle.drain(..surplus).collect::<Vec<_>>()
        };
        surplus.into_iter().for_each(Locked::free);
    }

    fn clear(&self) {
        let all = std::mem::take(&mut *self.lock());
        all.into_iter().for_each(Locked::free);
    }
}

/// Sizes that later buffers can use again: eighths of powers of two.
fn size_class(bytes: usize) -> usize {
    let bytes = bytes.max(SMALLEST);
    let step = (bytes.checked_next_power_of_two().unwrap_or(bytes) / 8).max(SMALLEST);
    bytes.checked_next_multiple_of(step).unwrap_or(bytes)
}

impl Context {
    /// `len` bytes of pinned memory, with anything in them.
    pub(crate) fn pinned(self: &Arc<Self>, len: usize) -> Result<Pinned> {
        let _current = self.enter()?;
        if self.pinned.is_crowded() {
            // The device is behind. More buffers would not help it.
            check("cuStreamSynchronize", self.stream.synchronize())?;
        }
        let locked = match self.pinned.take(len) {
            Some(locked) => locked,
            None => self.lock_pages(size_class(len))?,
        };
        Ok(Pinned {
            locked: ManuallyDrop::new(locked),
            len,
            context: Arc::clone(self),
        })
    }

    fn lock_pages(&self, bytes: usize) -> Result<Locked> {
        Locked::new(bytes)
            .or_else(|_| {
                self.pinned.clear();
                Locked::new(bytes)
            })
            .map_err(|error| match error {
                CudaError::OutOfMemory => ErrorKind::OutOfMemory {
                    requested: bytes,
                    free: None,
                }
                .into(),
                other => from_cuda("cuMemAllocHost", other),
            })
    }

    /// Copies `len` bytes of the device to pinned memory, and waits. The context must be
    /// current.
    pub(super) fn fetch(self: &Arc<Self>, src: DevicePointer<u8>, len: usize) -> Result<Pinned> {
        let mut target = self.pinned(len)?;
        target.start_fetch(src, len)?;
        target.wait()?;
        Ok(target)
    }
}

/// Page-locked host memory, which goes back to its pool when dropped.
pub(crate) struct Pinned {
    locked: ManuallyDrop<Locked>,
    len: usize,
    context: Arc<Context>,
}

impl Pinned {
    /// Starts to copy all bytes to the device. The context must be current.
    pub(super) fn upload_to(mut self, target: DevicePointer<u8>) -> Result<()> {
        let len = self.len;
        self.start_upload(target, len)
    }

    /// Starts to copy the first `len` bytes to the device. They must not be touched before
    /// [`wait`](Self::wait); dropping is fine. The context must be current.
    pub(super) fn start_upload(&mut self, target: DevicePointer<u8>, len: usize) -> Result<()> {
        let stream = self.context.stream.as_inner();
        // SAFETY: the source is pinned, checked for its length, and neither freed nor given to
        // anyone else before its event has passed; the callers' target is at least as long.
        let result = unsafe {
            sys::cuMemcpyHtoDAsync_v2(target.as_raw(), self[..len].as_ptr().cast(), len, stream)
        };
        check_raw("cuMemcpyHtoDAsync", result)?;
        self.mark()
    }

    /// Starts to copy `len` bytes of the device here. They must not be touched before
    /// [`wait`](Self::wait). The context must be current.
    pub(super) fn start_fetch(&mut self, src: DevicePointer<u8>, len: usize) -> Result<()> {
        let stream = self.context.stream.as_inner();
        // SAFETY: the target is pinned, checked for its length, and neither freed nor given to
        // anyone else before its event has passed; the callers' source is at least as long.
        let result = unsafe {
            sys::cuMemcpyDtoHAsync_v2(self[..len].as_mut_ptr().cast(), src.as_raw(), len, stream)
        };
        check_raw("cuMemcpyDtoHAsync", result)?;
        self.mark()
    }

    /// Notes that the device uses the buffer until what is now in the stream has run.
    fn mark(&mut self) -> Result<()> {
        self.locked.in_flight = true;
        let recorded = self.locked.done.record(&self.context.stream);
        if recorded.is_err() {
            // Without an event to wait for, wait for everything.
            let _ = self.context.stream.synchronize();
            self.locked.in_flight = false;
        }
        check("cuEventRecord", recorded)
    }

    /// Waits until the device has done with the buffer.
    pub(super) fn wait(&mut self) -> Result<()> {
        if self.locked.in_flight {
            check("cuEventSynchronize", self.locked.done.synchronize())?;
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
        // SAFETY: taken once, here.
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
