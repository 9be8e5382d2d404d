//! Device memory between a copy and a kernel, used again by the next.
//!
//! Copies and kernels run in streams of their own, so that one picture travels while another is
//! expanded. An event with each buffer tells when its last user is done.

use super::{Context, event::Event, memory::DeviceBytes};
use crate::{
    Result,
    memory::{Block, size_class},
};
use cust::{memory::DevicePointer, stream::Stream};
use std::{mem::ManuallyDrop, sync::Arc};

/// Idle bytes that are kept.
pub(super) const KEEP: usize = 1 << 30;

/// Buffers of one size that are in use before the next user waits for one instead of getting
/// its own: one travels, one is expanded, one is in between.
const MOST: usize = 3;

pub(super) struct Slab {
    memory: DeviceBytes,
    bytes: usize,
    done: Event,
}

impl Block for Slab {
    fn bytes(&self) -> usize {
        self.bytes
    }

    fn is_free(&self) -> bool {
        self.done.has_passed()
    }

    /// Freed in the order of the kernels' stream, whatever stream used it last.
    fn free(self) {
        let context = self.memory.context();
        let _ = self.done.order_before(&context.stream);
    }
}

/// Device memory that goes back to its pool when dropped. Its first user in a stream calls
/// [`wait_on`](Self::wait_on), its last [`record_on`](Self::record_on).
pub(super) struct Scratch {
    slab: ManuallyDrop<Slab>,
    is_in_use: bool,
    context: Arc<Context>,
}

impl Context {
    /// At least `bytes` bytes with anything in them. The context must be current.
    pub(super) fn scratch(self: &Arc<Self>, bytes: usize) -> Result<Scratch> {
        let pool = &self.scratch;
        let idle = pool.take(bytes).or_else(|| pool.take_busy(bytes, MOST));
        let slab = match idle {
            Some(slab) => slab,
            None => {
                let bytes = size_class(bytes);
                let slab = Slab {
                    memory: DeviceBytes::uninitialized(self, bytes)?,
                    bytes,
                    done: Event::new()?,
                };
                // It is there when the stream that it was allocated in gets to it.
                slab.done.record(&self.stream)?;
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

    /// Makes what is put into `stream` from now on wait for the last user.
    pub(super) fn wait_on(&mut self, stream: &Stream) -> Result<()> {
        self.is_in_use = true;
        self.slab.done.order_before(stream)
    }

    /// Waits for the last user. The next one says when it is done.
    pub(super) fn wait(&mut self) -> Result<()> {
        self.is_in_use = true;
        self.slab.done.wait()
    }

    /// Notes that nothing uses the memory any more: its last user was waited for.
    pub(super) fn mark_idle(&mut self) {
        self.is_in_use = false;
    }

    /// Notes that what is now in `stream` uses the memory.
    pub(super) fn record_on(&mut self, stream: &Stream) -> Result<()> {
        self.slab.done.record(stream)?;
        self.is_in_use = false;
        Ok(())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // SAFETY: taken once, as a value is dropped once, and not used afterwards.
        let slab = unsafe { ManuallyDrop::take(&mut self.slab) };
        if self.is_in_use
            && let Ok(_current) = self.context.enter()
        {
            // A call failed in between. No event tells when what was queued is done.
            let _ = self.context.wait_for_all();
        }
        self.context.scratch.put(slab);
    }
}
