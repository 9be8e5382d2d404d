//! JPEG: compressed bytes up, and kernels for the rest.
//!
//! Entropy decoding has streams of its own, so that the next pictures are decoded while those
//! before become pixels. Whoever has a picture to decode leaves it in a queue; the first one there
//! launches the kernels for all that have come together, and tells each how its picture fared.

mod pictures;
mod queue;

pub(super) use self::{pictures::is_direct, queue::Queue};

use super::{
    Context,
    error::{check, check_raw},
    pinned::Pinned,
    scratch::Scratch,
};
use crate::{
    Result,
    device::Staging,
    jpeg::{GpuPlan, Jpeg, ScanPlan},
};
use bytemuck::{Pod, cast_slice, cast_slice_mut};
use cust::{launch, stream::Stream, sys};
use imagecuda_kernels::jpeg::{
    groups::{BlockOrigin, GROUP_THREADS, GroupDc},
    huffman::Table,
    jobs::{DcAddresses, PictureJob, READ_AHEAD, ScanJob},
    picture::{BLOCK, Picture},
    scan::{DcSums, Segment, status},
    sections::{
        JOIN_THREADS, MAX_WARM_UP, Node, SECTION, SECTION_NODES, SLOTS, SectionEntry, SectionExit,
    },
};
use std::sync::{Arc, PoisonError};

/// Launches under way at a time, each in a stream of its own. The end of one, when few threads
/// are not in step yet, leaves the device to the next.
pub(super) const STREAMS: usize = 3;

/// Pictures in a launch, at most.
const TOGETHER: usize = 64;

/// A picture's coefficients in device memory.
pub(crate) struct Coefficients {
    picture: Picture,
    /// The addresses of a [`PictureJob`] and of the coefficients.
    job: u64,
    coefficients: u64,
    /// Where both are.
    memory: Vec<Scratch>,
}

impl std::fmt::Debug for Coefficients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "coefficients of {} x {} pixels",
            self.picture.width, self.picture.height
        )
    }
}

impl Coefficients {
    /// What they take in memory.
    pub(crate) fn bytes(&self) -> usize {
        bytes(&self.picture)
    }
}

fn bytes(picture: &Picture) -> usize {
    picture.blocks() * BLOCK * size_of::<i16>()
}

impl Context {
    /// Decodes a file's entropy-coded data on the device; `None` if something is wrong with them,
    /// or decoders do not fall into step. The file may be in `staging` memory.
    pub(crate) fn decode_jpeg(
        self: &Arc<Self>,
        jpeg: &Jpeg<'_>,
        plan: &GpuPlan,
        staging: Option<&Staging>,
    ) -> Result<Option<Coefficients>> {
        let _current = self.enter()?;
        let pinned = match staging {
            Some(Staging::Pinned(pinned))
                if pinned.as_ptr_range() == jpeg.bytes().as_ptr_range() =>
            {
                Some(pinned)
            }
            _ => None,
        };
        let (ticket, mut coefficients) = self.prepare_jpeg(jpeg, plan, pinned)?;
        let wrong = self.decode_together(ticket)?;
        // The kernels were waited for.
        coefficients.memory.iter_mut().for_each(Scratch::mark_idle);
        Ok((wrong == 0).then_some(coefficients))
    }

    /// Coefficients that the host has decoded.
    pub(crate) fn upload_jpeg(self: &Arc<Self>, jpeg: &Jpeg<'_>) -> Result<Coefficients> {
        let _current = self.enter()?;
        let picture = *jpeg.picture();
        let bytes = bytes(&picture);
        let mut parts = Parts::default();
        let job = parts.add(size_of::<PictureJob>());
        let at = parts.add(bytes);
        let mut pinned = self.pinned(parts.end)?;
        put(&mut pinned, job, &[picture_job(jpeg)]);
        jpeg.coefficients(cast_slice_mut(&mut pinned[at..at + bytes]))?;
        let mut memory = self.scratch(parts.end)?;
        memory.wait_on(&self.uploads)?;
        pinned.start_upload(memory.pointer(), parts.end, &self.uploads)?;
        memory.record_on(&self.uploads)?;
        Ok(Coefficients {
            picture,
            job: memory.pointer().as_raw() + job as u64,
            coefficients: memory.pointer().as_raw() + at as u64,
            memory: vec![memory],
        })
    }

