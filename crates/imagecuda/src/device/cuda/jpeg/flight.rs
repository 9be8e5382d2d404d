//! A group whose kernels run.

use super::{
    super::{
        Context, counted_stream::QueuedWork, error::check_raw, pinned::Pinned, scratch::Scratch,
    },
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
    scan::status::UNSYNCHRONIZED,
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
    layout: Layout,
    members: Vec<Member<T>>,
    /// The number of its stream.
    stream: usize,
    /// What was in the other stream that uses images when its pixels were queued.
    after: QueuedWork,
    /// Whether sections are mended that did not synchronise.
    is_mended: bool,
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

    /// How much memory is asked for.
    fn size_class(&self) -> usize {
        match self.end {
            ..LARGEST => self.end.next_power_of_two().max(SMALLEST),
            bytes => bytes,
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
        is_mended: bool,
    ) -> Result<Self, Vec<(T, bool)>> {
        let Filling {
            staging,
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
        let layout = Layout::new(parts, &members);
        let Ok(memory) = context.scratch(layout.size_class()) else {
            return Err(undecoded(context, members));
        };
        let mut flight = Self {
            staging,
            memory,
            layout,
            members,
            stream: number % context.decodes.len(),
            after: context.stream.queued(),
            is_mended,
        };
        match flight.start(context) {
            Ok(()) => Ok(flight),
            Err(_) => Err(undecoded(context, flight.members)),
        }
    }

    /// Queues the upload and the kernels.
    fn start(&mut self, context: &Context) -> Result<()> {
        let (layout, members, memory) = (&self.layout, &self.members[..], &mut self.memory);
        let base = memory.pointer().as_raw();
        let (mut scans, pictures, pixels) = jobs(members, layout, base);
        let mut launches = EntropyLaunches::new(&mut scans);
        if !self.is_mended {
            launches = launches.without_mending();
        }
        self.staging[..4 * members.len()].fill(0);
        put(&mut self.staging, layout.scan_jobs, &scans);
        put(&mut self.staging, layout.picture_jobs, &pictures);

        let stream = &context.decodes[self.stream];
        let _launching = context.lock_launch();
        memory.wait_on(stream)?;
        // SAFETY: the zeros are within the memory, and the stream is this context's.
        let result = unsafe {
            let zeros = layout.zeros_end - layout.zeros;
            sys::cuMemsetD8Async(base + layout.zeros as u64, 0, zeros, stream.as_inner())
        };
        check_raw("cuMemsetD8Async", result)?;
        self.staging
            .start_upload_of(0..layout.uploaded, memory.pointer(), stream)?;
        let table = memory.pointer().wrapping_add(layout.scan_jobs);
        // SAFETY: the jobs have addresses of this memory, which is used again in stream order.
        unsafe { context.launch_entropy(&launches, table, stream)? };
        // What others have queued may still use the memory of the images, unless it is known to have run.
        self.after = context.stream.queued();
        if !context.stream.has_run(self.after) {
            memory.record_on(context.stream.uncounted())?;
            memory.wait_on(stream)?;
        }
        // SAFETY: as before; the jobs have the offsets of coefficients and samples in this memory. The
        // images live as long as their members.
        unsafe { pixels.run(context, base, stream)? };
        self.staging
            .start_fetch(memory.pointer(), 4 * members.len(), stream)
    }

    /// Waits for the pixels, and returns the statuses.
    fn wait(&mut self, context: &Context) -> Result<Vec<u32>> {
        self.staging.wait_asleep()?;
        self.memory.mark_idle();
        // The pixels were made after that.
        context.stream.note_run(self.after);
        let statuses = &self.staging[..4 * self.members.len()];
        Ok(cast_slice::<u8, u32>(statuses).to_vec())
    }

    /// Waits for the pixels. Returns the pictures, whether they are decoded, and whether a second decoding, with
    /// mending, helped some.
    pub(super) fn finish(mut self, context: &Context) -> (Vec<(T, bool)>, bool) {
        let Ok(statuses) = self.wait(context) else {
            return (undecoded(context, self.members), false);
        };
        let is_again = |status: u32| !self.is_mended && status & UNSYNCHRONIZED != 0;
        let regions = std::mem::take(&mut self.layout.regions);
        let (mut done, mut again) = (Vec::with_capacity(statuses.len()), Vec::new());
        for ((member, region), status) in self.members.into_iter().zip(regions).zip(statuses) {
            if is_again(status) {
                again.push(member);
                self.layout.regions.push(region);
            } else {
                done.push((member.with, status == 0));
            }
        }
        if again.is_empty() {
            return (done, false);
        }
        self.members = again;
        self.is_mended = true;
        let mut helped = false;
        match self.start(context).and_then(|()| self.wait(context)) {
            Ok(statuses) => {
                helped = statuses.contains(&0);
                let members = self.members.into_iter().zip(statuses);
                done.extend(members.map(|(member, status)| (member.with, status == 0)));
            }
            Err(_) => done.extend(undecoded(context, self.members)),
        }
        (done, helped)
    }
}

/// Waits for all that may still run, so that the images can be used.
fn undecoded<T>(context: &Context, members: Vec<Member<T>>) -> Vec<(T, bool)> {
    let _ = context.wait_for_all();
    let members = members.into_iter();
    members.map(|member| (member.with, false)).collect()
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
