//! Pictures that become smaller, by the kernels that make strips: one picture, or many at once.

use super::{
    Context,
    buffer::Buffer,
    error::check,
    memory::DeviceBytes,
    resample::{MOST_SHARED, pad},
};
use crate::{
    Result,
    device::SourcePixels,
    resample::{self, Plan, Step},
};
use bytemuck::Zeroable;
use cust::{launch, memory::DevicePointer};
use imagecuda_kernels::{
    pixel::RgbaF32,
    resample::{Input, STRIP_LINE, STRIP_SUMS, STRIP_THREADS, StripJob, strip_batch},
    tensor::TensorSpec,
};
use std::sync::Arc;

/// As kernels take a job: an array is an argument that `cust` knows.
type JobWords = [u64; size_of::<StripJob>() / 8];

/// Blocks for each multiprocessor, which it has at the same time: more strips would load more of the source
/// twice.
const BLOCKS_EACH: u32 = 3;

/// The fewest rows of a strip.
const FEWEST_ROWS: u32 = 24;

/// A picture that strips are to make, and the weights that they need. Its source and its target are the
/// caller's.
pub(crate) struct Strips {
    job: StripJob,
    /// The kernel's sums.
    sums: u32,
    _tables: [Arc<DeviceBytes>; 4],
}

impl Context {
    /// The strips for a plan, if it is for them. With a `spec` they make a picture of a tensor. The context
    /// must be current.
    pub(super) fn strips(
        self: &Arc<Self>,
        plan: &Plan,
        [src, dst]: [DevicePointer<u8>; 2],
        spec: Option<&TensorSpec>,
        pixels: SourcePixels,
    ) -> Result<Option<Strips>> {
        let Plan::Two(first, last) = plan else {
            return Ok(None);
        };
        let Some(strips) = resample::Strips::of(first, last) else {
            return Ok(None);
        };
        if spec.is_none() && first.pass.input != Input::Straight as u32 {
            return Ok(None);
        }
        let mut first_pass = first.pass;
        if pixels == SourcePixels::Bytes {
            if first.pass.input != Input::Opaque as u32 {
                return Ok(None);
            }
            first_pass.input = Input::OpaqueBytes as u32;
        }
        let tables = [
            self.table(first.taps.words())?,
            self.table(&strips.by_row.words)?,
            self.table(last.taps.words())?,
            self.table(&strips.by_column.words)?,
        ];
        let [down, by_row, across, by_column] =
            tables.each_ref().map(|table| table.pointer().as_raw());
        Ok(Some(Strips {
            job: StripJob {
                src: src.as_raw(),
                dst: dst.as_raw(),
                down,
                by_row,
                across,
                by_column,
                first: first_pass,
                last: last.pass,
                end_row: first.taps.range.1,
                columns: strips.columns,
                below: 0,
                first_block: 0,
                column_words: strips.by_column.each,
                spec: spec.copied().unwrap_or(TensorSpec::zeroed()),
            },
            sums: strips.by_row.sums,
            _tables: tables,
        }))
    }

    /// Makes the first of two passes, from `src` to the picture `dst` between them, if it is for strips. Returns
    /// whether it is.
    pub(super) fn run_first_pass(
        self: &Arc<Self>,
        step: &Step,
        [src, dst]: [DevicePointer<u8>; 2],
    ) -> Result<bool> {
        let Some(by_row) = resample::Strips::of_first(step) else {
            return Ok(false);
        };
        let tables = [self.table(step.taps.words())?, self.table(&by_row.words)?];
        let [down, rows] = tables.each_ref().map(|table| table.pointer().as_raw());
        let mut job = StripJob {
            src: src.as_raw(),
            dst: dst.as_raw(),
            down,
            by_row: rows,
            first: step.pass,
            last: step.pass,
            end_row: step.taps.range.1,
            columns: STRIP_THREADS,
            ..StripJob::zeroed()
        };
        number(&mut [&mut job], self.multiprocessors);
        let kernel = match by_row.sums {
            3 => "down_strip_3",
            6 => "down_strip_6",
            _ => "down_strip_8",
        };
        self.launch_strips(kernel, &job, 0)?;
        Ok(true)
    }

    /// Makes the only picture of a launch.
    pub(super) fn run_strips(self: &Arc<Self>, strips: &Strips, is_tensor: bool) -> Result<()> {
        let mut job = strips.job;
        number(&mut [&mut job], self.multiprocessors);
        let kernel = match (strips.sums, is_tensor) {
            (3, false) => "strip_3",
            (6, false) => "strip_6",
            (_, false) => "strip_8",
            (3, true) => "tensor_strip_3",
            (6, true) => "tensor_strip_6",
            (_, true) => "tensor_strip_8",
        };
        self.launch_strips(kernel, &job, self.strip_shared(strips.sums))
    }