    /// Starts the upload of what the kernels need, and has memory for what they make. The `file`,
    /// if it is in pinned memory, is not to be touched before the kernels have run.
    fn prepare_jpeg(
        self: &Arc<Self>,
        jpeg: &Jpeg<'_>,
        plan: &GpuPlan,
        file: Option<&Pinned>,
    ) -> Result<(Ticket, Coefficients)> {
        let picture = *jpeg.picture();
        let scans = &plan.scans;
        let mut parts = Parts::default();
        let picture_at = parts.add(size_of::<PictureJob>());
        let tables: Vec<_> = scans
            .iter()
            .map(|scan| {
                (
                    parts.add(size_of_val(&scan.segments[..])),
                    parts.add(size_of_val(&scan.tables[..])),
                    parts.add(size_of_val(&scan.kept[..])),
                )
            })
            .collect();
        let tables_end = parts.end;
        let files: Vec<_> = scans
            .iter()
            .map(|scan| parts.add(scan.data.len()))
            .collect();
        let uploaded = match file {
            Some(_) => tables_end,
            None => parts.end,
        };
        let results: Vec<_> = scans
            .iter()
            .map(|ScanPlan { scan, .. }| {
                let sections = scan.sections() as usize;
                Results {
                    nodes: parts.add(sections * SECTION_NODES as usize * size_of::<Node>()),
                    exits: parts.add(sections * SLOTS as usize * size_of::<SectionExit>()),
                    entries: parts.add(sections * size_of::<SectionEntry>()),
                    dc_sums: parts.add(scan.subsequences as usize * size_of::<DcSums>()),
                    group_dc: parts.add(scan.groups() as usize * size_of::<GroupDc>()),
                }
            })
            .collect();
        let mut work = self.scratch(parts.end)?;
        let mut zeros = Parts::default();
        let coefficients = zeros.add(bytes(&picture));
        // Zeros as well, as not all blocks have a data unit, and not all data end with a word.
        let origins = zeros.add(picture.blocks() * size_of::<BlockOrigin>());
        let data: Vec<_> = scans
            .iter()
            .map(|scan| zeros.add(scan.bytes() + READ_AHEAD))
            .collect();
        let mut target = self.scratch(zeros.end)?;
        let zero = target.pointer().as_raw();
        let start = work.pointer().as_raw();
        let address = |at: usize| start + at as u64;

        let mut job = picture_job(jpeg);
        job.block_origins = zero + origins as u64;
        for (ScanPlan { scan, .. }, results) in scans.iter().zip(&results) {
            for unit in &scan.units[..scan.unit_count as usize] {
                job.dc[unit.blocks.component as usize] = DcAddresses {
                    dc_sums: address(results.dc_sums),
                    group_dc: address(results.group_dc),
                    group_len: GROUP_THREADS.into(),
                };
            }
        }
        let is_pinned = file.is_some();
        let mut pinned = self.pinned(uploaded)?;
        put(&mut pinned, picture_at, &[job]);
        for ((scan, &(segments, tables, kept)), &file) in scans.iter().zip(&tables).zip(&files) {
            put::<Segment>(&mut pinned, segments, &scan.segments);
            put::<Table>(&mut pinned, tables, &scan.tables);
            put::<u32>(&mut pinned, kept, &scan.kept);
            if !is_pinned {
                put::<u8>(&mut pinned, file, &jpeg.bytes()[scan.data.clone()]);
            }
        }
        let _launching = self.lock_launch();
        target.wait_on(&self.uploads)?;
        // SAFETY: that many bytes are there, and the stream is this context's.
        let result = unsafe { sys::cuMemsetD8Async(zero, 0, zeros.end, self.uploads.as_inner()) };
        check_raw("cuMemsetD8Async", result)?;
        // Behind the zeros, so that who waits for the upload waits for both.
        work.wait_on(&self.uploads)?;
        if let Some(file) = file {
            for (scan, &at) in scans.iter().zip(&files) {
                let to = work.pointer().wrapping_add(at);
                // If anything fails from here on, what has the work's memory is waited for.
                file.start_upload_of(scan.data.clone(), to, &self.uploads)?;
            }
        }
        pinned.start_upload(work.pointer(), uploaded, &self.uploads)?;

        let jobs = (0..scans.len())
            .map(|i| {
                let (segments, tables, kept) = tables[i];
                let results = &results[i];
                ScanJob {
                    scan: scans[i].scan,
                    first_group: 0,
                    table_count: scans[i].tables.len() as u32,
                    first_chunk: 0,
                    file_bytes: scans[i].data.len() as u32,
                    file: address(files[i]),
                    kept_before: address(kept),
                    data: zero + data[i] as u64,
                    segments: address(segments),
                    tables: address(tables),
                    nodes: address(results.nodes),
                    exits: address(results.exits),
                    entries: address(results.entries),
                    dc_sums: address(results.dc_sums),
                    group_dc: address(results.group_dc),
                    block_origins: zero + origins as u64,
                    coefficients: zero + coefficients as u64,
                    status: 0,
                    first_section: 0,
                    reserved: 0,
                }
            })
            .collect();
        let coefficients = Coefficients {
            picture,
            job: address(picture_at),
            coefficients: zero + coefficients as u64,
            memory: vec![work, target],
        };
        let ticket = Ticket {
            jobs,
            upload: pinned,
        };
        Ok((ticket, coefficients))
    }

