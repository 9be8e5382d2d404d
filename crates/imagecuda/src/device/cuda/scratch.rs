//! Reusable device memory for data between a copy and a kernel.
//!
//! Copies and kernels run in separate streams, so that one picture is transferred while another one
//! is expanded. Each buffer has an event that tells when its last user has finished.

use super::{Context, event::Event, memory::DeviceBytes};
use crate::{
    Result,
    memory::{Block, size_class},
};
use cust::{memory::DevicePointer, stream::Stream};
use std::{mem::ManuallyDrop, sync::Arc};

/// The most bytes of idle buffers that are kept.
pub(super) const KEEP: usize = 1 << 30;

/// If this many buffers of one size are in use, the next user waits for one instead of allocating
/// its own: one is in transfer, one is being expanded, and one is in between.
const MOST: usize = 3;

pub(super) struct Slab {
    memory: DeviceBytes,
    bytes: usize,
    done: Event,
    /// Whether the last user is known to be done, so that the driver need not be asked.
    is_idle: bool,
}

impl Slab {
    /// One whose last user is done, as the driver says.
    fn idle(self) -> Self {
        Self {
            is_idle: true,
            ..self
        }
    }
}

impl Block for Slab {
    fn bytes(&self) -> usize {
        self.bytes
    }

    fn is_free(&self) -> bool {
        self.is_idle || self.done.has_passed()
    }

    fn is_known_free(&self) -> bool {
        self.is_idle
    }

    /// The memory. It is freed in the order of the kernels' stream, whatever stream used it last.
    fn free(self) {
        let context = Arc::clone(self.memory.context());
        let Ok(_current) = context.enter() else {
            return;
        };
        let _ = self.done.order_before(&context.stream.work());
        // Within the context, the event too.
        drop(self);
    }
}

/// Device memory that goes back to its pool when it is dropped. Its first user in a stream calls
/// [`wait_on`](Self::wait_on), and its last user calls [`record_on`](Self::record_on).
pub(super) struct Scratch {
    slab: ManuallyDrop<Slab>,
    is_in_use: bool,
    context: Arc<Context>,
}

impl Context {
    /// Returns at least `bytes` bytes with undefined contents. The context must be current.
    pub(super) fn scratch(self: &Arc<Self>, bytes: usize) -> Result<Scratch> {
        let pool = &self.scratch;
        let idle = pool
            .take_known(bytes)
            .or_else(|| pool.take(bytes).map(Slab::idle))
            .or_else(|| pool.take_busy(bytes, MOST));
        let slab = match idle {
            Some(slab) => slab,
            None => {
                let bytes = size_class(bytes);
                let slab = Slab {
                    memory: DeviceBytes::uninitialized(self, bytes)?,
                    bytes,
                    done: Event::new()?,
                    is_idle: false,
                };
                // The memory exists once the stream in which it was allocated reaches the
                // allocation.
                slab.done.record(&self.stream.work())?;
                pool.count();
                slab
            }
        };
        Ok(Scratch {
            slab: ManuallyDrop::new(slab),
            is_in_use: false,
            context: Arc::clone(self),
        })
    }
}

impl Scratch {
    pub(super) fn pointer(&self) -> DevicePointer<u8> {
        self.slab.memory.pointer()
    }

    /// Makes work that enters `stream` from now on wait for the last user.
    pub(super) fn wait_on(&mut self, stream: &Stream) -> Result<()> {
        self.is_in_use = true;
        match std::mem::take(&mut self.slab.is_idle) {
            true => Ok(()),
            false => self.slab.done.order_before(stream),
        }
    }

    /// Waits for the last user. The next one says when it is done.
    pub(super) fn wait(&mut self) -> Result<()> {
        self.is_in_use = true;
        match std::mem::take(&mut self.slab.is_idle) {
            true => Ok(()),
            false => self.slab.done.wait(),
        }
    }

    /// Whether the last user is done.
    pub(super) fn has_passed(&self) -> bool {
        self.slab.is_free()
    }

    /// Waits for the last user, asleep, and notes that nothing uses the memory any more.
    pub(super) fn finish(&mut self) -> Result<()> {
        self.slab.done.wait_asleep()?;
        self.mark_idle();
        Ok(())
    }

    /// Notes that nothing uses the memory any more: its last user was waited for.
    pub(super) fn mark_idle(&mut self) {
        self.is_in_use = false;
        self.slab.is_idle = true;
    }

    /// Notes that work uses the memory whose order the caller knows. Its last user says when it is done.
    pub(super) fn mark_used(&mut self) {
        self.is_in_use = true;
        self.slab.is_idle = false;
    }

    /// Records that the work that is in `stream` now uses the memory.
    pub(super) fn record_on(&mut self, stream: &Stream) -> Result<()> {
        self.slab.done.record(stream)?;
        self.is_in_use = false;
        Ok(())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // SAFETY: `drop` runs once, so the value is taken once, and it is not used afterwards.
        let slab = unsafe { ManuallyDrop::take(&mut self.slab) };
        if self.is_in_use
            && let Ok(_current) = self.context.enter()
        {
            // A call failed in between, so no event tells when the queued work is done.
            let _ = self.context.wait_for_all();
        }
        self.context.scratch.put(slab);
    }
}
