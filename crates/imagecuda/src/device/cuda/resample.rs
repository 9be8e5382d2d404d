//! Pictures of other sizes, and tensors.

use super::{
    Context,
    buffer::Buffer,
    error::{check, check_raw},
    launch::{BLOCK, run},
    memory::DeviceBytes,
    recent::Recent,
};
use crate::{
    Result,
    device::SourcePixels,
    resample::{Plan, Step},
};
use cust::{launch, memory::DevicePointer, sys};
use imagecuda_kernels::{
    pixel::RgbaF32,
    resample::{Pass, RUN, TILE_COLUMNS, TILE_GROUP, TILE_LOADS, TILE_ROWS},
    tensor::{TensorElement, TensorSpec},
};
use std::sync::Arc;

/// Threads of a block: 32 columns, and 8 rows.
const THREADS: u32 = 256;
const ROWS: u32 = THREADS / 32;

/// Blocks that a grid may have along y. Kernels take the rest in turns.
const MOST_DOWN: u32 = 65_535;

/// Tables that stay on the device, and the bytes of them.
const MOST_TABLES: usize = 32;
const LARGEST_TABLE: usize = 4 << 20;

/// The last weights on the device.
pub(super) type Tables = Recent<Vec<u32>, DeviceBytes, MOST_TABLES>;

// As kernels take them: arrays are arguments that `cust` knows.
type PassWords = [u32; size_of::<Pass>() / 4];
type SpecWords = [u32; size_of::<TensorSpec>() / 4];

impl Context {
    /// Weights in device memory, from the last ones if they are among them. The context must be current.
    pub(super) fn table(self: &Arc<Self>, words: &Arc<Vec<u32>>) -> Result<Arc<DeviceBytes>> {
        if let Some(table) = self.tables.find(words) {
            return Ok(table);
        }
        let bytes: &[u8] = bytemuck::cast_slice(words);
        let table = Arc::new(DeviceBytes::uninitialized(self, bytes.len())?);
        let mut pinned = self.pinned(bytes.len())?;
        pinned.copy_from_slice(bytes);
        pinned.start_upload(table.pointer(), bytes.len(), &self.stream.work())?;
        let is_small = bytes.len() <= LARGEST_TABLE;
        self.tables.keep(words, &table, || is_small);
        Ok(table)
    }

    /// The first of two passes, from `src` to the picture `dst` between them.
    fn run_first(
        self: &Arc<Self>,
        step: &Step,
        src: DevicePointer<u8>,
        dst: DevicePointer<u8>,
    ) -> Result<()> {
        match self.run_first_pass(step, [src, dst])? {
            true => Ok(()),
            false => self.run_pass(step, src, dst),
        }
    }

    /// One pass from `src` to the picture `dst`.
    fn run_pass(
        self: &Arc<Self>,
        step: &Step,
        src: DevicePointer<u8>,
        dst: DevicePointer<u8>,
    ) -> Result<()> {
        let table = self.table(step.taps.words())?;
        let (pass, words): (PassWords, _) = (bytemuck::cast(step.pass), table.pointer());
        let stream = &self.stream.work();
        let grid = grid(step.pass.width, step.pass.height);
        run!(
            self, "resample", grid, THREADS, stream, pass, src, words, dst
        )
    }
}

/// What the kernel of both passes needs for each tile.
struct Tile {
    /// Pixels in a row of it.
    pitch: u32,
    /// Rows of the source for a group of its rows.
    rows: u32,
    threads: u32,
    /// Bytes of shared memory.
    shared: u32,
}

/// Shared memory that a block may have on every GPU, without asking for more.
pub(super) const MOST_SHARED: u32 = 48 << 10;

impl Tile {
    /// The tile for two passes; `None` where they do not fit one kernel.
    fn of(first: &Step, last: &Step) -> Option<Self> {
        // Sums in one run, in this order of the axes. Where the picture becomes smaller, strips are faster, or
        // two kernels.
        let in_one_run = first.pass.is_vertical() && first.taps.most <= RUN;
        if !in_one_run || first.taps.by_row().is_some() {
            return None;
        }
        if last.pass.height.div_ceil(TILE_ROWS as u32) > MOST_DOWN {
            return None;
        }
        let columns = last.taps.span(TILE_COLUMNS);
        // Odd, so that the same column of each row is in other banks.
        let pitch = columns | 1;
        let rows = first.taps.span(TILE_GROUP);
        let rows = rows.checked_next_multiple_of(TILE_LOADS as u32)?;
        let quads =
            u64::from(pitch) * TILE_ROWS as u64 + u64::from(rows) * (TILE_ROWS / TILE_GROUP) as u64;
        let shared = u32::try_from(quads * 16)
            .ok()
            .filter(|&bytes| bytes <= MOST_SHARED)?;
        Some(Self {
            pitch,
            rows,
            threads: columns.next_multiple_of(32).clamp(64, THREADS),
            shared,
        })
    }

