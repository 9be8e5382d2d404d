//! Kernel launches.

use super::jpeg::is_direct;
use super::{
    Context,
    buffer::{Buffer, parallel_copy},
    error::check,
    pinned::Pinned,
    scratch::Scratch,
};
use crate::{
    Error, ErrorKind, Result,
    color::Conversion,
    device::{DevicePixel, ExpandSpec, Payload, Staging},
};
use cust::{function::Function, launch, memory::DevicePointer};
use imagecuda_kernels::{
    expand::Curve,
    layout::Layout,
    orient::View,
    pack::Background,
    pixel::{Rgba8, RgbaF32},
};

/// Launches a kernel with these arguments.
macro_rules! run {
    ($context:ident, $kernel:literal, $grid:expr, $threads:ident, $stream:ident, $($argument:expr),+) => {{
        let (function, grid) = ($context.function($kernel)?, $grid);
        // SAFETY: the kernel takes these arguments. The memory that they point to is sized for the
        // picture, and lives until the kernel has run.
        let launched = unsafe {
            cust::launch!(function<<<grid, $threads, 0, $stream>>>($($argument),+))
        };
        $crate::device::cuda::error::check("cuLaunchKernel", launched)
    }};
}
pub(super) use run;

/// Threads of a thread block. Blocks are small and take one tile each. Fewer blocks that take
/// several tiles reach 10 to 20 % less bandwidth, as the GPU's accesses are then spread over the
/// whole image at once.
pub(super) const BLOCK: u32 = 128;

/// Pixels of a tile: two for each thread, as in the kernels.
const TILE: usize = 2 * BLOCK as usize;

impl Context {
    pub(super) fn function(&self, name: &'static str) -> Result<&'static Function<'static>> {
        self.kernels.get(name)
    }

    /// The number of thread blocks for `n` pixels: one for each tile, but not more than the device
    /// allows. Kernels loop over the remaining tiles.
    pub(super) fn grid(&self, n: usize) -> u32 {
        u32::try_from(n.div_ceil(TILE)).map_or(self.max_grid, |blocks| blocks.min(self.max_grid))
    }
}

/// The name of the kernel that expands `layout` to `target`, which is [`Layout::Rgba32F`] or
/// [`Layout::Rgba8`]. `None` if there is no such kernel.
fn expansion(layout: Layout, curve: Curve, target: Layout) -> Option<&'static str> {
    use Layout::*;
    let [to_f32, to_u8] = match (curve, layout) {
        (Curve::Encoded, L8) => ["expand_l8_to_f32", "expand_l8_to_u8"],
        (Curve::Encoded, La8) => ["expand_la8_to_f32", "expand_la8_to_u8"],
        (Curve::Encoded, Rgb8) => ["expand_rgb8_to_f32", "expand_rgb8_to_u8"],
        (Curve::Encoded, Rgba8) => ["expand_rgba8_to_f32", ""],
        (Curve::Encoded, Cmyk8) => ["expand_cmyk8_to_f32", "expand_cmyk8_to_u8"],
        (Curve::Encoded, Cmyk16) => ["expand_cmyk16_to_f32", "expand_cmyk16_to_u8"],
        (Curve::Encoded, L16) => ["expand_l16_to_f32", "expand_l16_to_u8"],
        (Curve::Encoded, La16) => ["expand_la16_to_f32", "expand_la16_to_u8"],
        (Curve::Encoded, Rgb16) => ["expand_rgb16_to_f32", "expand_rgb16_to_u8"],
        (Curve::Encoded, Rgba16) => ["expand_rgba16_to_f32", "expand_rgba16_to_u8"],
        (Curve::Encoded, L32F) => ["expand_l32f_to_f32", "expand_l32f_to_u8"],
        (Curve::Encoded, La32F) => ["expand_la32f_to_f32", "expand_la32f_to_u8"],
        (Curve::Encoded, Rgb32F) => ["expand_rgb32f_to_f32", "expand_rgb32f_to_u8"],
        (Curve::Encoded, Rgba32F) => ["", "expand_rgba32f_to_u8"],
        (Curve::Linear, L32F) => ["expand_l32f_linear_to_f32", "expand_l32f_linear_to_u8"],
        (Curve::Linear, La32F) => ["expand_la32f_linear_to_f32", "expand_la32f_linear_to_u8"],
        (Curve::Linear, Rgb32F) => ["expand_rgb32f_linear_to_f32", "expand_rgb32f_linear_to_u8"],
        (Curve::Linear, Rgba32F) => [
            "expand_rgba32f_linear_to_f32",
            "expand_rgba32f_linear_to_u8",
        ],
        _ => return None,
    };
    let name = if target == Layout::Rgba8 {
        to_u8
    } else {
        to_f32
    };
    (!name.is_empty()).then_some(name)
}

