//! JPEG decoding: compressed data are uploaded, and kernels decode them.
//!
//! Entropy decoding has streams of its own, so that pictures are decoded while earlier ones become
//! pixels. A thread puts its picture into a queue. The first thread that finds a stream free
//! launches the kernels for all pictures in the queue, waits, and hands each its status.

mod filling;
mod flight;
mod followed;
mod follower_groups;
mod groups;
mod launch;
mod pictures;
mod prepare;
mod progressive;
mod queue;
#[cfg(test)]
mod tests;

pub(crate) use self::{
    followed::FollowedJpeg,
    follower_groups::JpegFollowers,
    groups::{JpegGroups, PlannedJpeg},
};
pub(super) use self::{followed::Followers, launch::Functions, pictures::is_direct, queue::Queue};

use self::launch::EntropyLaunches;
use super::{Context, pinned::Pinned, scratch::Scratch};
use crate::{
    Result,
    device::Staging,
    jpeg::{GpuPlan, Jpeg},
};
use bytemuck::{Pod, cast_slice, cast_slice_mut};
use cust::stream::Stream;
use imagecuda_kernels::jpeg::{
    jobs::{DcAddresses, PictureJob, ScanJob},
    picture::{BLOCK, Picture},
    scan::status,
};
use std::sync::{Arc, PoisonError};

/// The most launches in flight, each in a stream of its own. While the last thread blocks of one
/// launch still synchronise, the next launch uses the rest of the device.
pub(super) const STREAMS: usize = 3;

/// The most pictures in one launch.
const MAX_BATCH: usize = 64;

/// A picture's coefficients in device memory.
pub(crate) struct Coefficients {
    picture: Picture,
    /// The addresses of the [`PictureJob`] and of the coefficients.
    job: u64,
    coefficients: u64,
    /// The kernel that makes the coefficients first, of a progressive picture.
    blocks: Option<BlockKernel>,
    /// The memory of the job and of the coefficients.
    memory: Vec<Scratch>,
}

/// A launch of `jpeg_blocks`.
#[derive(Clone, Copy)]
struct BlockKernel {
    /// The address of the [`BlocksJob`](imagecuda_kernels::jpeg::progressive::jobs::BlocksJob).
    job: u64,
    thread_blocks: u32,
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
    /// The size of the coefficients in bytes.
    pub(crate) fn bytes(&self) -> usize {
        bytes(&self.picture)
    }
}

fn bytes(picture: &Picture) -> usize {
    picture.blocks() * BLOCK * size_of::<i16>()
}

impl Context {
    /// Decodes a file's entropy-coded data on the device. Returns `None` if the data are damaged,
    /// or if the decoders did not synchronise. The file may be in `staging` memory.
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
        let wrong = self.decode_batched(ticket)?;
        // The kernels have finished, as this thread waited for them.
        coefficients.memory.iter_mut().for_each(Scratch::mark_idle);
        Ok((wrong == 0).then_some(coefficients))
    }

    /// Decodes the entropy-coded data on the host, and uploads the coefficients.
    pub(crate) fn upload_jpeg(self: &Arc<Self>, jpeg: &Jpeg<'_>) -> Result<Coefficients> {
        let _current = self.enter()?;
        let picture = *jpeg.picture();
        let bytes = bytes(&picture);
        let mut parts = Parts::default();
        let job = parts.add(size_of::<PictureJob>());
        let at = parts.add(bytes);
        let mut pinned = self.pinned(parts.end)?;
        put(&mut pinned, job, &[picture_job(picture, jpeg.quantizers())]);
        jpeg.coefficients(cast_slice_mut(&mut pinned[at..at + bytes]))?;
        let mut memory = self.scratch(parts.end)?;
        memory.wait_on(&self.uploads)?;
        pinned.start_upload(memory.pointer(), parts.end, &self.uploads)?;
        memory.record_on(&self.uploads)?;
        Ok(Coefficients {
            picture,
            job: memory.pointer().as_raw() + job as u64,
            coefficients: memory.pointer().as_raw() + at as u64,
            blocks: None,
            memory: vec![memory],
        })
    }

    /// Puts a picture into the queue. Launches what is in the queue, or waits for other threads'
    /// launches, until this picture is decoded. Returns its status.
    fn decode_batched(self: &Arc<Self>, ticket: Ticket) -> Result<u32> {
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
            let count = state.waiting.len().min(MAX_BATCH);
            let tickets: Vec<_> = state.waiting.drain(..count).collect();
            drop(state);
            let results = self.launch_jpegs(&tickets, &self.decodes[stream]);
            if results.is_err() {
                // The kernels may still run, and no other thread waits for them. The error was
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
                // The other threads then decode their pictures on the host.
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

    /// Launches the kernels, and waits for them. Returns the status of each picture.
    fn launch_jpegs(
        self: &Arc<Self>,
        tickets: &[(u64, Ticket)],
        stream: &Stream,
    ) -> Result<Vec<u32>> {
        let mut jobs: Vec<ScanJob> = Vec::new();
        let mut parts = Parts::default();
        // The status comes first, as the download takes the start of the buffer.
        let statuses_at = parts.add(4 * tickets.len());
        let count: usize = tickets.iter().map(|ticket| ticket.1.jobs.len()).sum();
        let jobs_at = parts.add(count * size_of::<ScanJob>());
        let mut table = self.scratch(parts.end)?;
        for (picture, (_, ticket)) in tickets.iter().enumerate() {
            let status = table.pointer().wrapping_add(statuses_at + picture * 4);
            jobs.extend(ticket.jobs.iter().map(|scan| ScanJob {
                status: status.as_raw(),
                ..*scan
            }));
        }
        let launches = EntropyLaunches::new(&mut jobs);
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
        // SAFETY: all memory that the jobs have addresses of lives until the kernels have run, and
        // what they read is uploaded before.
        unsafe { self.launch_entropy(&launches, job_table, stream)? };
        pinned.start_fetch(table.pointer(), tickets.len() * 4, stream)?;
        table.record_on(stream)?;
        drop(launching);
        pinned.wait()?;
        let statuses = cast_slice::<u8, u32>(&pinned[..tickets.len() * 4]);
        Ok(statuses.to_vec())
    }
}

/// The job of a picture alone, whose memory is at the addresses that the launch passes.
fn picture_job(picture: Picture, quantizers: &[[u16; BLOCK]; 4]) -> PictureJob {
    PictureJob {
        picture,
        quantizers: *quantizers,
        dc: [DcAddresses::default(); 4],
        block_origins: 0,
        coefficients: 0,
        samples: 0,
        pixels: 0,
        shaper: 0,
        first_inverse: 0,
        first_row: 0,
    }
}

/// The scans of a picture in the queue. [`launch_jpegs`](Context::launch_jpegs) completes the jobs
/// with the addresses.
struct Ticket {
    jobs: Vec<ScanJob>,
    /// The upload that the kernels wait for.
    upload: Pinned,
}

/// Lays out the parts of a buffer, one after the other.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) end: usize,
}

impl Parts {
    /// Adds a part of `bytes` bytes, and returns its offset, which is aligned for every kernel.
    pub(super) fn add(&mut self, bytes: usize) -> usize {
        let start = self.end.next_multiple_of(256);
        self.end = start + bytes;
        start
    }
}

pub(super) fn put<T: Pod>(buffer: &mut [u8], at: usize, items: &[T]) {
    let bytes: &[u8] = cast_slice(items);
    buffer[at..at + bytes.len()].copy_from_slice(bytes);
}
