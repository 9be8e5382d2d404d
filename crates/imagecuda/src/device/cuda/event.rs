//! Events that can be recorded many times. `cust`'s events cannot, as a stream that waits for one
//! consumes it.

use super::error::check_raw;
use crate::Result;
use cust::{stream::Stream, sys};
use std::{
    ptr,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

/// How long a thread spins before it sleeps. A large PNG takes two milliseconds, and a thread that
/// sleeps learns of that 0.4 later.
const SPIN: Duration = Duration::from_millis(3);

/// Threads that wait for any GPU. One spins only while no other waits: it would take the driver's locks from threads that
/// have work, and where there are many pictures nobody waits for one of them.
static WAITING: AtomicUsize = AtomicUsize::new(0);

/// A point in a stream, for which other streams and the host can wait. Every method needs the
/// context to be current.
pub(super) struct Event(sys::CUevent);

// SAFETY: an event is a handle that belongs to a context and to no thread. The driver locks around
// every use. When two threads use it, their order decides what they wait for, but memory stays
// valid.
unsafe impl Send for Event {}
// SAFETY: as above.
unsafe impl Sync for Event {}

impl Event {
    /// A new event. It counts as passed, as nothing is recorded yet.
    pub(super) fn new() -> Result<Self> {
        let mut event = ptr::null_mut();
        let flags = sys::CUevent_flags_enum::CU_EVENT_DISABLE_TIMING as u32
            | sys::CUevent_flags_enum::CU_EVENT_BLOCKING_SYNC as u32;
        // SAFETY: the driver writes one handle, to a local variable that has room for it.
        check_raw("cuEventCreate", unsafe {
            sys::cuEventCreate(&mut event, flags)
        })?;
        Ok(Self(event))
    }

    /// Records the event: from now on it stands for all work that is in `stream` at this time.
    pub(super) fn record(&self, stream: &Stream) -> Result<()> {
        // SAFETY: the event lives until `self` is dropped. The stream is borrowed, so it lives too.
        // Both belong to the current context, as this type asks of its callers.
        let result = unsafe { sys::cuEventRecord(self.0, stream.as_inner()) };
        if result != sys::CUresult::CUDA_SUCCESS {
            // Without an event, wait for all work now.
            let _ = stream.synchronize();
        }
        check_raw("cuEventRecord", result)
    }

    /// Records the event in a stream of another library.
    pub(super) unsafe fn record_raw(&self, stream: sys::CUstream) -> Result<()> {
        // SAFETY: the event lives, and the caller guarantees that the stream does.
        check_raw("cuEventRecord", unsafe {
            sys::cuEventRecord(self.0, stream)
        })
    }

    /// Like [`order_before`](Self::order_before), for a stream of another library.
    pub(super) unsafe fn order_before_raw(&self, stream: sys::CUstream) -> Result<()> {
        // SAFETY: the event lives, and the caller guarantees that the stream does.
        check_raw("cuStreamWaitEvent", unsafe {
            sys::cuStreamWaitEvent(stream, self.0, 0)
        })
    }

    /// Whether the recorded work is done. A query fails only if the context has failed; the next
    /// call that returns a result reports that.
    pub(super) fn has_passed(&self) -> bool {
        self.query() != sys::CUresult::CUDA_ERROR_NOT_READY
    }

    fn query(&self) -> sys::CUresult {
        // SAFETY: `new` got the handle from the driver, and only `drop` destroys it.
        unsafe { sys::cuEventQuery(self.0) }
    }

    /// Waits until the recorded work is done.
    pub(super) fn wait(&self) -> Result<()> {
        // Spins first, as waking a thread takes longer than most of the work.
        let mut result = sys::CUresult::CUDA_ERROR_NOT_READY;
        let start = Instant::now();
        WAITING.fetch_add(1, Ordering::Relaxed);
        while WAITING.load(Ordering::Relaxed) == 1 && start.elapsed() < SPIN {
            result = self.query();
            if result != sys::CUresult::CUDA_ERROR_NOT_READY {
                break;
            }
            (0..16).for_each(|_| std::hint::spin_loop());
        }
        let result = match result {
            sys::CUresult::CUDA_ERROR_NOT_READY => self.wait_asleep(),
            result => check_raw("cuEventQuery", result),
        };
        WAITING.fetch_sub(1, Ordering::Relaxed);
        result
    }

    /// As [`wait`](Self::wait), but without asking the driver again and again.
    pub(super) fn wait_asleep(&self) -> Result<()> {
        // SAFETY: as in `query`.
        check_raw("cuEventSynchronize", unsafe {
            sys::cuEventSynchronize(self.0)
        })
    }

    /// Makes work that enters `stream` from now on wait for the work recorded so far.
    pub(super) fn order_before(&self, stream: &Stream) -> Result<()> {
        // SAFETY: as in `record`. The flags must be 0.
        let result = unsafe { sys::cuStreamWaitEvent(stream.as_inner(), self.0, 0) };
        check_raw("cuStreamWaitEvent", result)
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: only this line destroys the handle, and no copy of it exists. The driver keeps
        // what is still recorded or waited for until that has passed.
        let _ = unsafe { sys::cuEventDestroy_v2(self.0) };
    }
}
