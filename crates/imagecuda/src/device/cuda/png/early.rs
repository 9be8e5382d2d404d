//! Files that go up while they are read.

use super::{
    super::{Context, pinned, scratch::Scratch},
    STREAMS,
    together::LARGEST,
};
use crate::Result;
use cust::memory::DevicePointer;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// A file in device memory, or on its way there.
pub(crate) struct UploadedPng {
    context: Arc<Context>,
    memory: Scratch,
    /// The number of the streams that upload and decode it.
    pub(super) stream: usize,
    /// The bytes whose upload has begun.
    bytes: AtomicUsize,
}

/// Bytes of memory behind a file, as kernels read whole words.
const BEHIND: usize = 16;

impl Context {
    /// Makes memory for a file of so many bytes. `None` if it is small, as it may be decoded with others
    /// then, or if there is no memory.
    pub(crate) fn start_uploading_png(self: &Arc<Self>, len: usize) -> Option<UploadedPng> {
        if len <= LARGEST {
            return None;
        }
        let _current = self.enter().ok()?;
        let mut uploaded = UploadedPng {
            context: Arc::clone(self),
            memory: self.scratch(len + BEHIND).ok()?,
            stream: self.pngs.next.fetch_add(1, Ordering::Relaxed) % STREAMS,
            bytes: AtomicUsize::new(0),
        };
        let uploads = &self.pngs.uploads[uploaded.stream];
        uploaded.memory.wait_on(uploads).ok()?;
        Some(uploaded)
    }
}

impl UploadedPng {
    /// Starts to upload a part of the file, which begins at byte `at`. It is in page-locked memory that must
    /// stay as it is until this is dropped. Parts may come in any order, from several threads.
    pub(crate) fn add(&self, at: usize, part: &[u8]) {
        if self.upload(at, part).is_ok() {
            self.bytes.fetch_add(part.len(), Ordering::Relaxed);
        }
    }

    fn upload(&self, at: usize, part: &[u8]) -> Result<()> {
        let _current = self.context.enter()?;
        let target = DevicePointer::from_raw(self.address() + at as u64);
        pinned::start_upload(part, target, &self.context.pngs.uploads[self.stream])
    }

    /// Whether the upload of so many bytes has begun, which are all.
    pub(crate) fn has(&self, bytes: usize) -> bool {
        self.bytes.load(Ordering::Relaxed) == bytes
    }

    /// The address of the file's first byte.
    pub(super) fn address(&self) -> u64 {
        self.memory.pointer().as_raw()
    }
}

impl Drop for UploadedPng {
    fn drop(&mut self) {
        let Ok(_current) = self.context.enter() else {
            return;
        };
        let streams = &self.context.pngs;
        // Both are idle if the picture was decoded.
        let waited = [&streams.uploads, &streams.all]
            .into_iter()
            .all(|of| of[self.stream].synchronize().is_ok());
        if waited {
            self.memory.mark_idle();
        }
    }
}