    fn grid(pass: &Pass) -> (u32, u32) {
        let columns = pass.width.div_ceil(TILE_COLUMNS as u32);
        (columns, pass.height.div_ceil(TILE_ROWS as u32))
    }
}

/// The blocks for a picture.
fn grid(width: u32, height: u32) -> (u32, u32) {
    (width.div_ceil(32), height.div_ceil(ROWS).min(MOST_DOWN))
}

impl Buffer<RgbaF32> {
    /// Makes a picture of `width` × `height` of `src`. Does not wait.
    pub(crate) fn resample_from(
        &mut self,
        src: &Self,
        plan: &Plan,
        (width, height): (u32, u32),
    ) -> Result<()> {
        self.check_same_context(src)?;
        let context = self.context().clone();
        let _current = context.enter()?;
        let (from, to) = (src.pointer(), self.pointer());
        if let Some(strips) = context.strips(plan, [from, to], None, SourcePixels::Floats)? {
            return context.run_strips(&strips, false);
        }
        match plan {
            Plan::Identity => {
                let bytes = width as usize * height as usize * size_of::<RgbaF32>();
                context.copy(from, to, bytes)
            }
            Plan::Nearest {
                columns,
                rows,
                pitch,
            } => {
                let tables = (
                    context.table(columns.words())?,
                    context.table(rows.words())?,
                );
                let (columns, rows) = (tables.0.pointer(), tables.1.pointer());
                let (grid, stream, pitch) = (grid(width, height), &context.stream.work(), *pitch);
                run!(
                    context, "nearest", grid, THREADS, stream, from, pitch, columns, rows, to,
                    width, height
                )
            }
            Plan::One(step) => context.run_pass(step, from, to),
            Plan::Two(first, last) if let Some(tile) = Tile::of(first, last) => {
                context.run_tile((first, last), &tile, from, to, None)
            }
            Plan::Two(first, last) => {
                let mut between = context.scratch(first.len() * size_of::<RgbaF32>())?;
                between.wait_on(&context.stream.work())?;
                context.run_first(first, from, between.pointer())?;
                context.run_pass(last, between.pointer(), to)?;
                between.record_on(&context.stream.work())
            }
        }
    }

    /// Makes a picture of a tensor of `src`, `at` bytes after the start of this memory. Does not wait.
    pub(crate) fn tensor_from(
        &mut self,
        at: usize,
        src: &Self,
        plan: &Plan,
        spec: &TensorSpec,
    ) -> Result<()> {
        self.check_same_context(src)?;
        let context = self.context().clone();
        let _current = context.enter()?;
        let stream = &context.stream.work();
        let (from, to) = (src.pointer(), self.pointer().wrapping_add(at));
        let words: SpecWords = bytemuck::cast(*spec);
        pad(&context, spec, to)?;
        match plan {
            Plan::Identity => {
                let pixels = spec.width as usize * spec.height as usize;
                // Four pixels a thread, where kernels take so many at a time.
                let is_pixel_by_pixel = spec.count() == 4 && !spec.is_planar();
                let takes_four = pixels.is_multiple_of(4) && !is_pixel_by_pixel;
                let each = if takes_four { 2 } else { 1 };
                let grid = context.grid(pixels.div_ceil(each));
                if spec.element == TensorElement::U8 as u32 {
                    run!(context, "tensor_u8", grid, BLOCK, stream, words, from, to)
                } else if spec.element == TensorElement::F16 as u32 {
                    run!(context, "tensor_f16", grid, BLOCK, stream, words, from, to)
                } else if spec.element == TensorElement::Bf16 as u32 {
                    run!(context, "tensor_bf16", grid, BLOCK, stream, words, from, to)
                } else {
                    run!(context, "tensor_f32", grid, BLOCK, stream, words, from, to)
                }
            }
            Plan::Nearest {
                columns,
                rows,
                pitch,
            } => {
                let tables = (
                    context.table(columns.words())?,
                    context.table(rows.words())?,
                );
                let (columns, rows) = (tables.0.pointer(), tables.1.pointer());
                let (grid, pitch) = (grid(spec.inner_width, spec.inner_height), *pitch);
                run!(
                    context,
                    "nearest_tensor",
                    grid,
                    THREADS,
                    stream,
                    words,
                    from,
                    pitch,
                    columns,
                    rows,
                    to
                )
            }
            Plan::One(step) => context.run_tensor_pass(step, words, from, to),
            Plan::Two(first, last) if let Some(tile) = Tile::of(first, last) => {
                context.run_tile((first, last), &tile, from, to, Some(words))
            }
            Plan::Two(first, last) => {
                let mut between = context.scratch(first.len() * size_of::<RgbaF32>())?;
                between.wait_on(stream)?;
                context.run_first(first, from, between.pointer())?;
                context.run_tensor_pass(last, words, between.pointer(), to)?;
                between.record_on(stream)
            }
        }
    }