    /// Bytes of shared memory for blocks of so many sums: for two batches, where it costs no blocks.
    fn strip_shared(&self, sums: u32) -> u32 {
        let batch = strip_batch(sums) * STRIP_LINE;
        match self.has_much_shared && 2 * batch <= MOST_SHARED {
            true => 2 * batch,
            false => batch,
        }
    }

    fn launch_strips(&self, kernel: &'static str, job: &StripJob, shared: u32) -> Result<()> {
        let (function, stream) = (self.function(kernel)?, &self.stream.work());
        let (blocks, words): (_, JobWords) = (job.strips(), bytemuck::cast(*job));
        // SAFETY: the kernel takes a job, and has shared memory for a batch of rows if it uses any. The job's
        // memory is sized for the pictures, and lives until the kernel has run, as what frees it is in stream
        // order.
        let launched =
            unsafe { launch!(function<<<blocks, STRIP_THREADS, shared, stream>>>(words)) };
        check("cuLaunchKernel", launched)
    }

    /// Makes pictures of tensors in one launch, all with as many sums.
    fn run_many_strips(self: &Arc<Self>, strips: &[&Strips], sums: u32) -> Result<()> {
        let mut jobs: Vec<StripJob> = strips.iter().map(|strips| strips.job).collect();
        let mut all: Vec<&mut StripJob> = jobs.iter_mut().collect();
        let blocks = number(&mut all, self.multiprocessors);
        let bytes: &[u8] = bytemuck::cast_slice(&jobs);
        let (stream, count) = (&self.stream.work(), jobs.len() as u32);
        let mut pinned = self.pinned(bytes.len())?;
        pinned[..bytes.len()].copy_from_slice(bytes);
        let mut table = self.scratch(bytes.len())?;
        table.wait_on(stream)?;
        pinned.start_upload(table.pointer(), bytes.len(), stream)?;
        let kernel = match sums {
            3 => "tensor_strips_3",
            6 => "tensor_strips_6",
            _ => "tensor_strips_8",
        };
        let (function, jobs) = (self.function(kernel)?, table.pointer());
        let shared = self.strip_shared(sums);
        // SAFETY: the kernel takes a table of jobs; the rest as above.
        let launched =
            unsafe { launch!(function<<<blocks, STRIP_THREADS, shared, stream>>>(jobs, count)) };
        check("cuLaunchKernel", launched)?;
        table.record_on(stream)
    }
}

/// Gives all jobs of a launch their strips and their blocks. Returns all blocks.
fn number(jobs: &mut [&mut StripJob], multiprocessors: u32) -> u32 {
    let wanted = BLOCKS_EACH * multiprocessors / jobs.len().max(1) as u32;
    let mut blocks = 0;
    for job in jobs {
        let most = job.last.height.div_ceil(FEWEST_ROWS);
        job.below = (wanted / job.across()).clamp(1, most);
        job.first_block = blocks;
        blocks += job.strips();
    }
    blocks
}

impl Buffer<RgbaF32> {
    /// The strips that make a picture of this tensor of `src`, `at` bytes after its start; `None` if the plan
    /// is not for strips. Queues what is outside the picture. Does not wait.
    pub(crate) fn tensor_strips(
        &mut self,
        at: usize,
        src: &Self,
        plan: &Plan,
        spec: &TensorSpec,
        pixels: SourcePixels,
    ) -> Result<Option<Strips>> {
        self.check_same_context(src)?;
        let context = self.context().clone();
        let _current = context.enter()?;
        let to = self.pointer().wrapping_add(at);
        let strips = context.strips(plan, [src.pointer(), to], Some(spec), pixels)?;
        if strips.is_some() {
            pad(&context, spec, to)?;
        }
        Ok(strips)
    }

    /// Makes pictures of this tensor, whose sources live. Does not wait.
    pub(crate) fn make_strips(&mut self, strips: &[&Strips]) -> Result<()> {
        let context = self.context().clone();
        let _current = context.enter()?;
        for sums in STRIP_SUMS {
            let of_sums = strips.iter().filter(|strips| strips.sums == sums);
            let own: Vec<&Strips> = of_sums.copied().collect();
            match &own[..] {
                [] => {}
                [strips] => context.run_strips(strips, true)?,
                strips => context.run_many_strips(strips, sums)?,
            }
        }
        Ok(())
    }
}
