//! A group whose kernels run.

use super::{
    super::{Context, error::check_raw, pinned::Pinned, scratch::Scratch},
    Parts,
    filling::{Filling, Member, PIXEL_KERNELS},
    inverse_kernel,
    launch::{EntropyLaunches, Grid},
    picture_job,
    prepare::Regions,
    put,
};
use crate::{Result, device::GroupMember};
use bytemuck::cast_slice;
use cust::{stream::Stream, sys};
use imagecuda_kernels::jpeg::{
    jobs::{PictureJob, ScanJob},
    picture::BLOCK,
};
use std::sync::Arc;

/// Device memory is asked for in few sizes, so that groups of any size use the same blocks again.
const SMALLEST: usize = 16 << 20;
const LARGEST: usize = 256 << 20;

/// A group whose pixels are being made.
pub(super) struct Flight<T> {
    /// Holds the statuses once they have been waited for. They come last.
    staging: Pinned,
    memory: Scratch,
    members: Vec<Member<T>>,
}

/// The launches that make pixels of all pictures.
struct PixelLaunches {
    /// The address of the jobs. Those of each kernel of [`PIXEL_KERNELS`] follow each other.
    jobs: u64,
    inverse: u32,
    /// The eighths of its size that the smallest picture has.
    unit: u32,
    /// For each kernel, its pictures.
    counts: [u32; PIXEL_KERNELS.len()],
    /// And their blocks.
    rows: [u32; PIXEL_KERNELS.len()],
}

/// Where the pictures of a group are in device memory.
struct Layout {
    scan_jobs: usize,
    picture_jobs: usize,
    uploaded: usize,
    zeros: usize,
    zeros_end: usize,
    /// For each picture its second region, its third region, and its samples.
    regions: Vec<[usize; 3]>,
    end: usize,
}

impl Layout {
    fn new<T>(parts: Parts, members: &[Member<T>]) -> Self {
        let scans: usize = members.iter().map(|member| member.parts.scans.len()).sum();
        let mut all = parts;
        let scan_jobs = all.add(scans * size_of::<ScanJob>());
        let picture_jobs = all.add(members.len() * size_of::<PictureJob>());
        let uploaded = all.end;
        let mut regions: Vec<[usize; 3]> = members
            .iter()
            .map(|member| [all.add(member.parts.work), 0, 0])
            .collect();
        let zeros = all.add(0);
        for (member, region) in members.iter().zip(&mut regions) {
            region[1] = all.add(member.parts.zeros);
        }
        let zeros_end = all.end;
        for (member, region) in members.iter().zip(&mut regions) {
            region[2] = all.add(member.jpeg.scaled.picture.blocks() * BLOCK);
        }
        Self {
            scan_jobs,
            picture_jobs,
            uploaded,
            zeros,
            zeros_end,
            regions,
            end: all.end,
        }
    }
}

/// The jobs of a group whose device memory begins at `base`.
fn jobs<T: GroupMember>(
    members: &[Member<T>],
    layout: &Layout,
    base: u64,
) -> (Vec<ScanJob>, Vec<PictureJob>, PixelLaunches) {
    let (mut scans, mut pictures) = (Vec::new(), Vec::with_capacity(members.len()));
    let mut pixels = PixelLaunches {
        jobs: base + layout.picture_jobs as u64,
        inverse: 0,
        unit: members
            .iter()
            .map(|m| m.jpeg.scaled.unit)
            .min()
            .unwrap_or(8),
        counts: [0; PIXEL_KERNELS.len()],
        rows: [0; PIXEL_KERNELS.len()],
    };
    for (number, (member, region)) in members.iter().zip(&layout.regions).enumerate() {
        let [work, zeros, samples] = region.map(|at| base + at as u64);
        let regions = Regions {
            uploaded: base + member.start as u64,
            work,
            zeros,
        };
        let plans = &member.jpeg.plan.scans[..];
        let tables = member.tables.iter().map(|&at| base + at as u64);
        let status = base + 4 * number as u64;
        let own = member.parts.scan_jobs(plans, regions, tables);
        scans.extend(own.map(|job| ScanJob { status, ..job }));

        let mut job = picture_job(&member.jpeg.scaled, &member.jpeg.quantizers);
        (job.dc, job.block_origins) = member.parts.dc(plans, regions);
        job.coefficients = zeros + member.parts.coefficients as u64 - base;
        job.samples = samples - base;
        job.pixels = member.pixels;
        job.first_inverse = pixels.inverse;
        pixels.inverse += job.inverse_blocks();
        job.shaper = member.shaper.unwrap_or(0) as u64;
        let kernel = member.pixel_kernel();
        job.first_row = pixels.rows[kernel];
        pixels.rows[kernel] += job.pixel_blocks();
        pixels.counts[kernel] += 1;
        pictures.push(job);
    }
    (scans, pictures, pixels)
}