impl<P: DevicePixel> Buffer<P> {
    /// Makes the first pixels from the payload of a file. Does not wait.
    pub(crate) fn expand(&mut self, payload: Payload, spec: ExpandSpec) -> Result<()> {
        match payload {
            Payload::Pixels(Staging::Pinned(pixels)) => self.expand_pixels(pixels, spec),
            // Only a group takes what is planned for it, and a new image is complete.
            Payload::Pixels(Staging::Pageable(_)) | Payload::Planned(_) | Payload::Image(_) => {
                Err(ErrorKind::DeviceMismatch.into())
            }
            Payload::Jpeg(coefficients) => self.expand_jpeg(coefficients, spec, None),
            Payload::Progressive(jpeg) => self.expand_jpeg(jpeg.into_coefficients()?, spec, None),
            Payload::Png(pixels) => self.expand_png(pixels, spec),
            Payload::Planes(planes) => self.expand_planes(planes, spec),
            Payload::Video(frames) => self.expand_frames(frames, spec),
        }
    }

    /// Uploads the file's pixels, orients them, and makes the first pixels from them.
    fn expand_pixels(&mut self, mut staging: Pinned, spec: ExpandSpec) -> Result<()> {
        let context = self.context().clone();
        let _current = context.enter()?;
        let bytes = staging.len();
        if spec.layout == P::LAYOUT && spec.curve == Curve::Encoded && spec.is_stored() {
            // In the order of the kernels, which may still use the image.
            return staging.start_upload(self.pointer(), bytes, &context.stream.work());
        }
        // All memory is allocated before the first write, so a failure changes nothing.
        let mut scratch = context.scratch(bytes)?;
        let oriented = self.orientation_scratch(spec)?;
        scratch.wait_on(&context.uploads)?;
        staging.start_upload(scratch.pointer(), bytes, &context.uploads)?;
        staging.order_before(&context.stream.work())?;
        self.expand_scratch(&mut scratch, oriented, spec)
    }

    /// Memory for the oriented pixels of the file, or for the part of them that is wanted, if they
    /// have to be oriented or cropped.
    pub(super) fn orientation_scratch(&self, spec: ExpandSpec) -> Result<Option<Scratch>> {
        Self::orientation_bytes(spec)
            .map(|bytes| self.context().scratch(bytes))
            .transpose()
    }

    /// The bytes of that memory.
    pub(super) fn orientation_bytes(spec: ExpandSpec) -> Option<usize> {
        let as_is = spec.layout == P::LAYOUT && spec.curve == Curve::Encoded;
        let is_needed = !spec.is_stored() && !as_is;
        is_needed.then(|| spec.len() * spec.layout.bytes_per_pixel())
    }

    /// Orients and crops the file's pixels, and makes the first pixels from them.
    pub(super) fn expand_scratch(
        &mut self,
        pixels: &mut Scratch,
        oriented: Option<Scratch>,
        spec: ExpandSpec,
    ) -> Result<()> {
        self.expand_at(pixels.pointer(), oriented, spec)?;
        pixels.record_on(&self.context().stream.work())
    }

    /// The same, of pixels in any device memory. The caller notes that they are used.
    pub(super) fn expand_at(
        &mut self,
        pixels: DevicePointer<u8>,
        mut oriented: Option<Scratch>,
        spec: ExpandSpec,
    ) -> Result<()> {
        let context = self.context().clone();
        if let Some(oriented) = &mut oriented {
            oriented.wait_on(&context.stream.work())?;
        }
        let turned = oriented.as_ref().map(Scratch::pointer);
        self.expand_uploaded(pixels, turned, spec)?;
        match &mut oriented {
            Some(oriented) => oriented.record_on(&context.stream.work()),
            None => Ok(()),
        }
    }

