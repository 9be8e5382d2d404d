//! A picture that is decoded for itself: one stream does everything up to its samples.

use super::{
    super::{Context, error::check_raw, pinned::Pinned, scratch::Scratch},
    Coefficients, Parts,
    launch::EntropyLaunches,
    picture_job,
    prepare::{PictureParts, Regions},
    put,
};
use crate::{
    Result,
    jpeg::{GpuPlan, Jpeg, ScanPlan},
    trace::span,
};
use cust::{stream::Stream, sys};
use imagecuda_kernels::jpeg::{
    huffman::Table,
    jobs::{PictureJob, ScanJob},
    picture::{BLOCK, Picture},
    scaled::Scaled,
};
use std::sync::Arc;

/// Where the parts of a picture are in its device memory. The status comes first, as the download takes
/// the start of the memory.
struct Layout {
    parts: PictureParts,
    scan_jobs: usize,
    picture_job: usize,
    tables: Vec<usize>,
    /// The regions of `parts`.
    start: usize,
    work: usize,
    zeros: usize,
    samples: usize,
    end: usize,
}

impl Layout {
    fn new(picture: &Picture, plans: &[ScanPlan]) -> Self {
        let parts = PictureParts::new(picture, plans);
        let mut all = Parts::default();
        all.add(size_of::<u32>());
        let scan_jobs = all.add(size_of::<ScanJob>() * plans.len());
        let picture_job = all.add(size_of::<PictureJob>());
        let tables = plans
            .iter()
            .map(|plan| all.add(size_of_val(&plan.tables[..])));
        Self {
            scan_jobs,
            picture_job,
            tables: tables.collect(),
            start: all.add(parts.uploaded),
            work: all.add(parts.work),
            zeros: all.add(parts.zeros),
            samples: all.add(picture.blocks() * BLOCK),
            end: all.end,
            parts,
        }
    }

    fn regions(&self, base: u64) -> Regions {
        Regions {
            uploaded: base + self.start as u64,
            work: base + self.work as u64,
            zeros: base + self.zeros as u64,
        }
    }

    /// Writes what goes up, for device memory that begins at `base`, except for the file's data.
    fn write(
        &self,
        jpeg: &Jpeg<'_>,
        plans: &[ScanPlan],
        base: u64,
        to: &mut [u8],
    ) -> EntropyLaunches {
        let regions = self.regions(base);
        let tables = self.tables.iter().map(|&at| base + at as u64);
        let scans = self.parts.scan_jobs(plans, regions, tables);
        let mut scans: Vec<ScanJob> = scans
            .map(|job| ScanJob {
                status: base,
                ..job
            })
            .collect();
        let launches = EntropyLaunches::new(&mut scans);
        let mut job = picture_job(jpeg.scaled(), jpeg.quantizers());
        (job.dc, job.block_origins) = self.parts.dc(plans, regions);
        to[..size_of::<u32>()].fill(0);
        put(to, self.scan_jobs, &scans);
        put(to, self.picture_job, &[job]);
        for (plan, &at) in plans.iter().zip(&self.tables) {
            put::<Table>(to, at, &plan.tables);
        }
        self.parts.write(plans, &mut to[self.start..]);
        launches
    }

    fn coefficients(&self, scaled: Scaled, memory: Scratch) -> Coefficients {
        let base = memory.pointer().as_raw();
        Coefficients {
            scaled,
            job: base + self.picture_job as u64,
            coefficients: base + (self.zeros + self.parts.coefficients) as u64,
            samples: base + self.samples as u64,
            has_samples: true,
            memory,
            blocks: None,
        }
    }
}

impl Context {
    /// Starts to decode a picture in `stream`, up to its samples. Returns memory that holds the status
    /// once it has been waited for. If `file` is in pinned memory, it must stay unchanged until then.
    pub(super) fn start_jpeg(
        self: &Arc<Self>,
        jpeg: &Jpeg<'_>,
        plan: &GpuPlan,
        file: Option<&Pinned>,
        stream: &Stream,
    ) -> Result<(Pinned, Coefficients)> {
        span!("launch",);
        let plans = &plan.scans[..];
        let layout = Layout::new(jpeg.picture(), plans);
        // What a file in pinned memory does not hold itself.
        let uploaded = match (file, layout.parts.scans.first()) {
            (Some(_), Some(first)) => layout.start + first.file,
            _ => layout.work,
        };
        let mut pinned = self.pinned(uploaded)?;
        let memory = self.scratch(layout.end)?;
        let base = memory.pointer().as_raw();
        // If a call fails from here on, dropping the memory waits for the device.
        let mut coefficients = layout.coefficients(*jpeg.scaled(), memory);
        let memory = &mut coefficients.memory;
        let _launching = self.lock_launch();
        memory.wait_on(stream)?;
        let (zeros, bytes) = (base + layout.zeros as u64, layout.parts.zeros);
        // SAFETY: the memory has that many bytes, and the stream belongs to this context.
        let result = unsafe { sys::cuMemsetD8Async(zeros, 0, bytes, stream.as_inner()) };
        check_raw("cuMemsetD8Async", result)?;
        if let Some(file) = file {
            for (plan, at) in plans.iter().zip(&layout.parts.scans) {
                let to = memory.pointer().wrapping_add(layout.start + at.file);
                file.start_upload_of(plan.data.clone(), to, stream)?;
            }
        }
        // While the file goes up.
        let launches = layout.write(jpeg, plans, base, &mut pinned);
        if file.is_none() {
            let parts = &layout.parts;
            parts.write_files(plans, jpeg.bytes(), &mut pinned[layout.start..]);
        }
        pinned.start_upload_of(0..uploaded, memory.pointer(), stream)?;
        let table = memory.pointer().wrapping_add(layout.scan_jobs);
        // SAFETY: all memory that the jobs have addresses of is used again in stream order, and what
        // they read is uploaded before.
        unsafe { self.launch_entropy(&launches, table, stream)? };
        pinned.start_fetch(memory.pointer(), size_of::<u32>(), stream)?;
        // While the status is on its way. If it is bad, nobody looks at the samples.
        self.launch_inverse(&coefficients, stream)?;
        coefficients.memory.record_on(stream)?;
        Ok((pinned, coefficients))
    }
}
