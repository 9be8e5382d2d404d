//! Progressive files that kernels decode from their codes to coefficients.
//!
//! A thread block follows each scan from its first block to the last. That takes long, as it is
//! sequential, but it takes little of the GPU. So many pictures are followed at a time, and no core of
//! the host works meanwhile. A launch of `jpeg_blocks` then makes all blocks.

use super::{
    super::{Context, error::check_raw, pinned::Pinned, scratch::Scratch},
    BlockKernel, Coefficients, Parts, bytes,
    launch::Grid,
    picture_job, put,
};
use crate::{
    Result,
    jpeg::{Chains, Jpeg},
};
use bytemuck::cast_slice;
use cust::{stream::Stream, sys};
use imagecuda_kernels::jpeg::{
    jobs::PictureJob,
    picture::{BLOCK, Picture},
    progressive::{
        Start,
        chain::Steps,
        jobs::{AcScan, BlocksJob, CHAIN_THREADS, ChainJob, Interval, READ_AHEAD, Table},
    },
};
use std::{
    mem::offset_of,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// The streams in which scans are followed.
pub(super) const STREAMS: usize = 3;

/// The streams in which scans are followed, and how many pictures are.
pub(crate) struct Followers {
    pub(in super::super) streams: [Stream; STREAMS],
    pictures: AtomicUsize,
}

impl Followers {
    pub(in super::super) fn new(streams: [Stream; STREAMS]) -> Self {
        Self {
            streams,
            pictures: AtomicUsize::new(0),
        }
    }
}

/// A picture whose scans are to be followed. Its upload is under way.
pub(crate) struct FollowedJpeg {
    picture: Picture,
    context: Arc<Context>,
    chains: Vec<ChainJob>,
    /// The numbers of the scans that the scans follow.
    follows: Vec<Option<usize>>,
    /// The address of the picture's job.
    job: u64,
    /// `None` once it is on its way to the coefficients.
    blocks: Option<BlockKernel>,
    upload: Pinned,
}

impl std::fmt::Debug for FollowedJpeg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} scans to follow", self.chains.len())
    }
}

impl FollowedJpeg {
    /// The bytes of its coefficients.
    pub(crate) fn bytes(&self) -> usize {
        bytes(&self.picture)
    }
}

impl Drop for FollowedJpeg {
    fn drop(&mut self) {
        self.context
            .followers
            .pictures
            .fetch_sub(1, Ordering::Relaxed);
    }
}

/// Where the parts of a scan are in a picture's memory.
struct ScanParts {
    tables: usize,
    intervals: usize,
    data: usize,
    starts: usize,
}

impl Context {
    /// How many pictures are being followed or wait for it.
    pub(crate) fn followed_jpegs(&self) -> usize {
        self.followers.pictures.load(Ordering::Relaxed)
    }