    /// Decodes what is in the queue, until what was put there has been decoded. What is wrong
    /// with it.
    fn decode_together(self: &Arc<Self>, ticket: Ticket) -> Result<u32> {
        let queue = &self.jpegs;
        let mut state = queue.lock();
        let number = state.next;
        state.next += 1;
        state.waiting.push((number, ticket));
        loop {
            if let Some(result) = state.done.remove(&number) {
                return result;
            }
            let stream = match state.free.pop() {
                Some(stream) if !state.waiting.is_empty() => stream,
                other => {
                    state.free.extend(other);
                    state = queue
                        .changed
                        .wait(state)
                        .unwrap_or_else(PoisonError::into_inner);
                    continue;
                }
            };
            let count = state.waiting.len().min(TOGETHER);
            let tickets: Vec<_> = state.waiting.drain(..count).collect();
            drop(state);
            let results = self.launch_jpegs(&tickets, &self.decodes[stream]);
            if results.is_err() {
                // What was launched may still run, and nothing else waits for it. A failure is
                // reported already.
                let _ = self.wait_for_all();
            }
            state = queue.lock();
            state.free.push(stream);
            match results {
                Ok(results) => {
                    let numbers = tickets.iter().map(|ticket| ticket.0);
                    state.done.extend(numbers.zip(results.into_iter().map(Ok)));
                }
                // The others' pictures are for the host then.
                Err(error) => {
                    let unknown = || Ok(status::UNSYNCHRONIZED);
                    let numbers = tickets.iter().map(|ticket| (ticket.0, unknown()));
                    state.done.extend(numbers);
                    if let Some(own) = state.done.get_mut(&number) {
                        *own = Err(error);
                    }
                }
            }
            queue.changed.notify_all();
        }
    }

