//! Uploads what the kernels need of a picture, and allocates what they write.

use super::{
    super::{Context, error::check_raw, pinned::Pinned},
    Coefficients, Parts, Ticket, bytes, picture_job, put,
};
use crate::{
    Result,
    jpeg::{GpuPlan, Jpeg, ScanPlan},
};
use cust::sys;
use imagecuda_kernels::jpeg::{
    groups::{BlockOrigin, GROUP_THREADS, GroupDc},
    huffman::Table,
    jobs::{DcAddresses, PictureJob, READ_AHEAD, ScanJob},
    picture::Picture,
    scan::{DcSums, Segment},
    sections::{Node, SECTION_NODES, SLOTS, SectionEntry, SectionExit},
};
use std::sync::Arc;

/// The layout of a picture in two buffers of device memory. The host writes the start of the first
/// buffer, and the second one is zeroed.
struct PictureParts {
    job: usize,
    scans: Vec<ScanParts>,
    /// How many bytes of the first buffer are uploaded, and its size.
    uploaded: usize,
    work: usize,
    /// In the zeroed buffer; `zeros` is its size.
    coefficients: usize,
    block_origins: usize,
    zeros: usize,
}

/// The offsets of the parts of a scan.
#[derive(Default)]
struct ScanParts {
    segments: usize,
    tables: usize,
    kept_before: usize,
    file: usize,
    nodes: usize,
    exits: usize,
    entries: usize,
    dc_sums: usize,
    group_dc: usize,
    /// In the zeroed buffer.
    data: usize,
}

impl PictureParts {
    /// Lays out a picture. Without `has_file`, the file's data are uploaded with the rest.
    fn new(picture: &Picture, plans: &[ScanPlan], has_file: bool) -> Self {
        let mut work = Parts::default();
        let job = work.add(size_of::<PictureJob>());
        let mut scans: Vec<ScanParts> = Vec::with_capacity(plans.len());
        for plan in plans {
            scans.push(ScanParts {
                segments: work.add(size_of_val(&plan.segments[..])),
                tables: work.add(size_of_val(&plan.tables[..])),
                kept_before: work.add(size_of_val(&plan.kept[..])),
                ..ScanParts::default()
            });
        }
        let tables_end = work.end;
        for (parts, plan) in scans.iter_mut().zip(plans) {
            parts.file = work.add(plan.data.len());
        }
        let uploaded = if has_file { tables_end } else { work.end };
        let mut zeros = Parts::default();
        let coefficients = zeros.add(bytes(picture));
        // These are zeroed too: some blocks have no data unit, and the data may end within a word.
        let block_origins = zeros.add(picture.blocks() * size_of::<BlockOrigin>());
        for (parts, plan) in scans.iter_mut().zip(plans) {
            let scan = &plan.scan;
            let sections = scan.sections() as usize;
            parts.nodes = work.add(sections * SECTION_NODES as usize * size_of::<Node>());
            parts.exits = work.add(2 * sections * SLOTS as usize * size_of::<SectionExit>());
            parts.entries = work.add(sections * size_of::<SectionEntry>());
            parts.dc_sums = work.add(scan.subsequences as usize * size_of::<DcSums>());
            parts.group_dc = work.add(scan.groups() as usize * size_of::<GroupDc>());
            parts.data = zeros.add(plan.bytes() + READ_AHEAD);
        }
        Self {
            job,
            scans,
            uploaded,
            work: work.end,
            coefficients,
            block_origins,
            zeros: zeros.end,
        }
    }

    /// The job of the picture, for buffers at these addresses.
    fn picture_job(
        &self,
        jpeg: &Jpeg<'_>,
        plans: &[ScanPlan],
        (work, zeros): (u64, u64),
    ) -> PictureJob {
        let mut job = picture_job(jpeg);
        job.block_origins = zeros + self.block_origins as u64;
        for (plan, parts) in plans.iter().zip(&self.scans) {
            for unit in &plan.scan.units[..plan.scan.unit_count as usize] {
                job.dc[unit.blocks.component as usize] = DcAddresses {
                    dc_sums: work + parts.dc_sums as u64,
                    group_dc: work + parts.group_dc as u64,
                    group_len: GROUP_THREADS.into(),
                };
            }
        }
        job
    }

