//! A picture that is decoded for itself: one stream does everything up to its samples.

use super::{
    super::{Buffer, Context, error::check_raw, pinned::Pinned, scratch::Scratch},
    Coefficients, Parts,
    early::UploadedJpeg,
    launch::EntropyLaunches,
    picture_job,
    prepare::{PictureParts, Regions},
    put,
    tables::ScanTables,
};
use crate::{
    Result,
    device::{NewImage, Payload},
    jpeg::{GpuPlan, Jpeg, ScanPlan},
    trace::span,
};
use cust::{stream::Stream, sys};
use imagecuda_kernels::jpeg::{
    jobs::{PictureJob, ScanJob},
    picture::{BLOCK, Picture},
    scaled::Scaled,
};
use imagecuda_kernels::pixel::RgbaF32;
use std::sync::Arc;

/// Where the parts of a picture are in its device memory. The status comes first, as the download takes
/// the start of the memory.
struct Layout {
    parts: PictureParts,
    scan_jobs: usize,
    picture_job: usize,
    shaper: usize,
    /// The regions of `parts`.
    start: usize,
    work: usize,
    zeros: usize,
    samples: usize,
    end: usize,
}

impl Layout {
    fn new(picture: &Picture, plans: &[ScanPlan], shaper: &[f32]) -> Self {
        let parts = PictureParts::new(picture, plans);
        let mut all = Parts::default();
        all.add(size_of::<u32>());
        let scan_jobs = all.add(size_of::<ScanJob>() * plans.len());
        let picture_job = all.add(size_of::<PictureJob>());
        let shaper = all.add(size_of_val(shaper));
        Self {
            scan_jobs,
            picture_job,
            shaper,
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

    /// Writes what goes up, for device memory that begins at `base`, except for the file's data. These
    /// are at the address `data` if they have been uploaded.
    fn write(
        &self,
        jpeg: &Jpeg<'_>,
        plans: &[ScanPlan],
        (base, data): (u64, Option<u64>),
        tables: &[Arc<ScanTables>],
        to: &mut [u8],
    ) -> EntropyLaunches {
        let regions = self.regions(base);
        let tables = tables.iter().map(|tables| tables.pointer().as_raw());
        let scans = self.parts.scan_jobs(plans, regions, tables);
        let mut scans: Vec<ScanJob> = scans
            .map(|job| ScanJob {
                status: base,
                file: data.unwrap_or(job.file),
                ..job
            })
            .collect();
        let launches = EntropyLaunches::new(&mut scans);
        let mut job = picture_job(jpeg.scaled(), jpeg.quantizers());
        (job.dc, job.block_origins) = self.parts.dc(plans, regions);
        to[..size_of::<u32>()].fill(0);
        put(to, self.scan_jobs, &scans);
        put(to, self.picture_job, &[job]);
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

/// Where the file's bytes are.
#[derive(Clone, Copy)]
pub(super) enum File<'a> {
    Uploaded(&'a UploadedJpeg),
    /// In pinned memory, which must stay unchanged until the status is there.
    Pinned(&'a Pinned),
    Other,
}

/// A picture that is being decoded. The fields are in the order in which they can be dropped.
pub(super) struct Decoding {
    coefficients: Coefficients,
    /// The new image, if its pixels are made too.
    image: Option<Buffer<RgbaF32>>,
    /// Holds the status once it has been waited for.
    status: Pinned,
    /// What the kernels before that use.
    tables: Vec<Arc<ScanTables>>,
}

impl Decoding {
    /// Waits for the status, and returns it.
    pub(super) fn wait(&mut self) -> Result<u32> {
        self.status.wait()?;
        if self.image.is_some() {
            // The status came last.
            self.coefficients.memory.mark_idle();
        }
        Ok(bytemuck::pod_read_unaligned(&self.status[..4]))
    }

    /// The result, if the status is 0.
    pub(super) fn finish(self) -> Payload {
        match self.image {
            Some(image) => Payload::Image(image),
            None => Payload::Jpeg(self.coefficients),
        }
    }
}

/// From this many bytes on another stream sets the zeros, while the file goes up.
const MANY_ZEROS: usize = 8 << 20;

impl Context {
    /// Starts to decode a picture in a stream, up to its samples, or to the pixels of a new image.
    pub(super) fn start_jpeg(
        self: &Arc<Self>,
        jpeg: &Jpeg<'_>,
        plan: &GpuPlan,
        file: File<'_>,
        stream: usize,
        new_image: Option<NewImage<'_>>,
    ) -> Result<Decoding> {
        span!("launch",);
        let plans = &plan.scans[..];
        let shaper = match new_image.and_then(|image| image.conversion) {
            Some(conversion) => conversion.numbers(),
            None => &[],
        };
        let layout = Layout::new(jpeg.picture(), plans, shaper);
        // What a file in pinned memory does not hold itself.
        let uploaded = match (file, layout.parts.scans.first()) {
            (File::Other, _) | (_, None) => layout.work,
            (_, Some(first)) => layout.start + first.file,
        };
        let pinned = self.pinned(uploaded)?;
        let tables = plans.iter().map(|plan| self.scan_tables(&plan.tables));
        let tables: Vec<_> = tables.collect::<Result<_>>()?;
        let memory = self.scratch(layout.end)?;
        let base = memory.pointer().as_raw();
        // If a call fails from here on, dropping the memory waits for the device.
        let mut decoding = Decoding {
            coefficients: layout.coefficients(*jpeg.scaled(), memory),
            image: None,
            status: pinned,
            tables,
        };
        let memory = &mut decoding.coefficients.memory;
        let _launching = self.lock_launch();
        let (zeros, bytes) = (base + layout.zeros as u64, layout.parts.zeros);
        let clear = |stream: &Stream| {
            // SAFETY: the memory has that many bytes, and the stream belongs to this context.
            let result = unsafe { sys::cuMemsetD8Async(zeros, 0, bytes, stream.as_inner()) };
            check_raw("cuMemsetD8Async", result)
        };
        let other = &self.decodes[(stream + 1) % self.decodes.len()];
        let stream = &self.decodes[stream];
        if bytes >= MANY_ZEROS && !matches!(file, File::Other) {
            memory.wait_on(other)?;
            clear(other)?;
            memory.record_on(other)?;
            memory.wait_on(stream)?;
        } else {
            memory.wait_on(stream)?;
            clear(stream)?;
        }
        if let File::Pinned(file) = file {
            for (plan, at) in plans.iter().zip(&layout.parts.scans) {
                let to = memory.pointer().wrapping_add(layout.start + at.file);
                file.start_upload_of(plan.data.clone(), to, stream)?;
            }
        }
        // While the file goes up.
        let data = match file {
            File::Uploaded(uploaded) => Some(uploaded.data()),
            _ => None,
        };
        let pinned = &mut decoding.status;
        let tables = &decoding.tables;
        let launches = layout.write(jpeg, plans, (base, data), tables, pinned);
        put(pinned, layout.shaper, shaper);
        if matches!(file, File::Other) {
            let parts = &layout.parts;
            parts.write_files(plans, jpeg.bytes(), &mut pinned[layout.start..]);
        }
        pinned.start_upload_of(0..uploaded, memory.pointer(), stream)?;
        let table = memory.pointer().wrapping_add(layout.scan_jobs);
        // SAFETY: all memory that the jobs have addresses of is used again in stream order, and what
        // they read is uploaded before.
        unsafe { self.launch_entropy(&launches, table, stream)? };
        let Some(NewImage { spec, conversion }) = new_image else {
            pinned.start_fetch(memory.pointer(), size_of::<u32>(), stream)?;
            // While the status is on its way. If it is bad, nobody looks at the samples.
            self.launch_inverse(&decoding.coefficients, stream)?;
            decoding.coefficients.memory.record_on(stream)?;
            return Ok(decoding);
        };
        self.launch_inverse(&decoding.coefficients, stream)?;
        // If the status is bad, nobody sees the image. It is allocated while kernels run, in their
        // stream. Others use it only after the status has been waited for, which comes last.
        let image = decoding
            .image
            .insert(Buffer::uninitialized_in(self, spec.len(), stream)?);
        let shaper = conversion.map_or(0, |_| base + layout.shaper as u64);
        self.launch_pixels(&decoding.coefficients, image, shaper, stream)?;
        let memory = &decoding.coefficients.memory;
        decoding
            .status
            .start_fetch(memory.pointer(), size_of::<u32>(), stream)?;
        Ok(decoding)
    }
}
