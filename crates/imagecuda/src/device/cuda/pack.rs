//! Packing: pixels in the form that an encoder wants.

use super::{buffer::Buffer, error::check, launch::BLOCK, pinned::Pinned};
use crate::Result;
use cust::{launch, memory::DevicePointer};
use imagecuda_kernels::{
    pack::{Background, Packing, PixelUsage},
    pixel::{Rgba8, RgbaF32},
};

impl Buffer<RgbaF32> {
    /// Starts to pack the first `len` pixels into pinned memory, in the form that an encoder wants.
    /// They are there after [`Pinned::wait`].
    pub(crate) fn pack(
        &self,
        packing: Packing,
        background: Background,
        len: usize,
    ) -> Result<Pinned> {
        let context = self.context();
        let _current = context.enter()?;
        let bytes = len * packing.layout().bytes_per_pixel();
        let mut target = context.pinned(bytes)?;
        if packing == Packing::Rgba32F {
            target.start_fetch(self.pointer(), bytes, &context.stream.work())?;
            return Ok(target);
        }
        let mut scratch = context.scratch(bytes)?;
        scratch.wait_on(&context.stream.work())?;
        let dst = scratch.pointer();
        self.pack_to(dst, packing, background, len)?;
        scratch.record_on(&context.stream.work())?;
        scratch.wait_on(&context.downloads)?;
        target.start_fetch(dst, bytes, &context.downloads)?;
        scratch.record_on(&context.downloads)?;
        Ok(target)
    }

    /// Packs the first `len` pixels into device memory, in the form that an encoder wants. Does not
    /// wait.
    pub(super) fn pack_to(
        &self,
        dst: DevicePointer<u8>,
        packing: Packing,
        background: Background,
        len: usize,
    ) -> Result<()> {
        let (context, src) = (self.context(), self.pointer());
        match packing {
            Packing::L8 => context.run_flatten("pack_l8", src, dst, len, background)?,
            Packing::La8 => context.run("pack_la8", src, dst, len)?,
            Packing::L16 => context.run_flatten("pack_l16", src, dst, len, background)?,
            Packing::La16 => context.run("pack_la16", src, dst, len)?,
            Packing::Rgba16 => context.run("pack_rgba16", src, dst, len)?,
            Packing::Rgb16 => context.run_flatten("pack_rgb16", src, dst, len, background)?,
            Packing::Rgb32F => context.run_flatten("pack_rgb32f", src, dst, len, background)?,
            Packing::Rgba32F => context.copy(src, dst, len * size_of::<RgbaF32>())?,
            Packing::Rgba8 => context.run("expand_rgba32f_to_u8", src, dst, len)?,
            Packing::Rgba32FLinear => context.run("pack_rgba32f_linear", src, dst, len)?,
            Packing::Rgb8 => self.pack_rgb8_to(dst, background, len)?,
            Packing::Rgb32FLinear => {
                context.run_flatten("pack_rgb32f_linear", src, dst, len, background)?;
            }
        }
        Ok(())
    }

    /// Finds what the first `len` pixels use of their channels and bits. Fewer channels or bits
    /// would lose it. Waits.
    pub(crate) fn pixel_usage(
        &self,
        deep: bool,
        background: Option<Background>,
        len: usize,
    ) -> Result<PixelUsage> {
        let context = self.context();
        let _current = context.enter()?;
        let stream = &context.stream.work();
        let function = context.function("pixel_usage")?;
        let mut word = context.pinned(size_of::<u32>())?;
        word.fill(0);
        let mut scratch = context.scratch(word.len())?;
        scratch.wait_on(stream)?;
        word.start_upload(scratch.pointer(), word.len(), stream)?;
        let (src, dst) = (self.pointer(), scratch.pointer());
        let [r, g, b] = background.unwrap_or_default();
        let (deep, flatten) = (u32::from(deep), u32::from(background.is_some()));
        // SAFETY: the kernel takes these eight arguments: `len` pixels of this buffer, and a word
        // that was zeroed before in stream order.
        let launched = unsafe {
            launch!(function<<<context.grid(len), BLOCK, 0, stream>>>(
                src, dst, len, r, g, b, deep, flatten
            ))
        };
        check("cuLaunchKernel", launched)?;
        word.start_fetch(dst, word.len(), stream)?;
        scratch.record_on(stream)?;
        word.wait()?;
        Ok(PixelUsage(bytemuck::pod_read_unaligned(&word)))
    }

    /// Writes the first `len` pixels as flattened RGB bytes to device memory. Does not wait.
    pub(crate) fn pack_rgb8_to(
        &self,
        dst: DevicePointer<u8>,
        background: Background,
        len: usize,
    ) -> Result<()> {
        let context = self.context();
        let _current = context.enter()?;
        context.run_flatten("pack_rgb8", self.pointer(), dst, len, background)
    }
}

impl Buffer<Rgba8> {
    /// Starts to copy the first `len` pixels to pinned memory. They are there after
    /// [`Pinned::wait`].
    pub(crate) fn fetch(&self, len: usize) -> Result<Pinned> {
        let context = self.context();
        let _current = context.enter()?;
        let bytes = len * size_of::<Rgba8>();
        let mut target = context.pinned(bytes)?;
        target.start_fetch(self.pointer(), bytes, &context.stream.work())?;
        Ok(target)
    }
}
