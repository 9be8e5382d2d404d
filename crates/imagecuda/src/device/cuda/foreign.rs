//! Memory and streams of other libraries in the same context.

use super::{Context, event::Event};
use crate::{Device, Result, device::Inner};
use cust::sys;
use std::{
    ffi::c_void,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
};
#[cfg(feature = "dlpack")]
use {
    super::{buffer::Buffer, error::check_raw},
    crate::device::DevicePixel,
    cust::memory::DevicePointer,
    imagecuda_kernels::{expand::Curve, layout::Layout},
};

/// The alignment that kernels need.
#[cfg(feature = "dlpack")]
const ALIGNMENT: u64 = 16;

/// The size in bytes that kernels read at least at a time.
#[cfg(feature = "dlpack")]
const WORD: usize = 4;

impl Device {
    /// Runs `work` in the order of `stream`, a CUDA stream of your own. What you put into `stream`
    /// before this call runs before the work of this crate in `work`, which runs before what you put
    /// into `stream` afterwards. The host does not wait. On the CPU this only calls `work`.
    ///
    /// Make images and tensors within `work`, use them on `stream`, and drop them within `work` of a
    /// later call, so that their memory is not used again too early.
    ///
    /// ```
    /// use imagecuda::{Device, Image, LoadOptions, Result, cust::stream::Stream};
    ///
    /// fn load(device: &Device, stream: &Stream, file: &str) -> Result<Image> {
    ///     // SAFETY: a stream of the device's primary context, which lives.
    ///     unsafe { device.on_stream(stream.as_inner(), |device| LoadOptions::new().load(device, file))? }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Device`](crate::ErrorKind::Device) if the device failed.
    ///
    /// # Safety
    ///
    /// `stream` must be null, which is the default stream, or a live stream of the primary context of
    /// this device.
    pub unsafe fn on_stream<T>(
        &self,
        stream: sys::CUstream,
        work: impl FnOnce(&Self) -> T,
    ) -> Result<T> {
        let Inner::Cuda(context) = self.inner() else {
            return Ok(work(self));
        };
        // SAFETY: the caller says that the stream is this context's, and lives.
        unsafe { context.order_after(stream.cast())? };
        let result = catch_unwind(AssertUnwindSafe(|| work(self)));
        // After a panic, too, as the caller may catch it.
        // SAFETY: as above.
        let ordered = unsafe { context.order_before(stream) };
        let result = result.unwrap_or_else(|panic| resume_unwind(panic));
        ordered.map(|()| result)
    }
}

impl Context {
    /// Makes work that enters `stream` from now on wait for the work that is in ours now.
    ///
    /// # Safety
    ///
    /// `stream` is null or a live stream of this context.
    pub(crate) unsafe fn order_before(&self, stream: sys::CUstream) -> Result<()> {
        let _current = self.enter()?;
        let event = Event::new()?;
        event.record(self.stream.uncounted())?;
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
        event.order_before(&self.stream.work())
    }
}

#[cfg(feature = "dlpack")]
impl Context {
    /// Waits for the kernels' stream. Transfers of files are not waited for.
    pub(crate) fn wait_for_stream(&self) -> Result<()> {
        let _current = self.enter()?;
        self.stream.synchronize()
    }

    /// Waits for all work on the device, including other libraries' work.
    pub(crate) fn wait_for_everyone(&self) -> Result<()> {
        let _current = self.enter()?;
        // SAFETY: the function needs a current context and nothing else.
        check_raw("cuCtxSynchronize", unsafe { sys::cuCtxSynchronize() })
    }
}

#[cfg(feature = "dlpack")]
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
        scratch.wait_on(&context.stream.work())?;
        context.copy(src, scratch.pointer(), bytes)?;
        let expanded = self.expand_from(scratch.pointer(), layout, Curve::Encoded, len);
        scratch.record_on(&context.stream.work())?;
        expanded
    }
}
