//! A stream that knows whether the work that was put into it has run.

use super::error::check;
use crate::Result;
use cust::stream::Stream;
use std::{
    ops::Deref,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

/// A stream whose users are counted, so that a thread need not ask the driver to wait for work that is
/// known to have run.
pub(super) struct CountedStream {
    stream: Stream,
    /// Uses that have ended: their work is in the stream.
    used: AtomicU64,
    /// The work of so many uses has run.
    run: AtomicU64,
    /// Whether others than this library may put work into the stream.
    is_shared: AtomicBool,
}

/// The work that is in the stream at some time.
#[derive(Clone, Copy, Debug)]
pub(super) struct QueuedWork(u64);

/// The stream, for a user that puts work into it. The use ends when this is dropped: only then does it
/// count, as the work is in the stream then. Until then the user holds the memory that the work uses.
pub(super) struct StreamUse<'a>(&'a CountedStream);

impl CountedStream {
    pub(super) fn new(stream: Stream) -> Self {
        Self {
            stream,
            used: AtomicU64::new(0),
            run: AtomicU64::new(0),
            is_shared: AtomicBool::new(false),
        }
    }

    /// The stream, to put work into it.
    pub(super) fn work(&self) -> StreamUse<'_> {
        StreamUse(self)
    }

    /// The stream, for calls that put no work into it which uses memory.
    pub(super) fn uncounted(&self) -> &Stream {
        &self.stream
    }

    /// The stream for code outside of this library. From now on nobody knows what is in it.
    pub(super) fn share(&self) -> &Stream {
        self.is_shared.store(true, Ordering::Release);
        &self.stream
    }

    /// What is in the stream now. An event that is recorded after this call stands for all of it.
    pub(super) fn queued(&self) -> QueuedWork {
        QueuedWork(self.used.load(Ordering::Acquire))
    }

    /// Notes that this work has run.
    pub(super) fn note_run(&self, work: QueuedWork) {
        self.run.fetch_max(work.0, Ordering::Release);
    }

    /// Whether this work is known to have run.
    pub(super) fn has_run(&self, work: QueuedWork) -> bool {
        !self.is_shared.load(Ordering::Acquire) && self.run.load(Ordering::Acquire) >= work.0
    }

    /// Waits for all work.
    pub(super) fn synchronize(&self) -> Result<()> {
        let work = self.queued();
        check("cuStreamSynchronize", self.stream.synchronize())?;
        self.note_run(work);
        Ok(())
    }
}

impl Deref for StreamUse<'_> {
    type Target = Stream;

    fn deref(&self) -> &Stream {
        &self.0.stream
    }
}

impl Drop for StreamUse<'_> {
    fn drop(&mut self) {
        self.0.used.fetch_add(1, Ordering::Release);
    }
}
