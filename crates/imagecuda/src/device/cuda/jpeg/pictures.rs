//! From coefficients in device memory to pixels.

use super::{
    super::{Buffer, Context},
    Coefficients, inverse_kernel,
    launch::Grid,
};
use crate::{
    Result,
    color::Conversion,
    device::{DevicePixel, ExpandSpec, NewImage},
};
use cust::{memory::DevicePointer, stream::Stream};
use imagecuda_kernels::{
    jpeg::{jobs::INVERSE_BLOCKS, progressive::jobs::BLOCKS_THREADS},
    layout::Layout,
    pixel::RgbaF32,
};

impl<P: DevicePixel> Buffer<P> {
    /// Makes the first pixels from coefficients. With a `shaper`, which is in device memory, it
    /// makes float pixels and converts their colours; [`is_direct`] must then be true of `spec`.
    /// Does not wait.
    pub(in super::super) fn expand_jpeg(
        &mut self,
        from: Coefficients,
        spec: ExpandSpec,
        shaper: Option<DevicePointer<u8>>,
    ) -> Result<()> {
        let context = self.context().clone();
        let _current = context.enter()?;
        let mut from = from;
        // All memory is allocated before the first write, so a failure changes nothing.
        let room = match is_direct(spec) {
            true => None,
            false => {
                let bytes = spec.source_len() * spec.layout.bytes_per_pixel();
                Some((context.scratch(bytes)?, self.orientation_scratch(spec)?))
            }
        };
        let stream = &context.stream.work();
        let _launching = context.lock_launch();
        from.memory.wait_on(stream)?;
        if let Some(blocks) = &mut from.blocks {
            blocks.memory.wait_on(stream)?;
            let grid = Grid {
                threads: BLOCKS_THREADS,
                ..Grid::of_pixels(blocks.thread_blocks)
            };
            let arguments = [blocks.job, 1, from.coefficients];
            // SAFETY: the kernel takes the table of one job. Its memory is that of `from`.
            unsafe { context.launch("jpeg_blocks", grid, stream, &arguments)? };
        }
        if !from.has_samples {
            context.launch_inverse(&from, stream)?;
        }
        let picture = &from.scaled.picture;
        let rows = Grid::of_pixels(picture.pixel_blocks());
        let shaper_at = shaper.map_or(0, |shaper| shaper.as_raw());
        let launch = |kernel, to: DevicePointer<u8>| {
            let arguments = [from.job, 1, from.samples, to.as_raw(), shaper_at];
            let arguments = match kernel {
                "jpeg_to_shaped" => &arguments[..],
                _ => &arguments[..4],
            };
            // SAFETY: the kernels take the table of one job and these addresses. All memory is sized
            // for the picture, and freed or used again in stream order.
            unsafe { context.launch(kernel, rows, stream, arguments) }
        };
        match room {
            None => {
                let kernel = match (P::LAYOUT, shaper) {
                    (Layout::Rgba8, _) => "jpeg_to_u8",
                    (_, None) => "jpeg_to_f32",
                    (_, Some(_)) => "jpeg_to_shaped",
                };
                launch(kernel, self.pointer())?;
            }
            Some((mut pixels, oriented)) => {
                pixels.wait_on(stream)?;
                launch("jpeg_to_bytes", pixels.pointer())?;
                self.expand_scratch(&mut pixels, oriented, spec)?;
            }
        }
        if let Some(blocks) = &mut from.blocks {
            blocks.memory.record_on(stream)?;
        }
        from.memory.record_on(stream)
    }
}

/// Whether one kernel makes a new image of samples.
pub(super) fn can_be_direct(image: &NewImage<'_>) -> bool {
    is_direct(image.spec) && matches!(image.conversion, None | Some(Conversion::Shaper(_)))
}

impl Context {
    /// Makes the float pixels of an image from samples, in the order of `stream`. `shaper` is the address
    /// of the curves and the matrix that convert colours, or 0. The context must be current.
    pub(super) fn launch_pixels(
        &self,
        from: &Coefficients,
        image: &Buffer<RgbaF32>,
        shaper: u64,
        stream: &Stream,
    ) -> Result<()> {
        let picture = &from.scaled.picture;
        let rows = Grid::of_pixels(picture.pixel_blocks());
        let to = image.pointer().as_raw();
        let arguments = [from.job, 1, from.samples, to, shaper];
        let (kernel, arguments) = match shaper {
            0 => ("jpeg_to_f32", &arguments[..4]),
            _ => ("jpeg_to_shaped", &arguments[..]),
        };
        // SAFETY: the kernels take the table of one job and these addresses. The caller's image has
        // the picture's pixels, and all memory is freed or used again in stream order.
        unsafe { self.launch(kernel, rows, stream, arguments) }
    }

    /// Makes samples from coefficients, in the order of `stream`. The context must be current.
    pub(super) fn launch_inverse(&self, from: &Coefficients, stream: &Stream) -> Result<()> {
        let blocks = from
            .scaled
            .picture
            .blocks()
            .div_ceil(INVERSE_BLOCKS as usize) as u32;
        let arguments = [from.job, 1, from.coefficients, from.samples];
        // SAFETY: as for the kernels after it.
        unsafe {
            let kernel = inverse_kernel(from.scaled.unit);
            self.launch(kernel, Grid::of_pixels(blocks), stream, &arguments)
        }
    }
}

/// Whether one kernel makes pixels directly from samples. CMYK needs a second kernel for the
/// colours, and an orientation or a part of the picture needs one that orients and crops.
pub(in super::super) fn is_direct(spec: ExpandSpec) -> bool {
    spec.is_stored() && spec.layout.channels() < 4
}
