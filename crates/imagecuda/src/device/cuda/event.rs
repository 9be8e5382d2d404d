//! Events that are recorded again and again: those of `cust` are taken away by the stream that
//! waits for them.

use super::error::check_raw;
use crate::Result;
use cust::{stream::Stream, sys};
use std::{
    ptr,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

/// How long a thread waits without sleeping.
const SPIN: Duration = Duration::from_millis(1);

/// How many threads do so at a time: more would only take cores, and the driver's locks, from those
/// that have work.
const SPINNERS: usize = 2;

static SPINNING: AtomicUsize = AtomicUsize::new(0);

/// A place in a stream, which other streams and the host can wait for. The context must be
/// current for every call.
pub(super) struct Event(sys::CUevent);

// SAFETY: a handle, tied to a context and to no thread; the driver takes locks of its own around
// whatever is done with it. Which of two threads comes first is a matter of order, not of memory.
unsafe impl Send for Event {}
// SAFETY: as above.
unsafe impl Sync for Event {}

impl Event {
    /// An event that has passed, as nothing is recorded.
    pub(super) fn new() -> Result<Self> {
        let mut event = ptr::null_mut();
        let flags = sys::CUevent_flags_enum::CU_EVENT_DISABLE_TIMING as u32
            | sys::CUevent_flags_enum::CU_EVENT_BLOCKING_SYNC as u32;
        // SAFETY: the driver writes one handle, to a local that has room for it.
        check_raw("cuEventCreate", unsafe {
            sys::cuEventCreate(&mut event, flags)
        })?;
        Ok(Self(event))
    }

    /// Moves the event behind what is now in `stream`.
    pub(super) fn record(&self, stream: &Stream) -> Result<()> {
        // SAFETY: the event lives until `self` drops, and the stream as long as its owner, which is
        // borrowed here; both are of the context that is current, as this type asks of callers.
        let result = unsafe { sys::cuEventRecord(self.0, stream.as_inner()) };
        if result != sys::CUresult::CUDA_SUCCESS {
            // Without an event to wait for, wait for everything.
            let _ = stream.synchronize();
        }
        check_raw("cuEventRecord", result)
    }

    /// Moves the event behind what is now in a stream of another library.
    ///
    /// # Safety
    ///
    /// `stream` is null or a live stream of the current context.
    pub(super) unsafe fn record_raw(&self, stream: sys::CUstream) -> Result<()> {
        // SAFETY: the event lives, and the stream by the caller's word.
        check_raw("cuEventRecord", unsafe {
            sys::cuEventRecord(self.0, stream)
        })
    }

    /// As [`order_before`](Self::order_before), for a stream of another library.
    ///
    /// # Safety
    ///
    /// As [`record_raw`](Self::record_raw).
    pub(super) unsafe fn order_before_raw(&self, stream: sys::CUstream) -> Result<()> {
        // SAFETY: the event lives, and the stream by the caller's word.
        check_raw("cuStreamWaitEvent", unsafe {
            sys::cuStreamWaitEvent(stream, self.0, 0)
        })
    }

    /// Whether what is before it has run. A failed query is a failed context; the next call that
    /// can report it will.
    pub(super) fn has_passed(&self) -> bool {
        // SAFETY: `new` got the handle from the driver, and only `drop` destroys it.
        let result = unsafe { sys::cuEventQuery(self.0) };
        result != sys::CUresult::CUDA_ERROR_NOT_READY
    }

    /// Waits until what is before it has run.
    pub(super) fn wait(&self) -> Result<()> {
        // To be woken takes longer than most of what is waited for.
        if SPINNING.fetch_add(1, Ordering::Relaxed) < SPINNERS {
            let start = Instant::now();
            while !self.has_passed() && start.elapsed() < SPIN {
                (0..16).for_each(|_| std::hint::spin_loop());
            }
        }
        SPINNING.fetch_sub(1, Ordering::Relaxed);
        // SAFETY: as in `has_passed`.
        check_raw("cuEventSynchronize", unsafe {
            sys::cuEventSynchronize(self.0)
        })
    }

    /// Makes what is put into `stream` from now on wait for what is now before the event.
    pub(super) fn order_before(&self, stream: &Stream) -> Result<()> {
        // SAFETY: as in `record`; no flags are what the driver wants.
        let result = unsafe { sys::cuStreamWaitEvent(stream.as_inner(), self.0, 0) };
        check_raw("cuStreamWaitEvent", result)
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: the handle is destroyed here alone, and nobody has it any more. The driver keeps
        // what is still recorded or waited for until that has passed.
        let _ = unsafe { sys::cuEventDestroy_v2(self.0) };
    }
}