    /// The same, of memory that the caller keeps until the kernels have run. They belong to the image's
    /// stream, whose context must be current.
    pub(super) fn expand_uploaded(
        &self,
        pixels: DevicePointer<u8>,
        oriented: Option<DevicePointer<u8>>,
        spec: ExpandSpec,
    ) -> Result<()> {
        let context = self.context();
        match oriented {
            // Pixels are oriented and cropped before they are expanded, as they are smaller then.
            Some(oriented) => {
                context.run_orient(pixels, oriented, spec)?;
                self.run_expansion(oriented, spec.layout, spec.curve, spec.len())
            }
            None if !spec.is_stored() => context.run_orient(pixels, self.pointer(), spec),
            None => self.run_expansion(pixels, spec.layout, spec.curve, spec.len()),
        }
    }

    /// Like [`expand_pixels`](Self::expand_pixels), from any host memory.
    pub(crate) fn expand_bytes(&mut self, bytes: &[u8], spec: ExpandSpec) -> Result<()> {
        let mut staging = self.context().pinned(bytes.len())?;
        parallel_copy(bytes, &mut staging);
        self.expand_pixels(staging, spec)
    }

    /// Makes the first `len` pixels from pixels in device memory. Does not wait.
    pub(crate) fn expand_from(
        &mut self,
        src: DevicePointer<u8>,
        layout: Layout,
        curve: Curve,
        len: usize,
    ) -> Result<()> {
        let _current = self.context().enter()?;
        self.run_expansion(src, layout, curve, len)
    }

    /// The same in the context that is current.
    fn run_expansion(
        &self,
        src: DevicePointer<u8>,
        layout: Layout,
        curve: Curve,
        len: usize,
    ) -> Result<()> {
        let context = self.context();
        if layout == P::LAYOUT && curve == Curve::Encoded {
            return context.copy(src, self.pointer(), len * size_of::<P>());
        }
        let kernel = expansion(layout, curve, P::LAYOUT)
            .ok_or_else(|| Error::unsupported(format!("{curve:?} {layout:?} pixels")))?;
        // To 8 bits a thread makes four pixels at a time.
        let is_by_four = P::LAYOUT == Layout::Rgba8 && kernel != "expand_rgba32f_to_u8";
        let threads = if is_by_four { len.div_ceil(4) } else { len };
        context.run_on(context.grid(threads), kernel, src, self.pointer(), len)
    }

    /// Makes the first `len` pixels from those of `src`. Does not wait.
    pub(crate) fn convert_from<Q: DevicePixel>(
        &mut self,
        src: &Buffer<Q>,
        len: usize,
    ) -> Result<()> {
        self.check_same_context(src)?;
        self.expand_from(src.pointer(), Q::LAYOUT, Curve::Encoded, len)
    }
}

impl Buffer<RgbaF32> {
    /// Makes floats of the 8-bit pixels that this memory holds. Does not wait.
    pub(crate) fn expand_own_bytes(&mut self, len: usize) -> Result<()> {
        assert!(len <= self.len(), "more pixels than room");
        let context = self.context().clone();
        let _current = context.enter()?;
        let mut own = context.scratch(len * size_of::<Rgba8>())?;
        own.wait_on(&context.stream.work())?;
        context.copy(self.pointer(), own.pointer(), len * size_of::<Rgba8>())?;
        self.expand_from(own.pointer(), Layout::Rgba8, Curve::Encoded, len)?;
        own.record_on(&context.stream.work())
    }