impl<T: GroupMember> Flight<T> {
    /// Starts the upload and the kernels. If that fails, returns all pictures as not decoded.
    pub(super) fn launch(
        context: &Arc<Context>,
        group: Filling<T>,
        number: usize,
    ) -> Result<Self, Vec<(T, bool)>> {
        let Filling {
            mut staging,
            parts,
            mut members,
            is_incomplete,
            ..
        } = group;
        if is_incomplete {
            return Err(undecoded(context, members));
        }
        // Each kernel takes jobs that follow each other.
        members.sort_by_key(Member::pixel_kernel);
        match start(context, &mut staging, parts, &members, number) {
            Ok(memory) => Ok(Self {
                staging,
                memory,
                members,
            }),
            Err(_) => Err(undecoded(context, members)),
        }
    }

    /// Waits for the pixels. Returns the pictures, and whether they are decoded.
    pub(super) fn finish(mut self, context: &Context) -> Vec<(T, bool)> {
        if self.staging.wait_asleep().is_err() {
            return undecoded(context, self.members);
        }
        self.memory.mark_idle();
        let statuses = cast_slice::<u8, u32>(&self.staging[..4 * self.members.len()]);
        let members = self.members.into_iter().zip(statuses);
        members
            .map(|(member, &status)| (member.with, status == 0))
            .collect()
    }
}

/// Waits for all that may still run, so that the images can be used.
fn undecoded<T>(context: &Context, members: Vec<Member<T>>) -> Vec<(T, bool)> {
    let _ = context.wait_for_all();
    let members = members.into_iter();
    members.map(|member| (member.with, false)).collect()
}

fn start<T: GroupMember>(
    context: &Arc<Context>,
    staging: &mut Pinned,
    parts: Parts,
    members: &[Member<T>],
    number: usize,
) -> Result<Scratch> {
    let layout = Layout::new(parts, members);
    let bytes = match layout.end {
        ..LARGEST => layout.end.next_power_of_two().max(SMALLEST),
        bytes => bytes,
    };
    let mut memory = context.scratch(bytes)?;
    let base = memory.pointer().as_raw();
    let (mut scans, pictures, pixels) = jobs(members, &layout, base);
    let launches = EntropyLaunches::new(&mut scans);
    staging[..4 * members.len()].fill(0);
    put(staging, layout.scan_jobs, &scans);
    put(staging, layout.picture_jobs, &pictures);

    let stream = &context.decodes[number % context.decodes.len()];
    let _launching = context.lock_launch();
    memory.wait_on(stream)?;
    // SAFETY: the zeros are within the memory, and the stream is this context's.
    let result = unsafe {
        let zeros = layout.zeros_end - layout.zeros;
        sys::cuMemsetD8Async(base + layout.zeros as u64, 0, zeros, stream.as_inner())
    };
    check_raw("cuMemsetD8Async", result)?;
    staging.start_upload_of(0..layout.uploaded, memory.pointer(), stream)?;
    let table = memory.pointer().wrapping_add(layout.scan_jobs);
    // SAFETY: the jobs have addresses of this memory, which is used again in stream order.
    unsafe { context.launch_entropy(&launches, table, stream)? };
    // What is queued so far may still use the memory of the images.
    memory.record_on(&context.stream)?;
    memory.wait_on(stream)?;
    // SAFETY: as before; the jobs have the offsets of coefficients and samples in this memory. The
    // images live as long as their members.
    unsafe { pixels.run(context, base, stream)? };
    staging.start_fetch(memory.pointer(), 4 * members.len(), stream)?;
    Ok(memory)
}

impl PixelLaunches {
    /// Makes the pixels of all pictures, whose memory begins at `base`, also where the coefficients turn
    /// out to be wrong: such pictures are decoded again.
    ///
    /// # Safety
    ///
    /// As for [`Context::launch`].
    unsafe fn run(&self, context: &Context, base: u64, stream: &Stream) -> Result<()> {
        let mut jobs = self.jobs;
        let all = self.counts.iter().sum::<u32>().into();
        let (inverse, grid) = (inverse_kernel(self.unit), Grid::of_pixels(self.inverse));
        // SAFETY: the kernel takes these arguments; the rest is the caller's word.
        unsafe { context.launch(inverse, grid, stream, &[jobs, all, base, base])? };
        for ((kernel, count), blocks) in PIXEL_KERNELS.into_iter().zip(self.counts).zip(self.rows) {
            if count > 0 {
                // The last one is that of the one kernel that converts colours.
                let arguments = [jobs, count.into(), base, 0, base];
                let taken = if kernel == "jpeg_to_shaped" { 5 } else { 4 };
                // SAFETY: as above.
                unsafe {
                    context.launch(kernel, Grid::of_pixels(blocks), stream, &arguments[..taken])?;
                }
            }
            jobs += u64::from(count) * size_of::<PictureJob>() as u64;
        }
        Ok(())
    }
}