    /// The jobs of the scans, for buffers at these addresses.
    fn scan_jobs(&self, plans: &[ScanPlan], (work, zeros): (u64, u64)) -> Vec<ScanJob> {
        let in_work = |at: usize| work + at as u64;
        let in_zeros = |at: usize| zeros + at as u64;
        let job = |(plan, parts): (&ScanPlan, &ScanParts)| ScanJob {
            scan: plan.scan,
            first_group: 0,
            table_count: plan.tables.len() as u32,
            first_chunk: 0,
            file_bytes: plan.data.len() as u32,
            file: in_work(parts.file),
            kept_before: in_work(parts.kept_before),
            data: in_zeros(parts.data),
            segments: in_work(parts.segments),
            tables: in_work(parts.tables),
            nodes: in_work(parts.nodes),
            exits: in_work(parts.exits),
            entries: in_work(parts.entries),
            dc_sums: in_work(parts.dc_sums),
            group_dc: in_work(parts.group_dc),
            block_origins: in_zeros(self.block_origins),
            coefficients: in_zeros(self.coefficients),
            status: 0,
            first_section: 0,
            reserved: 0,
        };
        plans.iter().zip(&self.scans).map(job).collect()
    }
}

impl Context {
    /// Starts the upload of what the kernels need, and allocates what they write. If `file` is in
    /// pinned memory, it must stay unchanged until the kernels have run.
    pub(super) fn prepare_jpeg(
        self: &Arc<Self>,
        jpeg: &Jpeg<'_>,
        plan: &GpuPlan,
        file: Option<&Pinned>,
    ) -> Result<(Ticket, Coefficients)> {
        let picture = *jpeg.picture();
        let plans = &plan.scans[..];
        let parts = PictureParts::new(&picture, plans, file.is_some());
        let mut work = self.scratch(parts.work)?;
        let mut target = self.scratch(parts.zeros)?;
        let addresses = (work.pointer().as_raw(), target.pointer().as_raw());
        let (start, zero) = addresses;

        let mut pinned = self.pinned(parts.uploaded)?;
        let job = parts.picture_job(jpeg, plans, addresses);
        put(&mut pinned, parts.job, &[job]);
        for (plan, at) in plans.iter().zip(&parts.scans) {
            put::<Segment>(&mut pinned, at.segments, &plan.segments);
            put::<Table>(&mut pinned, at.tables, &plan.tables);
            put::<u32>(&mut pinned, at.kept_before, &plan.kept);
            if file.is_none() {
                put::<u8>(&mut pinned, at.file, &jpeg.bytes()[plan.data.clone()]);
            }
        }
        let _launching = self.lock_launch();
        target.wait_on(&self.uploads)?;
        // SAFETY: the memory has that many bytes, and the stream belongs to this context.
        let result = unsafe { sys::cuMemsetD8Async(zero, 0, parts.zeros, self.uploads.as_inner()) };
        check_raw("cuMemsetD8Async", result)?;
        // The upload follows the zeroing in the same stream, so a wait for the upload covers both.
        work.wait_on(&self.uploads)?;
        if let Some(file) = file {
            for (plan, at) in plans.iter().zip(&parts.scans) {
                let to = work.pointer().wrapping_add(at.file);
                // If a later call fails, dropping `work` waits for the device.
                file.start_upload_of(plan.data.clone(), to, &self.uploads)?;
            }
        }
        pinned.start_upload(work.pointer(), parts.uploaded, &self.uploads)?;
        let ticket = Ticket {
            jobs: parts.scan_jobs(plans, addresses),
            upload: pinned,
        };
        let coefficients = Coefficients {
            picture,
            job: start + parts.job as u64,
            coefficients: zero + parts.coefficients as u64,
            memory: vec![work, target],
        };
        Ok((ticket, coefficients))
    }
}
