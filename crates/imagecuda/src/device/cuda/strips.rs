//! Pictures that become smaller, by the kernels that make strips: one picture, or many at once.

use super::{
    Context,
    error::check,
    memory::{Buffer, DeviceBytes},
    resample::pad,
};
use crate::{
    Result,
    resample::{self, Plan},
};
use bytemuck::Zeroable;
use cust::{launch, memory::DevicePointer};
use imagecuda_kernels::{
    pixel::RgbaF32,
    resample::{Input, STRIP_SUMS, STRIP_THREADS, StripJob, strip_batch},
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
                first: first.pass,
                last: last.pass,
                end_row: first.taps.range.1,
                columns: strips.columns,
                rows: 0,
                first_block: 0,
                column_words: strips.by_column.each,
                spec: spec.copied().unwrap_or(TensorSpec::zeroed()),
            },
            sums: strips.by_row.sums,
            _tables: tables,
        }))
    }

    /// Makes the only picture of a launch.
    pub(super) fn run_strips(self: &Arc<Self>, strips: &Strips, is_tensor: bool) -> Result<()> {
        let mut job = strips.job;
        number(&mut [&mut job], strips.sums, self.multiprocessors);
        let kernel = match (strips.sums, is_tensor) {
            (3, false) => "strip_3",
            (6, false) => "strip_6",
            (_, false) => "strip_8",
            (3, true) => "tensor_strip_3",
            (6, true) => "tensor_strip_6",
            (_, true) => "tensor_strip_8",
        };
        let (function, stream) = (self.function(kernel)?, &self.stream);
        let (blocks, words): (_, JobWords) = (job.strips(), bytemuck::cast(job));
        // SAFETY: the kernel takes a job. Its memory is sized for the pictures, and lives until the kernel has
        // run, as what frees it is in stream order.
        let launched = unsafe { launch!(function<<<blocks, STRIP_THREADS, 0, stream>>>(words)) };
        check("cuLaunchKernel", launched)
    }

    /// Makes pictures of tensors in one launch, all with as many sums.
    fn run_many_strips(self: &Arc<Self>, strips: &[&Strips], sums: u32) -> Result<()> {
        let mut jobs: Vec<StripJob> = strips.iter().map(|strips| strips.job).collect();
        let mut all: Vec<&mut StripJob> = jobs.iter_mut().collect();
        let blocks = number(&mut all, sums, self.multiprocessors);
        let bytes: &[u8] = bytemuck::cast_slice(&jobs);
        let (stream, count) = (&self.stream, jobs.len() as u32);
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
        // SAFETY: the kernel takes a table of jobs; the rest as above.
        let launched =
            unsafe { launch!(function<<<blocks, STRIP_THREADS, 0, stream>>>(jobs, count)) };
        check("cuLaunchKernel", launched)?;
        table.record_on(stream)
    }
}

/// Gives all jobs of a launch their rows and their blocks. Returns all blocks.
fn number(jobs: &mut [&mut StripJob], sums: u32, multiprocessors: u32) -> u32 {
    let wanted = BLOCKS_EACH * multiprocessors / jobs.len().max(1) as u32;
    let mut blocks = 0;
    for job in jobs {
        let down = (wanted / job.across()).max(1);
        let rows = job.last.height.div_ceil(down).max(FEWEST_ROWS);
        job.rows = rows.next_multiple_of(strip_batch(sums));
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
    ) -> Result<Option<Strips>> {
        self.check_same_context(src)?;
        let context = self.context().clone();
        let _current = context.enter()?;
        let to = self.pointer().wrapping_add(at);
        let strips = context.strips(plan, [src.pointer(), to], Some(spec))?;
        if strips.is_some() {
            pad(&context, spec, to)?;
        }
        Ok(strips)
    }

    /// Makes pictures of this tensor, whose sources live. Does not wait.
    pub(crate) fn make_strips(&mut self, strips: &[Strips]) -> Result<()> {
        let context = self.context().clone();
        let _current = context.enter()?;
        for sums in STRIP_SUMS {
            let own: Vec<&Strips> = strips.iter().filter(|strips| strips.sums == sums).collect();
            match &own[..] {
                [] => {}
                [strips] => context.run_strips(strips, true)?,
                strips => context.run_many_strips(strips, sums)?,
            }
        }
        Ok(())
    }
}