    /// Like [`expand`](Self::expand), and converts the colours. Does not wait.
    pub(crate) fn expand_converted(
        &mut self,
        payload: Payload,
        spec: ExpandSpec,
        conversion: &Conversion,
    ) -> Result<()> {
        let context = self.context().clone();
        let _current = context.enter()?;
        // All memory is allocated before the first write, so a failure changes nothing.
        let numbers: &[u8] = bytemuck::cast_slice(conversion.numbers());
        let mut pinned = context.pinned(numbers.len())?;
        pinned.copy_from_slice(numbers);
        let mut table = context.scratch(numbers.len())?;
        table.wait_on(&context.uploads)?;
        pinned.start_upload(table.pointer(), numbers.len(), &context.uploads)?;
        pinned.order_before(&context.stream.work())?;
        let payload = match payload {
            Payload::Progressive(jpeg) => Payload::Jpeg(jpeg.into_coefficients()?),
            payload => payload,
        };
        let payload = match (payload, conversion) {
            (Payload::Jpeg(coefficients), Conversion::Shaper(_)) if is_direct(spec) => {
                // Expansion and conversion in one pass over the pixels.
                self.expand_jpeg(coefficients, spec, Some(table.pointer()))?;
                return table.record_on(&context.stream.work());
            }
            (payload, _) => payload,
        };
        self.expand(payload, spec)?;
        self.run_conversion(conversion, table.pointer(), spec.len())?;
        table.record_on(&context.stream.work())
    }

    /// Converts the colours of the first pixels, in the context that is current. The numbers of the
    /// conversion stay there until the kernel has run.
    pub(super) fn run_conversion(
        &self,
        conversion: &Conversion,
        numbers: DevicePointer<u8>,
        len: usize,
    ) -> Result<()> {
        let kernel = match conversion {
            Conversion::Shaper(_) => "color_shape",
            Conversion::Table(_) => "color_table",
            Conversion::Cmyk(_) => "color_cmyk",
        };
        self.context().run(kernel, numbers, self.pointer(), len)
    }
}

impl Context {
    /// Launches a kernel that takes two buffers and `n` pixels.
    pub(super) fn run(
        &self,
        kernel: &'static str,
        src: DevicePointer<u8>,
        dst: DevicePointer<u8>,
        n: usize,
    ) -> Result<()> {
        self.run_on(self.grid(n), kernel, src, dst, n)
    }

    /// The same with a number of thread blocks.
    fn run_on(
        &self,
        blocks: u32,
        kernel: &'static str,
        src: DevicePointer<u8>,
        dst: DevicePointer<u8>,
        n: usize,
    ) -> Result<()> {
        let (function, stream) = (self.function(kernel)?, &self.stream.work());
        // SAFETY: the kernel takes these three arguments. The callers sized both buffers for `n`
        // pixels of the kernel's types. They free or reuse them in stream order.
        let launched = unsafe { launch!(function<<<blocks, BLOCK, 0, stream>>>(src, dst, n)) };
        check("cuLaunchKernel", launched)
    }

    /// Launches a kernel that also flattens onto `background`.
    pub(super) fn run_flatten(
        &self,
        kernel: &'static str,
        src: DevicePointer<u8>,
        dst: DevicePointer<u8>,
        n: usize,
        [r, g, b]: Background,
    ) -> Result<()> {
        let (function, stream) = (self.function(kernel)?, &self.stream.work());
        // SAFETY: as in `run`, with the background after the three arguments.
        let launched =
            unsafe { launch!(function<<<self.grid(n), BLOCK, 0, stream>>>(src, dst, n, r, g, b)) };
        check("cuLaunchKernel", launched)
    }

    /// Launches a kernel that orients and crops the file's pixels.
    fn run_orient(
        &self,
        src: DevicePointer<u8>,
        dst: DevicePointer<u8>,
        spec: ExpandSpec,
    ) -> Result<()> {
        let kernel = match spec.layout.bytes_per_pixel() {
            1 => "orient_1",
            2 => "orient_2",
            3 => "orient_3",
            4 => "orient_4",
            6 => "orient_6",
            8 => "orient_8",
            12 => "orient_12",
            _ => "orient_16",
        };
        let View {
            orientation,
            width,
            height,
            left,
            top,
        } = spec.view;
        let (n, columns, orientation) = (spec.len(), spec.width, orientation as u32);
        let (function, stream) = (self.function(kernel)?, &self.stream.work());
        // SAFETY: as in `run`, with the part's width and the view after the three arguments.
        let launched = unsafe {
            launch!(function<<<self.grid(n), BLOCK, 0, stream>>>(
                src, dst, n, columns, orientation, width, height, left, top
            ))
        };
        check("cuLaunchKernel", launched)
    }
}
