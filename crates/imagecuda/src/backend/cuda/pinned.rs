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
    sync::{Arc, Mutex, PoisonError},
};

/// Idle bytes that are kept.
const KEEP: usize = 512 << 20;

/// The smallest buffer.
const SMALLEST: usize = 64 << 10;

/// Buffers that nobody uses.
#[derive(Default)]
pub(super) struct Pool(Mutex<Vec<Idle>>);

struct Idle {
    buffer: LockedBuffer<u8>,
    /// Passed when the device has done with the buffer.
    done: Option<Event>,
}

impl Idle {
    fn is_free(&self) -> bool {
        // A failed query is a failed context; the next call that can report it will.
        !matches!(
            self.done.as_ref().map(Event::query),
            Some(Ok(EventStatus::NotReady))
        )
    }
}

impl Pool {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Idle>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The smallest free buffer of at least `bytes` and at most four times as many.
    fn take(&self, bytes: usize) -> Option<LockedBuffer<u8>> {
        let mut idle = self.lock();
        let fits = |b: &Idle| b.buffer.len() >= bytes && b.buffer.len() / 4 <= bytes.max(SMALLEST);
        let best = (0..idle.len())
            .filter(|&i| fits(&idle[i]) && idle[i].is_free())
            .min_by_key(|&i| idle[i].buffer.len())?;
        Some(idle.swap_remove(best).buffer)
    }

    /// Whether the device still uses most of what may be kept.
    fn is_crowded(&self) -> bool {
        let idle = self.lock();
        let busy = idle.iter().filter(|b| !b.is_free());
        busy.map(|b| b.buffer.len()).sum::<usize>() > KEEP / 2
    }

    fn put(&self, buffer: LockedBuffer<u8>, done: Option<Event>) {
        let mut idle = self.lock();
        let kept: usize = idle.iter().map(|b| b.buffer.len()).sum();
        if kept + buffer.len() <= KEEP {
            idle.push(Idle { buffer, done });
            return;
        }
        drop(idle);
        // Not before the device has done with it. If waiting fails, so has the context, and
        // nothing reads the buffer any more.
        if let Some(done) = done {
            let _ = done.synchronize();
        }
        let _ = LockedBuffer::drop(buffer);
    }
}

/// Sizes that later buffers can use again: powers of two and the three steps between them.
fn size_class(bytes: usize) -> usize {
    let bytes = bytes.max(SMALLEST);
    bytes.next_multiple_of((bytes.next_power_of_two() / 8).max(SMALLEST))
}

/// A new buffer. The context must be current.
fn lock_pages(bytes: usize) -> Result<LockedBuffer<u8>> {
    // SAFETY: any bytes are valid, and the driver's pages have been written by the system or
    // by an earlier user.
    let locked = unsafe { LockedBuffer::uninitialized(bytes) };
    locked.map_err(|error| match error {
        CudaError::OutOfMemory => ErrorKind::OutOfMemory {
            requested: bytes,
            free: None,
        }
        .into(),
        other => from_cuda("cuMemAllocHost", other),
    })
}

impl Context {
    /// `len` bytes of pinned memory, with anything in them.
    pub(crate) fn pinned(self: &Arc<Self>, len: usize) -> Result<Pinned> {
        let _current = self.enter()?;
        if self.pinned.is_crowded() {
            // The device is behind. More buffers would not help it.
            check("cuStreamSynchronize", self.stream.synchronize())?;
        }
        let buffer = match self.pinned.take(len) {
            Some(buffer) => buffer,
            None => lock_pages(size_class(len))?,
        };
        Ok(Pinned {
            buffer: ManuallyDrop::new(buffer),
            len,
            done: None,
            context: Arc::clone(self),
        })
    }

    /// Starts to copy `len` bytes of the device to pinned memory. The context must be current.
    pub(super) fn start_fetch(
        self: &Arc<Self>,
        src: DevicePointer<u8>,
        len: usize,
    ) -> Result<Travelling> {
        let mut target = self.pinned(len)?;
        // SAFETY: the target has `len` bytes and is neither read nor reused before the event
        // has passed; the callers' source is at least as long.
        let result = unsafe {
            sys::cuMemcpyDtoHAsync_v2(
                target.as_mut_ptr().cast(),
                src.as_raw(),
                len,
                self.stream.as_inner(),
            )
        };
        check_raw("cuMemcpyDtoHAsync", result)?;
        target.mark()?;
        Ok(Travelling(target))
    }

    /// Copies `len` bytes of the device to pinned memory, and waits. The context must be
    /// current.
    pub(super) fn fetch(self: &Arc<Self>, src: DevicePointer<u8>, len: usize) -> Result<Pinned> {
        self.start_fetch(src, len)?.wait()
    }
}

/// Page-locked host memory, which goes back to its pool when dropped.
pub(crate) struct Pinned {
    buffer: ManuallyDrop<LockedBuffer<u8>>,
    len: usize,
    done: Option<Event>,
    context: Arc<Context>,
}

impl Pinned {
    /// Starts to copy all bytes to the device. The context must be current.
    pub(super) fn upload_to(mut self, target: DevicePointer<u8>) -> Result<()> {
        // SAFETY: the source is pinned and stays untouched until its event has passed; the
        // callers' target is at least as long.
        let result = unsafe {
            sys::cuMemcpyHtoDAsync_v2(
                target.as_raw(),
                self.as_ptr().cast(),
                self.len,
                self.context.stream.as_inner(),
            )
        };
        check_raw("cuMemcpyHtoDAsync", result)?;
        self.mark()
    }

    /// Notes that the device uses the buffer until what is now in the stream has run.
    fn mark(&mut self) -> Result<()> {
        let event = check("cuEventCreate", Event::new(EventFlags::DISABLE_TIMING))?;
        let recorded = event.record(&self.context.stream);
        if recorded.is_err() {
            // Without an event to wait for, wait for everything.
            let _ = self.context.stream.synchronize();
        }
        check("cuEventRecord", recorded)?;
        self.done = Some(event);
        Ok(())
    }
}

impl Deref for Pinned {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.buffer[..self.len]
    }
}

impl DerefMut for Pinned {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.buffer[..self.len]
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        // SAFETY: taken once, here.
        let buffer = unsafe { ManuallyDrop::take(&mut self.buffer) };
        let done = self.done.take();
        match self.context.enter() {
            Ok(_current) => self.context.pinned.put(buffer, done),
            // The context is gone, and the driver with it has unlocked the pages.
            Err(_) => std::mem::forget((buffer, done)),
        }
    }
}

impl fmt::Debug for Pinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} pinned bytes", self.len)
    }
}

/// Pinned memory that a copy from the device is on its way to: not to be read yet.
pub(super) struct Travelling(Pinned);

impl Travelling {
    pub(super) fn wait(mut self) -> Result<Pinned> {
        if let Some(done) = self.0.done.take() {
            check("cuEventSynchronize", done.synchronize())?;
        }
        Ok(self.0)
    }
}
