//! The planes of a lossy WebP: a kernel makes them, and they are downloaded, alpha only where it is needed.

use super::{Buffer, Context, launch::run, pinned::Pinned, scratch::Scratch};
use crate::{
    Result,
    device::{Staging, encode_webp::WebpSamples},
};
use cust::memory::DevicePointer;
use imagecuda_kernels::{
    pack::Background,
    pixel::RgbaF32,
    planes::subsample::{HEAD, WebpPlanes},
};
use std::{fmt, sync::Arc};

/// Threads of a thread block.
const THREADS: u32 = 128;

/// Planes that are being made and downloaded.
pub(crate) struct PendingWebp {
    context: Arc<Context>,
    planes: WebpPlanes,
    /// All planes in device memory.
    work: Scratch,
    /// Those before alpha.
    colors: Pinned,
}

impl Buffer<RgbaF32> {
    /// Starts to make the planes of the first pixels. Does not wait.
    pub(crate) fn start_webp(
        &self,
        planes: WebpPlanes,
        background: Option<Background>,
    ) -> Result<PendingWebp> {
        let context = self.context().clone();
        let _current = context.enter()?;
        let [.., alpha, end] = planes.places();
        let mut colors = context.pinned(alpha)?;
        let mut work = context.scratch(end)?;
        let [width, height] = planes.size;
        let [columns, rows] = planes.chroma();
        let blocks = (columns * rows).div_ceil(THREADS).min(context.max_grid);
        work.wait_on(&context.stream.work())?;
        let kernels = context.stream.work();
        let (src, dst, stream) = (self.pointer(), work.pointer(), &kernels);
        // The word that the kernel sets, and what is beside it.
        colors[..HEAD].fill(0);
        colors.start_upload(dst, HEAD, stream)?;
        match background {
            None => run!(
                context,
                "webp_planes",
                blocks,
                THREADS,
                stream,
                src,
                dst,
                width,
                height
            ),
            Some([r, g, b]) => run!(
                context,
                "webp_planes_flattened",
                blocks,
                THREADS,
                stream,
                src,
                dst,
                width,
                height,
                r,
                g,
                b
            ),
        }?;
        work.record_on(stream)?;
        work.wait_on(&context.downloads)?;
        colors.start_fetch(dst, alpha, &context.downloads)?;
        work.record_on(&context.downloads)?;
        drop(kernels);
        drop(_current);
        Ok(PendingWebp {
            context,
            planes,
            work,
            colors,
        })
    }
}

impl PendingWebp {
    /// Waits for the planes. Fetches alpha if a pixel is translucent.
    pub(crate) fn finish(self) -> Result<WebpSamples> {
        let Self {
            context,
            planes,
            mut work,
            mut colors,
        } = self;
        colors.wait()?;
        let is_translucent = colors[..4] != [0; 4];
        let alpha = match is_translucent {
            false => None,
            true => {
                let _current = context.enter()?;
                let [.., start, end] = planes.places();
                let mut alpha = context.pinned(end - start)?;
                let place = DevicePointer::from_raw(work.pointer().as_raw() + start as u64);
                work.wait_on(&context.downloads)?;
                alpha.start_fetch(place, end - start, &context.downloads)?;
                work.record_on(&context.downloads)?;
                alpha.wait()?;
                Some(Staging::Pinned(alpha))
            }
        };
        Ok(WebpSamples {
            planes,
            colors: Staging::Pinned(colors),
            alpha,
        })
    }
}

impl fmt::Debug for PendingWebp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [width, height] = self.planes.size;
        write!(f, "planes of {width}x{height} on their way")
    }
}
