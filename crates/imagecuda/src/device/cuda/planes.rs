//! Planes of luma and chroma: uploaded as they are, and one kernel makes pixels of them.

use super::{Buffer, launch::run, scratch::Scratch};
use crate::{
    ErrorKind, Result,
    device::{DevicePixel, ExpandSpec, Planes, Staging},
};
use cust::memory::DevicePointer;
use imagecuda_kernels::{layout::Layout, planes::Picture};

/// Threads a block, and pixels of a row that a block takes at a time, as in the kernels.
const BLOCK: u32 = 128;
const PIECE: u32 = 2 * BLOCK;

impl<P: DevicePixel> Buffer<P> {
    /// Uploads planes, and makes the first pixels of them. Does not wait.
    pub(super) fn expand_planes(&mut self, mut planes: Planes, spec: ExpandSpec) -> Result<()> {
        let context = self.context().clone();
        let _current = context.enter()?;
        let picture = planes.describe(&spec)?;
        let Staging::Pinned(mut pinned) = planes.memory else {
            return Err(ErrorKind::DeviceMismatch.into());
        };
        let bytes = pinned.len();
        let mut memory = context.scratch(bytes)?;
        memory.wait_on(&context.uploads)?;
        pinned.start_upload(memory.pointer(), bytes, &context.uploads)?;
        pinned.order_before(&context.stream.work())?;
        self.expand_picture(&mut memory, bytes, &picture)
    }

    /// Makes the first pixels of planes in device memory, which begins with `picture`.
    pub(super) fn expand_picture(
        &mut self,
        memory: &mut Scratch,
        bytes: usize,
        picture: &Picture,
    ) -> Result<()> {
        self.run_planes(memory.pointer(), bytes, picture)?;
        memory.record_on(&self.context().stream.work())
    }

    /// The same, of memory that the caller keeps until the kernel has run, in the context that is current.
    pub(super) fn run_planes(
        &self,
        from: DevicePointer<u8>,
        bytes: usize,
        picture: &Picture,
    ) -> Result<()> {
        let context = self.context();
        let [width, height] = picture.view.size;
        let pieces = u64::from(width.div_ceil(PIECE)) * u64::from(height);
        let grid =
            u32::try_from(pieces).map_or(context.max_grid, |grid| grid.min(context.max_grid));
        let (to, stream) = (self.pointer(), &context.stream.work());
        match (picture.sample_bytes, P::LAYOUT) {
            (1, Layout::Rgba8) => {
                run!(
                    context,
                    "planes_8_to_u8",
                    grid,
                    BLOCK,
                    stream,
                    from,
                    to,
                    bytes
                )
            }
            (1, _) => run!(
                context,
                "planes_8_to_f32",
                grid,
                BLOCK,
                stream,
                from,
                to,
                bytes
            ),
            (_, Layout::Rgba8) => {
                run!(
                    context,
                    "planes_16_to_u8",
                    grid,
                    BLOCK,
                    stream,
                    from,
                    to,
                    bytes
                )
            }
            _ => run!(
                context,
                "planes_16_to_f32",
                grid,
                BLOCK,
                stream,
                from,
                to,
                bytes
            ),
        }
    }
}
