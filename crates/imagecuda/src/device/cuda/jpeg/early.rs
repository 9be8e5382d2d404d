//! Files that go up before their markers are read.

use super::super::{Context, scratch::Scratch};
use crate::{device::Staging, jpeg::GpuPlan};
use std::sync::Arc;

/// A file in device memory, or on its way there.
pub(crate) struct UploadedJpeg {
    context: Arc<Context>,
    memory: Scratch,
    /// The number of the stream that uploads it.
    stream: usize,
    /// Where the data of the first scan begin: in the file, and in the memory.
    start: usize,
    place: usize,
}

/// Data begin at a multiple of this.
const ALIGNED: usize = 16;

impl Context {
    /// Starts to upload a file from pinned memory, which must stay as it is until the result is dropped.
    /// The data of its first scan begin at `start`. `None` if that cannot be done.
    pub(crate) fn start_uploading_jpeg(
        self: &Arc<Self>,
        file: &Staging,
        start: usize,
    ) -> Option<UploadedJpeg> {
        let Staging::Pinned(pinned) = file else {
            return None;
        };
        let _current = self.enter().ok()?;
        let before = start.next_multiple_of(ALIGNED) - start;
        let memory = self.scratch(before + pinned.len() + ALIGNED).ok()?;
        let mut uploaded = UploadedJpeg {
            context: Arc::clone(self),
            memory,
            stream: self.next_decode(),
            start,
            place: before + start,
        };
        let stream = &self.decodes[uploaded.stream];
        // If a call fails from here on, dropping the memory waits for the device.
        uploaded.memory.wait_on(stream).ok()?;
        let to = uploaded.memory.pointer().wrapping_add(before);
        pinned.start_upload_of(0..pinned.len(), to, stream).ok()?;
        Some(uploaded)
    }
}

impl UploadedJpeg {
    /// Whether these are the data of a plan's only scan.
    pub(super) fn is_for(&self, plan: &GpuPlan) -> bool {
        matches!(&plan.scans[..], [scan] if scan.data.start == self.start)
    }

    pub(super) fn stream(&self) -> usize {
        self.stream
    }

    /// The address of the data.
    pub(super) fn data(&self) -> u64 {
        self.memory.pointer().as_raw() + self.place as u64
    }
}

impl Drop for UploadedJpeg {
    fn drop(&mut self) {
        let Ok(_current) = self.context.enter() else {
            return;
        };
        let stream = &self.context.decodes[self.stream];
        // The stream is idle if the picture was decoded.
        if stream.synchronize().is_ok() {
            self.memory.mark_idle();
        }
    }
}
