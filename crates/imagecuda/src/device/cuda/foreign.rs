//! Memory and streams of other libraries in the same context.

use super::{
    Context,
    error::{check, check_raw},
    event::Event,
    memory::Buffer,
};
use crate::{Result, device::DevicePixel};
use cust::{memory::DevicePointer, sys};
use imagecuda_kernels::{expand::Curve, layout::Layout};
use std::ffi::c_void;

/// The alignment that kernels need.
const ALIGNMENT: u64 = 16;

/// The size in bytes that kernels read at least at a time.
const WORD: usize = 4;

impl Context {
    /// Makes work that enters `stream` from now on wait for the work that is in ours now.
    ///
    /// # Safety
    ///
    /// `stream` is null or a live stream of this context.
    pub(crate) unsafe fn order_before(&self, stream: sys::CUstream) -> Result<()> {
        let _current = self.enter()?;
        let event = Event::new()?;
        event.record(&self.stream)?;
        // SAFETY: the event lives, and the caller guarantees that the stream does.
        unsafe { event.order_before_raw(stream) }
    }

    /// Makes work that enters our stream from now on wait for the work that is in `stream` now.
    ///
    /// # Safety
    ///
    /// As [`order_before`](Self::order_before).
    pub(crate) unsafe fn order_after(&self, stream: *mut c_void) -> Result<()> {
        let _current = self.enter()?;
        let event = Event::new()?;
        // SAFETY: the event lives, and the caller guarantees that the stream does.
        unsafe { event.record_raw(stream.cast())? };
        event.order_before(&self.stream)
    }

    /// Waits for the kernels' stream. Transfers of files are not waited for.
    pub(crate) fn wait_for_stream(&self) -> Result<()> {
        let _current = self.enter()?;
        check("cuStreamSynchronize", self.stream.synchronize())
    }

    /// Waits for all work on the device, including other libraries' work.
    pub(crate) fn wait_for_everyone(&self) -> Result<()> {
        let _current = self.enter()?;
        // SAFETY: the function needs a current context and nothing else.
        check_raw("cuCtxSynchronize", unsafe { sys::cuCtxSynchronize() })
    }
}

impl<P: DevicePixel> Buffer<P> {
    /// The address of the pixels in device memory.
    pub(crate) fn address(&self) -> u64 {
        self.pointer().as_raw()
    }

    /// Makes the first `len` pixels from memory of any alignment and size. Does not wait.
    ///
    /// # Safety
    ///
    /// `src` is memory of this device, readable for the pixels' bytes, not this buffer's, and
    /// neither written nor freed before what is now queued on our stream has run.
    pub(crate) unsafe fn expand_from_foreign(
        &mut self,
        src: sys::CUdeviceptr,
        layout: Layout,
        len: usize,
    ) -> Result<()> {
        let bytes = len * layout.bytes_per_pixel();
        let fits = src.is_multiple_of(ALIGNMENT) && bytes.is_multiple_of(WORD);
        let src = DevicePointer::from_raw(src);
        // Pixels that need no kernel are copied, whatever their alignment.
        if fits || layout == P::LAYOUT {
            return self.expand_from(src, layout, Curve::Encoded, len);
        }
        let context = self.context().clone();
        let _current = context.enter()?;
        let mut scratch = context.scratch(bytes)?;
        scratch.wait_on(&context.stream)?;
        context.copy(src, scratch.pointer(), bytes)?;
        let expanded = self.expand_from(scratch.pointer(), layout, Curve::Encoded, len);
        scratch.record_on(&context.stream)?;
        expanded
    }
}