    /// Sets `bytes` bytes to zero, `at` bytes after the start of this memory. Does not wait.
    pub(crate) fn clear(&mut self, at: usize, bytes: usize) -> Result<()> {
        let context = self.context().clone();
        let _current = context.enter()?;
        assert!(
            at + bytes <= self.len() * size_of::<RgbaF32>(),
            "more bytes than room"
        );
        let to = self.pointer().wrapping_add(at);
        // SAFETY: within the memory, as was looked at; the stream is its context's, which is current.
        let result = unsafe {
            sys::cuMemsetD8Async(to.as_raw(), 0, bytes, context.stream.work().as_inner())
        };
        check_raw("cuMemsetD8Async", result)
    }
}

/// Queues what is outside the picture in a picture of a tensor.
pub(super) fn pad(context: &Context, spec: &TensorSpec, to: DevicePointer<u8>) -> Result<()> {
    if (spec.inner_width, spec.inner_height) == (spec.width, spec.height) {
        return Ok(());
    }
    let grid = context.grid(spec.width as usize * spec.height as usize);
    let (words, stream): (SpecWords, _) = (bytemuck::cast(*spec), &context.stream.work());
    run!(context, "tensor_pad", grid, BLOCK, stream, words, to)
}

impl Context {
    /// The last pass, from `src` to the picture `dst` of a tensor.
    fn run_tensor_pass(
        self: &Arc<Self>,
        step: &Step,
        spec: SpecWords,
        src: DevicePointer<u8>,
        dst: DevicePointer<u8>,
    ) -> Result<()> {
        let table = self.table(step.taps.words())?;
        let (pass, words): (PassWords, _) = (bytemuck::cast(step.pass), table.pointer());
        let (grid, stream) = (grid(step.pass.width, step.pass.height), &self.stream.work());
        run!(
            self,
            "resample_tensor",
            grid,
            THREADS,
            stream,
            pass,
            spec,
            src,
            words,
            dst
        )
    }

    /// Both passes, from `src` to the picture `dst`, or to the picture `dst` of a tensor.
    fn run_tile(
        self: &Arc<Self>,
        (first, last): (&Step, &Step),
        tile: &Tile,
        src: DevicePointer<u8>,
        dst: DevicePointer<u8>,
        spec: Option<SpecWords>,
    ) -> Result<()> {
        let (down, across) = (
            self.table(first.taps.words())?,
            self.table(last.taps.words())?,
        );
        let (down, across) = (down.pointer(), across.pointer());
        let (grid, stream) = (Tile::grid(&last.pass), &self.stream.work());
        let Tile {
            pitch,
            rows,
            threads,
            shared,
        } = *tile;
        let passes: [PassWords; 2] = [bytemuck::cast(first.pass), bytemuck::cast(last.pass)];
        let [first, last] = passes;
        let launched = match spec {
            None => {
                let function = self.function("resample_tile")?;
                // SAFETY: the kernel takes these arguments. The memory is sized for the pictures, and lives
                // until the kernel has run, as what frees it is in stream order.
                unsafe {
                    launch!(function<<<grid, threads, shared, stream>>>(
                        first, last, src, down, across, dst, pitch, rows
                    ))
                }
            }
            Some(spec) => {
                let function = self.function("resample_tile_tensor")?;
                // SAFETY: as above.
                unsafe {
                    launch!(function<<<grid, threads, shared, stream>>>(
                        first, last, src, down, across, dst, pitch, rows, spec
                    ))
                }
            }
        };
        check("cuLaunchKernel", launched)
    }
}