    /// Launches the kernels, and waits for them. What is wrong with each picture.
    fn launch_jpegs(
        self: &Arc<Self>,
        tickets: &[(u64, Ticket)],
        stream: &Stream,
    ) -> Result<Vec<u32>> {
        let mut jobs: Vec<ScanJob> = Vec::new();
        let mut parts = Parts::default();
        // First, as what is fetched is the start of the buffer.
        let statuses_at = parts.add(4 * tickets.len());
        let count: usize = tickets.iter().map(|ticket| ticket.1.jobs.len()).sum();
        let jobs_at = parts.add(count * size_of::<ScanJob>());
        let mut table = self.scratch(parts.end)?;
        let (mut groups, mut sections, mut chunks) = (0, 0, 0);
        for (picture, (_, ticket)) in tickets.iter().enumerate() {
            for scan in &ticket.jobs {
                let status = table.pointer().wrapping_add(statuses_at + picture * 4);
                jobs.push(ScanJob {
                    first_group: groups,
                    first_section: sections,
                    first_chunk: chunks,
                    status: status.as_raw(),
                    ..*scan
                });
                groups += scan.scan.groups();
                sections += scan.scan.sections();
                chunks += scan.chunks();
            }
        }
        let mut pinned = self.pinned(parts.end)?;
        pinned[statuses_at..jobs_at].fill(0);
        put(&mut pinned, jobs_at, &jobs);
        let launching = self.lock_launch();
        table.wait_on(stream)?;
        for (_, ticket) in tickets {
            ticket.upload.order_before(stream)?;
        }
        pinned.start_upload(table.pointer(), parts.end, stream)?;
        let job_table = table.pointer().wrapping_add(jobs_at);
        let count = jobs.len() as u32;
        let tables = jobs.iter().map(|job| job.table_count).max();
        // Two hold the nodes of a group as well.
        let shared = tables.unwrap_or(0).max(2) * size_of::<Table>() as u32;
        let guesses = jobs.iter().map(|job| job.scan.guesses()).max();
        let guessing = (SECTION * guesses.unwrap_or(1) + MAX_WARM_UP).next_multiple_of(32);
        for (kernel, grid, threads, shared) in [
            ("jpeg_unstuff", chunks, GROUP_THREADS, 0),
            ("jpeg_synchronize", sections, guessing, shared),
            ("jpeg_join", count, JOIN_THREADS, 0),
            ("jpeg_write", groups, GROUP_THREADS, shared),
            ("jpeg_carry", count, GROUP_THREADS, 0),
        ] {
            let function = self.function(kernel)?;
            // SAFETY: the kernels take these two arguments, or the first of them; every address in
            // a job is that of memory which is there until the stream has passed, and the upload of
            // what the job needs is before it in the stream.
            let launched =
                unsafe { launch!(function<<<grid, threads, shared, stream>>>(job_table, count)) };
            check("cuLaunchKernel", launched)?;
        }
        pinned.start_fetch(table.pointer(), tickets.len() * 4, stream)?;
        table.record_on(stream)?;
        drop(launching);
        pinned.wait()?;
        let statuses = cast_slice::<u8, u32>(&pinned[..tickets.len() * 4]);
        Ok(statuses.to_vec())
    }
}

fn picture_job(jpeg: &Jpeg<'_>) -> PictureJob {
    PictureJob {
        picture: *jpeg.picture(),
        quantizers: *jpeg.quantizers(),
        dc: [DcAddresses::default(); 4],
        block_origins: 0,
    }
}

/// The scans of a picture; [`launch_jpegs`](Context::launch_jpegs) fills in the rest.
struct Ticket {
    jobs: Vec<ScanJob>,
    /// What is on its way to the device for them.
    upload: Pinned,
}

/// Where what the kernels find of a scan is among a buffer's parts.
struct Results {
    nodes: usize,
    exits: usize,
    entries: usize,
    dc_sums: usize,
    group_dc: usize,
}

/// Parts of a buffer, one behind the other.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) end: usize,
}

impl Parts {
    /// Where the next `bytes` are: at a multiple of what any kernel wants.
    pub(super) fn add(&mut self, bytes: usize) -> usize {
        let start = self.end.next_multiple_of(256);
        self.end = start + bytes;
        start
    }
}

pub(super) fn put<T: Pod>(buffer: &mut Pinned, at: usize, items: &[T]) {
    let bytes: &[u8] = cast_slice(items);
    buffer[at..at + bytes.len()].copy_from_slice(bytes);
}
