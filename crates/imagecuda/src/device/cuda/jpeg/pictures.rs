//! From coefficients in device memory to pixels.

use super::{super::Buffer, BlockKernel, Coefficients, launch::Grid};
use crate::{
    Result,
    device::{DevicePixel, ExpandSpec},
};
use cust::memory::DevicePointer;
use imagecuda_kernels::{
    jpeg::{
        jobs::{INVERSE_BLOCKS, ROW_PIXELS},
        picture::{BLOCK, Picture},
        progressive::jobs::BLOCKS_THREADS,
    },
    layout::Layout,
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
        let picture = from.picture;
        let shaper_at = shaper.map_or(0, |shaper| shaper.as_raw());
        // All memory is allocated before the first write, so a failure changes nothing.
        let mut samples = context.scratch(picture.blocks() * BLOCK)?;
        let room = match is_direct(spec) {
            true => None,
            false => {
                let bytes = spec.source_len() * spec.layout.bytes_per_pixel();
                Some((context.scratch(bytes)?, self.orientation_scratch(spec)?))
            }
        };
        let _launching = context.lock_launch();
        for memory in &mut from.memory {
            memory.wait_on(&context.stream)?;
        }
        samples.wait_on(&context.stream)?;
        let (inverse, rows) = grids(&picture);
        let samples_at = samples.pointer().as_raw();
        let launch = |kernel, grid, [from_at, to_at]: [u64; 2]| {
            let arguments = [from.job, 1, from_at, to_at, shaper_at];
            let arguments = match kernel {
                "jpeg_to_shaped" => &arguments[..],
                _ => &arguments[..4],
            };
            // SAFETY: the kernels take the table of one job and these addresses. All memory is sized
            // for the picture, and freed or used again in stream order.
            unsafe { context.launch(kernel, grid, &context.stream, arguments) }
        };
        if let Some(BlockKernel { job, thread_blocks }) = from.blocks {
            let grid = Grid {
                threads: BLOCKS_THREADS,
                ..Grid::of_pixels(thread_blocks)
            };
            // SAFETY: the kernel takes the table of one job. Its memory is that of `from`.
            let arguments = [job, 1, from.coefficients];
            unsafe { context.launch("jpeg_blocks", grid, &context.stream, &arguments)? };
        }
        launch("jpeg_inverse", inverse, [from.coefficients, samples_at])?;
        match room {
            None => {
                let kernel = match (P::LAYOUT, shaper) {
                    (Layout::Rgba8, _) => "jpeg_to_u8",
                    (_, None) => "jpeg_to_f32",
                    (_, Some(_)) => "jpeg_to_shaped",
                };
                launch(kernel, rows, [samples_at, self.pointer().as_raw()])?;
            }
            Some((mut pixels, oriented)) => {
                pixels.wait_on(&context.stream)?;
                let to = pixels.pointer().as_raw();
                launch("jpeg_to_bytes", rows, [samples_at, to])?;
                self.expand_scratch(&mut pixels, oriented, spec)?;
            }
        }
        samples.record_on(&context.stream)?;
        from.memory
            .iter_mut()
            .try_for_each(|memory| memory.record_on(&context.stream))
    }
}

/// The thread blocks of `jpeg_inverse` and of the kernel after it, for a picture alone.
fn grids(picture: &Picture) -> (Grid, Grid) {
    let inverse = picture.blocks().div_ceil(INVERSE_BLOCKS as usize) as u32;
    let rows = picture.width.div_ceil(ROW_PIXELS) * picture.height;
    (Grid::of_pixels(inverse), Grid::of_pixels(rows))
}

/// Whether one kernel makes pixels directly from samples. CMYK needs a second kernel for the
/// colours, and an orientation or a part of the picture needs one that orients and crops.
pub(in super::super) fn is_direct(spec: ExpandSpec) -> bool {
    spec.is_stored() && spec.layout.channels() < 4
}
