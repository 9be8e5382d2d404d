//! From coefficients in device memory to pixels.

use super::{
    super::{Buffer, Context, error::check},
    Coefficients,
};
use crate::{
    Result,
    device::{DevicePixel, ExpandSpec},
};
use cust::{launch, memory::DevicePointer};
use imagecuda_kernels::{jpeg::picture::BLOCK, layout::Layout};

/// Threads of a thread block.
const BLOCK_SIZE: u32 = 128;

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
        let job = DevicePointer::from_raw(from.job);
        let coefficients = DevicePointer::from_raw(from.coefficients);
        let inverse = [job, coefficients, samples.pointer()];
        // Eight threads for each of at most 2^32 blocks fit into the type.
        let grid = (picture.blocks() * 8).div_ceil(BLOCK_SIZE as usize) as u32;
        context.run_jpeg("jpeg_inverse", inverse, (grid, 1), None)?;
        // Each thread makes two pixels. Each row of thread blocks makes one row of pixels.
        let grid = (picture.width.div_ceil(2 * BLOCK_SIZE), picture.height);
        match room {
            None => {
                let kernel = match (P::LAYOUT, shaper) {
                    (Layout::Rgba8, _) => "jpeg_to_u8",
                    (_, None) => "jpeg_to_f32",
                    (_, Some(_)) => "jpeg_to_shaped",
                };
                let to = [job, samples.pointer(), self.pointer()];
                context.run_jpeg(kernel, to, grid, shaper)?;
            }
            Some((mut pixels, oriented)) => {
                pixels.wait_on(&context.stream)?;
                let to = [job, samples.pointer(), pixels.pointer()];
                context.run_jpeg("jpeg_to_bytes", to, grid, None)?;
                self.expand_scratch(&mut pixels, oriented, spec)?;
            }
        }
        samples.record_on(&context.stream)?;
        from.memory
            .iter_mut()
            .try_for_each(|memory| memory.record_on(&context.stream))
    }
}

impl Context {
    /// Launches a kernel that takes a `PictureJob`.
    fn run_jpeg(
        &self,
        kernel: &str,
        [job, from, to]: [DevicePointer<u8>; 3],
        grid: (u32, u32),
        shaper: Option<DevicePointer<u8>>,
    ) -> Result<()> {
        let (function, stream) = (self.function(kernel)?, &self.stream);
        // SAFETY: the kernel takes these three addresses, and the shaper's if there is one. The
        // callers sized all memory for the picture of the job. They free or reuse it in stream
        // order.
        let launched = unsafe {
            match shaper {
                None => launch!(function<<<grid, BLOCK_SIZE, 0, stream>>>(job, from, to)),
                Some(shaper) => {
                    launch!(function<<<grid, BLOCK_SIZE, 0, stream>>>(job, from, to, shaper))
                }
            }
        };
        check("cuLaunchKernel", launched)
    }
}

/// Whether one kernel makes pixels directly from samples. CMYK needs a second kernel for the
/// colours, and an orientation or a part of the picture needs one that orients and crops.
pub(in super::super) fn is_direct(spec: ExpandSpec) -> bool {
    spec.is_stored() && spec.layout.channels() < 4
}
