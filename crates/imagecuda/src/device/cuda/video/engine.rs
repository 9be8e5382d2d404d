//! A decoder with what it needs to give its frames away.

use super::{
    Context,
    decoder::Decoder,
    kind::{Attempt, Refusal},
    library::Library,
    members::Class,
    pool::Pooled,
};
use cust::sys;
use std::{mem::ManuallyDrop, ptr, sync::Arc};

/// A decoder and the stream in which its frames are copied.
#[derive(Debug)]
pub(in crate::device::cuda) struct Engine {
    pub(super) decoder: ManuallyDrop<Decoder>,
    pub(super) stream: ManuallyDrop<FrameStream>,
    /// Memory for the data of a frame.
    pub(super) data: Vec<u8>,
    context: Arc<Context>,
}

impl Engine {
    /// With a decoder of the class for pictures that are coded in this size.
    pub(super) fn new(
        context: &Arc<Context>,
        library: &'static Library,
        class: Class,
        coded: [u32; 2],
    ) -> Attempt<Self> {
        let failed = |_| Refusal::Failed {
            call: "cuCtxSetCurrent",
            code: -1,
        };
        let _current = context.enter().map_err(failed)?;
        let Class { kind, largest } = class;
        Ok(Self {
            decoder: ManuallyDrop::new(Decoder::new(library, kind, coded, largest)?),
            stream: ManuallyDrop::new(FrameStream::new()?),
            data: Vec::new(),
            context: Arc::clone(context),
        })
    }

    /// Gives the mapped frame back, when its copy is done.
    pub(super) fn release(&mut self) -> Attempt<()> {
        if !self.decoder.is_mapped() {
            return Ok(());
        }
        // SAFETY: the stream is alive.
        let copied = match unsafe { sys::cuStreamSynchronize(self.stream.raw()) } {
            sys::CUresult::CUDA_SUCCESS => Ok(()),
            code => Err(Refusal::Failed {
                call: "cuStreamSynchronize",
                code: code as i32,
            }),
        };
        let unmapped = self.decoder.unmap();
        self.decoder.is_broken |= copied.is_err();
        copied.and(unmapped)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // A decoder may be ended on a thread that has no context. Without one, it is tried all the same.
        let _current = self.context.enter();
        // SAFETY: `drop` runs once, and nothing uses the fields afterwards.
        unsafe {
            ManuallyDrop::drop(&mut self.decoder);
            ManuallyDrop::drop(&mut self.stream);
        }
    }
}

impl Pooled for Engine {
    fn is_sound(&mut self) -> bool {
        !self.decoder.is_broken && !self.decoder.has_work()
    }
}

/// The stream of a decoder's frames.
#[derive(Debug)]
pub(super) struct FrameStream(sys::CUstream);

// SAFETY: a handle, tied to a context and to no thread.
unsafe impl Send for FrameStream {}

impl FrameStream {
    fn new() -> Attempt<Self> {
        let mut stream = ptr::null_mut();
        let flags = sys::CUstream_flags_enum::CU_STREAM_DEFAULT as u32;
        // SAFETY: the driver writes one handle, to a local that has room for it.
        match unsafe { sys::cuStreamCreate(&mut stream, flags) } {
            sys::CUresult::CUDA_SUCCESS => Ok(Self(stream)),
            code => Err(Refusal::Failed {
                call: "cuStreamCreate",
                code: code as i32,
            }),
        }
    }

    pub(super) fn raw(&self) -> sys::CUstream {
        self.0
    }
}

impl Drop for FrameStream {
    fn drop(&mut self) {
        // SAFETY: the handle is destroyed here alone, and what was in the stream was waited for.
        let _ = unsafe { sys::cuStreamDestroy_v2(self.0) };
    }
}