    /// Uploads what the kernels need of a progressive picture.
    pub(crate) fn follow_jpeg(
        self: &Arc<Self>,
        jpeg: &Jpeg<'_>,
        Chains(chains): Chains,
    ) -> Result<FollowedJpeg> {
        let _current = self.enter()?;
        let picture = *jpeg.picture();
        let ac: Vec<_> = (0..picture.components as usize)
            .flat_map(|index| {
                let of = chains.iter().enumerate();
                of.filter(move |(_, chain)| chain.component == Some(index))
            })
            .collect();
        let mut parts = Parts::default();
        let job_at = parts.add(size_of::<PictureJob>());
        let blocks_at = parts.add(size_of::<BlocksJob>());
        let ac_at = parts.add(ac.len() * size_of::<AcScan>());
        let mut of_scans: Vec<_> = chains
            .iter()
            .map(|chain| ScanParts {
                tables: parts.add(size_of_val(&chain.tables[..])),
                intervals: parts.add(size_of_val(&chain.intervals[..])),
                data: parts.add(chain.data().len() + READ_AHEAD),
                starts: 0,
            })
            .collect();
        let uploaded = parts.end;
        let dc_at = parts.add(picture.blocks() * size_of::<i16>());
        let masks: Vec<_> = picture
            .parts()
            .iter()
            .map(|part| parts.add(part.blocks() * size_of::<u64>()))
            .collect();
        for (number, chain) in &ac {
            of_scans[*number].starts = parts.add(chain.job.blocks as usize * size_of::<Start>());
        }
        let mut pinned = self.pinned(uploaded)?;
        let mut memory = self.scratch(parts.end)?;
        let base = memory.pointer().as_raw();
        let at = |offset: usize| base + offset as u64;

        let mut blocks = BlocksJob {
            picture,
            dc: at(dc_at),
            scans: at(ac_at),
            scan_ends: [0; 4],
            coefficients: 0,
            first_thread_block: 0,
            reserved: 0,
        };
        let mut ac_scans = Vec::with_capacity(ac.len());
        for (number, chain) in ac {
            let part = &of_scans[number];
            ac_scans.push(AcScan {
                data: at(part.data),
                starts: at(part.starts),
                symbols: at(part.tables) + offset_of!(Table, symbols) as u64,
                band: chain.job.band,
            });
            let component = chain.component.unwrap_or_default();
            blocks
                .scan_ends
                .iter_mut()
                .skip(component)
                .for_each(|end| *end += 1);
        }
        put(
            &mut pinned,
            job_at,
            &[picture_job(picture, jpeg.quantizers())],
        );
        put(&mut pinned, blocks_at, &[blocks]);
        put(&mut pinned, ac_at, &ac_scans);
        let mut jobs = Vec::with_capacity(chains.len());
        for (chain, part) in chains.iter().zip(&of_scans) {
            put::<Table>(&mut pinned, part.tables, &chain.tables);
            put::<Interval>(&mut pinned, part.intervals, &chain.intervals);
            put::<u8>(&mut pinned, part.data, chain.data());
            let (results, masks) = match chain.component {
                None => (dc_at, 0),
                Some(component) => (part.starts, at(masks[component])),
            };
            jobs.push(ChainJob {
                data: at(part.data),
                intervals: at(part.intervals),
                tables: at(part.tables),
                masks,
                results: at(results),
                ..chain.job
            });
        }
        memory.wait_on(&self.uploads)?;
        // Blocks that only fill MCUs may be in no scan.
        // SAFETY: within the memory, and the stream is this context's.
        let result = unsafe {
            let count = picture.blocks() * size_of::<i16>();
            sys::cuMemsetD8Async(at(dc_at), 0, count, self.uploads.as_inner())
        };
        check_raw("cuMemsetD8Async", result)?;
        pinned.start_upload(memory.pointer(), uploaded, &self.uploads)?;
        memory.record_on(&self.uploads)?;
        self.followers.pictures.fetch_add(1, Ordering::Relaxed);
        Ok(FollowedJpeg {
            picture,
            context: Arc::clone(self),
            chains: jobs,
            follows: chains.iter().map(|chain| chain.follows).collect(),
            job: at(job_at),
            blocks: Some(BlockKernel {
                job: at(blocks_at),
                thread_blocks: blocks.thread_blocks(),
                memory,
            }),
            upload: pinned,
        })
    }

    /// Follows the scans of one picture, and waits. `None` if something is wrong with its data.
    pub(crate) fn decode_followed(
        self: &Arc<Self>,
        jpeg: FollowedJpeg,
    ) -> Result<Option<Coefficients>> {
        let _current = self.enter()?;
        let flight = Flight::launch(self, vec![(jpeg, ())], 0);
        let finished = flight
            .map_err(|_| crate::ErrorKind::DeviceMismatch)?
            .finish(self);
        Ok(finished.into_iter().next().and_then(|(_, found)| found))
    }
}

/// Pictures whose scans are being followed.
pub(super) struct Flight<T> {
    pictures: Vec<(FollowedJpeg, T)>,
    /// The statuses come first.
    staging: Pinned,
    table: Scratch,
}

impl<T> Flight<T> {
    /// Starts to follow all scans. If that fails, returns the pictures' values.
    pub(super) fn launch(
        context: &Arc<Context>,
        mut pictures: Vec<(FollowedJpeg, T)>,
        number: usize,
    ) -> Result<Self, Vec<T>> {
        let stream = &context.followers.streams[number % STREAMS];
        match start(context, &mut pictures, stream) {
            Ok((staging, table)) => Ok(Self {
                pictures,
                staging,
                table,
            }),
            Err(_) => {
                let _ = context.wait_for_all();
                Err(pictures.into_iter().map(|(_, with)| with).collect())
            }
        }
    }

    /// Waits until all scans are followed. Returns what is needed to make the coefficients, or `None`
    /// where something is wrong with the data.
    pub(super) fn finish(mut self, context: &Arc<Context>) -> Vec<(T, Option<Coefficients>)> {
        let waited = self.staging.wait_asleep();
        if waited.is_err() {
            let _ = context.wait_for_all();
        }
        self.table.mark_idle();
        let statuses: Vec<u32> = match waited {
            Ok(()) => cast_slice(&self.staging[..4 * self.pictures.len()]).to_vec(),
            Err(_) => vec![u32::MAX; self.pictures.len()],
        };
        let pictures = self.pictures.into_iter().zip(statuses);
        pictures
            .map(|((jpeg, with), status)| {
                let found = (status == 0).then(|| jpeg.coefficients(context));
                (with, found.and_then(Result::ok))
            })
            .collect()
    }
}

impl FollowedJpeg {
    fn coefficients(mut self, context: &Arc<Context>) -> Result<Coefficients> {
        let bytes = bytes(&self.picture);
        let made = context.scratch(bytes + self.picture.blocks() * BLOCK)?;
        let base = made.pointer().as_raw();
        Ok(Coefficients {
            picture: self.picture,
            job: self.job,
            coefficients: base,
            samples: base + bytes as u64,
            has_samples: false,
            memory: made,
            blocks: self.blocks.take(),
        })
    }
}

fn start<T>(
    context: &Arc<Context>,
    pictures: &mut [(FollowedJpeg, T)],
    stream: &Stream,
) -> Result<(Pinned, Scratch)> {
    let count: usize = pictures.iter().map(|(jpeg, _)| jpeg.chains.len()).sum();
    let statuses = pictures.len();
    let mut parts = Parts::default();
    let statuses_at = parts.add(4 * pictures.len());
    let next_at = parts.add(size_of::<u32>());
    let progress_at = parts.add(4 * count);
    let jobs_at = parts.add(count * size_of::<ChainJob>());
    let mut table = context.scratch(parts.end)?;
    let base = table.pointer().as_raw();
    let mut jobs = Vec::with_capacity(count);
    for (picture, (jpeg, _)) in pictures.iter().enumerate() {
        let first = jobs.len();
        let progress = |number: usize| base + (progress_at + 4 * (first + number)) as u64;
        for (number, (job, follows)) in jpeg.chains.iter().zip(&jpeg.follows).enumerate() {
            jobs.push(ChainJob {
                progress: progress(number),
                followed: follows.map_or(0, progress),
                status: base + (statuses_at + 4 * picture) as u64,
                ..*job
            });
        }
    }
    let tables = jobs.iter().map(|job| job.table_count).max().unwrap_or(0);
    let mut pinned = context.pinned(parts.end)?;
    pinned[..jobs_at].fill(0);
    put(&mut pinned, jobs_at, &jobs);
    let _launching = context.lock_launch();
    table.wait_on(stream)?;
    for (jpeg, _) in &mut *pictures {
        jpeg.upload.order_before(stream)?;
        if let Some(blocks) = &mut jpeg.blocks {
            blocks.memory.wait_on(stream)?;
        }
    }
    pinned.start_upload(table.pointer(), parts.end, stream)?;
    let grid = Grid {
        blocks: count as u32,
        threads: CHAIN_THREADS,
        shared: tables * size_of::<Steps>() as u32,
    };
    let arguments = [base + jobs_at as u64, base + next_at as u64];
    // SAFETY: the kernel takes as many jobs as it has thread blocks. The jobs have addresses of the
    // pictures' memory and of the table, which are used again in stream order.
    unsafe { context.launch("jpeg_chain", grid, stream, &arguments)? };
    for (jpeg, _) in pictures {
        if let Some(blocks) = &mut jpeg.blocks {
            blocks.memory.record_on(stream)?;
        }
    }
    pinned.start_fetch(table.pointer(), 4 * statuses, stream)?;
    Ok((pinned, table))
}
